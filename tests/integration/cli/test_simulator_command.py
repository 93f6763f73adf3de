"""`alchemiser simulator` serves any other bot: what is chosen takes effect, what is wrong is named as it was given."""

from __future__ import annotations

import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import httpx
import pytest

from cli.embedded_redis import free_port
from tests.integration.cli.house import Ended

Run = Callable[..., Ended]


def test_it_serves_what_was_chosen_until_it_is_told_to_stop(tmp_path: Path, eventually: Callable[..., object]) -> None:
    url = f"http://127.0.0.1:{(port := free_port())}"
    chosen = ["--port", str(port), "--seed", "3", "--speed", "0", "--start", "2024-06-03T09:45", "--key", "mine"]
    command = [sys.executable, "-m", "cli.main", "simulator", *chosen, "--secret", "only-this"]

    def account(key: str, secret: str) -> int:
        headers = {"APCA-API-KEY-ID": key, "APCA-API-SECRET-KEY": secret}
        return httpx.get(f"{url}/v2/account", headers=headers).status_code

    def answers() -> bool:
        try:
            return httpx.get(f"{url}/sim/health").is_success
        except httpx.TransportError:
            return False

    with (tmp_path / "log").open("wb") as log, subprocess.Popen(command, stdout=log, stderr=log) as simulator:
        try:
            eventually(answers, within=30)
            clock = httpx.get(f"{url}/sim/clock").json()
            assert (clock["speed"], clock["is_open"]) == (0, True)
            assert clock["now"].startswith("2024-06-03T13:45:00")
            assert [account("mine", "only-this"), account("mine", "other"), account("another", "x")] == [200, 403, 403]
        finally:
            simulator.send_signal(signal.SIGTERM)
        assert simulator.wait(20) == 0
    log_text = (tmp_path / "log").read_text()
    assert url in log_text
    assert "only-this" not in log_text


@pytest.mark.parametrize(
    ("arguments", "named"),
    [
        (["--start", "yesterday"], "--start: expected New York time as 2024-06-03T09:30"),
        (["--speed", "-1"], "--speed: "),
        (["--fills", "perfect"], "--fills: "),
        (["--rate-limit", "-5"], "--rate-limit: "),
        (["--data", "/no/such/place"], "--data: expected an existing directory"),
    ],
)
def test_a_wrong_option_is_2_and_named_as_it_was_given(alchemiser: Run, arguments: list[str], named: str) -> None:
    ended = alchemiser("simulator", *arguments)
    assert ended.code == 2
    assert named in ended.err


def test_data_that_are_none_are_named_in_one_line(tmp_path: Path) -> None:
    (tmp_path / "daily_ohlcv").mkdir()
    (tmp_path / "daily_ohlcv" / "SPY.csv").write_text("nonsense\n1\n")
    for folder in (tmp_path, tmp_path / "daily_ohlcv"):
        command = [sys.executable, "-m", "cli.main", "simulator", "--port", "0", "--data", str(folder)]
        ended = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
        assert ended.returncode == 2
        [line] = ended.stderr.splitlines()
        assert line.startswith(f"alchemiser: --data: {folder}")
        assert "expected" in line


def test_a_wrong_variable_is_78_and_named_as_it_was_given(alchemiser: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SIM_SPEED", "fast")
    ended = alchemiser("simulator", "--seed", "3")
    assert ended.code == 78
    assert "SIM_SPEED: " in ended.err


def test_half_a_login_is_78(alchemiser: Run) -> None:
    ended = alchemiser("simulator", "--key", "mine")
    assert ended.code == 78
    assert "expected both or neither" in ended.err

"""An exchange that outlives its process: accounts, orders and the clock are there again, or it says why they cannot be."""

from __future__ import annotations

import datetime as dt
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx
import pytest

from cli.embedded_redis import free_port
from services.simulator.adapters.call_log import StateError
from tests.integration.simulator.running import Running, Start


def test_accounts_orders_and_the_clock_outlive_a_restart(start_simulator: Start, tmp_path: Path) -> None:
    first = start_simulator(state=tmp_path)
    first.order(qty="3")
    resting = first.order(type="limit", limit_price="1", client_order_id="resting").json()
    cancelled = first.order(type="limit", limit_price="2").json()
    first.api.delete(f"/v2/orders/{cancelled['id']}").raise_for_status()
    changed = first.api.patch(f"/v2/orders/{resting['id']}", json={"limit_price": "3"}).json()
    first.api.patch("/v2/account/configurations", json={"no_shorting": True}).raise_for_status()
    first.advance(90)
    before = told(first)
    first.stop()

    second = start_simulator(state=tmp_path)
    assert told(second) == before
    assert second.get(f"/v2/orders/{changed['id']}")["replaces"] == resting["id"]
    second.go_to("2024-06-03T16:00")
    assert second.get(f"/v2/orders/{changed['id']}")["status"] == "expired"


def test_what_was_done_after_a_restart_is_kept_too(start_simulator: Start, tmp_path: Path) -> None:
    for shares in (1, 2, 3):
        simulator = start_simulator(state=tmp_path)
        assert simulator.order().json()["status"] == "pending_new"
        simulator.advance(30)
        assert simulator.get("/v2/positions")[0]["qty"] == str(shares)
        simulator.stop()


def test_a_reset_begins_a_new_exchange_which_is_then_kept(start_simulator: Start, tmp_path: Path) -> None:
    first = start_simulator(state=tmp_path)
    first.order()
    first.api.post("/sim/reset", json={"start": "2024-06-04T11:00"}).raise_for_status()
    first.order(symbol="TLT")
    before = told(first)
    first.stop()
    second = start_simulator(state=tmp_path)
    assert told(second) == before
    assert [held["symbol"] for held in second.get("/v2/positions")] == ["TLT"]


def test_a_line_that_a_kill_cut_off_was_never_answered_and_is_left_out(start_simulator: Start, tmp_path: Path) -> None:
    first = start_simulator(state=tmp_path)
    first.order()
    before = told(first)
    first.stop()
    with (tmp_path / "calls.jsonl").open("a") as file:
        file.write('{"account":"bot","at":"2024-06-03T14:0')
    second = start_simulator(state=tmp_path)
    assert told(second) == before
    second.order()
    after = told(second)
    second.stop()
    assert told(start_simulator(state=tmp_path)) == after


@pytest.mark.parametrize(
    ("line", "named"),
    [
        ("nonsense\n", "line 2: expected a call"),
        ('{"did":"submitted","account":"bot"}\n', "at: Field required"),
        (
            '{"did":"cancelled","account":"bot","at":"2024-06-03T14:00:00Z","order_id":"x","fate":"honoured"}\n',
            "not found",
        ),
    ],
)
def test_what_cannot_be_read_is_named(start_simulator: Start, tmp_path: Path, line: str, named: str) -> None:
    start_simulator(state=tmp_path).stop()
    with (tmp_path / "calls.jsonl").open("a") as file:
        file.write(line)
    with pytest.raises(StateError, match=named):
        start_simulator(state=tmp_path)


def test_what_is_no_directory_or_no_text_is_named(start_simulator: Start, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(StateError, match="file: expected to read and write there, got"):
        start_simulator(state=tmp_path / "file")
    (tmp_path / "calls.jsonl").write_bytes(b"\xff\xfe\n")
    with pytest.raises(StateError, match=r"calls\.jsonl: expected to read and write there, got"):
        start_simulator(state=tmp_path)


def test_other_settings_do_not_get_an_exchange_that_is_not_theirs(tmp_path: Path, start_simulator: Start) -> None:
    start_simulator(state=tmp_path).stop()
    command = [sys.executable, "-m", "cli.main", "simulator", "--port", "0", "--seed", "8", "--state", str(tmp_path)]
    ended = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert ended.returncode == 2
    assert ended.stderr.strip().count("\n") == 0
    assert "keeps an exchange of seed 7, configured is 8" in ended.stderr


def test_a_killed_process_loses_no_order_and_no_fill_that_was_told(
    tmp_path: Path, eventually: Callable[..., Any]
) -> None:
    port, headers = free_port(), {"APCA-API-KEY-ID": "bot", "APCA-API-SECRET-KEY": "s"}
    body = {"symbol": "SPY", "qty": "1", "side": "buy", "type": "market", "time_in_force": "day"}
    command = [sys.executable, "-m", "services.simulator"]
    environment = {**os.environ, "SIM_PORT": str(port), "SIM_STATE": str(tmp_path), "SIM_START": "2024-06-03T10:00"}
    with httpx.Client(base_url=f"http://127.0.0.1:{port}", headers=headers, trust_env=False) as api:
        ids = []
        for _ in range(2):
            process = subprocess.Popen(command, env=environment)
            try:
                eventually(lambda: answers(api), within=60, what="the simulator")
                ids.append(api.post("/v2/orders", json=body).raise_for_status().json()["id"])
                found = {order["id"] for order in api.get("/v2/orders", params={"status": "all"}).json()}
                assert found == set(ids)
                filled = eventually(lambda: filled_at(api, ids[-1]), what="a fill")
            finally:
                process.kill()
                process.wait()
            kept = dt.datetime.fromisoformat((tmp_path / "clock").read_text())
            assert kept >= filled, (
                "a fill that was told would be undone, and could be cancelled before it happens again"
            )


def test_the_clock_is_kept_before_a_fill_is_told(start_simulator: Start, tmp_path: Path) -> None:
    """However shortly before it was saved last."""
    simulator = start_simulator(state=tmp_path)
    for _ in range(5):
        order = simulator.order().json()
        simulator.advance(3)
        filled = dt.datetime.fromisoformat(simulator.get(f"/v2/orders/{order['id']}")["filled_at"])
        assert dt.datetime.fromisoformat((tmp_path / "clock").read_text()) >= filled


def filled_at(api: httpx.Client, order_id: str) -> dt.datetime | None:
    told = api.get(f"/v2/orders/{order_id}").raise_for_status().json()["filled_at"]
    return dt.datetime.fromisoformat(told) if told else None


def told(simulator: Running) -> list[Any]:
    paths = ("/sim/clock", "/v2/account", "/v2/account/configurations", "/v2/positions", "/v2/account/activities")
    return [simulator.get(path) for path in paths] + [simulator.get("/v2/orders", status="all")]


def answers(api: httpx.Client) -> bool:
    try:
        return api.get("/sim/health").is_success
    except httpx.TransportError:
        return False

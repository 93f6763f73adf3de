"""`alchemiser demo` as a person runs it: a filled rebalance in 30 s, every promise kept, and nothing left behind however it ends."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

pytestmark = [pytest.mark.slow, pytest.mark.timeout(240)]

Eventually = Callable[..., object]
DEMO = [sys.executable, "-m", "cli.main", "demo"]
ROOT = Path(__file__).resolve().parents[2]
ENVIRONMENT = {**os.environ, "PYTHONPATH": str(ROOT), "COLUMNS": "160", "ALCHEMISER_MODE": "live", "NO_COLOR": "1"}
SECTIONS = ("Signals", "Target portfolio", "Plan", "Orders", "Positions", "Cash", "The mail", "Promises", "Addresses")
SECONDS = re.compile(r"^([\d.]+) s from the first process to the end of the rebalance", re.MULTILINE)


class Demo:
    """A demo at work; what it writes goes to a file, its processes have `folder` as their working directory."""

    def __init__(self, process: subprocess.Popen[bytes], folder: Path) -> None:
        self.process = process
        self.folder = folder

    @property
    def output(self) -> str:
        return (self.folder.parent / "output").read_text()

    def survivors(self) -> list[str]:
        """Whatever still runs where the demo's processes ran."""
        found = []
        for process in Path("/proc").glob("[0-9]*"):
            try:
                if (process / "cwd").resolve() == self.folder:
                    found.append((process / "cmdline").read_bytes().replace(b"\0", b" ").decode())
            except OSError:
                continue
        return found


@contextmanager
def demo(tmp_path: Path, *arguments: str) -> Iterator[Demo]:
    folder = tmp_path / "logs"
    folder.mkdir()
    command = [*DEMO, "--logs", str(folder), *arguments]
    with (tmp_path / "output").open("wb") as output:
        process = subprocess.Popen(
            command,
            stdout=output,
            stderr=output,
            cwd=tmp_path,
            env=ENVIRONMENT,
            preexec_fn=_listen_to_ctrl_c,  # noqa: PLW1509 - no thread runs yet
        )
    try:
        yield Demo(process, folder.resolve())
    finally:
        process.kill()
        process.wait(10)


def _listen_to_ctrl_c() -> None:
    """A suite that runs in the background is told to ignore SIGINT and would hand that down; a terminal does not."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)


def _invitation(running: Demo) -> str:
    """The line it offers for another terminal."""
    return next(line.strip() for line in running.output.splitlines() if "cli.env" in line)


def assert_a_whole_rebalance(output: str) -> None:
    assert [name for name in SECTIONS if name not in output] == [], output
    assert "BROKEN" not in output, output
    assert output.count("kept") >= 6
    for side in ("sell", "buy"):
        assert re.search(rf"{side} [\d.,]+ \w+ filled", output), output
    took = SECONDS.search(output)
    assert took, output
    assert float(took[1]) <= 30, output


def test_it_rebalances_shows_everything_and_stays_until_ctrl_c(tmp_path: Path, eventually: Eventually) -> None:
    with demo(tmp_path) as running:
        eventually(lambda: "alchemiser status\n" in running.output or running.process.poll() is not None, within=120)
        assert_a_whole_rebalance(running.output)
        assert len(running.survivors()) >= 7, "it goes on running"
        line = _invitation(running)
        asked = subprocess.run(["sh", "-c", line], env=ENVIRONMENT, capture_output=True, text=True, check=False)
        assert asked.returncode == 0, asked.stdout + asked.stderr
        assert asked.stdout.count(" ready ") == 4
        running.process.send_signal(signal.SIGINT)
        assert running.process.wait(40) == 0, running.output
        assert running.survivors() == []


def test_on_recorded_prices_it_keeps_every_promise_and_ends_by_itself(tmp_path: Path, market_data_dir: Path) -> None:
    with demo(tmp_path, "--once", "--data", str(market_data_dir)) as running:
        assert running.process.wait(150) == 0, running.output
        assert_a_whole_rebalance(running.output)
        assert running.survivors() == []


def test_a_termination_on_the_way_leaves_nothing(tmp_path: Path, eventually: Eventually) -> None:
    with demo(tmp_path, "--once") as running:
        eventually(lambda: "simulator" in running.output or running.process.poll() is not None, within=60)
        running.process.terminate()
        assert running.process.wait(40) == 128 + signal.SIGTERM, running.output
        assert running.survivors() == []


def test_a_killed_demo_leaves_nothing(tmp_path: Path, eventually: Eventually) -> None:
    with demo(tmp_path, "--once") as running:
        eventually(lambda: "simulator" in running.output or running.process.poll() is not None, within=60)
        running.process.kill()
        running.process.wait(10)
        eventually(lambda: running.survivors() == [], within=40, what="the guardian ends what is left")


def test_a_process_that_does_not_come_up_fails_it_with_the_reason(tmp_path: Path) -> None:
    empty = tmp_path / "no-data-in-here"
    empty.mkdir()
    with demo(tmp_path, "--once", "--data", str(empty)) as running:
        assert running.process.wait(90) == 1, running.output
        assert "simulator ended with" in running.output
        assert "no-data-in-here" in running.output
        assert running.survivors() == []

"""The demo's processes are real, come up in order, and none survives: not Ctrl-C, not SIGTERM, not a crash of the demo itself."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from cli.demo.crew import Crew, CrewError, Program
from cli.demo.guardian import members

Eventually = Callable[..., object]

PATIENT = "import signal; print('up', flush=True); signal.pause()"
STUBBORN = (
    "import signal; signal.signal(signal.SIGTERM, signal.SIG_IGN); print('up', flush=True)\nwhile True: signal.pause()"
)
WITH_CHILD = """
import os, signal
if os.fork() == 0:
    os.setpgid(0, 0)  # as RQ's work horses do
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    print("child", flush=True)
    while True: signal.pause()
print("up", flush=True)
signal.pause()
"""
TELLS_WHEN_IT_ENDS = """
import signal, sys, time
def end(*_):
    print("ended", time.monotonic_ns(), flush=True)
    sys.exit(0)
signal.signal(signal.SIGTERM, end)
print("up", flush=True)
while True: signal.pause()
"""


@pytest.fixture
def crew(tmp_path: Path) -> Iterator[Crew]:
    with Crew(tmp_path, grace_seconds=2) as crew:
        yield crew


def program(crew: Crew, name: str, source: str, *, says: str = "up", stage: int = 0) -> Program:
    def is_ready() -> str | None:
        return None if says in crew.log_of(name).read_text() else f"has not said {says!r}"

    return Program(name, [sys.executable, "-c", source], dict(os.environ), stage, is_ready)


def start(crew: Crew, *programs: Program) -> None:
    for each in programs:
        crew.start(each)
    crew.wait_until_ready(programs, seconds=20)


def test_waiting_ends_when_every_program_is_ready_and_asks_for_progress(crew: Crew) -> None:
    ticks: list[int] = []
    first, second = program(crew, "first", PATIENT), program(crew, "second", PATIENT)
    crew.start(first)
    crew.start(second)
    crew.wait_until_ready([first, second], seconds=20, tick=lambda: ticks.append(1))
    assert set(crew.pids) == {"first", "second"}
    assert ticks


def test_a_program_that_dies_is_told_with_its_code_and_the_end_of_its_log(crew: Crew) -> None:
    dying = program(crew, "dying", "import sys; print('no key given'); sys.exit(78)")
    crew.start(dying)
    with pytest.raises(CrewError, match=r"(?s)dying ended with 78.*no key given"):
        crew.wait_until_ready([dying], seconds=20)


def test_a_program_that_is_never_ready_is_told_with_its_reason(crew: Crew) -> None:
    mute = program(crew, "mute", PATIENT, says="something else")
    crew.start(mute)
    with pytest.raises(CrewError, match=r"mute is not ready after 0\.2 s: has not said 'something else'"):
        crew.wait_until_ready([mute], seconds=0.2)


def test_stopping_leaves_nothing_even_of_programs_that_refuse_or_fork(crew: Crew) -> None:
    start(crew, program(crew, "stubborn", STUBBORN), program(crew, "forking", WITH_CHILD, says="child"))
    pids = list(crew.pids.values())
    assert len(members(crew.pids["forking"])) == 2
    crew.stop()
    assert [members(pid) for pid in pids] == [(), ()]
    assert crew.pids == {}


def test_what_stands_on_others_is_stopped_before_them(crew: Crew) -> None:
    base = program(crew, "base", TELLS_WHEN_IT_ENDS, stage=0)
    above = program(crew, "above", TELLS_WHEN_IT_ENDS, stage=1)
    start(crew, base, above)
    order: list[str] = []
    crew.adopt("ground", os.getpid(), lambda: order.append(crew.log_of("base").read_text()))
    crew.stop()
    ended = {name: int(crew.log_of(name).read_text().split()[-1]) for name in ("base", "above")}
    assert ended["above"] < ended["base"]
    assert "ended" in order[0], "what was adopted is stopped last"


def test_a_second_signal_while_stopping_ends_everything_at_once(tmp_path: Path, eventually: Eventually) -> None:
    crew = Crew(tmp_path, grace_seconds=3600)
    start(crew, program(crew, "stubborn", STUBBORN))
    pid = crew.pids["stubborn"]
    before = signal.getsignal(signal.SIGTERM)

    def press_again() -> None:
        eventually(lambda: signal.getsignal(signal.SIGTERM) is not before, what="the crew takes signals over")
        os.kill(os.getpid(), signal.SIGTERM)

    impatient = threading.Thread(target=press_again)
    impatient.start()
    crew.stop()
    impatient.join()
    assert members(pid) == ()
    assert signal.getsignal(signal.SIGTERM) is before


def test_nothing_survives_when_the_demo_itself_is_killed(tmp_path: Path, eventually: Eventually) -> None:
    source = f"""
import os, signal, sys
from pathlib import Path
from cli.demo.crew import Crew, Program
crew = Crew(Path({str(tmp_path)!r}), grace_seconds=1)
for name, code in (("patient", {PATIENT!r}), ("forking", {WITH_CHILD!r})):
    crew.start(Program(name, [sys.executable, "-c", code], dict(os.environ), 0))
print(*crew.pids.values(), flush=True)
signal.pause()
"""
    with subprocess.Popen([sys.executable, "-c", source], stdout=subprocess.PIPE, text=True) as demo:
        assert demo.stdout is not None
        pids = [int(pid) for pid in demo.stdout.readline().split()]
        eventually(lambda: len(members(pids[1])) == 2, what="the forked child lives")
        demo.kill()
    assert len(pids) == 2
    eventually(lambda: all(members(pid) == () for pid in pids), within=20, what="the guardian has ended both")

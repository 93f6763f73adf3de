"""Real processes that belong together: started one by one, watched, and stopped in reverse order so that none survives."""

from __future__ import annotations

import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Self

from cli.demo.guardian import end_sessions, members

_TAIL_LINES = 15


class CrewError(RuntimeError):
    """A process did not come up, or ended; carries the end of its log."""


@dataclass(frozen=True, slots=True)
class Program:
    """What to run. `is_ready` answers why it is not, or None; without it, a living process is a ready one."""

    name: str
    command: Sequence[str]
    environment: Mapping[str, str]
    stage: int
    """What stands on others has the higher stage; a stage is stopped, all at once, before the ones below it."""
    is_ready: Callable[[], str | None] | None = None


@contextmanager
def _signals_call(action: Callable[[], None]) -> Iterator[None]:
    """Ctrl-C and SIGTERM call `action` meanwhile, where this is the thread that gets signals."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = {n: signal.signal(n, lambda *_: action()) for n in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


class Crew:
    """`folder` holds one log per process and is their working directory, so that nobody's `.env` is read."""

    def __init__(self, folder: Path, *, grace_seconds: float = 15) -> None:
        self._folder = folder
        self._grace = grace_seconds
        self._running: dict[str, subprocess.Popen[bytes]] = {}
        self._stages: dict[str, int] = {}
        self._adopted: dict[str, tuple[int, Callable[[], None]]] = {}
        self._hurry = threading.Event()
        self._guardian = subprocess.Popen(  # noqa: S603 - our own program
            [sys.executable, "-m", "cli.demo.guardian", str(grace_seconds)],
            stdin=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, value: BaseException | None, at: TracebackType | None) -> None:
        self.stop()

    @property
    def pids(self) -> dict[str, int]:
        """Everything that runs, by name."""
        return {n: p.pid for n, p in self._running.items()} | {n: pid for n, (pid, _) in self._adopted.items()}

    def start(self, program: Program) -> None:
        with self.log_of(program.name).open("ab") as log:
            # A session of its own: Ctrl-C at the terminal reaches the demo alone, which then stops the crew in order.
            child = subprocess.Popen(  # noqa: S603 - our own programs
                list(program.command),
                env=dict(program.environment),
                cwd=self._folder,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        self._tell_guardian("watch", child.pid)
        self._running[program.name] = child
        self._stages[program.name] = program.stage

    def adopt(self, name: str, pid: int, stop: Callable[[], None]) -> None:
        """Something that starts and stops itself: stopped last of all, and watched by the guardian too."""
        self._tell_guardian("watch", pid)
        self._adopted[name] = (pid, stop)

    def wait_until_ready(
        self,
        programs: Sequence[Program],
        *,
        seconds: float,
        tick: Callable[[], None] = lambda: None,
        on_ready: Callable[[str], None] = lambda _: None,
    ) -> None:
        """Calls `tick` between questions. Raises CrewError with the reason and the log when one dies or the time is over."""
        deadline = time.monotonic() + seconds
        waiting = {program.name: program for program in programs}
        while waiting:
            self.check()
            reasons = {name: program.is_ready() if program.is_ready else None for name, program in waiting.items()}
            for name in [name for name, reason in reasons.items() if reason is None]:
                del waiting[name]
                on_ready(name)
            if waiting and time.monotonic() > deadline:
                name = next(iter(waiting))
                raise CrewError(f"{name} is not ready after {seconds:g} s: {reasons[name]}\n{self._tail(name)}")
            tick()
            self._hurry.wait(0.05)

    def check(self) -> None:
        """Raises CrewError when a process has ended."""
        for name, child in self._running.items():
            code = child.poll()
            if code is not None:
                raise CrewError(f"{name} ended with {code}\n{self._tail(name)}")

    def stop(self) -> None:
        """Stage by stage; a second Ctrl-C or SIGTERM meanwhile ends what is left at once. Safe to call again."""
        with _signals_call(self._hurry.set):
            for stage in sorted(set(self._stages.values()), reverse=True):
                self._stop_stage([name for name, its in self._stages.items() if its == stage])
            for name, (pid, stop) in list(self._adopted.items()):
                stop()
                self._forget(name, pid)
            self._dismiss_guardian()

    def log_of(self, name: str) -> Path:
        return self._folder / f"{name}.log"

    def _stop_stage(self, names: Sequence[str]) -> None:
        children = {name: self._running[name] for name in names}
        for child in children.values():
            if child.poll() is None:
                child.terminate()
        deadline = time.monotonic() + self._grace
        for name, child in children.items():
            self._end(child, deadline)
            self._forget(name, child.pid)

    def _end(self, child: subprocess.Popen[bytes], deadline: float) -> None:
        """It was told to end; whatever of its session is left after the grace is killed."""
        while child.poll() is None and time.monotonic() < deadline and not self._hurry.wait(0.02):
            pass
        if child.poll() is None or members(child.pid):
            end_sessions([child.pid], grace_seconds=0)
        child.wait(5)

    def _forget(self, name: str, pid: int) -> None:
        self._tell_guardian("forget", pid)
        self._running.pop(name, None)
        self._stages.pop(name, None)
        self._adopted.pop(name, None)

    def _tell_guardian(self, word: str, pid: int) -> None:
        if self._guardian.stdin is not None and self._guardian.poll() is None:
            self._guardian.stdin.write(f"{word} {pid}\n")
            self._guardian.stdin.flush()

    def _dismiss_guardian(self) -> None:
        if self._guardian.stdin is not None:
            self._guardian.stdin.close()
        self._guardian.wait(10)

    def _tail(self, name: str) -> str:
        lines = self.log_of(name).read_text(errors="replace").splitlines()[-_TAIL_LINES:]
        return "\n".join([f"  the end of {self.log_of(name)}:", *(f"  | {line}" for line in lines)])

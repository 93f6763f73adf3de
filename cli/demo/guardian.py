"""Outlives the demo by a moment: when the demo vanishes without a word, even by SIGKILL, what it had started is stopped here.

Reads "watch <pid>" and "forget <pid>" lines on stdin; its end is the sign. Its one argument: seconds between SIGTERM and SIGKILL. Every watched process leads a session of its own.
"""

from __future__ import annotations

import os
import signal
import sys
import time
from collections.abc import Iterable
from pathlib import Path


def main() -> None:
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)
    watched: dict[int, None] = {}
    for line in sys.stdin:
        word, pid = line.split()
        if word == "watch":
            watched[int(pid)] = None
        else:
            watched.pop(int(pid), None)
    end_sessions(reversed(watched), grace_seconds=float(sys.argv[1]))


def end_sessions(leaders: Iterable[int], *, grace_seconds: float) -> None:
    """SIGTERM to everything in these sessions, SIGKILL to what is left after the grace."""
    sessions = tuple(leaders)
    _signal(sessions, signal.SIGTERM)
    deadline = time.monotonic() + grace_seconds
    while any(members(s) for s in sessions) and time.monotonic() < deadline:
        time.sleep(0.05)
    _signal(sessions, signal.SIGKILL)


def members(session: int) -> tuple[int, ...]:
    """The live processes of that session; where there is no /proc, the leader's group answers for it."""
    proc = Path("/proc")
    if not proc.is_dir():
        return (session,) if _group_lives(session) else ()
    return tuple(int(p.name) for p in proc.iterdir() if p.name.isdigit() and _session_of(p) == session)


def _session_of(process: Path) -> int | None:
    """The session of a process that is neither gone nor a zombie."""
    try:
        # The command's name, in brackets, may hold anything; what follows it is: state ppid pgrp session ...
        state, _parent, _group, session = (process / "stat").read_text().rpartition(")")[2].split()[:4]
    except (OSError, ValueError):
        return None
    return None if state in "ZX" else int(session)


def _group_lives(group: int) -> bool:
    try:
        os.killpg(group, 0)
    except (ProcessLookupError, PermissionError):
        return False
    return True


def _signal(sessions: tuple[int, ...], number: signal.Signals) -> None:
    for session in sessions:
        for pid in members(session):
            try:
                os.kill(pid, number)
            except ProcessLookupError:
                continue


if __name__ == "__main__":
    main()

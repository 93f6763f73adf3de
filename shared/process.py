"""A service as a process: named parts in threads that live and die together, and stop on SIGTERM or Ctrl-C."""

from __future__ import annotations

import signal
import threading
from collections.abc import Callable, Mapping
from types import FrameType

from shared import logs, metrics

Part = Callable[[threading.Event], None]
"""Runs until the event is set; returning earlier or raising ends the whole process, so that a supervisor restarts it."""


def run(
    service: str, parts: Mapping[str, Part], *, stop: threading.Event | None = None, grace_seconds: float = 20
) -> int:
    """Run all parts until one ends or a signal comes. Returns the exit code: 0 after a signal, 1 when a part failed."""
    stop = stop or threading.Event()
    failed = threading.Event()
    log = logs.get(service)
    _stop_on_signals(stop)
    threads = [
        threading.Thread(target=_guarded, args=(service, n, p, stop, failed), name=n, daemon=True)
        for n, p in parts.items()
    ]
    for thread in threads:
        thread.start()
    log.info("started", parts=sorted(parts))
    stop.wait()
    for thread in threads:
        thread.join(grace_seconds)
    late = [thread.name for thread in threads if thread.is_alive()]
    log.info("stopped", still_running=late)
    return 1 if failed.is_set() or late else 0


def _guarded(service: str, name: str, part: Part, stop: threading.Event, failed: threading.Event) -> None:
    metrics.UP_PARTS.labels(service, name).set(1)
    try:
        part(stop)
        if not stop.is_set():
            failed.set()
            logs.get(service).error("a part ended by itself", part=name)
    except Exception:  # noqa: BLE001 - the edge of the process: log it and end
        failed.set()
        logs.get(service).error("a part failed", part=name, exc_info=True)
    finally:
        metrics.UP_PARTS.labels(service, name).set(0)
        stop.set()


def _stop_on_signals(stop: threading.Event) -> None:
    def on_signal(_number: int, _frame: FrameType | None) -> None:
        stop.set()

    if threading.current_thread() is threading.main_thread():
        signal.signal(signal.SIGTERM, on_signal)
        signal.signal(signal.SIGINT, on_signal)

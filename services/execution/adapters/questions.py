"""Asking the broker until it answers: an outage delays a leg, it never decides anything."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Final, TypeVar

from services.execution.ports import BrokerUnavailableError
from shared import logs

_T = TypeVar("_T")
_PAUSE_SECONDS: Final = 0.5


class StoppedWaitingError(RuntimeError):
    """The process ends before the broker has answered."""


def answered(ask: Callable[[], _T], stop: threading.Event, meanwhile: Callable[[], None]) -> _T:
    """The answer, however long it takes. `meanwhile` runs between attempts (it looks after a lease). Raises StoppedWaitingError."""
    while True:
        try:
            return ask()
        except BrokerUnavailableError as error:
            logs.get("execution.desk").warning("the broker does not answer", error=str(error))
        meanwhile()
        if stop.wait(_PAUSE_SECONDS):
            raise StoppedWaitingError("stopped while waiting for the broker")


def settled(
    ask: Callable[[], _T], is_good: Callable[[_T], bool], stop: threading.Event, pauses: tuple[float, ...]
) -> _T:
    """The first good answer, else the last one after these pauses: what the broker books a moment later is waited for."""
    answer = ask()
    for pause in pauses:
        if is_good(answer) or stop.wait(pause):
            break
        answer = ask()
    return answer

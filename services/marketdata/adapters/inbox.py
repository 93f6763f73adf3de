"""The queue between everything that is heard and the one thread that judges it."""

from __future__ import annotations

import queue
import time

from services.marketdata.domain.desk import Observation
from services.marketdata.ports import Observer

_CAPACITY = 200_000
"""Some seconds of the full market. Beyond it the newest are thrown away and counted: memory is not the place to wait."""


class BoundedInbox:
    def __init__(self, observer: Observer, *, capacity: int = _CAPACITY) -> None:
        self._queue: queue.SimpleQueue[Observation] = queue.SimpleQueue()
        self._observer = observer
        self._capacity = capacity

    def put(self, observation: Observation) -> None:
        if self._queue.qsize() < self._capacity:
            self._queue.put(observation)
        else:
            self._observer.overflowed(1)

    def take(self, *, wait_seconds: float, gather_seconds: float, count: int) -> list[Observation]:
        try:
            taken = [self._queue.get(timeout=wait_seconds)]
        except queue.Empty:
            return []
        until = time.monotonic() + gather_seconds
        while len(taken) < count:
            try:
                taken.append(self._queue.get(timeout=max(0.0, until - time.monotonic())))
            except queue.Empty:
                break
        return taken

"""What is due when: openings, expiries, second looks. In time order, and in the order of entry at one instant."""

from __future__ import annotations

import datetime as dt
import heapq
from collections.abc import Callable

Action = Callable[[dt.datetime], None]


class Agenda:
    """An action that has become pointless by the time it is due must see that for itself."""

    def __init__(self) -> None:
        self._heap: list[tuple[dt.datetime, int, Action]] = []
        self._entered = 0

    def add(self, at: dt.datetime, action: Action) -> None:
        self._entered += 1
        heapq.heappush(self._heap, (at, self._entered, action))

    def next_at(self) -> dt.datetime | None:
        return self._heap[0][0] if self._heap else None

    def run_due(self, now: dt.datetime) -> None:
        while self._heap and self._heap[0][0] <= now:
            at, _, action = heapq.heappop(self._heap)
            action(at)

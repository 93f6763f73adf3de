"""The in-memory twin of redis_budget.py."""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Callable

from services.execution.domain.request_budget import WINDOW_SECONDS, Allowance, Purpose


class MemoryBudget:
    """`monotonic` measures the window."""

    def __init__(
        self,
        allowance: Allowance,
        monotonic: Callable[[], float] = time.monotonic,
        *,
        window_seconds: float = WINDOW_SECONDS,
    ) -> None:
        self._allowance = allowance
        self._window = window_seconds
        self._monotonic = monotonic
        self._lock = threading.Lock()
        self._spent = deque[float]()
        self._shut_until = 0.0

    def spend(self, purpose: Purpose) -> float:
        if self._allowance.is_unlimited:
            return 0.0
        with self._lock:
            now, most = self._monotonic(), self._allowance.most_for(purpose)
            while self._spent and self._spent[0] + self._window <= now:
                self._spent.popleft()
            if most is not None and (wait := self._wait(now, most)) > 0:
                return wait
            self._spent.append(now)
            return 0.0

    def shut(self, seconds: float) -> None:
        with self._lock:
            self._shut_until = max(self._shut_until, self._monotonic() + seconds)

    def _wait(self, now: float, most: int) -> float:
        if self._shut_until > now:
            return self._shut_until - now
        if len(self._spent) < most:
            return 0.0
        return self._spent[len(self._spent) - most] + self._window - now if most else self._window

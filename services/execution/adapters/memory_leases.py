"""The in-memory twin of redis_leases.py, for tests, chaos runs and one-process replays."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class _Lease:
    owner: str
    fence: int
    ends: float


class MemoryLeases:
    """`monotonic` measures lifetimes."""

    def __init__(self, monotonic: Callable[[], float] = time.monotonic) -> None:
        self._monotonic = monotonic
        self._lock = threading.Lock()
        self._leases: dict[str, _Lease] = {}
        self._last = 0

    def take(self, name: str, owner: str, ttl_seconds: float) -> int | None:
        with self._lock:
            held, now = self._leases.get(name), self._monotonic()
            if held is not None and held.owner != owner and held.ends > now:
                return None
            # As the server does: a rewind of what is kept never hands the same token out twice.
            self._last = max(int(self._monotonic() * 1000), self._last + 1)
            self._leases[name] = _Lease(owner, self._last, now + ttl_seconds)
            return self._last

    def renew(self, name: str, owner: str, fence: int, ttl_seconds: float) -> bool:
        with self._lock:
            held = self._leases.get(name)
            if held is None or (held.owner, held.fence) != (owner, fence):
                return False
            self._leases[name] = _Lease(owner, fence, self._monotonic() + ttl_seconds)
            return True

    def release(self, name: str, owner: str, fence: int) -> None:
        with self._lock:
            held = self._leases.get(name)
            if held is not None and (held.owner, held.fence) == (owner, fence):
                del self._leases[name]

    def is_held(self, name: str) -> bool:
        with self._lock:
            held = self._leases.get(name)
            return held is not None and held.ends > self._monotonic()

    def newest(self, name: str) -> int | None:
        with self._lock:
            held = self._leases.get(name)
            return None if held is None else held.fence

    def is_newest(self, fence: int) -> bool:
        """Whether that token is some lease's current one; what the journal asks before it records an intent."""
        with self._lock:
            return any(lease.fence == fence for lease in self._leases.values())

"""One process at a time does it: a lease that is renewed while its holder asks, and taken over once it no longer does."""

from __future__ import annotations

import os
import socket
import time
from collections.abc import Callable

from services.execution.ports import Leases
from shared.bus import BusUnavailableError


class Leadership:
    """Seconds are real. Raises BusUnavailableError while nobody can know who leads."""

    def __init__(
        self, leases: Leases, name: str, seconds: float, *, monotonic: Callable[[], float] = time.monotonic
    ) -> None:
        self._leases = leases
        self._name = name
        self._seconds = seconds
        self._monotonic = monotonic
        self._owner = f"{socket.gethostname()}-{os.getpid()}-{id(self)}"
        self._fence: int | None = None
        self._renew_at = 0.0

    def leads(self) -> bool:
        now = self._monotonic()
        if self._fence is not None and now < self._renew_at:
            return True
        self._renew_at = now + self._seconds / 3
        if self._fence is None or not self._leases.renew(self._name, self._owner, self._fence, self._seconds):
            self._fence = self._leases.take(self._name, self._owner, self._seconds)
        return self._fence is not None

    @property
    def is_leading(self) -> bool:
        """As of the last time that was asked; may be read from every thread."""
        return self._fence is not None

    def let_go(self) -> None:
        if self._fence is None:
            return
        try:
            self._leases.release(self._name, self._owner, self._fence)
        except BusUnavailableError:
            return  # it ends by itself

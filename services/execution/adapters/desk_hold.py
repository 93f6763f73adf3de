"""The lease under which a leg is worked, and the thread that renews it: apart from the desk's loop, so that no slow call loses it.

    sure ── the time is over, no answer from Redis ──► unsure ── renewed, nobody had taken it over ──► sure
                                                          └───── another worker has it ──► lost, for ever

Sure means that no other worker can have begun: measured here, from before the newest renewal that succeeded was asked for.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from concurrent.futures import Executor
from typing import Final, Self

from services.execution.adapters.desk_book import Book
from services.execution.domain.records import leg_id
from services.execution.ports import FencedOutError, Leases
from shared import logs
from shared.bus import BusUnavailableError

_RENEWALS_IN_A_LIFETIME: Final = 3


def since_boot() -> float:
    """Seconds that go on while the machine sleeps, where the system counts them: Redis may stand on another one."""
    clock = getattr(time, "CLOCK_BOOTTIME", None)
    return time.monotonic() if clock is None else time.clock_gettime(clock)


def is_desk_at_work(book: Book, leases: Leases) -> bool:
    """Whether somebody holds a leg of the plan that is carried out."""
    plan = book.active_plan()
    return plan is not None and any(leases.is_held(leg_id(plan, side)) for side in ("sell", "buy"))


class Hold:
    """One worker's lease on one leg. May be asked from every thread; whoever is about to send asks `is_sure` first."""

    def __init__(
        self, leases: Leases, name: str, owner: str, seconds: float, monotonic: Callable[[], float] = since_boot
    ) -> None:
        self.name = name
        self.seconds = seconds
        self.fence = 0
        self._leases = leases
        self._owner = owner
        self._monotonic = monotonic
        self._sure_until = 0.0
        self._is_lost = False

    def take(self) -> bool:
        """False while another worker's lease lives. Raises BusUnavailableError."""
        asked = self._monotonic()
        fence = self._leases.take(self.name, self._owner, self.seconds)
        if fence is None:
            return False
        self.fence, self._sure_until = fence, asked + self.seconds
        return True

    @property
    def is_lost(self) -> bool:
        return self._is_lost

    def is_sure(self) -> bool:
        return not self._is_lost and self._monotonic() < self._sure_until

    def check(self) -> None:
        """Raises FencedOutError when it was lost. Asks by itself when the renewals have not come for a lifetime."""
        if not self._is_lost and not self.is_sure():
            self.renew()
        if self._is_lost:
            raise FencedOutError(f"{self.name}: another worker has taken over")

    def renew(self) -> None:
        """Ask for more time. An unreachable Redis loses nothing by itself: whether another worker came, only an answer tells."""
        asked = self._monotonic()
        try:
            kept = self._leases.renew(self.name, self._owner, self.fence, self.seconds)
        except BusUnavailableError:
            return
        if kept:
            self._sure_until = max(self._sure_until, asked + self.seconds)
        else:
            self._is_lost = True

    def release(self) -> None:
        try:
            self._leases.release(self.name, self._owner, self.fence)
        except BusUnavailableError:
            return  # it ends by itself


class Renewals:
    """Renews a hold a few times in its lifetime, in one of `threads`, until it is left or lost."""

    def __init__(self, hold: Hold, threads: Executor) -> None:
        self._hold = hold
        self._threads = threads
        self._stop = threading.Event()

    def __enter__(self) -> Self:
        self._threads.submit(self._run)
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()  # a renewal under way finds the lease released and brings nothing back

    def _run(self) -> None:
        while not self._stop.wait(self._hold.seconds / _RENEWALS_IN_A_LIFETIME) and not self._hold.is_lost:
            try:
                self._hold.renew()
            except Exception:  # noqa: BLE001 - an answer nobody expected must not end the renewals
                logs.get("execution.desk").error("a lease was not renewed", lease=self._hold.name, exc_info=True)

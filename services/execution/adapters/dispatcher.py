"""The execution process's errands: plan what waits, and hand legs that nobody works to the workers. Woken by news, else by time.

One process at a time does it, under a lease; another one takes over when that one dies. What two did at once would be done
once all the same: a plan is committed under its id, an offer may be doubled.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from typing import Final

from services.execution.adapters.desk_book import Book
from services.execution.adapters.leadership import Leadership
from services.execution.adapters.planner import Planner
from services.execution.domain.alerts import alert
from services.execution.domain.records import LegRecord
from services.execution.ports import BrokerUnavailableError, Leases, LegQueue, Papers
from shared import logs
from shared.bus import BusUnavailableError, Delivery, Outcome
from shared.clock import Clock
from shared.contracts import Message
from shared.contracts.alerts import AlertRaised
from shared.contracts.control import RebalanceRequested
from shared.contracts.strategy import TargetPortfolioSet
from shared.runner import Hooks

_LEASE: Final = "dispatcher"
_LEASE_SECONDS: Final = 2.0
_SWEEP_SECONDS: Final = 0.2
_OUTAGE_SECONDS: Final = 1.0
_REDIS_AWAY_SECONDS: Final = 0.2
_WANT_SECONDS: Final = 30.0
_HAND_OVER_SECONDS: Final = 0.3
"""Real seconds in which a worker that stands by takes a leg."""
_NOBODY_SECONDS: Final = 30.0
"""Real seconds a leg may wait for a worker before a person hears of it."""


class Dispatcher(Hooks):
    """A listener of the runner: what it commits is looked at in the same moment."""

    def __init__(
        self,
        planner: Planner,
        book: Book,
        legs: LegQueue,
        leases: Leases,
        clock: Clock,
        *,
        nobody_seconds: float = _NOBODY_SECONDS,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._planner = planner
        self._book = book
        self._legs = legs
        self._leases = leases
        self._clock = clock
        self._nobody_seconds = nobody_seconds
        self._monotonic = monotonic
        self._leadership = Leadership(leases, _LEASE, _LEASE_SECONDS, monotonic=monotonic)
        self._want_at = 0.0
        self._handed_over = ("", 0.0)
        self._waiting_since: dict[str, float] = {}
        self._news = threading.Event()
        self._log = logs.get("execution.dispatcher")

    def received(self, delivery: Delivery, message: Message) -> None:
        """What a plan begins with takes time, and needs not wait for the target to be written down."""
        if isinstance(message, TargetPortfolioSet | RebalanceRequested) and self._leadership.is_leading:
            try:
                if self._planner.ask_ahead():
                    self._legs.call_in()
            except Exception as error:  # noqa: BLE001 - only a beginning: what is missing is done when it is planned
                self._log.warning("nothing is done ahead", error=f"{type(error).__name__}: {error}")

    def committed(self, delivery: Delivery, message: Message, outcome: Outcome, seconds: float) -> None:
        self._news.set()

    def run(self, stop: threading.Event) -> None:
        """A part of a process."""
        while not stop.is_set():
            try:
                self.sweep()
                self._news.wait(_SWEEP_SECONDS)
            except BusUnavailableError as error:
                self._log.warning("errands wait", error=str(error))
                stop.wait(_REDIS_AWAY_SECONDS)
            except BrokerUnavailableError as error:
                self._log.warning("errands wait", error=str(error))
                stop.wait(_OUTAGE_SECONDS)
            except ValueError as error:  # a record that cannot be read: nothing is assumed in its place
                self._log.error("errands wait", error=str(error))
                stop.wait(_OUTAGE_SECONDS)
            self._news.clear()
        self._leadership.let_go()

    def sweep(self) -> None:
        """Once. Raises BusUnavailableError, BrokerUnavailableError."""
        if not self._leadership.leads():
            return
        active = self._book.active_plan()
        # Legs first: a broker that does not answer the planner must not keep orphans waiting.
        self._offer_legs(active)
        papers = self._planner.plan_newest(active)
        if papers is not None:
            self._hand_over(papers)
        elif active is None:
            self._legs.prepare()
        if self._monotonic() >= self._want_at:
            self._want_at = self._monotonic() + _WANT_SECONDS
            self._planner.want_quotes()

    def _offer_legs(self, plan_id: str | None) -> None:
        if plan_id is None:
            return
        found = (self._book.leg_of(plan_id, "sell"), self._book.leg_of(plan_id, "buy"))
        legs = [leg for leg in found if leg is not None]
        open_legs = [leg for leg in legs if leg.status in ("ready", "working")]
        # All done and the plan still active: its last worker died before the report.
        for leg in open_legs or legs[-1:]:
            if leg.status != "waiting":
                self._offer(leg)

    def _hand_over(self, papers: Papers) -> None:
        """A worker that stands by has it at once; whether one did is seen a moment later, when it is offered to all."""
        leg_id = papers.leg.leg_id
        if self._legs.hand_over(papers):
            self._handed_over = (leg_id, self._monotonic())
        elif self._legs.offer(leg_id):
            self._log.info("leg offered", leg=leg_id)

    def _is_handed_over(self, leg_id: str) -> bool:
        return self._handed_over[0] == leg_id and self._monotonic() - self._handed_over[1] < _HAND_OVER_SECONDS

    def _offer(self, leg: LegRecord) -> None:
        if self._is_handed_over(leg.leg_id):
            return
        if self._leases.is_held(leg.leg_id):
            self._waiting_since.pop(leg.leg_id, None)
            return
        if self._legs.offer(leg.leg_id):
            self._log.info("leg offered", leg=leg.leg_id)
        since = self._waiting_since.setdefault(leg.leg_id, self._monotonic())
        if self._monotonic() - since > self._nobody_seconds:
            self._book.tell([self._nobody(leg)], once=f"{leg.leg_id}:nobody")

    def _nobody(self, leg: LegRecord) -> AlertRaised:
        name, title = f"{leg.leg_id}#nobody", "No worker takes the orders of a plan"
        detail = f"{leg.leg_id} has waited for more than {self._nobody_seconds:g} s"
        do = "Start a worker: `python -m services.execution.jobs`, or scale the execution-worker service."
        return alert(name, self._clock.now(), "critical", title, detail, do=do, of=leg.plan_id)

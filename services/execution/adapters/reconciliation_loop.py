"""Reconciliation as a part of the process: at start, when asked (after each login of the socket, by a person), and by time.

At rest every so many seconds, the whole account; while orders of ours may fill every few seconds, so that a fill nobody told
of is known soon; and quickly while the books and the broker differ.
"""

from __future__ import annotations

import datetime as dt
import queue
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Final

from services.execution.adapters.bookkeeper import Bookkeeper
from services.execution.adapters.books_report import Decision
from services.execution.adapters.metrics_listener import books_seen
from services.execution.adapters.reconciliation import ReconciliationReport, UpdatesLog, reconcile
from services.execution.domain.alerts import alert
from services.execution.ports import Broker, BrokerUnavailableError, Journal
from shared import logs
from shared.bus import Bus, BusUnavailableError, Delivery, Outcome, Publication
from shared.clock import Clock
from shared.contracts import Message, streams
from shared.contracts.execution import RebalanceCompleted
from shared.runner import Hooks

_FIRST_LOOK_BACK: Final = dt.timedelta(days=1)
_OVERLAP: Final = dt.timedelta(minutes=5)
_RETRY_SECONDS: Final = (0.25, 0.5, 1.0, 2.0)
"""After the first failure, the second and so on; the last for all that follow."""
_BUSY_SECONDS: Final = 8.0
_DOUBT_SECONDS: Final = 5.0


@dataclass(frozen=True, slots=True)
class Pace:
    """Real seconds: between rounds at rest, and how long an update under way may take before it counts as missed.

    `patience`: how long the books may wait for a broker that answers questions about orders only.
    """

    every: float = 30.0
    arrival: float = 1.0
    busy: float = _BUSY_SECONDS
    doubt: float = _DOUBT_SECONDS
    patience: float = 90.0


@dataclass(slots=True)
class _Errand:
    """Somebody waits for a round that begins after he asked."""

    decision: Decision | None
    done: threading.Event = field(default_factory=threading.Event)
    report: ReconciliationReport | None = None
    error: str = ""


class ReconciliationLoop:
    """`on_missed` is called when an update was found that the socket should have told; `is_busy` while orders may fill.

    `is_watched` while a desk works them: it asks about silent orders itself, and requests are few.
    """

    def __init__(
        self,
        broker: Broker,
        journal: Journal,
        updates: UpdatesLog,
        bus: Bus,
        clock: Clock,
        *,
        pace: Pace = Pace(),
        books: Bookkeeper | None = None,
        is_busy: Callable[[], bool] = lambda: False,
        is_watched: Callable[[], bool] = lambda: False,
        on_missed: Callable[[], None] = lambda: None,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._broker = broker
        self._journal = journal
        self._updates = updates
        self._bus = bus
        self._clock = clock
        self._pace = pace
        self._books = books
        self._is_busy = is_busy
        self._is_watched = is_watched
        self._on_missed = on_missed
        self._monotonic = monotonic
        self._asked = threading.Event()
        self._errands: queue.SimpleQueue[_Errand] = queue.SimpleQueue()
        self._logins = self._logins_seen = 0
        self._whole_at: float | None = None
        self._late_since: float | None = None
        self._log = logs.get("execution.reconciliation")
        self._problem: str | None = "not reconciled with the broker yet"
        self.last: ReconciliationReport | None = None
        self.last_whole: ReconciliationReport | None = None
        """The last one that looked at positions and cash too."""

    def ask(self) -> None:
        """Reconcile soon, the whole account; safe from any thread."""
        self._whole_at = None
        self._asked.set()

    def after_login(self) -> None:
        """The socket listens from now on; what the next round finds missed was told while it did not."""
        self._logins += 1
        self.ask()

    def demand(self, decision: Decision | None = None, *, seconds: float = 25.0) -> ReconciliationReport:
        """The report of a round that began after this was asked. Raises BrokerUnavailableError; safe from any thread."""
        errand = _Errand(decision)
        self._errands.put(errand)
        self.ask()
        if not errand.done.wait(seconds):
            raise BrokerUnavailableError(f"not reconciled within {seconds:g} s")
        if errand.report is None:
            raise BrokerUnavailableError(f"not reconciled: {errand.error}")
        return errand.report

    def problem(self) -> str | None:
        """For /ready: why our picture may differ from the broker's, None while it does not."""
        return self._problem

    def run(self, stop: threading.Event) -> None:
        """A part of a process."""
        failures = 0
        while not stop.is_set():
            self._asked.clear()
            errand = self._next_errand()
            failures = 0 if self._attempt(stop, errand) else failures + 1
            self._sleep(_RETRY_SECONDS[min(failures, len(_RETRY_SECONDS)) - 1] if failures else self._pause(), stop)

    def once(
        self,
        pause: Callable[[], None] = lambda: None,
        *,
        whole: bool = True,
        decision: Decision | None = None,
        insists: bool = False,
    ) -> ReconciliationReport:
        """One round. Raises BrokerUnavailableError, BusUnavailableError. `insists`: not without the books."""
        now = self._clock.now()
        report = reconcile(self._broker, self._journal, self._updates, self._since(now), now, let_updates_arrive=pause)
        self._tell(report)
        self.last = report
        if self._books is not None:
            try:
                books = self._books.round({o.id: o for o in report.seen}, whole=whole, decision=decision)
                report, self._late_since = replace(report, books=books), None
            except BrokerUnavailableError as error:
                if insists or not self._books.is_open:
                    raise
                self._wait_for_broker(error)
        self.last, self._problem = report, self._lateness()
        if whole and self._late_since is None:
            self.last_whole, self._whole_at = report, self._monotonic()
            self._show(report)
        return report

    def _wait_for_broker(self, error: BrokerUnavailableError) -> None:
        """The orders are reconciled all the same; the books catch up later."""
        self._late_since = self._late_since if self._late_since is not None else self._monotonic()
        self._log.info("the books wait for the broker", error=str(error))

    def _lateness(self) -> str | None:
        late = 0.0 if self._late_since is None else self._monotonic() - self._late_since
        return f"the books were not compared for {late:.0f} s" if late >= self._pace.patience else None

    def _show(self, report: ReconciliationReport) -> None:
        if self._books is not None and report.books is not None:
            prices, doubts = self._books.last_prices, len(report.books.doubts)
            self._books.books.look(lambda ledger: books_seen(ledger, prices, doubts))

    def _attempt(self, stop: threading.Event, errand: _Errand | None) -> bool:
        is_first, before, logins = self.last is None, self.last, self._logins
        try:
            # At the start nothing is under way: what was told to a process that is gone comes from here or not at all.
            report = self.once(
                lambda: _pause(stop, 0.0 if is_first else self._pace.arrival),
                whole=errand is not None or self._is_whole_due(),
                decision=errand.decision if errand is not None else None,
                insists=errand is not None,
            )
        except (BrokerUnavailableError, BusUnavailableError, ValueError) as error:
            self._problem = f"not reconciled: {error}"
            self._log.warning("not reconciled", error=str(error))
            _answer(errand, None, str(error))
            # Missed updates were told all the same, when the orders were answered and only the books were not.
            if self.last is not None and self.last is not before:
                self._blame(self.last, is_first, logins)
            return False
        _answer(errand, report, "")
        self._blame(report, is_first, logins)
        return True

    def _blame(self, report: ReconciliationReport, is_first: bool, logins: int) -> None:  # noqa: FBT001 - of one caller
        """Suspect the socket of what was missed, unless it happened before this start or before its newest login.

        Else every login would find what was missed before it, and be taken for mute for that.
        """
        has_listened = logins == self._logins_seen and logins == self._logins
        self._logins_seen = logins
        if report.has_missed_updates and has_listened and not is_first:
            self._on_missed()

    def _next_errand(self) -> _Errand | None:
        try:
            return self._errands.get_nowait()
        except queue.Empty:
            return None

    def _is_whole_due(self) -> bool:
        in_doubt = self._books is not None and self._books.is_in_doubt
        return in_doubt or self._whole_at is None or self._monotonic() - self._whole_at >= self._pace.every - 1

    def _pause(self) -> float:
        """How long until the next round. A fill that nobody told must be known within ten seconds."""
        pace = self._pace
        if self._books is not None and self._books.is_in_doubt:
            return min(pace.every, pace.doubt)
        is_live = self.last is not None and (self.last.oldest_live is not None or bool(self.last.unresolved))
        return min(pace.every, pace.busy) if self._is_alone_with_orders(is_live=is_live) else pace.every

    def _is_alone_with_orders(self, *, is_live: bool = False) -> bool:
        """Whether orders may fill and nobody else would notice."""
        try:
            return (is_live or self._is_busy()) and not self._is_watched()
        except BusUnavailableError:
            return is_live

    def _sleep(self, seconds: float, stop: threading.Event) -> None:
        """Until the time is over, somebody asks, orders begin to be worked, or the process stops."""
        step, deadline = 0.1, self._monotonic() + seconds
        busy_by = self._monotonic() + self._pace.busy
        while (now := self._monotonic()) < deadline:
            if self._asked.is_set() or not self._errands.empty() or stop.wait(step):
                return
            if now >= busy_by and self._is_alone_with_orders():
                return

    def _since(self, now: dt.datetime) -> dt.datetime:
        """Far enough back for every order of ours that had not ended the last time."""
        if self.last is None:
            return now - _FIRST_LOOK_BACK
        return min(self.last.at, self.last.oldest_live or self.last.at) - _OVERLAP

    def _tell(self, report: ReconciliationReport) -> None:
        for difference in report.differences:
            self._log.warning(
                "differed from the broker",
                what=difference.kind,
                client_order_id=difference.client_order_id,
                symbol=difference.symbol,
                detail=difference.detail,
            )
        for order in report.foreign:
            name, title = f"foreign-{order.id}", f"An order that is not ours is open: {order.side} {order.symbol}"
            detail = f"{order.qty or '?'} {order.symbol}, client order id {order.client_order_id}. It is left alone."
            do = "If you did not place it yourself, look at the account and change its keys."
            told = alert(name, report.at, "warning", title, detail, do=do)
            self._bus.commit(Outcome((Publication(streams.alerts_of("execution"), told),)), once=name)


class AfterPlans(Hooks):
    """Listens to execution.events: the end of a plan asks for a round."""

    def __init__(self, ask: Callable[[], None]) -> None:
        self._ask = ask

    def committed(self, delivery: Delivery, message: Message, outcome: Outcome, seconds: float) -> None:
        if isinstance(message, RebalanceCompleted):
            self._ask()


def _pause(stop: threading.Event, seconds: float) -> None:
    stop.wait(seconds)


def _answer(errand: _Errand | None, report: ReconciliationReport | None, error: str) -> None:
    if errand is not None:
        errand.report, errand.error = report, error
        errand.done.set()

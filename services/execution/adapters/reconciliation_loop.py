"""Reconciliation as a part of the process: at start, when asked (after each login of the socket), and every so many seconds."""

from __future__ import annotations

import datetime as dt
import threading
from collections.abc import Callable

from services.execution.adapters.reconciliation import ReconciliationReport, UpdatesLog, reconcile
from services.execution.ports import Broker, BrokerUnavailableError, Journal
from shared import logs
from shared.bus import Bus, BusUnavailableError, Outcome, Publication
from shared.clock import Clock
from shared.contracts import streams
from shared.contracts.alerts import AlertRaised

_FIRST_LOOK_BACK = dt.timedelta(days=1)
_OVERLAP = dt.timedelta(minutes=5)
_RETRY_SECONDS = 2.0


class ReconciliationLoop:
    """`on_missed` is called when an update was found that the socket should have told. Pauses are real seconds."""

    def __init__(
        self,
        broker: Broker,
        journal: Journal,
        updates: UpdatesLog,
        bus: Bus,
        clock: Clock,
        *,
        every_seconds: float = 30,
        arrival_seconds: float = 1.0,
        on_missed: Callable[[], None] = lambda: None,
    ) -> None:
        self._broker = broker
        self._journal = journal
        self._updates = updates
        self._bus = bus
        self._clock = clock
        self._every = every_seconds
        self._arrival = arrival_seconds
        self._on_missed = on_missed
        self._asked = threading.Event()
        self._log = logs.get("execution.reconciliation")
        self._problem: str | None = "not reconciled with the broker yet"
        self.last: ReconciliationReport | None = None

    def ask(self) -> None:
        """Reconcile soon; safe from any thread."""
        self._asked.set()

    def problem(self) -> str | None:
        """For /ready: why our picture may differ from the broker's, None while it does not."""
        return self._problem

    def run(self, stop: threading.Event) -> None:
        """A part of a process."""
        while not stop.is_set():
            self._asked.clear()
            wait = self._every if self._attempt(stop) else _RETRY_SECONDS
            self._sleep(wait, stop)

    def once(self, pause: Callable[[], None] = lambda: None) -> ReconciliationReport:
        """One round. Raises BrokerUnavailableError, BusUnavailableError."""
        now = self._clock.now()
        report = reconcile(self._broker, self._journal, self._updates, self._since(now), now, let_updates_arrive=pause)
        self._tell(report)
        self.last, self._problem = report, None
        return report

    def _attempt(self, stop: threading.Event) -> bool:
        is_first = self.last is None
        try:
            report = self.once(lambda: _pause(stop, self._arrival))
        except (BrokerUnavailableError, BusUnavailableError) as error:
            self._problem = f"not reconciled: {error}"
            self._log.warning("not reconciled", error=str(error))
            return False
        if report.has_missed_updates and not is_first:  # what happened before this start is no socket's fault
            self._on_missed()
        return True

    def _sleep(self, seconds: float, stop: threading.Event) -> None:
        """Until the time is over, somebody asks, or the process stops."""
        step = 0.1
        for _ in range(max(1, int(seconds / step))):
            if self._asked.is_set() or stop.wait(step):
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
            alert = AlertRaised(
                id=f"foreign-{order.id}",
                correlation_id=f"foreign-{order.id}",
                at=report.at,
                source="execution",
                severity="warning",
                title=f"An order that is not ours is open: {order.side} {order.symbol}",
                detail=f"{order.qty or '?'} {order.symbol}, client order id {order.client_order_id}. It is left alone.",
                what_to_do="If you did not place it yourself, look at the account and change its keys.",
            )
            publication = Publication(streams.alerts_of("execution"), alert)
            self._bus.commit(Outcome((publication,)), once=alert.id)


def _pause(stop: threading.Event, seconds: float) -> None:
    stop.wait(seconds)

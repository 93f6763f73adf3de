"""Watches the account and its market while the market is open, and asks for a stop when too much is lost or nothing is seen.

The stop itself is the same halt that people ask for: kept, told, its cancels proven, ended by `resume` only.
"""

from __future__ import annotations

import datetime as dt
import threading
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from services.execution.adapters.desk_book import Book
from services.execution.adapters.equity_book import EquityBook
from services.execution.adapters.leadership import Leadership
from services.execution.domain.alerts import alert
from services.execution.domain.limits import Bounds
from services.execution.domain.losses import EquityRecord
from services.execution.domain.stops import Breach, WatchRules, breach_of, is_stricter
from services.execution.ports import Broker, BrokerUnavailableError, Quotes
from shared import logs
from shared.bus import Bus, BusUnavailableError, Outcome, Publication
from shared.clock import Clock
from shared.contracts import streams
from shared.contracts.control import HaltRequested
from shared.sessions import session_at

_PAUSE_SECONDS: Final = 0.5
_SEEN: Final = 2
"""How often in a row a loss is seen before it is believed: one wrong reading stops nothing."""


@dataclass(frozen=True, slots=True)
class WatchPorts:
    bus: Bus
    book: Book
    broker: Broker
    quotes: Quotes
    equity: EquityBook
    clock: Clock
    leadership: Leadership


class Watch:
    """`listener` hears every reading."""

    def __init__(
        self,
        ports: WatchPorts,
        bounds: Bounds,
        rules: WatchRules,
        *,
        listener: Callable[[EquityRecord], None] = lambda _reading: None,
    ) -> None:
        self._ports = ports
        self._bounds = bounds
        self._rules = rules
        self._listener = listener
        self._next_at = dt.datetime.min.replace(tzinfo=dt.UTC)
        self._blind_since: dt.datetime | None = None
        self._seen: tuple[str, int] = ("", 0)
        self._log = logs.get("execution.watch")

    def run(self, stop: threading.Event) -> None:
        """A part of a process."""
        while not stop.is_set():
            try:
                if self._ports.leadership.leads() and self._ports.clock.now() >= self._next_at:
                    self._next_at = self._ports.clock.now() + dt.timedelta(seconds=self._rules.every_seconds)
                    self.check()
            except (BrokerUnavailableError, BusUnavailableError, ValueError) as error:
                self._log.warning("the account could not be looked at", error=str(error))
            stop.wait(_PAUSE_SECONDS)
        self._ports.leadership.let_go()

    def check(self) -> None:
        """Once. Raises BrokerUnavailableError, BusUnavailableError, ValueError."""
        now = self._ports.clock.now()
        if session_at(now) is None:
            self._blind_since, self._seen = None, ("", 0)
            return
        reading = self._ports.equity.read(self._ports.broker.account())
        self._listener(reading)
        breach = self._believed(breach_of(reading, self._bounds)) or self._blindness(now)
        if breach is not None:
            self._stop(breach, now)

    def _believed(self, breach: Breach | None) -> Breach | None:
        cause = breach.cause if breach is not None else ""
        self._seen = (cause, self._seen[1] + 1 if cause == self._seen[0] else 1)
        return breach if self._seen[1] >= _SEEN else None

    def _blindness(self, now: dt.datetime) -> Breach | None:
        """Every quote of what is held is missing or old, for so long."""
        if not self._rules.blind_seconds or not self._is_blind(now):
            self._blind_since = None
            return None
        self._blind_since = self._blind_since or now
        seconds = (now - self._blind_since).total_seconds()
        if seconds < self._rules.blind_seconds:
            return None
        detail = (
            f"no quote of what is held is younger than {self._bounds.max_quote_age_seconds:g} s, for {seconds:.0f} s"
        )
        return Breach("data loss", detail)

    def _is_blind(self, now: dt.datetime) -> bool:
        held = [position.symbol for position in self._ports.broker.positions() if position.is_share]
        found = self._ports.quotes.latest(held) if held else {}
        ages = [quote.age(now).total_seconds() for quote in found.values() if quote.is_two_sided]
        return bool(held) and all(age > self._bounds.max_quote_age_seconds for age in ages)

    def _stop(self, breach: Breach, now: dt.datetime) -> None:
        """Once for every time that trading was let go on; a stricter state of somebody else's stays."""
        trading = self._ports.book.trading()
        state = self._rules.blind_state if breach.cause == "data loss" else self._rules.loss_state
        if not is_stricter(state, trading.state):
            return
        name = f"{breach.cause.replace(' ', '-')}-{trading.since.isoformat() if trading.since else 'start'}"
        halt = HaltRequested(
            id=name,
            correlation_id=name,
            at=now,
            origin="schedule",
            state=state,
            reason=f"{breach.cause}: {breach.detail}",
            cause=breach.cause,
            seen_since=trading.since,
        )
        outcome = Outcome((Publication(streams.CONTROL, halt), _alert(halt, breach)))
        self._ports.bus.commit(outcome, once=name)


def _alert(halt: HaltRequested, breach: Breach) -> Publication:
    name, title = f"{halt.id}#alert", f"Trading is stopped ({halt.state}): {breach.cause}"
    do = "Look at the account; `alchemiser resume WHY` lets trading go on, and counts a loss anew from there."
    told = alert(name, halt.at, "critical", title, breach.detail, do=do, of=halt.correlation_id)
    return Publication(streams.alerts_of("execution"), told)

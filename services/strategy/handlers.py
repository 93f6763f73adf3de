"""A run: gather the inputs, let every strategy decide, and say it all as facts in one outcome.

Called again for the same request it gives the same run id, so that a repeated delivery cannot become a second run.
"""

from __future__ import annotations

import datetime as dt
import hashlib
import json
import uuid
from collections.abc import Callable, Sequence
from typing import Final

from pydantic import ValidationError

from services.strategy.domain.history import Inputs, PriceRules, assemble, sources_told
from services.strategy.domain.portfolio import Consolidated, LastHeld, StrategyManager, Verdict, consolidate
from services.strategy.domain.proxies import with_stand_ins
from services.strategy.domain.rebalance import Held
from services.strategy.domain.schedule import is_last_call, session_due, session_to_decide
from services.strategy.ports import MarketHistory
from services.strategy.settings import SERVICE
from shared.bus import NOTHING, Bus, Outcome, Publication, Put
from shared.clock import Clock
from shared.contracts.alerts import AlertRaised
from shared.contracts.control import RunRequested
from shared.contracts.strategy import SignalIssued, Step, TargetPortfolioSet
from shared.contracts.streams import (
    CONTROL,
    LATEST_SIGNALS,
    LATEST_TARGETS,
    SIGNALS,
    TARGETS,
    WANTED_SYMBOLS,
    alerts_of,
)
from shared.sessions import Session, session_at

LAST_GOOD: Final = "signal_history"
"""State: strategy -> the newest SignalIssued that was decided, not repeated."""
SCHEDULED_RUNS: Final = "strategy_runs"
"""State: session date -> id of the scheduled request."""


class Decide:
    """Handles RunRequested."""

    def __init__(
        self,
        manager: StrategyManager,
        history: MarketHistory,
        bus: Bus,
        clock: Clock,
        *,
        account: str,
        rules: PriceRules,
    ) -> None:
        self._manager = manager
        self._history = history
        self._bus = bus
        self._clock = clock
        self._account = account
        self._rules = rules

    def on_run_requested(self, request: RunRequested) -> Outcome:
        now = self._clock.now()
        if _came_too_late(request, now):
            return _publish_alerts(_missed(request, now))
        session = session_to_decide(now)
        inputs = assemble(self._history.find(self._manager.symbols), session, now, self._rules)
        verdicts = self._manager.decide(with_stand_ins(inputs.closes), self._last_held())
        run = _Run(run_id(self._account, session.date, request), session, now, request.correlation_id, inputs)
        return self._outcome(run, verdicts)

    def _outcome(self, run: _Run, verdicts: Sequence[Verdict]) -> Outcome:
        symbols = {allotment.name: allotment.symbols for allotment in self._manager.allotments}
        signals = [run.signal(verdict, symbols[verdict.strategy]) for verdict in verdicts]
        return (
            _publish_signals(signals)
            + _publish_target(run.target(consolidate(verdicts)))
            + _publish_alerts(*(run.alert(verdict) for verdict in verdicts if verdict.status != "fresh"))
        )

    def _last_held(self) -> LastHeld:
        """What each strategy last decided. An entry that cannot be read counts as none: it is not known, not empty."""
        found = {}
        for strategy, raw in self._bus.get_all(LAST_GOOD).items():
            try:
                last = SignalIssued.of(raw)
                found[strategy] = Held(last.weights, last.session)
            except ValidationError:
                continue
        return found


class _Run:
    """One run's identity and the facts it says; equal requests give equal facts."""

    def __init__(self, run: str, session: Session, now: dt.datetime, correlation_id: str, inputs: Inputs) -> None:
        self._id = run
        self._session = session
        self._now = now
        self._correlation_id = correlation_id
        self._inputs = inputs

    def signal(self, verdict: Verdict, symbols: Sequence[str]) -> SignalIssued:
        used = tuple(self._inputs.used[s] for s in symbols if s in self._inputs.used)
        sources = [Step(text=f"input {told}") for told in sources_told(used)]
        notes = [Step(text=f"input {s}: {note}") for s in symbols for note in self._inputs.notes.get(s, ())]
        return SignalIssued(
            id=self._name(f"signal {verdict.strategy}"),
            correlation_id=self._correlation_id,
            at=self._now,
            run_id=self._id,
            session=self._session.date,
            strategy=verdict.strategy,
            share=verdict.share,
            status=verdict.status,
            weights=dict(verdict.weights),
            explanation=(*sources, *notes, *verdict.explanation),
            inputs=used,
            reason=verdict.reason,
        )

    def target(self, portfolio: Consolidated) -> TargetPortfolioSet:
        return TargetPortfolioSet(
            id=self._name("target"),
            correlation_id=self._correlation_id,
            at=self._now,
            run_id=self._id,
            session=self._session.date,
            weights=dict(portfolio.weights),
            stale=portfolio.stale,
            by_strategy={strategy: dict(weights) for strategy, weights in portfolio.by_strategy.items()},
            prices={s: used.today_price for s, used in self._inputs.used.items() if used.today_price is not None},
        )

    def alert(self, verdict: Verdict) -> AlertRaised:
        keeps = verdict.status == "stale"
        outcome = "its last weights stand" if keeps else "nothing is known of what it should hold"
        return AlertRaised(
            id=self._name(f"alert {verdict.strategy}"),
            correlation_id=self._correlation_id,
            at=self._now,
            source=SERVICE,
            severity="warning" if keeps else "critical",
            title=f"{verdict.strategy} could not decide {self._session.date}: {outcome}",
            detail=verdict.reason,
            what_to_do="Look at GET /signals for the missing input, mend it, then POST /run; nothing was sold because of it.",
        )

    def _name(self, what: str) -> str:
        return uuid.uuid5(uuid.NAMESPACE_OID, f"{self._id} {what}").hex


def run_id(account: str, session: dt.date, request: RunRequested) -> str:
    """The same for the same account, session and request, whoever computes it and however often."""
    digest = hashlib.sha256(f"{account}|{session.isoformat()}|{request.id}".encode()).hexdigest()
    return f"{session:%Y%m%d}-{digest[:12]}"


def request_scheduled_run(
    bus: Bus, now: dt.datetime, before_close: dt.timedelta, *, why_not_ready: Callable[[], str | None] = lambda: None
) -> bool:
    """Ask for the run of the session whose time has come; once a session, whoever asks and after any restart.

    While inputs are missing (a cold start) it waits, until the last call.
    """
    session = session_due(now, before_close)
    if session is None or bus.get(SCHEDULED_RUNS, session.date.isoformat()) is not None:
        return False
    if not is_last_call(session, now, before_close) and why_not_ready() is not None:
        return False
    name = f"scheduled-{session.date}"
    request = RunRequested(id=name, correlation_id=f"run-{name}", at=now, origin="schedule")
    asked = Outcome((Publication(CONTROL, request),), (Put(SCHEDULED_RUNS, session.date.isoformat(), request.id),))
    return bus.commit(asked, once=f"strategy {name}")


def announce_symbols(bus: Bus, symbols: Sequence[str]) -> bool:
    """Tell marketdata what is needed, where that is not known already."""
    wanted = json.dumps(list(symbols))
    if bus.get(WANTED_SYMBOLS, SERVICE) == wanted:
        return False
    return bus.commit(Outcome(changes=(Put(WANTED_SYMBOLS, SERVICE, wanted),)))


def _came_too_late(request: RunRequested, now: dt.datetime) -> bool:
    """A scheduled request is for its session only; taken up after the close it would trade into the next one."""
    asked_in = session_at(request.at)
    return request.origin == "schedule" and (asked_in is None or now >= asked_in.close)


def _missed(request: RunRequested, now: dt.datetime) -> AlertRaised:
    return AlertRaised(
        id=uuid.uuid5(uuid.NAMESPACE_OID, f"missed {request.id}").hex,
        correlation_id=request.correlation_id,
        at=now,
        source=SERVICE,
        severity="critical",
        title="A scheduled run was missed",
        detail=f"asked for at {request.at:%Y-%m-%d %H:%M} UTC, taken up at {now:%Y-%m-%d %H:%M} UTC, after the close",
        what_to_do="Nothing was traded. POST /run in the next session if you do not want to wait for its schedule.",
    )


def _publish_signals(signals: Sequence[SignalIssued]) -> Outcome:
    latest = tuple(Put(LATEST_SIGNALS, signal.strategy, signal.encode()) for signal in signals)
    last_good = tuple(Put(LAST_GOOD, s.strategy, s.encode()) for s in signals if s.status == "fresh")
    return Outcome(tuple(Publication(SIGNALS, signal) for signal in signals), latest + last_good)


def _publish_target(target: TargetPortfolioSet) -> Outcome:
    return Outcome((Publication(TARGETS, target),), (Put(LATEST_TARGETS, "latest", target.encode()),))


def _publish_alerts(*alerts: AlertRaised) -> Outcome:
    return Outcome(tuple(Publication(alerts_of(SERVICE), alert) for alert in alerts)) if alerts else NOTHING

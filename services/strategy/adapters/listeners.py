"""Turns committed runs into metrics and log lines."""

from __future__ import annotations

from services.strategy.settings import SERVICE
from shared import logs, metrics
from shared.bus import Delivery, Outcome
from shared.contracts import Message
from shared.contracts.strategy import SignalIssued, TargetPortfolioSet
from shared.runner import Hooks


class DecisionHooks(Hooks):
    def __init__(self) -> None:
        self._log = logs.get(SERVICE)

    def committed(self, delivery: Delivery, message: Message, outcome: Outcome, seconds: float) -> None:
        for item in outcome.publications:
            self._tell(item.message, seconds)

    def _tell(self, fact: Message, seconds: float) -> None:
        if isinstance(fact, SignalIssued):
            metrics.DECISIONS.labels(fact.strategy, fact.status).inc()
            say = self._log.info if fact.status == "fresh" else self._log.warning
            weights = {symbol: str(weight) for symbol, weight in fact.weights.items()}
            say("signal", strategy=fact.strategy, status=fact.status, weights=weights, reason=fact.reason)
        elif isinstance(fact, TargetPortfolioSet):
            metrics.DECISION_SECONDS.observe(seconds)
            weights = {symbol: str(weight) for symbol, weight in fact.weights.items()}
            self._log.info("target set", run_id=fact.run_id, weights=weights, stale=[s.strategy for s in fact.stale])

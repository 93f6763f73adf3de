"""Metrics and logs, listening to what marketdata does."""

from __future__ import annotations

import datetime as dt
from collections import Counter
from collections.abc import Iterable, Sequence
from typing import get_args

from services.marketdata.domain.feed import Refused, State
from services.marketdata.domain.history import SourceName
from services.marketdata.domain.quotes import Refusal
from services.marketdata.ports import Observer
from shared import logs, metrics
from shared.contracts.marketdata import DataFinding, FeedState, Quote

# Normal in any feed: two connections, a REST answer beside the stream.
_ORDINARY = frozenset({"older", "duplicate"})


class Telemetry(Observer):
    def __init__(self) -> None:
        self._log = logs.get("marketdata")

    def quotes_taken(self, quotes: Sequence[Quote], now: dt.datetime) -> None:
        for source, count in Counter(quote.source for quote in quotes).items():
            metrics.QUOTES_RECEIVED.labels(source).inc(count)
        for quote in quotes:
            metrics.QUOTE_LAG_SECONDS.observe(max(0.0, quote.age(now).total_seconds()))

    def refused(self, refusals: Iterable[Refusal]) -> None:
        for refusal in refusals:
            metrics.QUOTES_REFUSED.labels(refusal.reason).inc()
            if refusal.reason not in _ORDINARY:
                self._log.warning("refused", symbol=refusal.symbol, reason=refusal.reason, detail=refusal.detail)

    def feed_changed(self, state: State, detail: str) -> None:
        for name in get_args(FeedState):
            metrics.FEED_STATE.labels(name).set(name == state)
        self._log.info("feed", state=state, detail=detail)

    def stream_refused(self, refusal: Refused) -> None:
        self._log.warning("stream refused", code=refusal.code, said=refusal.message, for_good=refusal.for_good)

    def overflowed(self, dropped: int) -> None:
        metrics.QUOTES_DROPPED.inc(dropped)

    def history_fetched(self, source: SourceName, result: str, symbols: Sequence[str], detail: str) -> None:
        metrics.HISTORY_REQUESTS.labels(source, result).inc()
        self._log.info("history", source=source, result=result, symbols=list(symbols), detail=detail)

    def judged(self, findings: Sequence[DataFinding]) -> None:
        for finding in findings:
            metrics.DATA_FINDINGS.labels(finding.gate, finding.verdict).inc()
            self._log.info("data quality", symbol=finding.symbol, finding=str(finding))

    def wanted_malformed(self, subscriber: str, fault: str) -> None:
        self._log.warning("wanted symbols refused", subscriber=subscriber, fault=fault)

    def bus_unavailable(self, error: Exception) -> None:
        self._log.warning("bus unavailable", error=str(error))

    def clock_unavailable(self, error: Exception) -> None:
        self._log.warning("the venue has not told its time yet", error=f"{type(error).__name__}: {error}")

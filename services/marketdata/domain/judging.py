"""The gates of data quality (shared/quality) applied to what a fetch brought, and what a second opinion makes of it."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence

from services.marketdata.domain.history import SETTLES_AFTER, CheckedHistory, SourceName, last_finished_session
from shared.contracts.marketdata import DailyHistory, DataFinding, Verdict
from shared.quality import Doubt, Surroundings, examine, market_volume, settled
from shared.quality.settling import Accepted

Told = Mapping[str, Sequence[DataFinding]]
"""Findings by symbol."""


class Judge:
    """Remembers how full each source's feed was on each day, so that one symbol fetched alone is judged by that too."""

    def __init__(self, accepted: Accepted = frozenset()) -> None:
        self._accepted = accepted
        self._market_volume: dict[SourceName, dict[dt.date, float]] = {}

    def doubts(self, found: Mapping[str, CheckedHistory], now: dt.datetime) -> dict[str, tuple[Doubt, ...]]:
        """What the gates say of each."""
        for source in {check.history.source for check in found.values()}:
            of_it = [check.series for check in found.values() if check.history.source == source]
            self._market_volume.setdefault(source, {}).update(market_volume(of_it))
        return {symbol: examine(check.series, self._surroundings(check, now)) for symbol, check in found.items()}

    def settle(
        self, check: CheckedHistory, doubts: Sequence[Doubt], second: CheckedHistory | None, now: dt.datetime
    ) -> DailyHistory:
        """With its findings, and repaired where the second source explains them."""
        other = None if second is None else second.history
        return settled(check.history, doubts, other, self._surroundings(check, now), self._accepted)

    def _surroundings(self, check: CheckedHistory, now: dt.datetime) -> Surroundings:
        full = self._market_volume.get(check.history.source, {})
        return Surroundings(last_finished_session(now - SETTLES_AFTER).date, full)


def newly_found(history: DailyHistory, before: DailyHistory | None, verdict: Verdict) -> list[DataFinding]:
    """Findings with that verdict that the history kept before did not have; one that grew by a later date is new."""
    known = set() if before is None else {(f.gate, f.verdict, day) for f in before.findings for day in f.dates}
    return [
        finding
        for finding in history.findings
        if finding.verdict == verdict and (finding.gate, verdict, finding.dates[-1]) not in known
    ]

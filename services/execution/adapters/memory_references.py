"""The in-memory twin of redis_references.py."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from decimal import Decimal

from services.execution.domain.reference import Reference, reference_of
from shared.contracts.marketdata import DailyHistory


class MemoryReferences:
    """`put` what marketdata would keep."""

    def __init__(self, *, seen_by_alpaca: Decimal = Decimal(1)) -> None:
        self._seen = {"alpaca": seen_by_alpaca}
        self._histories: dict[str, DailyHistory] = {}

    def put(self, history: DailyHistory) -> None:
        self._histories[history.symbol] = history

    def latest(self, symbols: Sequence[str]) -> Mapping[str, Reference]:
        found = [self._histories[symbol] for symbol in symbols if symbol in self._histories]
        return {
            history.symbol: reference_of(history, self._seen.get(history.source, Decimal(1)))
            for history in found
            if history.dates
        }

    def warm(self) -> None:
        """Everything is at hand already."""

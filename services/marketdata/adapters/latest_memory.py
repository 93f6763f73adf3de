"""The newest quotes from memory: the twin of Alpaca's REST."""

from __future__ import annotations

from collections.abc import Sequence

from services.marketdata.domain.quotes import ObservedQuote
from services.marketdata.ports import SourceUnavailableError


class MemoryLatest:
    """`outage` set to a reason makes it fail."""

    def __init__(self) -> None:
        self.quotes: dict[str, ObservedQuote] = {}
        self.outage: str | None = None

    def latest(self, symbols: Sequence[str]) -> Sequence[ObservedQuote]:
        if self.outage is not None:
            raise SourceUnavailableError(f"memory: {self.outage}")
        return [self.quotes[symbol] for symbol in symbols if symbol in self.quotes]

"""The twin of redis_history: marketdata's cache as a dictionary, for tests and replays."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from services.strategy.domain.history import Found
from shared.contracts.marketdata import DailyHistory, Quote


class MemoryHistory:
    def __init__(self) -> None:
        self._histories: dict[str, DailyHistory] = {}
        self._quotes: dict[str, Quote] = {}

    def put_history(self, history: DailyHistory) -> None:
        self._histories[history.symbol] = history

    def put_quote(self, quote: Quote) -> None:
        self._quotes[quote.symbol] = quote

    def find(self, symbols: Sequence[str]) -> Mapping[str, Found]:
        return {symbol: Found(self._histories.get(symbol), self._quotes.get(symbol)) for symbol in symbols}

    def quotes(self, symbols: Sequence[str]) -> Mapping[str, Quote]:
        return {symbol: self._quotes[symbol] for symbol in symbols if symbol in self._quotes}

    def missing(self, symbols: Sequence[str]) -> tuple[str, ...]:
        return tuple(symbol for symbol in symbols if symbol not in self._histories)

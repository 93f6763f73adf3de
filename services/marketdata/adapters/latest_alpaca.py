"""The newest quotes by REST, through alpaca-py: what stands in while the stream does not deliver."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Literal

from alpaca.data.enums import DataFeed
from alpaca.data.historical import StockHistoricalDataClient
from alpaca.data.requests import StockLatestQuoteRequest

from services.marketdata.adapters import alpaca_wire
from services.marketdata.adapters.alpaca_rest import ALPACA_ERRORS, RefusedByAlpacaError, unavailable
from services.marketdata.domain.quotes import ObservedQuote

_BATCH = 200
"""Symbols in one request: longer URLs are refused on the way."""


class AlpacaLatest:
    """A symbol that Alpaca refuses is found once and not asked for again, so that it costs the others nothing."""

    def __init__(self, client: StockHistoricalDataClient, feed: Literal["iex", "sip"]) -> None:
        self._client = client
        self._feed = DataFeed(feed)
        self._refused: set[str] = set()

    def latest(self, symbols: Sequence[str]) -> Sequence[ObservedQuote]:
        asked = [symbol for symbol in symbols if symbol not in self._refused]
        parts = [self._some(asked[start : start + _BATCH]) for start in range(0, len(asked), _BATCH)]
        return [quote for part in parts for quote in part]

    def _some(self, symbols: Sequence[str]) -> list[ObservedQuote]:
        try:
            return self._ask(symbols)
        except RefusedByAlpacaError as error:
            if not error.blames_the_question:
                raise
        if len(symbols) == 1:
            self._refused.add(symbols[0])
            return []
        middle = len(symbols) // 2
        return self._some(symbols[:middle]) + self._some(symbols[middle:])

    def _ask(self, symbols: Sequence[str]) -> list[ObservedQuote]:
        request = StockLatestQuoteRequest(symbol_or_symbols=list(symbols), feed=self._feed)
        try:
            answer = dict(self._client.get_stock_latest_quote(request))
        except ALPACA_ERRORS as error:
            raise unavailable(error) from error
        return [alpaca_wire.quote(name, raw, "rest") for name, raw in answer.items() if isinstance(raw, Mapping)]

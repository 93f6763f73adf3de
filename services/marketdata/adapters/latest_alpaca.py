"""The newest quotes by REST, through alpaca-py: what stands in while the stream does not deliver."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Literal

from alpaca.data.enums import DataFeed
from alpaca.data.historical import StockHistoricalDataClient
from alpaca.data.requests import StockLatestQuoteRequest

from services.marketdata.adapters import alpaca_wire
from services.marketdata.adapters.alpaca_rest import ALPACA_ERRORS, unavailable
from services.marketdata.domain.quotes import ObservedQuote

_BATCH = 200
"""Symbols in one request: longer URLs are refused on the way."""


class AlpacaLatest:
    def __init__(self, client: StockHistoricalDataClient, feed: Literal["iex", "sip"]) -> None:
        self._client = client
        self._feed = DataFeed(feed)

    def latest(self, symbols: Sequence[str]) -> Sequence[ObservedQuote]:
        parts = [self._some(symbols[start : start + _BATCH]) for start in range(0, len(symbols), _BATCH)]
        return [quote for part in parts for quote in part]

    def _some(self, symbols: Sequence[str]) -> Sequence[ObservedQuote]:
        request = StockLatestQuoteRequest(symbol_or_symbols=list(symbols), feed=self._feed)
        try:
            answer = dict(self._client.get_stock_latest_quote(request))
        except ALPACA_ERRORS as error:
            raise unavailable(error) from error
        return [alpaca_wire.quote(name, raw, "rest") for name, raw in answer.items() if isinstance(raw, Mapping)]

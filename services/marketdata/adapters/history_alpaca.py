"""Daily bars from Alpaca, through alpaca-py: all pages, an explicit feed, up to now."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from typing import Any, Literal

from alpaca.data.enums import Adjustment as AlpacaAdjustment
from alpaca.data.enums import DataFeed
from alpaca.data.historical import StockHistoricalDataClient
from alpaca.data.requests import StockBarsRequest
from alpaca.data.timeframe import TimeFrame

from services.marketdata.adapters.alpaca_rest import ALPACA_ERRORS, RefusedByAlpacaError, unavailable
from services.marketdata.adapters.alpaca_wire import MalformedRowError, daily_bar
from services.marketdata.domain.history import Adjustment, DailyBar
from services.marketdata.ports import Fetched
from shared.sessions import NEW_YORK

_FREE_PLAN_DELAY = dt.timedelta(minutes=16)


class AlpacaHistory:
    """`batch` symbols go into one request, so that one failure costs few pages."""

    name: Literal["alpaca"] = "alpaca"

    def __init__(self, client: StockHistoricalDataClient, feed: Literal["iex", "sip"], *, batch: int = 10) -> None:
        self._client = client
        self._feed = DataFeed(feed)
        self._batch = batch

    def daily(self, symbols: Sequence[str], first: dt.date, now: dt.datetime, adjustment: Adjustment) -> Fetched:
        rows: dict[str, Sequence[DailyBar]] = {}
        faults: dict[str, str] = {}
        for start in range(0, len(symbols), self._batch):
            fetched = self._some(symbols[start : start + self._batch], first, now, adjustment)
            rows.update(fetched.rows)
            faults.update(fetched.faults)
        return Fetched(rows, faults)

    def _some(self, symbols: Sequence[str], first: dt.date, now: dt.datetime, adjustment: Adjustment) -> Fetched:
        """One symbol that Alpaca refuses must not cost the others theirs."""
        try:
            return _read(self._ask(symbols, first, now, adjustment))
        except RefusedByAlpacaError as error:
            if not error.blames_the_question:
                raise
            if len(symbols) == 1:
                return Fetched({}, {symbols[0]: str(error)})
        found = [self._some([symbol], first, now, adjustment) for symbol in symbols]
        return Fetched(
            {symbol: rows for fetched in found for symbol, rows in fetched.rows.items()},
            {symbol: fault for fetched in found for symbol, fault in fetched.faults.items()},
        )

    def _ask(
        self, symbols: Sequence[str], first: dt.date, end: dt.datetime, adjustment: Adjustment
    ) -> Mapping[str, Any]:
        """The free plan refuses the last 15 minutes of SIP, which past sessions do not need."""
        try:
            return self._bars(symbols, first, end, adjustment)
        except RefusedByAlpacaError as error:
            if "recent SIP data" not in str(error):
                raise
            return self._bars(symbols, first, end - _FREE_PLAN_DELAY, adjustment)

    def _bars(
        self, symbols: Sequence[str], first: dt.date, end: dt.datetime, adjustment: Adjustment
    ) -> Mapping[str, Any]:
        request = StockBarsRequest(
            symbol_or_symbols=list(symbols),
            timeframe=TimeFrame.Day,
            start=dt.datetime.combine(first, dt.time(), NEW_YORK),
            end=end,
            adjustment=AlpacaAdjustment(adjustment),
            feed=self._feed,
        )
        try:
            return dict(self._client.get_stock_bars(request))
        except ALPACA_ERRORS as error:
            raise unavailable(error) from error


def _read(answer: Mapping[str, Any]) -> Fetched:
    rows: dict[str, Sequence[DailyBar]] = {}
    faults: dict[str, str] = {}
    for symbol, raw in answer.items():
        try:
            found = [daily_bar(row) for row in raw]
        except (MalformedRowError, TypeError) as error:
            faults[symbol] = f"alpaca: {symbol}: {error}"
            continue
        if found:
            rows[symbol] = found
    return Fetched(rows, faults)

"""Which market a run has: recorded data where a directory is given, the generator otherwise."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from pathlib import Path

from services.simulator.adapters.recorded_market import recorded_market
from services.simulator.domain.generator import generated_market
from services.simulator.domain.generator_returns import ANCHOR_DATE, LAST_DATE
from services.simulator.domain.market import Bar, Market
from shared.sessions import NEW_YORK, new_york_date, session_on

# Of the recorded data, a day with prices of nearly every symbol that NUCLEAR and TECL use.
_RECORDED_DATE = dt.date(2024, 6, 3)
_BEFORE_THE_CLOSE = dt.timedelta(minutes=20)


def market_for(data: Path | None, seed: int) -> Market:
    """The market of that data directory, or of that seed. Raises RecordedDataError where the data are wrong."""
    return generated_market(seed) if data is None else recorded_market(data, seed)


def default_start(market: Market) -> dt.datetime:
    """Twenty minutes before the close of a fixed session, so that runs repeat and a rebalance has time."""
    for date in (ANCHOR_DATE, _RECORDED_DATE):
        if any(_bars_until(market, listing.symbol, date, date) for listing in market.listings()):
            return _shortly_before_close(date)
    return _shortly_before_close(_newest_date(market))


def _newest_date(market: Market) -> dt.date:
    bars = [_bars_until(market, listing.symbol, dt.date.min, LAST_DATE)[-1:] for listing in market.listings()]
    return max(new_york_date(bar.at) for newest in bars for bar in newest)


def _bars_until(market: Market, symbol: str, first: dt.date, last: dt.date) -> Sequence[Bar]:
    close = dt.datetime.combine(last, dt.time(23, 59), NEW_YORK)
    return market.daily_bars(symbol, first, last, "raw", close)


def _shortly_before_close(date: dt.date) -> dt.datetime:
    session = session_on(date)
    if session is None:
        raise ValueError(f"date: expected a trading session, got {date}")
    return session.close - _BEFORE_THE_CLOSE

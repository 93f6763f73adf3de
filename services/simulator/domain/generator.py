"""The generated market: a pure function of (seed, symbol, instant), so that any instant can be asked for at once.

Leveraged and inverse funds follow their index second by second; the only difference is rounding to the price grid.
There are no corporate actions, so every adjustment gives the same bars.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from functools import lru_cache

import numpy as np

from services.simulator.domain import spread
from services.simulator.domain.generator_returns import (
    DailyPrices,
    all_sessions,
    asset_of,
    multiple_return,
    session_numbers,
)
from services.simulator.domain.generator_universe import ASSETS, Multiple, listing_of
from services.simulator.domain.intraday import Column, Tape, midnight
from services.simulator.domain.intraday_bars import DayTable
from services.simulator.domain.intraday_path import DayPath, DayShape, Path, bridge, tape_along, trade_count
from services.simulator.domain.market import Listing
from services.simulator.domain.prices import TapedMarket
from services.simulator.domain.prices_stream import stream
from services.simulator.domain.spread import UNITS_PER_DOLLAR
from shared.sessions import Session

_PATHS_KEPT = 64
# How much of an asset's wandering within a day it shares with all others.
_SHARED = 0.6
_UNHURRIED = 0.35  # spread of a symbol's daily volume around its typical one


def generated_market(seed: int) -> TapedMarket:
    """The market of that seed."""
    return TapedMarket(GeneratedSource(seed))


class GeneratedSource:
    """`TapeSource` of one seed."""

    def __init__(self, seed: int) -> None:
        self._seed = seed
        self._prices = DailyPrices(seed)
        self._dates = tuple(session.date for session in all_sessions())
        self._path = lru_cache(maxsize=_PATHS_KEPT)(self._drawn_path)
        self._shared_steps = lru_cache(maxsize=8)(self._drawn_steps)
        self._day_table = lru_cache(maxsize=None)(self._rounded_days)

    def listings(self) -> Sequence[Listing]:
        return [listing_of(symbol) for symbol in sorted(ASSETS)]

    def dates(self, symbol: str) -> Sequence[dt.date]:
        _known(symbol)
        return self._dates

    def days(self, symbol: str, adjustment: str, now: dt.datetime) -> DayTable:
        del adjustment, now
        return self._day_table(_known(symbol))

    def tape(self, symbol: str, date: dt.date) -> Tape:
        number = session_numbers()[date]
        table, session = self.days(symbol, "raw", midnight(date)), all_sessions()[number]
        day = DayShape(
            open=round(float(table.open[number]) * UNITS_PER_DOLLAR),
            high=round(float(table.high[number]) * UNITS_PER_DOLLAR),
            low=round(float(table.low[number]) * UNITS_PER_DOLLAR),
            close=round(float(table.close[number]) * UNITS_PER_DOLLAR),
            volume=int(table.volume[number]),
        )
        path = self._path(symbol, date)
        in_units = DayPath(path.prices * UNITS_PER_DOLLAR, path.second_of_high, path.second_of_low)
        first_ms = int((session.open - midnight(date)).total_seconds()) * 1000
        return tape_along(
            in_units,
            day,
            stream(self._seed, "tape", symbol, date.isoformat()),
            symbol=symbol,
            date=date,
            first_ms=first_ms,
        )

    def _drawn_path(self, symbol: str, date: dt.date) -> DayPath:
        """Unrounded dollars by second: drawn, or the multiple of what the fund follows."""
        asset, number = asset_of(symbol), session_numbers()[date]
        lines = self._prices.lines(symbol)
        if isinstance(asset, Multiple):
            of, followed = self._path(asset.of, date), self._prices.lines(asset.of)
            prices = lines.before[number] * multiple_return(asset, of.prices / followed.before[number])
            extremes = (of.second_of_high, of.second_of_low)
            return DayPath(prices, *(extremes if asset.times > 0 else reversed(extremes)))
        rng = stream(self._seed, "path", symbol, date.isoformat())
        shared = self._shared_steps(date)
        steps = _SHARED * shared + np.sqrt(1 - _SHARED**2) * rng.standard_normal(len(shared))
        shape = DayShape(
            open=float(lines.open[number]),
            high=float(lines.high[number]),
            low=float(lines.low[number]),
            close=float(lines.close[number]),
            volume=0,
        )
        return bridge(shape, steps, rng)

    def _drawn_steps(self, date: dt.date) -> Path:
        session = all_sessions()[session_numbers()[date]]
        return stream(self._seed, "steps", date.isoformat()).standard_normal(_seconds(session))

    def _rounded_days(self, symbol: str) -> DayTable:
        """Daily bars on the price grid, the range at least as wide as the spread can be."""
        lines, asset = self._prices.lines(symbol), asset_of(symbol)
        opens, closes = _on_grid(lines.open), _on_grid(lines.close)
        highs = np.maximum.reduce([_on_grid(lines.high), opens, closes])
        lows = np.minimum.reduce([_on_grid(lines.low), opens, closes])
        highs = np.maximum(highs, lows + np.array([spread.widest(symbol, price) for price in closes.tolist()]))
        volume = self._volumes(symbol, asset.volume)
        seconds = [_seconds(session) for session in all_sessions()]
        trades = np.array([trade_count(v, s) for v, s in zip(volume.tolist(), seconds, strict=True)], dtype=np.int64)
        days = np.array([date.toordinal() for date in self._dates], dtype=np.int64)
        return DayTable(
            symbol=symbol,
            day=days,
            open=opens / UNITS_PER_DOLLAR,
            high=highs / UNITS_PER_DOLLAR,
            low=lows / UNITS_PER_DOLLAR,
            close=closes / UNITS_PER_DOLLAR,
            volume=volume,
            trades=trades,
        )

    def _volumes(self, symbol: str, typical: int) -> Column:
        drawn = stream(self._seed, "volume", symbol).standard_normal(len(self._dates))
        return np.asarray(np.maximum(typical * np.exp(_UNHURRIED * drawn), 1000.0), dtype=np.int64)


def _known(symbol: str) -> str:
    if symbol not in ASSETS:
        raise KeyError(symbol)
    return symbol


def _seconds(session: Session) -> int:
    return int((session.close - session.open).total_seconds())


def _on_grid(prices: Path) -> Column:
    """Dollars as 1/10,000 dollars, on whole cents from one dollar on; at least one step above zero."""
    units = prices * UNITS_PER_DOLLAR
    cents = np.rint(units / 100) * 100
    return np.asarray(np.maximum(np.where(cents >= UNITS_PER_DOLLAR, cents, np.rint(units)), 1), dtype=np.int64)

"""Bars of any timeframe, made of minute bars or of daily bars; spans start on the New York clock and calendar."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from itertools import groupby

from services.simulator.domain.intraday import midnight
from services.simulator.domain.market import Bar, Market
from shared.sessions import new_york_date, sessions_between

_TIMEFRAME = re.compile(r"([1-9]\d?)(Min|T|Hour|H|Day|D|Week|W|Month|M)")
_UNITS = {"T": "Min", "H": "Hour", "D": "Day", "W": "Week", "M": "Month"}
_MOST = {"Min": 59, "Hour": 23, "Day": 1, "Week": 1, "Month": 12}
_MONTHS = (1, 2, 3, 4, 6, 12)
_LONGEST_SPAN = dt.timedelta(days=366)
_PLACES = Decimal("0.000001")


@dataclass(frozen=True, slots=True)
class Timeframe:
    """`amount` of Min, Hour, Day, Week or Month."""

    amount: int
    unit: str

    @property
    def within_a_day(self) -> bool:
        return self.unit in {"Min", "Hour"}

    def start_of(self, at: dt.datetime) -> dt.datetime:
        """When the span that holds `at` begins."""
        date = new_york_date(at)
        if not self.within_a_day:
            return midnight(self._first_date(date))
        step = dt.timedelta(minutes=self.amount * (60 if self.unit == "Hour" else 1))
        return midnight(date) + (at - midnight(date)) // step * step

    def _first_date(self, date: dt.date) -> dt.date:
        if self.unit == "Week":
            return date - dt.timedelta(days=date.weekday())
        if self.unit == "Month":
            return date.replace(month=(date.month - 1) // self.amount * self.amount + 1, day=1)
        return date


def timeframe_of(text: str) -> Timeframe | None:
    """[1-59]Min|T, [1-23]Hour|H, 1Day|D, 1Week|W or [1,2,3,4,6,12]Month|M; None for anything else."""
    match = _TIMEFRAME.fullmatch(text)
    if match is None:
        return None
    amount, unit = int(match[1]), _UNITS.get(match[2], match[2])
    if amount > _MOST[unit] or (unit == "Month" and amount not in _MONTHS):
        return None
    return Timeframe(amount, unit)


@dataclass(frozen=True, slots=True)
class BarsWanted:
    """Bars that start within start..end, as known at `now`."""

    timeframe: Timeframe
    start: dt.datetime
    end: dt.datetime
    adjustment: str
    now: dt.datetime


def bars_of(market: Market, symbol: str, wanted: BarsWanted, *, newest_first: bool) -> Iterator[Bar]:
    """The bars of one symbol in time order or against it; sessions are read one by one, as far as the reader goes."""
    make = _days_bars if wanted.timeframe.within_a_day else _long_bars
    bars = make(market, symbol, wanted, newest_first)
    return (bar for bar in bars if wanted.start <= bar.at <= wanted.end)


def _days_bars(market: Market, symbol: str, wanted: BarsWanted, newest_first: bool) -> Iterator[Bar]:  # noqa: FBT001 - internal
    first, last = new_york_date(wanted.start), new_york_date(min(wanted.end, wanted.now))
    sessions = sessions_between(first, last)
    scale = _scales(market, symbol, wanted, first, last)
    for session in reversed(sessions) if newest_first else sessions:
        day = midnight(session.date)
        minutes = market.minute_bars(symbol, day, day + dt.timedelta(hours=24), wanted.now)
        bars = list(merged(minutes, wanted.timeframe.start_of))
        scaled = [_scaled(bar, scale(session.date)) for bar in bars]
        yield from reversed(scaled) if newest_first else scaled


def _long_bars(market: Market, symbol: str, wanted: BarsWanted, newest_first: bool) -> Iterator[Bar]:  # noqa: FBT001 - internal
    first = new_york_date(wanted.timeframe.start_of(wanted.start))
    last = min(new_york_date(wanted.end) + _LONGEST_SPAN, new_york_date(wanted.now))
    days = market.daily_bars(symbol, first, last, wanted.adjustment, wanted.now)
    bars = days if wanted.timeframe.unit == "Day" else list(merged(days, wanted.timeframe.start_of))
    return reversed(bars) if newest_first else iter(bars)


def merged(bars: Iterable[Bar], start_of: Callable[[dt.datetime], dt.datetime]) -> Iterator[Bar]:
    """One bar for each run of bars with the same start."""
    for start, group in groupby(bars, key=lambda bar: start_of(bar.at)):
        yield _one(start, list(group))


def _one(start: dt.datetime, bars: Sequence[Bar]) -> Bar:
    volume = sum(bar.volume for bar in bars)
    turnover = sum((bar.vwap * bar.volume for bar in bars), Decimal(0))
    return Bar(
        symbol=bars[0].symbol,
        at=start,
        open=bars[0].open,
        high=max(bar.high for bar in bars),
        low=min(bar.low for bar in bars),
        close=bars[-1].close,
        volume=volume,
        trade_count=sum(bar.trade_count for bar in bars),
        vwap=(turnover / volume).quantize(_PLACES).normalize() if volume else bars[-1].close,
    )


def _scales(
    market: Market, symbol: str, wanted: BarsWanted, first: dt.date, last: dt.date
) -> Callable[[dt.date], Decimal]:
    """What prices within a day are multiplied by: the same as the day's close."""
    if wanted.adjustment in {"raw", "split"}:
        return lambda date: Decimal(1)  # noqa: ARG005 - raw prices stay as they are
    adjusted = market.daily_bars(symbol, first, last, wanted.adjustment, wanted.now)
    raw = {bar.at: bar.close for bar in market.daily_bars(symbol, first, last, "raw", wanted.now)}
    known = {new_york_date(bar.at): bar.close / raw[bar.at] for bar in adjusted if bar.at in raw}
    return lambda date: known.get(date, Decimal(1))


def _scaled(bar: Bar, by: Decimal) -> Bar:
    if by == 1:
        return bar
    prices = {name: (getattr(bar, name) * by).quantize(_PLACES) for name in ("open", "high", "low", "close", "vwap")}
    return replace(bar, **prices)

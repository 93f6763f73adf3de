"""Bars as columns: made of a tape's prints, or recorded, and told as `Bar`s."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal

import numpy as np
from numpy.typing import NDArray

from services.simulator.domain.intraday import Column, Tape, dollars, midnight
from services.simulator.domain.market import Bar
from services.simulator.domain.spread import UNITS_PER_DOLLAR

MINUTE_MS = 60_000
_MINUTE = dt.timedelta(minutes=1)
_VWAP_DECIMALS = 6


@dataclass(frozen=True, slots=True, eq=False)
class MinuteTable:
    """One-minute bars of one session; `minute` counts from midnight New York, prices in 1/10,000 dollars."""

    symbol: str
    date: dt.date
    minute: Column
    open: Column
    high: Column
    low: Column
    close: Column
    volume: Column
    trades: Column
    turnover: NDArray[np.float64]  # price x size summed, in dollars

    def bars_between(self, start: dt.datetime, end: dt.datetime, now: dt.datetime) -> list[Bar]:
        """Bars with start <= at <= end whose minute is over at `now`."""
        base = midnight(self.date)
        first = int(self.minute.searchsorted(-((base - start) // _MINUTE)))
        last = int(self.minute.searchsorted(min((end - base) // _MINUTE, (now - base) // _MINUTE - 1), side="right"))
        return [self._bar(index) for index in range(first, last)]

    def _bar(self, index: int) -> Bar:
        volume = int(self.volume[index])
        return Bar(
            self.symbol,
            midnight(self.date) + int(self.minute[index]) * _MINUTE,
            dollars(int(self.open[index])),
            dollars(int(self.high[index])),
            dollars(int(self.low[index])),
            dollars(int(self.close[index])),
            volume,
            int(self.trades[index]),
            _vwap(float(self.turnover[index]), volume, dollars(int(self.close[index]))),
        )


def minutes_of(tape: Tape) -> MinuteTable:
    """The one-minute bars that the prints of a tape make; minutes without a print have none."""
    minute = tape.trade_ms // MINUTE_MS
    starts = np.flatnonzero(np.diff(minute, prepend=-1))
    ends = np.append(starts[1:], len(minute)) - 1
    empty = np.zeros(0, dtype=np.int64)

    def reduced(how: np.ufunc, column: Column) -> Column:
        return np.asarray(how.reduceat(column, starts)) if len(starts) else empty

    return MinuteTable(
        tape.symbol,
        tape.date,
        minute[starts],
        tape.price[starts],
        reduced(np.maximum, tape.price),
        reduced(np.minimum, tape.price),
        tape.price[ends] if len(starts) else empty,
        reduced(np.add, tape.size),
        ends - starts + 1 if len(starts) else empty,
        reduced(np.add, tape.price * tape.size) / UNITS_PER_DOLLAR,
    )


def day_so_far(tape: Tape, opens: dt.datetime, until: dt.datetime) -> Bar | None:
    """The daily bar of the regular session's prints from `opens` up to and including `until`; None without a print."""
    first, last = tape.trades_until(opens - dt.timedelta(milliseconds=1)), tape.trades_until(until)
    if first >= last:
        return None
    price, size = tape.price[first:last], tape.size[first:last]
    volume, turnover = int(size.sum()), float((price * size).sum()) / UNITS_PER_DOLLAR
    return Bar(
        tape.symbol,
        midnight(tape.date),
        dollars(int(price[0])),
        dollars(int(price.max())),
        dollars(int(price.min())),
        dollars(int(price[-1])),
        volume,
        last - first,
        _vwap(turnover, volume, dollars(int(price[-1]))),
    )


def _vwap(turnover: float, volume: int, without_volume: Decimal) -> Decimal:
    return rounded(turnover / volume, _VWAP_DECIMALS) if volume else without_volume


def rounded(value: float, decimals: int = _VWAP_DECIMALS) -> Decimal:
    """A float as the Decimal of that many places, trailing zeros cut."""
    text = f"{value:.{decimals}f}".rstrip("0").rstrip(".")
    return Decimal(text)


@dataclass(frozen=True, slots=True, eq=False)
class DayTable:
    """Daily bars of complete sessions, prices in dollars; `day` holds ordinals of New York dates, ascending.

    `decimals` is what prices are rounded to when told: 4 as traded, 6 adjusted.
    """

    symbol: str
    day: Column
    open: NDArray[np.float64]
    high: NDArray[np.float64]
    low: NDArray[np.float64]
    close: NDArray[np.float64]
    volume: Column
    trades: Column
    decimals: int = 4

    def bars_between(self, first: dt.date, last: dt.date) -> Sequence[Bar]:
        """Bars of the dates first..last. The vwap stands in as the mean of high, low and close."""
        start, end = self.day.searchsorted(first.toordinal()), self.day.searchsorted(last.toordinal(), side="right")
        return [self._bar(row) for row in range(int(start), int(end))]

    def _bar(self, row: int) -> Bar:
        high, low, close = float(self.high[row]), float(self.low[row]), float(self.close[row])
        return Bar(
            self.symbol,
            midnight(dt.date.fromordinal(int(self.day[row]))),
            rounded(float(self.open[row]), self.decimals),
            rounded(high, self.decimals),
            rounded(low, self.decimals),
            rounded(close, self.decimals),
            int(self.volume[row]),
            int(self.trades[row]),
            rounded((high + low + close) / 3),
        )

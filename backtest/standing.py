"""What one strategy wants to hold, evening by evening, once its own rebalancing rule and its undefined days are counted in.

The rules are the live ones (strategy/domain/rebalance.py and portfolio.py), for all days at once; a test keeps them equal.
"""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from services.strategy.domain.closes import Closes
from services.strategy.domain.indicators import FloatArray
from services.strategy.domain.rebalance import DAILY, Calendar, Corridor, Rebalance

Rows = NDArray[np.intp]
Flags = NDArray[np.bool_]
NEVER = -1


@dataclass(frozen=True, eq=False, slots=True)
class Wish:
    """What a strategy's rules say each evening, shape (days, symbols); NaN rows where they cannot say it."""

    symbols: tuple[str, ...]
    weights: FloatArray
    defined: Flags


@dataclass(frozen=True, eq=False, slots=True)
class Standing:
    """`weights` has no NaN: an evening without a decision keeps the last one's, and cash before the first.

    `base` is the row on which the strategy last went to its weights (NEVER before the first); `kept` marks the evenings
    on which it stays with what the prices made of them.
    """

    symbols: tuple[str, ...]
    weights: FloatArray
    base: Rows
    fresh: Flags
    kept: Flags


def stand(wish: Wish, rebalance: Rebalance, closes: Closes, first: int) -> Standing:
    """From row `first` on, where the account begins in cash."""
    askable = wish.defined.copy()
    askable[:first] = False
    if rebalance == DAILY:
        source = _last_true(askable)
        return Standing(wish.symbols, _rows_or_cash(wish.weights, source), source, askable, np.zeros_like(askable))
    prices = price_table(wish.symbols, closes)
    base = (
        _calendar_bases(rebalance, closes, askable)
        if isinstance(rebalance, Calendar)
        else _corridor_bases(rebalance, wish, prices, askable)
    )
    return _between(wish, base, prices, askable)


def price_table(symbols: tuple[str, ...], closes: Closes) -> FloatArray:
    """Shape (days, symbols); NaN all along where there is no column."""
    table = np.full((len(closes), len(symbols)), np.nan)
    for place, symbol in enumerate(symbols):
        column = closes.columns.get(symbol)
        if column is not None:
            table[:, place] = column
    return table


def _calendar_bases(calendar: Calendar, closes: Closes, askable: Flags) -> Rows:
    """Of each row the one it goes back to: the first that could be decided in each period."""
    rows = np.flatnonzero(askable).tolist()
    days = [closes.sessions[row] for row in rows]
    starts, place = [], 0
    while place < len(days):
        starts.append(rows[place])
        place = _next_period(calendar, days, place)
    return _last_of(np.array(starts, dtype=np.intp), askable.size)


def _next_period(calendar: Calendar, days: list[dt.date], place: int) -> int:
    """Periods follow each other, so that the beginning of the next can be bisected for."""
    low, step = place + 1, 1
    while low + step < len(days) and not calendar.starts_anew(days[place], days[low + step]):
        low, step = low + step, step * 2
    high = min(low + step, len(days))
    while low < high:
        middle = (low + high) // 2
        low, high = (low, middle) if calendar.starts_anew(days[place], days[middle]) else (middle + 1, high)
    return low


def _corridor_bases(corridor: Corridor, wish: Wish, prices: FloatArray, askable: Flags) -> Rows:
    rows = np.flatnonzero(askable)
    starts: list[int] = []
    ahead = rows
    while ahead.size:
        start = int(ahead[0])
        starts.append(start)
        ahead = _first_outside(corridor, wish, prices, ahead)
    return _last_of(np.array(starts, dtype=np.intp), askable.size)


def _first_outside(corridor: Corridor, wish: Wish, prices: FloatArray, ahead: Rows) -> Rows:
    """The rows from the first on whose target is too far from what the prices made of the weights of `ahead[0]`."""
    start, size, begin = ahead[0], 32, 1
    while begin < ahead.size:
        rows = ahead[begin : begin + size]
        now = _drifted(wish.weights[start], prices[rows] / prices[start])
        distance = np.abs(now - wish.weights[rows]).max(axis=1, initial=0.0)
        outside = np.flatnonzero(distance > float(corridor.width))  # NaN, what cannot be valued, is not outside
        if outside.size:
            return ahead[begin + int(outside[0]) :]
        begin, size = begin + size, size * 2
    return ahead[:0]


def _drifted(weights: FloatArray, growth: FloatArray) -> FloatArray:
    """What growth since then has made of the weights; cash earns nothing. NaN rows where a holding has no price."""
    held = weights > 0
    worth = np.where(held, weights * np.where(held, growth, 1.0), 0.0)
    cash = 1.0 - weights.sum(axis=-1, keepdims=True)
    total = worth.sum(axis=-1, keepdims=True) + cash
    drifted: FloatArray = worth / total
    return drifted


def _between(wish: Wish, base: Rows, prices: FloatArray, askable: Flags) -> Standing:
    rows = np.arange(askable.size)
    there = base >= 0
    kept = askable & (base != rows) & there
    weights = np.where(there[:, None], wish.weights, 0.0)
    origin = base[kept]
    weights[kept] = _drifted(wish.weights[origin], prices[kept] / prices[origin])
    good = askable & ~np.isnan(weights).any(axis=1)
    source = _last_true(good)
    return Standing(wish.symbols, _rows_or_cash(weights, source), base, good, kept & good)


def _rows_or_cash(weights: FloatArray, source: Rows) -> FloatArray:
    standing = weights[source]
    standing[source == NEVER] = 0.0
    return standing


def _last_true(flags: Flags) -> Rows:
    """Of each row the newest flagged one up to it, NEVER before the first."""
    return np.maximum.accumulate(np.where(flags, np.arange(flags.size), NEVER))


def _last_of(rows: Rows, size: int) -> Rows:
    flags = np.zeros(size, dtype=np.bool_)
    flags[rows] = True
    return _last_true(flags)

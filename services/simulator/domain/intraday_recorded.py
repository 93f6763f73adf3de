"""Tapes of recorded ticks and of recorded minute bars.

A recorded row spans a second or a minute. Its open, two extremes and close become up to four ticks at 0, 1/4, 1/2 and 3/4
of the span, the extreme opposite to the row's direction first; a tick that would repeat the one before is left out, a pair
of extremes that would cross is too. Minute bars know no quotes: they get one a second around the line through their four
points, as wide as the spread model says. Minutes that were not recorded have nothing.
"""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from services.simulator.domain import spread
from services.simulator.domain.intraday import Column, Tape
from services.simulator.domain.intraday_bars import MINUTE_MS

Rows = NDArray[np.int64]
_POINTS = 4
_SECONDS = 60
_POINT_SECONDS = (0, 20, 40, 59)
_MEAN_LOTS = 6.0


@dataclass(frozen=True, slots=True, eq=False)
class TickRows:
    """Recorded quote rows (ms, 4 bids, bid size, 4 asks, ask size) and trade rows (ms, o, h, l, c, volume), each of `span` ms."""

    span: int
    quotes: Rows
    trades: Rows


def tape_of_ticks(symbol: str, date: dt.date, rows: TickRows) -> Tape:
    """The tape of recorded quotes and trades; prices in 1/10,000 dollars."""
    quote_ms, bid, bid_size, ask, ask_size = _quote_points(rows.quotes, rows.span)
    return Tape(symbol, date, quote_ms, bid, bid_size, ask, ask_size, *_trade_points(rows.trades, rows.span))


def tape_of_minutes(symbol: str, date: dt.date, minutes: Rows, rng: np.random.Generator) -> Tape:
    """The tape of recorded minute bars (ms, o, h, l, c, volume) with quotes by the spread model."""
    width = spread.widths(symbol, int(minutes[-1, 4]), len(minutes) * _SECONDS, rng)
    tick = spread.tick_at(int(minutes[:, 3].min()))
    width = np.maximum(width // tick, 1) * tick
    bid = np.rint((_seconds_through(minutes) - width / 2) / tick).astype(np.int64) * tick
    at = (minutes[:, :1] + 1000 * np.arange(_SECONDS)).ravel()
    sizes = (100 * (1 + rng.exponential(_MEAN_LOTS, len(at)).astype(np.int64)) for _ in range(2))
    bid_size, ask_size = sizes
    printed = minutes[minutes[:, 5] > 0]
    return Tape(symbol, date, at, bid, bid_size, bid + width, ask_size, *_trade_points(printed, MINUTE_MS))


def _ordered(low: Column, high: Column, rising: NDArray[np.bool_]) -> tuple[Column, Column]:
    return np.where(rising, low, high), np.where(rising, high, low)


def _four_points(rows: Rows) -> Rows:
    """Open, first extreme, second extreme and close of rows whose columns 1-4 are open, high, low, close; shape (n, 4)."""
    first, second = _ordered(rows[:, 3], rows[:, 2], rows[:, 4] >= rows[:, 1])
    return np.stack([rows[:, 1], first, second, rows[:, 4]], axis=1)


def _times(rows: Rows, span: int) -> Rows:
    return np.asarray(rows[:, :1] + np.arange(_POINTS) * (span // _POINTS))


def _changed(points: Rows) -> NDArray[np.bool_]:
    """Which points differ from the one before them in their row; the first always counts."""
    changed = np.ones(points.shape, dtype=bool)
    changed[:, 1:] = points[:, 1:] != points[:, :-1]
    return changed


def _trade_points(rows: Rows, span: int) -> tuple[Column, Column, Column]:
    points = _four_points(rows)
    kept = _changed(points)
    number = kept.sum(axis=1, keepdims=True)
    volume = np.maximum(rows[:, 5:6], number)
    sizes = np.broadcast_to(volume // number, points.shape).copy()
    last = _POINTS - 1 - np.argmax(kept[:, ::-1], axis=1)
    sizes[np.arange(len(rows)), last] += (volume % number)[:, 0]
    return _times(rows, span)[kept], points[kept], sizes[kept]


def _quote_points(rows: Rows, span: int) -> tuple[Column, Column, Column, Column, Column]:
    rising = rows[:, 4] + rows[:, 9] >= rows[:, 1] + rows[:, 6]
    bids = np.stack([rows[:, 1], *_ordered(rows[:, 3], rows[:, 2], rising), rows[:, 4]], axis=1)
    asks = np.stack([rows[:, 6], *_ordered(rows[:, 8], rows[:, 7], rising), rows[:, 9]], axis=1)
    kept = _changed(bids) | _changed(asks)
    kept[1:, 0] = (bids[1:, 0] != bids[:-1, -1]) | (asks[1:, 0] != asks[:-1, -1])
    kept[:, :-1] &= bids[:, :-1] < asks[:, :-1]
    kept[:, -1] |= ~kept.any(axis=1)
    sizes = (np.broadcast_to(rows[:, column : column + 1], bids.shape)[kept] for column in (5, 10))
    bid_size, ask_size = sizes
    return _times(rows, span)[kept], bids[kept], bid_size, asks[kept], ask_size


def _seconds_through(minutes: Rows) -> NDArray[np.float64]:
    """The price of each second of each minute, along straight lines through the minute's four points."""
    points = _four_points(minutes).astype(np.float64)
    seconds = np.arange(_SECONDS)
    segment = np.searchsorted(_POINT_SECONDS[1:-1], seconds, side="right")
    start, end = np.take(_POINT_SECONDS, segment), np.take(_POINT_SECONDS, segment + 1)
    share = (seconds - start) / (end - start)
    return np.asarray(points[:, segment] * (1 - share) + points[:, segment + 1] * share).ravel()

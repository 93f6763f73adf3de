"""A price path of one second steps through a day whose open, high, low and close are known, and the ticks along it.

Used by the generated market and wherever only a daily bar was recorded. The path is a Brownian bridge over four fixed
points, folded back into the day's range: it starts at the open, touches the high and the low, and ends at the close.
"""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from services.simulator.domain import spread
from services.simulator.domain.intraday import Column, Tape

Path = NDArray[np.float64]
_MOST_TRADES_PER_SECOND = 0.2
_SHARES_PER_TRADE = 400
_FEWEST_TRADES = 4  # open, high, low and close must be printed
# The range of a Brownian motion is about 1.6 standard deviations of its end.
_RANGE_IN_DEVIATIONS = 1.6
_ROUND_LOT = 100


@dataclass(frozen=True, slots=True)
class DayShape:
    """Open, high, low and close in one unit of price, and the shares traded."""

    open: float
    high: float
    low: float
    close: float
    volume: int


@dataclass(frozen=True, slots=True, eq=False)
class DayPath:
    """The price at each second of a session, and the seconds of its high and its low."""

    prices: Path
    second_of_high: int
    second_of_low: int


def bridge(day: DayShape, steps: Path, rng: np.random.Generator) -> DayPath:
    """A path of len(steps) seconds shaped by `day`; `steps` are the standard normal increments it wanders by."""
    last = len(steps) - 1
    if day.high <= day.low:
        return DayPath(np.full(last + 1, day.open), 0, last)
    of_high = _second_of(day.high <= day.open, day.high <= day.close, last, rng)
    of_low = _second_of(day.low >= day.open, day.low >= day.close, last, rng)
    if of_low == of_high:
        of_low += 1 if of_low < last - 1 else -1
    anchors = {of_high: day.high, of_low: day.low, 0: day.open, last: day.close}
    return DayPath(_through(anchors, steps, day), of_high, of_low)


def _second_of(at_open: bool, at_close: bool, last: int, rng: np.random.Generator) -> int:  # noqa: FBT001 - two facts about one extreme
    drawn = int(rng.integers(1, last))
    if at_open:
        return 0
    return last if at_close else drawn


def _through(anchors: dict[int, float], steps: Path, day: DayShape) -> Path:
    seconds = np.arange(len(steps))
    fixed = np.array(sorted(anchors))
    prices = np.array([anchors[second] for second in fixed])
    wander = np.cumsum(steps) * ((day.high - day.low) / _RANGE_IN_DEVIATIONS / np.sqrt(len(steps)))
    path = wander + np.interp(seconds, fixed, prices - wander[fixed])
    span = day.high - day.low
    folded = day.low + span - np.abs(np.mod(path - day.low, 2 * span) - span)
    folded[fixed] = prices
    return np.asarray(folded)


def trade_count(volume: int, seconds: int) -> int:
    """How many prints a session of that volume has; a daily bar and its tape agree on it."""
    return int(min(max(volume // _SHARES_PER_TRADE, _FEWEST_TRADES), seconds * _MOST_TRADES_PER_SECOND))


def day_volume(volume: int) -> int:
    """The shares a tape prints for a recorded volume: each print is at least one share."""
    return max(volume, _FEWEST_TRADES)


def tape_along(
    path: DayPath, day: DayShape, rng: np.random.Generator, *, symbol: str, date: dt.date, first_ms: int
) -> Tape:
    """Quotes of every second and prints every few seconds around `path`; `day` and path in 1/10,000 dollars.

    Quotes stay inside the day's range where it is wide enough for the spread.
    """
    seconds = len(path.prices)
    bid, ask = _quotes(symbol, path, day, rng)
    order, price = _prints(bid, ask, path, day, rng)
    return Tape(
        symbol,
        date,
        first_ms + 1000 * np.arange(seconds, dtype=np.int64),
        bid,
        _lots(seconds, rng),
        ask,
        _lots(seconds, rng),
        first_ms + order,
        price,
        _sizes(len(order), day_volume(day.volume), rng),
    )


def _quotes(symbol: str, path: DayPath, day: DayShape, rng: np.random.Generator) -> tuple[Column, Column]:
    tick = spread.tick_at(int(day.low))
    width = spread.widths(symbol, int(day.close), len(path.prices), rng)
    width = np.maximum(width // tick, 1) * tick
    bid = np.rint((path.prices - width / 2) / tick).astype(np.int64) * tick
    floor, ceiling = -(-int(day.low) // tick) * tick, int(day.high) // tick * tick - width
    bid = np.where(ceiling >= floor, np.clip(bid, floor, np.maximum(ceiling, floor)), np.maximum(bid, tick))
    return bid, bid + width


def _prints(bid: Column, ask: Column, path: DayPath, day: DayShape, rng: np.random.Generator) -> tuple[Column, Column]:
    """Milliseconds after the first second, and prices: at the bid, at the ask or between; the day's four points exactly."""
    seconds = len(bid)
    fixed = [0, path.second_of_high, path.second_of_low, seconds - 1]
    at = np.concatenate([rng.integers(1, seconds - 1, trade_count(day.volume, seconds) - len(fixed)), fixed])
    side = rng.random(len(at))
    tick = spread.tick_at(int(day.low))
    middle = np.rint(path.prices[at] / tick).astype(np.int64) * tick
    price = np.where(side < 0.45, bid[at], np.where(side < 0.9, ask[at], middle))  # noqa: PLR2004 - one in ten prints between
    price = np.clip(price, int(day.low), int(day.high))
    price[-4:] = [int(day.open), int(day.high), int(day.low), int(day.close)]
    ms = 1000 * at + rng.integers(100, 900, len(at))
    ms[-4], ms[-1] = 1, 1000 * (seconds - 1) + 999
    order = np.argsort(ms, kind="stable")
    return ms[order], price[order]


def _lots(count: int, rng: np.random.Generator) -> Column:
    return _ROUND_LOT * (1 + np.minimum(rng.exponential(6.0, count), 200.0).astype(np.int64))


def _sizes(count: int, volume: int, rng: np.random.Generator) -> Column:
    """`count` sizes of at least one share that add up to `volume`; what rounding leaves goes to the closing print."""
    share = rng.exponential(1.0, count)
    sizes = 1 + np.floor((volume - count) * share / share.sum()).astype(np.int64)
    sizes[-1] += volume - int(sizes.sum())
    return np.asarray(sizes)

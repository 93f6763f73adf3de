"""One symbol's daily prices as columns, for the gates: what is not known of them is None."""

from __future__ import annotations

import datetime as dt
import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
from numpy.typing import ArrayLike, NDArray

from shared.contracts.marketdata import DailyHistory
from shared.sessions import sessions_between

FloatArray = NDArray[np.float64]
_USUAL = 63
_NEAR = 21
_MAD = 1.4826
"""A normal deviate's standard deviation over its median absolute value."""
_FLOOR = 5e-4


@dataclass(frozen=True, eq=False)
class Series:
    """`dates` rise; prices are positive. `open`, `high`, `low` go together; a `volume` of zeros alone counts as unknown."""

    symbol: str
    dates: tuple[dt.date, ...]
    close: FloatArray
    open: FloatArray | None = None
    high: FloatArray | None = None
    low: FloatArray | None = None
    volume: FloatArray | None = None
    fetched_at: dt.datetime | None = None

    @classmethod
    def of(
        cls,
        symbol: str,
        dates: Sequence[dt.date],
        close: ArrayLike,
        *,
        days: tuple[ArrayLike, ArrayLike, ArrayLike] | None = None,
        volume: ArrayLike | None = None,
    ) -> Series:
        """From any sequences of one length; `days` are open, high and low."""
        opened, high, low = (None, None, None) if days is None else (_column(column) for column in days)
        shares = None if volume is None else _column(volume)
        if shares is not None and not np.any(shares > 0):
            shares = None
        return cls(symbol, tuple(dates), _column(close), opened, high, low, shares)

    @classmethod
    def of_history(cls, history: DailyHistory) -> Series:
        series = cls.of(
            history.symbol,
            history.dates,
            history.close,
            days=(history.open, history.high, history.low),
            volume=history.volume,
        )
        return replace(series, fetched_at=history.fetched_at)

    def __len__(self) -> int:
        return len(self.dates)

    @cached_property
    def places(self) -> dict[dt.date, int]:
        return {day: row for row, day in enumerate(self.dates)}

    @cached_property
    def moves(self) -> FloatArray:
        """Logarithm of each close over the one before; 0 for the first."""
        return np.diff(np.log(self.close), prepend=np.log(self.close[:1]))

    def without(self, dates: set[dt.date]) -> Series:
        """The rows that are left."""
        if not dates:
            return self
        kept = np.array([day not in dates for day in self.dates], dtype=np.bool_)
        return replace(
            self,
            dates=tuple(day for day in self.dates if day not in dates),
            close=self.close[kept],
            open=_some(self.open, kept),
            high=_some(self.high, kept),
            low=_some(self.low, kept),
            volume=_some(self.volume, kept),
        )

    def usual_move(self, row: int) -> float:
        """A robust standard deviation of the daily moves before `row`, for as many sessions as the move at `row` took."""
        before = self.moves[max(1, row - _USUAL) : row]
        daily = max(_deviation(before) if len(before) >= _NEAR else 0.0, self._quiet)
        return daily * math.sqrt(max(1, len(sessions_between(self.dates[max(0, row - 1)], self.dates[row])) - 1))

    def move_around(self, row: int) -> float:
        """The same of the weeks before and after, whichever is wilder: a stormy month is no row of errors."""
        before, after = self.moves[max(1, row - _NEAR) : row], self.moves[row + 2 : row + 2 + _NEAR]
        return max(self._quiet, *(_deviation(side) for side in (before, after) if len(side) >= _NEAR // 2))

    @cached_property
    def _quiet(self) -> float:
        return max(_FLOOR, _deviation(self.moves[1:]) / 2 if len(self) > 1 else 0.0)

    @cached_property
    def relative_volume(self) -> FloatArray:
        """Each volume over the median of the 21 before it; NaN where those are too few, or volume is not known."""
        found = np.full(len(self), np.nan)
        if self.volume is None or len(self) <= _NEAR:
            return found
        before = np.median(np.lib.stride_tricks.sliding_window_view(self.volume[:-1], _NEAR), axis=1)
        with np.errstate(divide="ignore", invalid="ignore"):
            found[_NEAR:] = np.where(before > 0, self.volume[_NEAR:] / before, np.nan)
        return found


def _column(values: ArrayLike) -> FloatArray:
    return np.asarray(values, dtype=np.float64)


def _some(column: FloatArray | None, kept: NDArray[np.bool_]) -> FloatArray | None:
    return None if column is None else column[kept]


def _deviation(moves: FloatArray) -> float:
    return _MAD * float(np.median(np.abs(moves)))

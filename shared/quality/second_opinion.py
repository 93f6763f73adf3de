"""Two sources of one symbol's closes beside each other: what neither of them shows alone.

Sources adjust for different dividends, so levels are compared with those of the days around, never by themselves.
"""

from __future__ import annotations

import datetime as dt
from bisect import bisect_left
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from shared.quality.doubts import Doubt, Thresholds
from shared.quality.series import FloatArray, Series

_AROUND = 5
_LEVEL = 10
_FEWEST = 3
_LONG_ENOUGH = 40
_OFF_BY_ONE = 0.9
_NOT_THE_SAME = 0.5


@dataclass(frozen=True, slots=True)
class Tolerance:
    """Differences that mean nothing. Logarithms; `moves` are of the symbol's usual daily move."""

    close: float = 0.005
    moves: float = 0.25
    level: float = 0.005
    step: float = 0.1


@dataclass(frozen=True, eq=False)
class Comparison:
    """The first source and the second on the dates that both have."""

    first: Series
    second: Series

    @cached_property
    def dates(self) -> tuple[dt.date, ...]:
        return tuple(day for day in self.first.dates if day in self.second.places)

    @cached_property
    def ratios(self) -> FloatArray:
        """Logarithm of the first's close over the second's."""
        mine = [self.first.places[day] for day in self.dates]
        theirs = [self.second.places[day] for day in self.dates]
        return np.log(self.first.close[mine]) - np.log(self.second.close[theirs])

    def level_near(self, day: dt.date) -> float | None:
        """How far the first stands from the second in the days before that one, else after; None where too few tell."""
        place = bisect_left(self.dates, day)
        after = place + 1 if place < len(self.dates) and self.dates[place] == day else place
        sides = self.ratios[max(0, place - _AROUND) : place], self.ratios[after : after + _AROUND]
        return next((float(np.median(side)) for side in sides if len(side) >= _FEWEST), None)

    def step_at(self, day: dt.date) -> float | None:
        """By how much the first stepped away from the second on that day; None where too few days tell."""
        place = bisect_left(self.dates, day)
        before, after = self.ratios[max(0, place - _LEVEL) : place], self.ratios[place : place + _LEVEL]
        if len(before) < _FEWEST or not len(after):
            return None
        return float(np.median(after) - np.median(before))

    @cached_property
    def deviations(self) -> FloatArray:
        """Of each day's ratio from the days before and from those after, whichever is less: a step is no deviation."""
        before, after = self._medians(), self._medians(backwards=True)
        away = np.stack([self.ratios - before, self.ratios - after])
        unknown = np.isnan(away)
        away[unknown] = away[::-1][unknown]
        least = np.where(np.abs(away[0]) <= np.abs(away[1]), away[0], away[1])
        return np.where(away[0] * away[1] > 0, least, 0.0)

    def _medians(self, *, backwards: bool = False) -> FloatArray:
        """Of the five ratios before each; NaN where there are not so many."""
        ratios = self.ratios[::-1] if backwards else self.ratios
        found = np.full(len(ratios), np.nan)
        if len(ratios) > _AROUND:
            windows = np.lib.stride_tricks.sliding_window_view(ratios[:-1], _AROUND)
            found[_AROUND:] = np.median(windows, axis=1)
        return found[::-1] if backwards else found


def compare(comparison: Comparison, tolerance: Tolerance = Tolerance()) -> Iterator[Doubt]:
    """Doubts about the first source's closes that the second raises."""
    if len(comparison.dates) < _LONG_ENOUGH:
        return
    if (shift := _shift(comparison)) != 0:
        seen = f"its moves are those of the second source {'a session later' if shift > 0 else 'a session earlier'}"
        yield Doubt("wrong time zone", comparison.dates[-1:], seen, "the same moves on the same dates", "all")
        return
    yield from _steps(comparison, tolerance)
    yield from _apart(comparison, tolerance)
    yield from _levels(comparison, tolerance)


def _shift(comparison: Comparison) -> int:
    mine, theirs = (np.diff(np.log(column)) for column in _columns(comparison))
    here, later, earlier = _alike(mine, theirs), _alike(mine[1:], theirs[:-1]), _alike(mine[:-1], theirs[1:])
    if here >= _NOT_THE_SAME or max(later, earlier) < _OFF_BY_ONE:
        return 0
    return 1 if later > earlier else -1


def _columns(comparison: Comparison) -> tuple[FloatArray, FloatArray]:
    first, second = comparison.first, comparison.second
    return (
        first.close[[first.places[day] for day in comparison.dates]],
        second.close[[second.places[day] for day in comparison.dates]],
    )


def _alike(mine: FloatArray, theirs: FloatArray) -> float:
    """Correlation; of what never moves there is none."""
    if not mine.std() or not theirs.std():
        return 1.0
    return float(np.corrcoef(mine, theirs)[0, 1])


def _steps(comparison: Comparison, tolerance: Tolerance) -> Iterator[Doubt]:
    """A lasting step beyond any dividend: one of the two did not apply an action, the one that moved more that day."""
    jumps = np.flatnonzero(np.abs(np.diff(comparison.ratios)) > tolerance.step) + 1
    for place in jumps:
        day = comparison.dates[place]
        step = comparison.step_at(day)
        if step is not None and abs(step) > tolerance.step and _is_where_it_steps(comparison, int(place), step):
            seen = f"{np.exp(step):.4g} times as much against the second source as before"
            expected = "the same level on both sides"
            if _is_the_seconds(comparison, int(place)):
                yield Doubt(
                    "unapplied split", (day,), f"{seen}; the step is its own", expected, "nothing", refuses=False
                )
            else:
                yield Doubt("unapplied split", (day,), seen, expected, "before", move=step)


def _is_the_seconds(comparison: Comparison, place: int) -> bool:
    mine, theirs = (abs(float(np.log(column[place] / column[place - 1]))) for column in _columns(comparison))
    return theirs > mine


def _is_where_it_steps(comparison: Comparison, place: int, step: float) -> bool:
    """Not a lone wrong close near it."""
    return abs(float(comparison.ratios[place] - comparison.ratios[place - 1]) - step) < abs(step) / 4


def _apart(comparison: Comparison, tolerance: Tolerance) -> Iterator[Doubt]:
    deviations = comparison.deviations
    for place in np.flatnonzero(np.abs(deviations) > tolerance.close):
        day, off = comparison.dates[place], float(deviations[place])
        usual = comparison.second.usual_move(comparison.second.places[day])
        if abs(off) > tolerance.moves * usual:
            seen = f"{np.exp(off) - 1:+.2%} against the second source"
            expected = f"at most {max(tolerance.close, tolerance.moves * usual):.2%} apart"
            yield Doubt("sources disagree", (day,), seen, expected, move=off, reach=Thresholds().recent_sessions)


def _levels(comparison: Comparison, tolerance: Tolerance) -> Iterator[Doubt]:
    drift = float(np.median(comparison.ratios[-_LEVEL:]) - np.median(comparison.ratios[:_LEVEL]))
    if abs(drift) > tolerance.level:
        seen = f"its first closes stand {np.exp(-drift) - 1:+.1%} against the second source's, its last ones alike"
        expected = "the same adjustment for dividends"
        yield Doubt("adjustments differ", comparison.dates[:1], seen, expected, "nothing", refuses=False)

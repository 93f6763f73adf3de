"""Adjustment factors of recorded closes: what turns a traded price of one day into a price comparable with another day's.

    factor(day) = adjusted close / recorded close, divided by the same of the last session complete at `now`

so that the newest bar has factor 1 and history agrees with the live quote, as a broker's bars adjusted as of today do.

The daily ratio is noisy (an exchange's last print is not the official close), so it is exact only for days that have both;
elsewhere the level of the nearest such days before stands in. A level changes where the recorded prices change their source or
jump against the adjusted ones (a spin-off or a split that the recording did not apply): a `regime`. While the first session
of a new regime trades, its level counts, so that such a day is no crash.
"""

from __future__ import annotations

import itertools
from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from services.simulator.domain.intraday import Column

Line = NDArray[np.float64]
_LEVEL_DAYS = 5
_JUMP = 0.15  # thin funds print up to a tenth off; splits and large spin-offs move more


@dataclass(frozen=True, slots=True, eq=False)
class Ratios:
    """adjusted / recorded of the days that have both, ascending; `regime` numbers stretches of one level."""

    day: Column
    ratio: Line
    regime: Column

    def at(self, day: int) -> float:
        """The ratio of that day, or the level of the last known days before it; 1 where nothing is known at all."""
        if not len(self.day):
            return 1.0
        place = bisect_right(self.day, day) - 1
        if place >= 0 and self.day[place] == day:
            return float(self.ratio[place])
        return self._level(max(place, 0))

    def while_trading(self, day: int, last_complete: int) -> float:
        """The ratio that makes history comparable with prices of the unfinished session `day`."""
        ratio, place = self.at(last_complete), bisect_right(self.day, day) - 1
        before = bisect_right(self.day, last_complete) - 1
        if before < 0 or self.day[place] != day or self.regime[place] == self.regime[before]:
            return ratio
        return ratio * self._level(place) / self._level(before)

    def _level(self, place: int) -> float:
        """The median ratio of the up to five days of this regime around and before `place`."""
        same = np.flatnonzero(self.regime == self.regime[place])
        nearest = same[np.argsort(np.abs(same - place), kind="stable")[:_LEVEL_DAYS]]
        return float(np.median(self.ratio[nearest]))


def ratios(days: Column, adjusted: Line, recorded: Line, sources: Sequence[str]) -> Ratios:
    """Ratios of days that have both closes; `sources` names where each recorded close is from."""
    ratio = np.asarray(adjusted / recorded)
    source = np.array(sources)
    changed = np.zeros(len(days), dtype=bool)
    if len(days):
        changed[1:] = source[1:] != source[:-1]
        for place in _jumps(np.log(ratio), changed):
            changed[place] = True
    return Ratios(days, ratio, np.cumsum(changed))


def _jumps(levels: Line, changed: NDArray[np.bool_]) -> list[int]:
    """Where the median of the next days is far from the median of the days before, within one source."""
    bounds = [0, *np.flatnonzero(changed).tolist(), len(levels)]
    sudden = set(np.flatnonzero(np.abs(np.diff(levels, prepend=levels[:1])) > _JUMP).tolist())
    found = []
    for start, end in itertools.pairwise(bounds):
        stretch = levels[start:end]
        steps = {place: _step(stretch, place) for place in range(end - start) if start + place in sudden}
        found += [start + place for place, size in steps.items() if size > 0 and size == _largest_near(steps, place)]
    return found


def _step(levels: Line, place: int) -> float:
    before, after = levels[max(place - _LEVEL_DAYS, 0) : place], levels[place : place + _LEVEL_DAYS]
    if len(before) < _LEVEL_DAYS or len(after) < _LEVEL_DAYS:
        return 0.0
    settled = abs(float(np.median(after) - np.median(before)))
    return settled if settled > _JUMP else 0.0


def _largest_near(steps: dict[int, float], place: int) -> float:
    return max(size for other, size in steps.items() if abs(other - place) < _LEVEL_DAYS)

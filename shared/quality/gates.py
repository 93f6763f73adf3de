"""What daily prices must pass before anyone decides by them: each gate is one entry of GATES, and says what it saw.

The gates of presence come first; what they doubt is no evidence for the gates of price. Thresholds and their measured rates of
false alarms and hits: docs/data-quality.md.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable

import numpy as np

from shared.quality.doubts import Doubt, Gate, Surroundings, Thresholds
from shared.quality.presence_gates import PRESENCE
from shared.quality.price_gates import PRICE
from shared.quality.series import Series
from shared.sessions import session_on

GATES: tuple[Gate, ...] = (*PRESENCE, *PRICE)


def examine(
    series: Series,
    around: Surroundings = Surroundings(),
    bounds: Thresholds = Thresholds(),
    gates: tuple[Gate, ...] = GATES,
) -> tuple[Doubt, ...]:
    """What is doubtful, gate by gate; a date is doubted once, by the first gate that does."""
    doubts: list[Doubt] = []
    left, judged = series, False
    for gate in gates:
        if gate.looks_at == "price" and not judged:
            doubtful = {day for doubt in doubts if doubt.spoils == "close" for day in doubt.dates}
            left = left.without(doubtful | {day for day in left.dates if session_on(day) is None})
            judged = True
        told = {doubt.dates for doubt in doubts if doubt.spoils == "before"}
        found = [d for d in gate.check(left, around, bounds) if d.dates not in told] if len(left) else []
        doubts += found
        left = left.without(_spoilt(found))
    return tuple(doubts)


def market_volume(
    many: Iterable[Series],
    bounds: Thresholds = Thresholds(),
) -> dict[dt.date, float]:
    """Each day's volume over the usual one, of the median symbol; days that too few symbols tell of are absent."""
    told: dict[dt.date, list[float]] = {}
    for series in many:
        for day, relative in zip(series.dates, series.relative_volume.tolist(), strict=True):
            if relative == relative:  # noqa: PLR0124 - NaN is the one float unequal to itself
                told.setdefault(day, []).append(relative)
    return {day: float(np.median(each)) for day, each in told.items() if len(each) >= bounds.market_symbols}


def _spoilt(doubts: Iterable[Doubt]) -> set[dt.date]:
    return {day for doubt in doubts if doubt.refuses and doubt.spoils == "close" for day in doubt.dates}

"""Who ranks first among candidates: ties keep listed order, and what differs only by float noise is a tie.

Composites that held the same things for as long as the indicator looks back are equal in truth, but their paths come from
different levels and their values differ in the last bits; without the tolerance that noise would choose.
"""

from __future__ import annotations

from itertools import pairwise
from typing import Final

import numpy as np
from numpy.typing import NDArray

from services.strategy.domain.indicators import FloatArray

TIE: Final = 1e-9
"""As far as values up to 1 may lie apart, and relative to larger ones: what indicators are exact to."""


def ranked_places(values: list[float], *, highest: bool) -> list[int]:
    """The places of `values` (none is NaN), the best first."""
    sign = -1.0 if highest else 1.0
    order = sorted(range(len(values)), key=lambda place: sign * values[place])
    ranks = [0] * len(values)
    for better, worse in pairwise(order):
        ranks[worse] = ranks[better] + (abs(values[worse] - values[better]) > TIE * max(1.0, abs(values[better])))
    return sorted(range(len(values)), key=ranks.__getitem__)


def chosen(values: FloatArray, count: int, *, highest: bool) -> NDArray[np.bool_]:
    """Of shape (days, candidates): whether a candidate is among the first `count` of its day. NaN is never chosen."""
    keys = -values if highest else values
    order = np.argsort(keys, axis=1, kind="stable")  # NaN sorts last
    in_order = np.take_along_axis(keys, order, axis=1)
    better, worse = in_order[:, :-1], in_order[:, 1:]
    apart = ~(np.abs(worse - better) <= TIE * np.maximum(1.0, np.abs(better)))  # so that NaN is apart from all
    ranks = np.zeros(values.shape, dtype=np.intp)
    np.put_along_axis(ranks, order[:, 1:], np.cumsum(apart, axis=1), axis=1)
    first = np.argsort(ranks, axis=1, kind="stable")[:, :count]
    picked = np.zeros(values.shape, dtype=np.bool_)
    np.put_along_axis(picked, first, values=True, axis=1)
    return picked & ~np.isnan(values)

"""Means with confidence intervals where neighbours are not independent: whole stretches of the session are drawn again."""

from __future__ import annotations

from dataclasses import asdict, dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
DRAWS = 4000
BLOCK_SECONDS = 300
"""Parents that arrive within five minutes see the same market, buys and sells alike; they are drawn together."""


@dataclass(frozen=True)
class Estimate:
    """A mean and its 95 % confidence interval."""

    mean: float
    low: float
    high: float

    @property
    def is_below_zero(self) -> bool:
        return self.high < 0

    @property
    def is_above_zero(self) -> bool:
        return self.low > 0

    def rounded(self) -> dict[str, float]:
        return {name: round(value, 4) for name, value in asdict(self).items()}

    def __str__(self) -> str:
        return f"{self.mean:+.3f} [{self.low:+.3f}, {self.high:+.3f}]"


def estimate(values: Floats, arrival_seconds: NDArray[np.int64], seed: int) -> Estimate:
    """Block bootstrap over the stretches in which the values' parents arrived. `values` and `arrival_seconds`: the same length."""
    _stretches, of = np.unique(arrival_seconds // BLOCK_SECONDS, return_inverse=True)
    sums, counts = np.bincount(of, values), np.bincount(of)
    drawn = np.random.default_rng(seed).integers(0, len(counts), (DRAWS, len(counts)))
    means = sums[drawn].sum(axis=1) / counts[drawn].sum(axis=1)
    low, high = np.quantile(means, (0.025, 0.975))
    return Estimate(float(values.mean()), float(low), float(high))

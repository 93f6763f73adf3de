"""Exponential moving average of closes, alpha = 2 / (n + 1), recursive."""

from __future__ import annotations

from itertools import accumulate

import numpy as np

from services.strategy.domain.indicators.indicator import FloatArray, Indicator


def exponential_means(run: FloatArray, window: int) -> FloatArray:
    """Of the last len(run) - window + 1 days; seeded with the simple mean of the first `window` values, as in TA-Lib."""
    seed = float(run[:window].mean())
    alpha = 2.0 / (window + 1)
    return np.array(list(accumulate(run[window:].tolist(), lambda mean, x: mean + alpha * (x - mean), initial=seed)))


EMA = Indicator(
    "ema", "exponential-moving-average-price", "EMA", ("window",), 1, lambda window: window, exponential_means
)
"""In dollars; needs window closes."""

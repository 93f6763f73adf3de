"""Exponential moving average of closes, alpha = 2 / (n + 1), recursive."""

from __future__ import annotations

from itertools import accumulate

import numpy as np

from services.strategy.domain.indicators.indicator import FloatArray, Indicator


def _ema(run: FloatArray, window: int) -> FloatArray:
    """Seeded with the simple mean of the first `window` closes, as TA-Lib does."""
    seed = float(run[:window].mean())
    alpha = 2.0 / (window + 1)
    return np.array(list(accumulate(run[window:].tolist(), lambda mean, x: mean + alpha * (x - mean), initial=seed)))


EMA = Indicator("exponential-moving-average-price", "EMA", ("window",), 1, lambda window: window, _ema)
"""In dollars; needs window closes."""

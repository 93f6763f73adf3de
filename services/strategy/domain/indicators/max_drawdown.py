"""Deepest fall from a running peak within the last n closes, in percent, positive."""

from __future__ import annotations

import numpy as np

from services.strategy.domain.indicators.indicator import FloatArray, Indicator, sliding


def _max_drawdown(run: FloatArray, window: int) -> FloatArray:
    windows = sliding(run, window)
    peaks = np.maximum.accumulate(windows, axis=1)
    deepest: FloatArray = (1.0 - windows / peaks).max(axis=1)
    return deepest * 100.0


MAX_DRAWDOWN = Indicator(
    "max_drawdown", "max-drawdown", "max-drawdown", ("window",), 1, lambda window: window, _max_drawdown
)
"""In percent, 0 for a window that only rises; needs window closes."""

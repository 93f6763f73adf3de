"""Relative strength index with Wilder's smoothing over the full history there is."""

from __future__ import annotations

from itertools import accumulate

import numpy as np

from services.strategy.domain.indicators.indicator import FloatArray, Indicator


def _wilder_means(changes: FloatArray, window: int) -> FloatArray:
    """Seeded with the simple mean of the first `window` changes (as TA-Lib does), then alpha = 1 / window."""
    seed = float(changes[:window].mean())
    kept = window - 1
    return np.array(
        list(accumulate(changes[window:].tolist(), lambda mean, x: (mean * kept + x) / window, initial=seed))
    )


def _rsi(run: FloatArray, window: int) -> FloatArray:
    changes = np.diff(run)
    gains = _wilder_means(np.maximum(changes, 0.0), window)
    losses = _wilder_means(np.maximum(-changes, 0.0), window)
    # Neither gain nor loss since the run began has no strength at all: 0 / 0 stays undefined (TA-Lib would say 0).
    with np.errstate(invalid="ignore"):
        return 100.0 * (gains / (gains + losses))


RSI = Indicator("rsi", "RSI", ("window",), 1, lambda window: window + 1, _rsi)
"""0 to 100; needs window + 1 closes. Source: Wilder, New Concepts in Technical Trading Systems (1978)."""

"""Relative strength index with Wilder's smoothing over the full history there is."""

from __future__ import annotations

import numpy as np

from services.strategy.domain.indicators.indicator import FloatArray, Indicator


def _wilder_means(changes: FloatArray, window: int) -> FloatArray:
    """Of each row: seeded with the simple mean of its first `window` values (as TA-Lib does), then alpha = 1 / window.

    The recursion is summed in log2(days) steps of doubling reach. A day's sum has the same terms in the same order however
    many days follow it, so that its last bit does not depend on the future.
    """
    means = changes[:, window - 1 :] / window
    means[:, 0] = changes[:, :window].mean(axis=1)
    reach, kept = 1, (window - 1) / window
    while reach < means.shape[1]:
        means[:, reach:] += kept**reach * means[:, :-reach]
        reach *= 2
    return means


def _rsi(run: FloatArray, window: int) -> FloatArray:
    changes = np.empty((2, len(run) - 1))
    np.subtract(run[1:], run[:-1], out=changes[0])
    np.negative(changes[0], out=changes[1])
    gains, losses = _wilder_means(np.maximum(changes, 0.0, out=changes), window)
    # Neither gain nor loss since the run began has no strength at all: 0 / 0 stays undefined (TA-Lib would say 0).
    with np.errstate(invalid="ignore"):
        strengths: FloatArray = 100.0 * (gains / (gains + losses))
    return strengths


RSI = Indicator(
    "rsi", "rsi", "RSI", ("window",), 1, lambda window: window + 1, _rsi, composer_name="relative-strength-index"
)
"""0 to 100; needs window + 1 closes. Source: Wilder, New Concepts in Technical Trading Systems (1978)."""

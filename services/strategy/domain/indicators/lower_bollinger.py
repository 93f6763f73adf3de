"""Lower Bollinger band: the simple mean of n closes less k of their standard deviations (population form, as in TA-Lib)."""

from __future__ import annotations

from services.strategy.domain.indicators.indicator import FloatArray, Indicator
from services.strategy.domain.indicators.upper_bollinger import mean_and_deviation


def _lower(run: FloatArray, window: int, deviations: int) -> FloatArray:
    mean, deviation = mean_and_deviation(run, window)
    return mean - deviations * deviation


LOWER_BOLLINGER = Indicator(
    "lower_bollinger", "lower-bollinger", "lower-bollinger", ("window", "std-dev"), 1, lambda window, _: window, _lower
)
"""In dollars; needs window closes."""

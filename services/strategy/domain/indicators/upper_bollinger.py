"""Upper Bollinger band: the simple mean of n closes plus k of their standard deviations (population form, as in TA-Lib)."""

from __future__ import annotations

from services.strategy.domain.indicators.indicator import FloatArray, Indicator, sliding


def mean_and_deviation(run: FloatArray, window: int) -> tuple[FloatArray, FloatArray]:
    """The deviation is taken around each window's first close, so that a constant window deviates by exactly 0."""
    windows = sliding(run, window)
    return windows.mean(axis=1), (windows - windows[:, :1]).std(axis=1)


def _upper(run: FloatArray, window: int, deviations: int) -> FloatArray:
    mean, deviation = mean_and_deviation(run, window)
    return mean + deviations * deviation


UPPER_BOLLINGER = Indicator(
    "upper_bollinger", "upper-bollinger", "upper-bollinger", ("window", "std-dev"), 1, lambda window, _: window, _upper
)
"""In dollars; needs window closes. Source: Bollinger on Bollinger Bands (2001), with k = 2."""

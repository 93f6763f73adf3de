"""Moving average convergence divergence: the short exponential mean of closes less the long one."""

from __future__ import annotations

from services.strategy.domain.indicators.ema import exponential_means
from services.strategy.domain.indicators.indicator import FloatArray, Indicator


def _macd(run: FloatArray, short: int, long: int) -> FloatArray:
    """Both means begin on the day the longer one can, seeded with the closes before that day, as in TA-Lib."""
    longest = max(short, long)
    return exponential_means(run[longest - short :], short) - exponential_means(run[longest - long :], long)


MACD = Indicator(
    "macd", "moving-average-convergence-divergence", "MACD", ("short-window", "long-window"), 1, max, _macd
)
"""In dollars; needs as many closes as the longer window."""

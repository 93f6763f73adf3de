"""The exponential mean of MACD itself."""

from __future__ import annotations

from services.strategy.domain.indicators.ema import exponential_means
from services.strategy.domain.indicators.indicator import FloatArray, Indicator
from services.strategy.domain.indicators.macd import MACD


def _macd_signal(run: FloatArray, short: int, long: int, smooth: int) -> FloatArray:
    return exponential_means(MACD.of_run(run, short, long), smooth)


MACD_SIGNAL = Indicator(
    "macd_signal",
    "moving-average-convergence-divergence-signal",
    "MACD-signal",
    ("short-window", "long-window", "smooth-window"),
    1,
    lambda short, long, smooth: max(short, long) + smooth - 1,
    _macd_signal,
)
"""In dollars; needs the longer window and smooth-window - 1 closes more."""

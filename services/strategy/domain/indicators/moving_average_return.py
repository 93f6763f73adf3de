"""Mean of the last n one-day returns, in percent (not the change of the moving average)."""

from __future__ import annotations

from services.strategy.domain.indicators.indicator import FloatArray, Indicator, daily_returns, sliding


def _moving_average_return(run: FloatArray, window: int) -> FloatArray:
    means: FloatArray = sliding(daily_returns(run), window).mean(axis=1)
    return means


MOVING_AVERAGE_RETURN = Indicator(
    "moving_average_return",
    "moving-average-return",
    "moving-average-return",
    ("window",),
    1,
    lambda window: window + 1,
    _moving_average_return,
)
"""In percent a day; needs window + 1 closes."""

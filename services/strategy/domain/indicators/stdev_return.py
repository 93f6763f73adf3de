"""Sample standard deviation of the last n one-day returns, in percent."""

from __future__ import annotations

from services.strategy.domain.indicators.indicator import FloatArray, Indicator, daily_returns
from services.strategy.domain.indicators.stdev_price import sample_deviations


def _stdev_return(run: FloatArray, window: int) -> FloatArray:
    return sample_deviations(daily_returns(run), window)


STDEV_RETURN = Indicator(
    "stdev_return",
    "stdev-return",
    "stdev-return",
    ("window",),
    2,
    lambda window: window + 1,
    _stdev_return,
    composer_name="standard-deviation-return",
)
"""In percent a day; needs window + 1 closes."""

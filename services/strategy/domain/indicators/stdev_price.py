"""Sample standard deviation of the last n closes."""

from __future__ import annotations

from services.strategy.domain.indicators.indicator import FloatArray, Indicator, sliding


def sample_deviations(values: FloatArray, window: int) -> FloatArray:
    """Taken around each window's first value, which changes nothing but makes a constant window exactly 0."""
    windows = sliding(values, window)
    deviations: FloatArray = (windows - windows[:, :1]).std(axis=1, ddof=1)
    return deviations


STDEV_PRICE = Indicator(
    "stdev_price",
    "stdev-price",
    "stdev-price",
    ("window",),
    2,
    lambda window: window,
    sample_deviations,
    composer_name="standard-deviation-price",
)
"""In dollars; needs window closes."""

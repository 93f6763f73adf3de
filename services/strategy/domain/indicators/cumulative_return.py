"""Close over the close n sessions earlier, less one, in percent."""

from __future__ import annotations

from services.strategy.domain.indicators.indicator import FloatArray, Indicator


def _cumulative_return(run: FloatArray, window: int) -> FloatArray:
    return (run[window:] / run[:-window] - 1.0) * 100.0


CUMULATIVE_RETURN = Indicator(
    "cumulative_return",
    "cumulative-return",
    "cumulative-return",
    ("window",),
    1,
    lambda window: window + 1,
    _cumulative_return,
)
"""In percent; needs window + 1 closes."""

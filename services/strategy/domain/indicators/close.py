"""The day's close itself, so that a price can stand wherever an indicator can."""

from __future__ import annotations

from services.strategy.domain.indicators.indicator import FloatArray, Indicator


def _close(run: FloatArray) -> FloatArray:
    return run


CLOSE = Indicator("close", "current-price", "close", (), 1, lambda: 1, _close)
"""In dollars; needs one close."""

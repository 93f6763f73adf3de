"""Simple mean of the last n closes."""

from __future__ import annotations

from services.strategy.domain.indicators.indicator import FloatArray, Indicator, sliding


def _sma(run: FloatArray, window: int) -> FloatArray:
    means: FloatArray = sliding(run, window).mean(axis=1)
    return means


SMA = Indicator("sma", "moving-average-price", "SMA", ("window",), 1, lambda window: window, _sma)
"""In dollars; needs window closes."""

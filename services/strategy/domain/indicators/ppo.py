"""Percentage price oscillator: how far the short exponential mean of closes lies above the long one, in percent of it."""

from __future__ import annotations

from services.strategy.domain.indicators.ema import exponential_means
from services.strategy.domain.indicators.indicator import FloatArray, Indicator


def _ppo(run: FloatArray, short: int, long: int) -> FloatArray:
    """Each mean begins where it can (unlike in MACD), as in TA-Lib."""
    longest = max(short, long)
    slow = exponential_means(run, long)[longest - long :]
    return (exponential_means(run, short)[longest - short :] - slow) / slow * 100.0


PPO = Indicator("ppo", "percentage-price-oscillator", "PPO", ("short-window", "long-window"), 1, max, _ppo)
"""In percent; needs as many closes as the longer window."""

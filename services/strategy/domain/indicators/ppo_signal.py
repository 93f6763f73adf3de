"""The exponential mean of the percentage price oscillator itself."""

from __future__ import annotations

from services.strategy.domain.indicators.ema import exponential_means
from services.strategy.domain.indicators.indicator import FloatArray, Indicator
from services.strategy.domain.indicators.ppo import PPO


def _ppo_signal(run: FloatArray, short: int, long: int, smooth: int) -> FloatArray:
    return exponential_means(PPO.of_run(run, short, long), smooth)


PPO_SIGNAL = Indicator(
    "ppo_signal",
    "percentage-price-oscillator-signal",
    "PPO-signal",
    ("short-window", "long-window", "smooth-window"),
    1,
    lambda short, long, smooth: max(short, long) + smooth - 1,
    _ppo_signal,
)
"""In percent; needs the longer window and smooth-window - 1 closes more."""

"""The indicators that strategies are made of, one file each, by the words of the symphony language."""

from __future__ import annotations

from typing import Final

from services.strategy.domain.indicators.close import CLOSE
from services.strategy.domain.indicators.cumulative_return import CUMULATIVE_RETURN
from services.strategy.domain.indicators.ema import EMA
from services.strategy.domain.indicators.indicator import (
    DEFAULT_WINDOWS,
    FloatArray,
    Indicator,
    run_ending_at,
    unbroken_runs,
)
from services.strategy.domain.indicators.lower_bollinger import LOWER_BOLLINGER
from services.strategy.domain.indicators.macd import MACD
from services.strategy.domain.indicators.macd_signal import MACD_SIGNAL
from services.strategy.domain.indicators.max_drawdown import MAX_DRAWDOWN
from services.strategy.domain.indicators.moving_average_return import MOVING_AVERAGE_RETURN
from services.strategy.domain.indicators.ppo import PPO
from services.strategy.domain.indicators.ppo_signal import PPO_SIGNAL
from services.strategy.domain.indicators.rsi import RSI
from services.strategy.domain.indicators.sma import SMA
from services.strategy.domain.indicators.stdev_price import STDEV_PRICE
from services.strategy.domain.indicators.stdev_return import STDEV_RETURN
from services.strategy.domain.indicators.upper_bollinger import UPPER_BOLLINGER

__all__ = [
    "ALL",
    "BY_NAME",
    "CLOSE",
    "CUMULATIVE_RETURN",
    "DEFAULT_WINDOWS",
    "EMA",
    "LOWER_BOLLINGER",
    "MACD",
    "MACD_SIGNAL",
    "MAX_DRAWDOWN",
    "MOVING_AVERAGE_RETURN",
    "PPO",
    "PPO_SIGNAL",
    "RSI",
    "SMA",
    "STDEV_PRICE",
    "STDEV_RETURN",
    "UPPER_BOLLINGER",
    "FloatArray",
    "Indicator",
    "run_ending_at",
    "unbroken_runs",
]

ALL: Final = tuple(found for name in __all__ if isinstance(found := globals().get(name), Indicator))
"""The one list of them, in alphabetical order: the two forms of symphonies, Python's words and the command line read it."""
BY_NAME: Final = {indicator.name: indicator for indicator in ALL}

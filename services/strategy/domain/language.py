"""The words a strategy is written with in Python; each makes a part of the tree and nothing else.

when(rsi("SPY", 10) > 79, then=hold("UVXY"), otherwise=highest(3, by(MOVING_AVERAGE_RETURN, 90), "SMR", "LEU"))
"""

from __future__ import annotations

from decimal import Decimal
from fractions import Fraction
from typing import TypeAlias

from services.strategy.domain.indicators import (
    CLOSE,
    CUMULATIVE_RETURN,
    DEFAULT_WINDOWS,
    EMA,
    LOWER_BOLLINGER,
    MACD,
    MACD_SIGNAL,
    MAX_DRAWDOWN,
    MOVING_AVERAGE_RETURN,
    PPO,
    PPO_SIGNAL,
    RSI,
    SMA,
    STDEV_PRICE,
    STDEV_RETURN,
    UPPER_BOLLINGER,
    Indicator,
)
from services.strategy.domain.tree import (
    AllOf,
    AnyOf,
    Asset,
    Cash,
    Equal,
    Group,
    If,
    InverseVolatility,
    Measure,
    Metric,
    Node,
    Select,
    Specified,
    Test,
)

Part: TypeAlias = Node | str
"""A bare ticker stands for holding it."""


def by(indicator: Indicator, *windows: int) -> Metric:
    """What a ranking ranks by: by(RSI, 10)."""
    return Metric(indicator, windows)


def rsi(symbol: str, window: int) -> Measure:
    return Measure(by(RSI, window), symbol)


def sma(symbol: str, window: int) -> Measure:
    return Measure(by(SMA, window), symbol)


def ema(symbol: str, window: int) -> Measure:
    return Measure(by(EMA, window), symbol)


def close(symbol: str) -> Measure:
    return Measure(by(CLOSE), symbol)


def cumulative_return(symbol: str, window: int) -> Measure:
    return Measure(by(CUMULATIVE_RETURN, window), symbol)


def moving_average_return(symbol: str, window: int) -> Measure:
    return Measure(by(MOVING_AVERAGE_RETURN, window), symbol)


def stdev_return(symbol: str, window: int) -> Measure:
    return Measure(by(STDEV_RETURN, window), symbol)


def stdev_price(symbol: str, window: int) -> Measure:
    return Measure(by(STDEV_PRICE, window), symbol)


def max_drawdown(symbol: str, window: int) -> Measure:
    return Measure(by(MAX_DRAWDOWN, window), symbol)


def ppo(symbol: str, short: int, long: int) -> Measure:
    return Measure(by(PPO, short, long), symbol)


def ppo_signal(symbol: str, short: int, long: int, smooth: int) -> Measure:
    return Measure(by(PPO_SIGNAL, short, long, smooth), symbol)


def macd(symbol: str, short: int, long: int) -> Measure:
    return Measure(by(MACD, short, long), symbol)


def macd_signal(symbol: str, short: int, long: int, smooth: int) -> Measure:
    return Measure(by(MACD_SIGNAL, short, long, smooth), symbol)


def upper_bollinger(symbol: str, window: int, deviations: int = DEFAULT_WINDOWS["std-dev"]) -> Measure:
    return Measure(by(UPPER_BOLLINGER, window, deviations), symbol)


def lower_bollinger(symbol: str, window: int, deviations: int = DEFAULT_WINDOWS["std-dev"]) -> Measure:
    return Measure(by(LOWER_BOLLINGER, window, deviations), symbol)


def hold(symbol: str) -> Asset:
    return Asset(symbol)


def cash() -> Cash:
    return Cash()


def when(test: Test, then: Part, otherwise: Part) -> If:
    return If(test, _node(then), _node(otherwise))


def first_match(*cases: tuple[Test, Part], otherwise: Part) -> Node:
    """A decision table: the first test that holds wins."""
    tree = _node(otherwise)
    for test, result in reversed(cases):
        tree = If(test, _node(result), tree)
    return tree


def any_of(*tests: Test) -> AnyOf:
    return AnyOf(tests)


def all_of(*tests: Test) -> AllOf:
    return AllOf(tests)


def equal(*parts: Part) -> Equal:
    return Equal(_nodes(parts))


def specified(*parts: tuple[str | Decimal | Fraction, Part]) -> Specified:
    """Weights as exact text or numbers, never floats: specified(("0.75", "UVXY"), ("0.25", "BTAL"))."""
    return Specified(tuple((Fraction(weight), _node(part)) for weight, part in parts))


def inverse_volatility(window: int, *parts: Part) -> InverseVolatility:
    return InverseVolatility(window, _nodes(parts))


def highest(count: int, metric: Metric, *candidates: Part) -> Select:
    return Select(metric, "highest", count, _nodes(candidates))


def lowest(count: int, metric: Metric, *candidates: Part) -> Select:
    return Select(metric, "lowest", count, _nodes(candidates))


def group(name: str, part: Part) -> Group:
    return Group(name, _node(part))


def _node(part: Part) -> Node:
    return Asset(part) if isinstance(part, str) else part


def _nodes(parts: tuple[Part, ...]) -> tuple[Node, ...]:
    return tuple(_node(part) for part in parts)

"""Small tables of closes and portfolios for the tests of the backtest."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from decimal import Decimal

import numpy as np

from backtest.history import History
from services.strategy.domain.closes import Closes
from services.strategy.domain.engine import StrategyEngine, TreeStrategy
from services.strategy.domain.portfolio import Allotment, StrategyManager
from services.strategy.domain.rebalance import DAILY, Rebalance
from services.strategy.domain.tree import Node
from shared.sessions import sessions_between


def days(count: int, since: dt.date = dt.date(2024, 1, 2)) -> list[dt.date]:
    return [s.date for s in sessions_between(since, since + dt.timedelta(days=2 * count + 10))][:count]


def a_history(columns: Mapping[str, Sequence[float]], opens: Mapping[str, Sequence[float]] | None = None) -> History:
    count = len(next(iter(columns.values())))
    opening = {symbol: np.array(column, dtype=np.float64) for symbol, column in (opens or {}).items()}
    return History.of(Closes.of(days(count), columns), opening)


def random_history(symbols: Sequence[str], count: int, seed: int) -> History:
    rng = np.random.default_rng(seed)
    return a_history({s: 100 * np.exp(np.cumsum(rng.normal(0, 0.02, count))) for s in symbols})


def a_tree(tree: Node, name: str = "tree", rebalance: Rebalance = DAILY) -> TreeStrategy:
    return TreeStrategy(name, tree, rebalance)


def allotted(*engines: StrategyEngine) -> tuple[Allotment, ...]:
    """In equal shares."""
    manager = StrategyManager()
    for engine in engines:
        manager.add_strategy(engine, Decimal(1) / len(engines))
    return manager.allotments

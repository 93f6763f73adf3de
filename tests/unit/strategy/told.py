"""Trees on told numbers: what a test of a decision table asks with."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping

import numpy as np
import pytest

from services.strategy.domain.closes import Closes
from services.strategy.domain.columns import Columns
from services.strategy.domain.day import evaluate_day
from services.strategy.domain.indicators import FloatArray
from services.strategy.domain.tree import Metric, Node

DAYS = 20


class ToldColumns(Columns):
    """Indicators of symbols are what the test says; what it does not name is calm: RSI 50, prices 100, returns 0."""

    def __init__(self, told: Mapping[str, float], symbols: tuple[str, ...]) -> None:
        rng = np.random.default_rng(3)
        first = dt.date(2024, 1, 1)
        super().__init__(
            Closes.of(
                [first + dt.timedelta(days=day) for day in range(DAYS)],
                {symbol: 100 * np.exp(np.cumsum(rng.normal(0, 0.02, DAYS))) for symbol in symbols},
            )
        )
        self._told = dict(told)
        self.asked: set[str] = set()

    def metric_of_symbol(self, metric: Metric, symbol: str) -> FloatArray:
        label = metric.label(symbol)
        self.asked.add(label)
        calm = 50.0 if label.startswith("RSI") else 0.0 if "return" in label else 100.0
        return np.full(DAYS, self._told.get(label, calm))


def held(tree: Node, symbols: tuple[str, ...], told: Mapping[str, float]) -> dict[str, float]:
    columns = ToldColumns(told, symbols)
    weights = dict(evaluate_day(tree, columns).weights)
    assert set(told) <= columns.asked, f"never asked: {set(told) - columns.asked}"
    assert columns.allocation(tree).weights[-1].sum() == pytest.approx(1)
    return {symbol: round(weight, 9) for symbol, weight in weights.items()}

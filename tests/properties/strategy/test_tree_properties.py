"""The one-day walk and the columns are two evaluations of one tree: they agree on every tree, every day, with gaps."""

from __future__ import annotations

import datetime as dt
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as npst

from services.strategy.domain.closes import Closes
from services.strategy.domain.columns import Columns
from services.strategy.domain.day import DayAllocation, evaluate_day
from services.strategy.domain.survey import closes_needed, held_symbols, nodes_of, symbols_of
from services.strategy.domain.tree import Cash, Node
from services.strategy.domain.undefined import UndefinedDecision
from tests.properties.strategy.trees import DAYS, SYMBOLS, prices, table, trees


def decided(tree: Node, closes: Closes) -> DayAllocation | str:
    """The allocation of the newest day, or the reason why there is none."""
    try:
        return evaluate_day(tree, Columns(closes))
    except UndefinedDecision as undefined:
        return undefined.reason


relaxed = settings(max_examples=120, deadline=None, suppress_health_check=[HealthCheck.too_slow])


@relaxed
@given(tree=trees, values=prices)
def test_a_day_on_its_own_history_equals_its_row_in_the_columns(tree: Node, values: np.ndarray) -> None:
    """The day is decided on a table that ends with it, so that this also proves that no decision looks ahead."""
    closes = table(values)
    columns = Columns(closes).allocation(tree)
    for row in range(DAYS):
        day = decided(tree, closes.until(row))
        assert columns.defined[row] == isinstance(day, DayAllocation), day
        if isinstance(day, str):
            continue
        found = [day.weights.get(symbol, 0.0) for symbol in columns.symbols]
        assert columns.weights[row].tolist() == pytest.approx(found, abs=1e-12, nan_ok=True)


@relaxed
@given(
    tree=trees,
    values=prices,
    refused=st.sets(st.tuples(st.sampled_from(SYMBOLS), st.integers(0, DAYS - 1)), max_size=8),
)
def test_both_evaluations_agree_on_refused_closes(
    tree: Node, values: np.ndarray, refused: set[tuple[str, int]]
) -> None:
    """A candidate whose close is refused is not left out of a ranking, as one without data is: the ranking is undefined."""
    whole = table(values)
    columns = {symbol: whole.columns[symbol].copy() for symbol in SYMBOLS}
    told: dict[str, dict[dt.date, str]] = {}
    for symbol, row in refused:
        columns[symbol][row] = np.nan
        told.setdefault(symbol, {})[whole.sessions[row]] = "outlier"
    closes = replace(Closes.of(whole.sessions, columns), refused=told)
    allocation = Columns(closes).allocation(tree)
    for row in range(DAYS):
        day = decided(tree, closes.until(row))
        assert allocation.defined[row] == isinstance(day, DayAllocation), day


@relaxed
@given(tree=trees, values=prices)
def test_a_defined_day_allocates_everything_and_nothing_negative(tree: Node, values: np.ndarray) -> None:
    day = decided(tree, table(values))
    if isinstance(day, str):
        assert ":" in day  # it names what was missing
        return
    assert sum(day.weights.values()) + day.cash == pytest.approx(1)
    assert min([*day.weights.values(), day.cash]) >= 0
    assert set(day.weights) <= set(held_symbols(tree)) <= set(symbols_of(tree))
    assert day.steps


@relaxed
@given(
    tree=trees,
    values=npst.arrays(np.float64, (40, len(SYMBOLS)), elements=st.floats(5, 15)),
)
def test_as_many_closes_as_the_tree_says_it_needs_are_enough(tree: Node, values: np.ndarray) -> None:
    need = closes_needed(tree)
    assume(need <= len(values))
    assume(not any(isinstance(node, Cash) for node in nodes_of(tree)))  # cash has no volatility at all
    moving = values + np.arange(len(values))[:, None] * np.array([0.1, 0.2, 0.3])  # nothing stays flat
    moving += np.where(np.arange(len(values)) % 2, 0.7, 0.0)[:, None]
    day = decided(tree, table(moving[-need:]))
    assert isinstance(day, DayAllocation) or "is 0, which has no inverse" in day or "never changed" in day

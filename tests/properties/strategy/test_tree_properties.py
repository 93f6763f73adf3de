"""The one-day walk and the columns are two evaluations of one tree: they agree on every tree, every day, with gaps."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as npst

from services.strategy.domain.closes import Closes
from services.strategy.domain.columns import Columns
from services.strategy.domain.day import DayAllocation, evaluate_day
from services.strategy.domain.indicators import ALL, Indicator
from services.strategy.domain.survey import closes_needed, held_symbols, nodes_of, symbols_of
from services.strategy.domain.tree import (
    AllOf,
    AnyOf,
    Asset,
    Cash,
    Comparison,
    Equal,
    Group,
    If,
    InverseVolatility,
    Measure,
    Metric,
    Node,
    Number,
    Select,
    Specified,
    Test,
)
from services.strategy.domain.undefined import UndefinedDecision

SYMBOLS = ("AAA", "BBB", "CCC")
DAYS = 14


@st.composite
def metrics(draw: st.DrawFn) -> Metric:
    indicator: Indicator = draw(st.sampled_from(ALL))
    window = draw(st.integers(indicator.smallest_window, 3))
    return Metric(indicator, (window,) * len(indicator.windows))


measures = st.builds(Measure, metrics(), st.sampled_from(SYMBOLS))
operands = st.one_of(measures, st.builds(Number, st.integers(-20, 120).map(Decimal)))
comparisons = st.builds(Comparison, measures, st.sampled_from([">", "<", ">=", "<="]), operands)
tests: st.SearchStrategy[Test] = st.recursive(
    comparisons,
    lambda inner: st.one_of(
        st.builds(AnyOf, st.lists(inner, min_size=1, max_size=3).map(tuple)),
        st.builds(AllOf, st.lists(inner, min_size=1, max_size=3).map(tuple)),
    ),
    max_leaves=4,
)
leaves: st.SearchStrategy[Node] = st.one_of(st.builds(Asset, st.sampled_from(SYMBOLS)), st.builds(Cash))


def parents(inner: st.SearchStrategy[Node]) -> st.SearchStrategy[Node]:
    several = st.lists(inner, min_size=1, max_size=3).map(tuple)
    return st.one_of(
        st.builds(If, tests, inner, inner),
        st.builds(Equal, several),
        st.builds(Group, st.just("a group"), inner),
        st.builds(InverseVolatility, st.integers(2, 3), several),
        st.builds(Select, metrics(), st.sampled_from(["highest", "lowest"]), st.integers(1, 3), several),
        st.tuples(st.integers(0, 10), inner, inner).map(
            lambda t: Specified(((Fraction(t[0], 10), t[1]), (1 - Fraction(t[0], 10), t[2])))
        ),
    )


trees = st.recursive(leaves, parents, max_leaves=8)
# Few distinct prices, so that ties and flat stretches happen; gaps anywhere.
prices = npst.arrays(
    np.float64, (DAYS, len(SYMBOLS)), elements=st.sampled_from([10.0, 10.5, 11.0, 12.5, 9.0, 10.0, 11.0, np.nan])
)


def table(values: np.ndarray) -> Closes:
    first = dt.date(2024, 1, 1)
    days = [first + dt.timedelta(days=day) for day in range(len(values))]
    return Closes.of(days, dict(zip(SYMBOLS, values.T, strict=True)))


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

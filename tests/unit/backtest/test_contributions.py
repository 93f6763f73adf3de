"""Whose profit it is, and that nothing of it is lost or counted twice."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from backtest.contributions import contributions
from backtest.conventions import Conventions, Costs, Fill, Shares
from backtest.engine import run
from services.strategy.domain.language import equal, group, hold, rsi, specified, when
from tests.properties.backtest.test_two_speeds import STRATEGIES, SYMBOLS, with_holes
from tests.unit.backtest.builders import a_history, a_tree, allotted, random_history


def test_a_days_gain_goes_to_those_who_asked_for_the_holding_in_proportion() -> None:
    history = a_history({"AAA": [10.0, 20.0], "BBB": [10.0, 10.0]})
    portfolio = allotted(a_tree(equal("AAA", "BBB"), "half"), a_tree(hold("AAA"), "all"))
    parts = contributions(run(portfolio, history, Conventions(cash=1000)))
    assert parts.strategies == pytest.approx({"half": 250.0, "all": 500.0})


def test_a_branch_is_named_by_the_tests_that_held_and_the_groups_on_the_way() -> None:
    tree = when(rsi("AAA", 1) > 50, then=group("up", "AAA"), otherwise=specified(("0.5", "AAA"), ("0.5", "BBB")))
    history = a_history({"AAA": [10.0, 11.0, 9.0, 18.0], "BBB": [10.0, 10.0, 10.0, 20.0]})
    parts = contributions(run(allotted(a_tree(tree)), history, Conventions(cash=1100)))
    found = {result.branch: (result.sessions, round(result.dollars, 6)) for result in parts.branches}
    # Cash on the first evening; up on the second and the last; the halves on the third, which double.
    assert found == {"RSI1(AAA) > 50 → up": (2, -200.0), "otherwise": (1, 900.0)}


@pytest.mark.parametrize("fill", Fill)
@pytest.mark.parametrize("costs", Costs)
@given(seed=st.integers(0, 10_000))
@settings(max_examples=10, deadline=None)
def test_strategies_costs_and_what_nobody_asked_for_are_the_whole_gain(fill: Fill, costs: Costs, seed: int) -> None:
    history = with_holes(random_history(SYMBOLS, 60, seed), seed)
    for shares in Shares:
        outcome = run(allotted(*STRATEGIES), history, Conventions(fill=fill, costs=costs, shares=shares))
        parts = contributions(outcome)
        gained = sum(parts.strategies.values()) + parts.unasked - parts.costs
        assert gained == pytest.approx(outcome.equity[-1] - outcome.conventions.cash, abs=1e-4)
        for name, dollars in parts.strategies.items():
            branches = sum(result.dollars for result in parts.branches if result.strategy == name)
            assert branches == pytest.approx(dollars, abs=1e-4), name

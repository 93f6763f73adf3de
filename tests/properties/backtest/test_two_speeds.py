"""One truth at three speeds: closed form, fill by fill, and evening by evening through the live objects."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from backtest.conventions import Conventions, Costs, Fill, Shares
from backtest.engine import Outcome, run
from backtest.exact import run_exact
from backtest.history import History
from services.strategy.domain.closes import Closes
from services.strategy.domain.engine import Decision, TreeStrategy
from services.strategy.domain.indicators import MOVING_AVERAGE_RETURN
from services.strategy.domain.language import by, equal, highest, inverse_volatility, rsi, specified, when
from services.strategy.domain.portfolio import Allotment
from services.strategy.domain.rebalance import Calendar, Corridor
from tests.unit.backtest.builders import a_history, a_tree, allotted, random_history

SYMBOLS = ("AAA", "BBB", "CCC", "DDD")
MICRO = 1e-6
STRATEGIES = (
    a_tree(equal("AAA", "BBB", "CCC"), "monthly", Calendar("monthly")),
    a_tree(when(rsi("AAA", 3) > 50, then="BBB", otherwise=equal("CCC", "DDD")), "switch"),
    a_tree(highest(2, by(MOVING_AVERAGE_RETURN, 4), *SYMBOLS), "leaders", Corridor(Decimal("0.05"))),
    a_tree(inverse_volatility(5, "AAA", specified(("0.25", "BBB"), ("0.75", "DDD"))), "calm", Calendar("weekly")),
)
EVERY_CONVENTION = [
    Conventions(fill=fill, costs=costs, shares=shares, fractional_step=MICRO)
    for fill in Fill
    for costs in Costs
    for shares in Shares
]


def with_opens(history: History, seed: int) -> History:
    rng = np.random.default_rng(seed)
    opens = {s: column * rng.uniform(0.98, 1.02, len(column)) for s, column in history.closes.columns.items()}
    return History(history.closes, opens)


def with_holes(history: History, seed: int) -> History:
    """Late listings, gaps and delistings."""
    rng = np.random.default_rng(seed)
    columns = {s: column.copy() for s, column in history.closes.columns.items()}
    for column in columns.values():
        column[: rng.integers(0, 6)] = np.nan
        column[rng.integers(0, len(column), 2)] = np.nan
        column[len(column) - rng.integers(0, 8) :] = np.nan
    columns["SPY"] = np.full(len(history.closes), 100.0)
    return with_opens(History(Closes.of(history.closes.sessions, columns)), seed)


def traded(outcome: Outcome) -> dict[tuple[dt.date, str], float]:
    told = outcome.book.trades(outcome.targets.closes.sessions, outcome.costs.half_spread)
    return {(trade.session, trade.symbol): trade.qty for trade in told if trade.notional > 1}


@pytest.mark.parametrize("strategy", STRATEGIES, ids=lambda strategy: strategy.name)
@given(seed=st.integers(0, 10_000))
@settings(max_examples=20, deadline=None)
def test_the_closed_form_is_the_account_fill_by_fill(strategy: TreeStrategy, seed: int) -> None:
    history = with_opens(random_history(SYMBOLS, 60, seed), seed)
    for fill in Fill:
        quick = run(allotted(strategy), history, Conventions(fill=fill))
        stepwise = run(allotted(strategy), history, Conventions(fill=fill, fractional_step=1e-12))
        np.testing.assert_allclose(quick.equity, stepwise.equity, rtol=1e-9)


@pytest.mark.parametrize("conventions", EVERY_CONVENTION, ids=lambda c: f"{c.fill}-{c.costs}-{c.shares}")
@pytest.mark.parametrize("seed", [1, 2])
def test_the_account_trades_what_the_live_plan_trades_at_the_simulators_fills_and_fees(
    conventions: Conventions, seed: int
) -> None:
    """Within what the live objects round: weights to nine decimals, prices to six, equity to the cent, shares to six."""
    history = with_holes(random_history(SYMBOLS, 40, seed), seed)
    portfolio = allotted(*STRATEGIES)
    assert_same(portfolio, history, conventions, step=1 if conventions.shares is Shares.WHOLE else MICRO)


@pytest.mark.parametrize("strategy", STRATEGIES, ids=lambda strategy: strategy.name)
@pytest.mark.parametrize("costs", Costs)
def test_each_rebalancing_rule_alone_is_the_live_one(strategy: TreeStrategy, costs: Costs) -> None:
    history = with_holes(random_history(SYMBOLS, 70, 7), 7)
    assert_same(allotted(strategy), history, Conventions(costs=costs, fractional_step=MICRO), step=MICRO)


def assert_same(portfolio: tuple[Allotment, ...], history: History, conventions: Conventions, step: float) -> None:
    quick, live = run(portfolio, history, conventions), run_exact(portfolio, history, conventions)
    tolerance = 1e-4 if step == 1 else 1e-6
    np.testing.assert_allclose(quick.equity, live.equity, rtol=tolerance)
    ours, theirs = traded(quick), traded(live)
    for key in ours.keys() | theirs.keys():
        assert ours.get(key, 0.0) == pytest.approx(theirs.get(key, 0.0), rel=1e-4, abs=1.01 * step + 1e-3), key


def test_an_own_engine_is_asked_evening_by_evening_and_agrees_with_the_tree_it_wraps() -> None:
    class Wrapped:
        name, closes_needed = "switch", 4
        symbols = STRATEGIES[1].symbols

        def decide(self, closes: Closes) -> Decision:
            return STRATEGIES[1].decide(closes)

    history = random_history(SYMBOLS, 50, 3)
    wrapped, tree = (run(allotted(engine), history, Conventions()) for engine in (Wrapped(), STRATEGIES[1]))
    np.testing.assert_allclose(wrapped.equity, tree.equity, rtol=1e-7)


def test_an_engine_that_breaks_one_evening_keeps_what_it_held() -> None:
    class Breaks:
        name, closes_needed, symbols = "breaks", 1, ("AAA", "BBB")

        def decide(self, closes: Closes) -> Decision:
            if len(closes) == 2:
                raise ZeroDivisionError("by nothing")
            return a_tree(equal("AAA")).decide(closes)

    found = run(
        allotted(Breaks()), a_history({"AAA": [10.0, 11.0, 12.0], "BBB": [1.0, 1.0, 1.0]}), Conventions(cash=10)
    )
    np.testing.assert_allclose(found.equity, [10.0, 11.0, 12.0])
    assert found.targets.decided[0].reasons == {1: "ZeroDivisionError: by nothing"}

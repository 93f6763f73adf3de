"""The account's arithmetic on tables small enough to do by hand."""

from __future__ import annotations

import numpy as np
import pytest

from backtest.conventions import Conventions, Costs, Fill, Shares
from backtest.engine import Outcome, PeriodError, run
from backtest.history import History, HistoryError
from backtest.result import evaluate
from services.strategy.domain.language import equal, hold
from services.strategy.domain.rebalance import Calendar
from services.strategy.domain.tree import Node
from tests.unit.backtest.builders import a_history, a_tree, allotted, days

NAN = float("nan")


def outcome(tree: Node, history: History, **conventions: object) -> Outcome:
    return run(allotted(a_tree(tree)), history, Conventions(cash=1000.0, **conventions))  # type: ignore[arg-type]


def trades(found: Outcome) -> list[tuple[str, float, str]]:
    told = found.book.trades(found.targets.closes.sessions, found.costs.half_spread)
    return [(trade.symbol, round(trade.qty, 9), trade.reason) for trade in told]


def test_what_is_decided_on_a_close_is_bought_at_that_close_and_earns_from_the_next_day_on() -> None:
    found = outcome(hold("AAA"), a_history({"AAA": [10.0, 11.0, 9.0]}))
    np.testing.assert_allclose(found.equity, [1000.0, 1100.0, 900.0])
    assert trades(found) == [("AAA", 100.0, "rebalance")]


def test_what_is_decided_on_a_close_is_bought_at_the_next_open() -> None:
    history = a_history({"AAA": [10.0, 11.0, 9.0]}, opens={"AAA": [9.0, 8.0, 10.0]})
    found = outcome(hold("AAA"), history, fill=Fill.NEXT_OPEN)
    np.testing.assert_allclose(found.equity, [1000.0, 1000 / 8 * 11, 1000 / 8 * 9])


def test_fills_at_the_open_are_refused_where_there_are_no_opens() -> None:
    with pytest.raises(HistoryError, match="expected opens of AAA"):
        outcome(hold("AAA"), a_history({"AAA": [10.0, 11.0]}), fill=Fill.NEXT_OPEN)


def test_equal_weights_are_restored_every_evening() -> None:
    found = outcome(equal("AAA", "BBB"), a_history({"AAA": [10.0, 20.0, 20.0], "BBB": [10.0, 10.0, 20.0]}))
    # 500 + 500; then 1000 + 500 -> 750 each; then 750 and 1500
    np.testing.assert_allclose(found.equity, [1000.0, 1500.0, 2250.0])
    assert trades(found)[2:4] == [("AAA", -12.5, "rebalance"), ("BBB", 25.0, "rebalance")]


def test_a_monthly_strategy_lets_its_weights_run_between() -> None:
    history = a_history({"AAA": [10.0, 20.0, 20.0], "BBB": [10.0, 10.0, 20.0]})
    strategy = a_tree(equal("AAA", "BBB"), rebalance=Calendar("monthly"))
    found = run(allotted(strategy), history, Conventions(cash=1000.0))
    np.testing.assert_allclose(found.equity, [1000.0, 1500.0, 2000.0])
    assert len(found.fills) == 1


def test_whole_shares_leave_the_rest_in_cash() -> None:
    found = outcome(hold("AAA"), a_history({"AAA": [300.0, 400.0]}), shares=Shares.WHOLE)
    assert trades(found) == [("AAA", 3.0, "rebalance")]
    np.testing.assert_allclose(found.cash, [100.0, 100.0])
    np.testing.assert_allclose(found.equity, [1000.0, 1300.0])


def test_a_symbol_that_is_not_listed_yet_leaves_the_share_in_cash_until_it_is() -> None:
    found = outcome(hold("AAA"), a_history({"AAA": [NAN, 10.0, 11.0], "BBB": [1.0, 1.0, 1.0]}))
    np.testing.assert_allclose(found.equity, [1000.0, 1000.0, 1100.0])
    assert found.targets.decided[0].reasons == {0: "AAA: not listed: no close up to 2024-01-02"}


def test_a_delisted_symbol_is_paid_out_at_its_last_close_on_the_session_after_it() -> None:
    found = outcome(hold("AAA"), a_history({"AAA": [10.0, 12.0, NAN, NAN], "BBB": [1.0, 1.0, 1.0, 1.0]}))
    np.testing.assert_allclose(found.equity, [1000.0, 1200.0, 1200.0, 1200.0])
    np.testing.assert_allclose(found.cash, [0.0, 0.0, 1200.0, 1200.0])
    assert trades(found) == [("AAA", 100.0, "rebalance"), ("AAA", -100.0, "delisted")]


def test_a_gap_is_valued_at_the_last_close_and_trades_nothing() -> None:
    found = outcome(equal("AAA", "BBB"), a_history({"AAA": [10.0, NAN, 20.0], "BBB": [10.0, 20.0, 20.0]}))
    # The gap's evening: BBB is worth 1000 of 1500 and is sold down to 750; AAA cannot be bought.
    np.testing.assert_allclose(found.equity, [1000.0, 1500.0, 2000.0])
    np.testing.assert_allclose(found.cash, [0.0, 250.0, 0.0], atol=1e-9)


def test_honest_costs_lose_the_half_spread_and_the_fees() -> None:
    history = a_history({"SPY": [100.0, 100.0]})
    found = outcome(hold("SPY"), history, costs=Costs.HONEST)
    bought = 1000 * 0.9975 / 100
    assert found.book.spread.tolist() == [pytest.approx(bought * 0.005)]  # one cent wide
    assert found.book.fees.tolist() == [0.01]  # CAT, rounded up to the cent
    assert found.equity[-1] == pytest.approx(1000 - bought * 0.005 - 0.01)


def test_the_period_has_only_its_own_sessions_and_earlier_closes_warm_up() -> None:
    history = a_history({"AAA": [10.0, 11.0, 12.0, 13.0]})
    found = run(allotted(a_tree(hold("AAA"))), history, Conventions(), (days(4)[1], days(4)[2]))
    assert found.sessions == tuple(days(4)[1:3])
    with pytest.raises(PeriodError, match="the closes go from 2024-01-02 to 2024-01-05"):
        run(allotted(a_tree(hold("AAA"))), history, Conventions(), (days(9)[8], None))


def test_spy_is_the_benchmark_where_it_has_a_close_by_then_and_any_other_must_have_one() -> None:
    history = a_history({"AAA": [10.0, 11.0, 12.0], "SPY": [NAN, 100.0, 110.0]})
    found = outcome(hold("AAA"), history)
    assert evaluate(found).benchmarks == ()
    with pytest.raises(HistoryError, match="SPY: expected a close on or before 2024-01-02"):
        evaluate(found, ["SPY"])
    later = run(allotted(a_tree(hold("AAA"))), history, Conventions(), (days(3)[1], None))
    np.testing.assert_allclose(evaluate(later).benchmarks[0].curve, [1.0, 1.1])

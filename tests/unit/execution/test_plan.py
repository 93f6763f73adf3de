"""From targets and positions to trades: sizes, order, cash, and every refusal."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.execution.domain.broker import Asset
from services.execution.domain.exposure import Standing
from services.execution.domain.limits import Bounds
from services.execution.domain.plan import Plan, PlanRules, draw_up, fit_buys
from services.execution.domain.situation import Situation
from shared.contracts.execution import Trade
from shared.contracts.strategy import TargetPortfolioSet
from tests.unit.execution.builders import a_position, a_quote, a_situation, a_target, an_account

RULES, BOUNDS = PlanRules(), Bounds()


def planned(
    target: TargetPortfolioSet, situation: Situation, rules: PlanRules = RULES, bounds: Bounds = BOUNDS
) -> Plan:
    return draw_up(target, situation, rules, bounds)


def only(plan: Plan) -> Trade:
    [trade] = plan.trades
    return trade


def refused(plan: Plan) -> dict[str, str]:
    return {refusal.symbol: refusal.limit for refusal in plan.refusals}


def test_a_new_symbol_is_bought_to_its_weight() -> None:
    trade = only(planned(a_target(SPY="0.5"), a_situation()))
    assert (trade.side, trade.qty, trade.notional) == ("buy", Decimal(500), Decimal(50_000))


def test_sells_stand_before_buys_and_what_is_not_in_the_target_is_sold_whole() -> None:
    plan = planned(a_target(SPY="0.5"), a_situation(a_position("OLD", "12.345678901")))
    assert [(t.side, t.symbol) for t in plan.trades] == [("sell", "OLD"), ("buy", "SPY")]
    assert plan.trades[0].qty == Decimal("12.345678901")


def test_too_much_is_sold_down_to_the_target() -> None:
    trade = only(planned(a_target(SPY="0.1"), a_situation(a_position("SPY", "500"), cash="50000")))
    assert (trade.side, trade.qty, trade.reason) == ("sell", Decimal(400), "above its target")


def test_small_drifts_are_left_alone() -> None:
    plan = planned(a_target(SPY="0.5"), a_situation(a_position("SPY", "498"), cash="50200"))
    assert plan.trades == ()
    assert plan.refusals == ()


def test_dust_under_a_dollar_is_left_alone() -> None:
    assert planned(a_target(), a_situation(a_position("OLD", "0.005"))).trades == ()


def test_whole_shares_only_where_the_asset_has_no_fractions() -> None:
    situation = a_situation(quotes={"SPY": a_quote("SPY", "332.99", "333.01")})
    situation = replace(situation, assets={"SPY": Asset("SPY", is_tradable=True, is_fractionable=False)})
    plan = planned(a_target(SPY="0.5"), situation)
    assert only(plan).qty == 150
    assert plan.whole_share_symbols == ("SPY",)


def test_everything_invested_keeps_the_reserve_and_stays_within_one_percent_of_target() -> None:
    plan = planned(a_target(SPY="0.6", TLT="0.4"), a_situation())
    spent = sum(trade.notional for trade in plan.trades)
    assert Decimal(99_000) < spent <= Decimal(99_750)
    for trade in plan.trades:
        assert trade.notional >= trade.target_weight * 100_000 * Decimal("0.99")


def test_buys_shrink_alike_when_the_cash_does_not_reach() -> None:
    situation = a_situation()
    poor = replace(situation, account=replace(situation.account, buying_power=Decimal(50_000)))
    plan = planned(a_target(SPY="0.6", TLT="0.3"), poor)
    spy, tlt = plan.trades
    assert sum(t.qty * t.price for t in plan.trades) * Decimal("1.002") <= 50_000
    assert abs(spy.notional / tlt.notional - 2) < Decimal("0.0001")


def test_while_a_strategy_cannot_speak_nothing_is_sold_and_its_share_of_cash_is_kept() -> None:
    plan = planned(a_target("0.6", SPY="0.4"), a_situation(a_position("OLD", "300"), cash="70000"))
    assert {trade.side for trade in plan.trades} == {"buy"}
    assert sum(trade.notional for trade in plan.trades) <= 10_000


def test_a_short_position_is_left_to_a_person() -> None:
    plan = planned(a_target(SPY="0.5"), a_situation(a_position("SPY", "-10")))
    assert plan.trades == ()
    assert refused(plan) == {"SPY": "short sale"}


@pytest.mark.parametrize("quote", [None, a_quote(bid=None), a_quote(bid="101", ask="100")])
def test_a_symbol_without_a_two_sided_quote_is_refused_and_never_priced_by_guess(quote: Any) -> None:
    quotes = {"TLT": a_quote("TLT", "99.99", "100.01")} | ({"SPY": quote} if quote else {})
    plan = planned(a_target(SPY="0.5", TLT="0.4"), a_situation(quotes=quotes))
    assert refused(plan) == {"SPY": "quote"}
    assert only(plan).symbol == "TLT"


def test_a_symbol_with_somebody_elses_order_is_refused_and_the_order_named() -> None:
    plan = planned(a_target(SPY="0.5"), a_situation(foreign_orders={"SPY": ("theirs-1",)}))
    assert refused(plan) == {"SPY": "foreign orders"}
    assert "theirs-1" in plan.refusals[0].detail


def test_an_unknown_symbol_is_refused() -> None:
    assert refused(planned(a_target(SPY="0.5"), a_situation(assets={}))) == {"SPY": "asset"}


@pytest.mark.parametrize(
    ("changes", "limit"),
    [
        ({"account": an_account("NaN", "100000")}, "equity"),
        ({"account": an_account("100000", "NaN")}, "equity"),
        ({"account": an_account("100000", "200000")}, "equity"),
        ({"account": an_account("-5", "100")}, "equity"),
        ({"account": an_account("100000", is_blocked=True)}, "account"),
    ],
)
def test_an_account_that_cannot_be_trusted_plans_nothing(changes: dict[str, Any], limit: str) -> None:
    plan = planned(a_target(SPY="0.5"), replace(a_situation(), **changes))
    assert plan.trades == ()
    assert refused(plan) == {"SPY": limit}


def test_a_held_symbol_without_any_price_makes_equity_unknown() -> None:
    plan = planned(a_target(SPY="0.5"), a_situation(a_position("GONE", "5", None)))
    assert set(refused(plan).values()) == {"equity"}


def test_positions_that_are_no_shares_are_valued_and_left_alone() -> None:
    option = a_position("SPY240621C00500000", "2", "500")
    plan = planned(a_target(SPY="0.5"), a_situation(option))
    assert plan.equity == 101_000
    assert plan.untouched == ("SPY240621C00500000",)
    assert only(plan).symbol == "SPY"


@pytest.mark.parametrize("symbol", ["F240621C00012000", "BTCUSD"])
def test_what_is_no_share_is_left_alone_even_where_it_looks_like_one(symbol: str) -> None:
    held = replace(a_position(symbol, "2", "500"), is_share=False)
    plan = planned(a_target(SPY="0.5"), a_situation(held))
    assert (plan.untouched, only(plan).symbol, plan.refusals) == ((symbol,), "SPY", ())


@pytest.mark.parametrize("spendable", ["-1", "0", "NaN"])
def test_nothing_to_buy_needs_no_cash(spendable: str) -> None:
    """An invested account whose cash is owed or unknown: there is nothing to shrink."""
    assert fit_buys((), Decimal(spendable), (), RULES) == ((), ())


def test_money_that_is_not_a_number_buys_nothing() -> None:
    buys = planned(a_target(SPY="0.5"), a_situation()).trades
    fitted, starved = fit_buys(buys, Decimal("NaN"), (), RULES)
    assert fitted == ()
    assert [refusal.limit for refusal in starved] == ["cash"]


_weights = st.lists(st.integers(0, 100), min_size=3, max_size=3).filter(lambda w: sum(w) <= 100)
_held = st.lists(st.integers(0, 400), min_size=3, max_size=3)


@given(weights=_weights, held=_held, cash=st.integers(1_000, 100_000))
def test_no_plan_spends_more_than_there_will_be_or_sells_what_is_not_held(
    weights: list[int], held: list[int], cash: int
) -> None:
    symbols = ("SPY", "TLT", "OLD")
    positions = [a_position(s, str(q)) for s, q in zip(symbols, held, strict=True) if q]
    target = a_target(**{s: str(Decimal(w) / 100) for s, w in zip(symbols, weights, strict=True)})
    plan = planned(target, a_situation(*positions, cash=str(cash)))
    bought = sum((t.notional for t in plan.trades if t.side == "buy"), Decimal(0))
    sold = sum((t.notional for t in plan.trades if t.side == "sell"), Decimal(0))
    assert bought <= cash + sold + Decimal("0.01")
    assert all(t.qty <= t.held_qty for t in plan.trades if t.side == "sell")
    assert all(t.qty * t.price >= 1 for t in plan.trades)
    assert plan.refusals == () or all(r.limit == "cash" for r in plan.refusals)
    sides = [t.side for t in plan.trades]
    assert sides == sorted(sides, reverse=True)


def test_trades_of_one_plan_count_together_sells_first() -> None:
    situation = a_situation(a_position("OLD", "1000"))  # of 200,000 in all
    plan = planned(a_target(SPY="0.45", TLT="0.45"), situation, bounds=Bounds(max_turnover=Decimal(1)))
    assert [(trade.side, trade.symbol) for trade in plan.trades] == [("sell", "OLD"), ("buy", "SPY")]
    assert [(refusal.symbol, refusal.limit) for refusal in plan.refusals] == [("TLT", "daily turnover")]


def test_what_was_traded_earlier_today_counts_too() -> None:
    situation = replace(a_situation(), standing=Standing(traded=Decimal(60_000)))
    plan = planned(a_target(SPY="0.45", TLT="0.45"), situation, bounds=Bounds(max_turnover=Decimal(1)))
    assert [refusal.limit for refusal in plan.refusals] == ["daily turnover", "daily turnover"]


def test_only_orders_of_one_side_are_open_together() -> None:
    situation = a_situation(a_position("OLD", "1000"))
    plan = planned(a_target(SPY="0.45", TLT="0.45"), situation, bounds=Bounds(max_open_orders=1))
    assert [(trade.side, trade.symbol) for trade in plan.trades] == [("sell", "OLD"), ("buy", "SPY")]
    assert [refusal.limit for refusal in plan.refusals] == ["open orders"]


def test_open_buys_of_ours_and_of_others_are_not_spent_again() -> None:
    situation = replace(a_situation(), standing=Standing(open_buys=Decimal(30_000)), foreign_buys=Decimal(20_000))
    plan = planned(a_target(SPY="0.9"), situation)
    assert only(plan).notional <= 50_000
    assert (plan.funds, plan.set_aside) == (80_000, 20_000)


def test_money_that_is_not_known_buys_nothing() -> None:
    situation = replace(a_situation(), standing=Standing(open_buys=Decimal("NaN")))
    plan = planned(a_target(SPY="0.9"), situation)
    assert plan.trades == ()
    assert [refusal.limit for refusal in plan.refusals] == ["cash"]


def test_borrowed_money_is_spent_only_where_that_is_wanted() -> None:
    account = an_account("10000", "100000", buying_power=Decimal(90_000))
    situation = replace(a_situation(a_position("OLD", "900")), account=account)
    target = a_target(unknown="0.4", SPY="0.5")  # what is held may not be sold
    cash = draw_up(target, situation, RULES, BOUNDS)
    margin = draw_up(target, situation, replace(RULES, allows_margin=True), BOUNDS)
    assert sum(t.notional for t in cash.trades if t.side == "buy") < sum(
        t.notional for t in margin.trades if t.side == "buy"
    )

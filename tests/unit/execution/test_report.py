"""The report: outcomes, and cash to the cent."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest

from services.execution.domain import report
from services.execution.domain.broker import Fill
from services.execution.domain.order_state import Child, Phase
from services.execution.domain.records import LegRecord, PlanRecord, TargetLine, leg_id
from shared.contracts.execution import Refusal, Trade
from tests.unit.execution.builders import NOW, a_position, an_account, an_order

D = Decimal
TRADE = Trade(
    symbol="SPY",
    side="buy",
    qty=D(100),
    price=D(100),
    notional=D(10_000),
    held_qty=D(0),
    target_qty=D(100),
    target_weight=D("0.1"),
    reason="new in the target",
)
REFUSAL = Refusal(symbol="TLT", side="buy", limit="spread", detail="too wide")
LINE = TargetLine(symbol="SPY", held_qty=D(0), target_qty=D(100), target_weight=D("0.1"), price=D(100))
AFTER = report.Aftermath(an_account("90000", "100000"), {"SPY": a_position("SPY", "100")}, {"SPY": D("100.50")}, NOW)


def a_plan(**changes: Any) -> PlanRecord:
    fields: dict[str, Any] = {
        "plan_id": "p1",
        "run_id": "r1",
        "correlation_id": "c1",
        "created_at": NOW,
        "equity": D(100_000),
        "cash": D(100_000),
        "trades": (TRADE,),
        "refusals": (),
        "lines": (LINE,),
    }
    return PlanRecord(**(fields | changes))


def a_leg(filled: str = "100", ending: Any = "filled") -> LegRecord:
    order = replace(an_order(), phase=Phase.DONE, ending=ending, children=(a_child(filled),))
    result = report.order_result(order, TRADE, NOW)
    return LegRecord(
        leg_id=leg_id("p1", "buy"), plan_id="p1", side="buy", status="done", results=(result,), sold_or_bought=D(10_000)
    )


def a_child(filled: str = "100") -> Child:
    child = Child("p1-SPY-buy-mid-1", "mid", 1, D(100), D(100), NOW, broker_order_id="b1")
    return replace(child, filled=D(filled), paid=D(filled) * 100, is_over=True)


def a_fill(name: str, qty: str, price: str = "100") -> Fill:
    return Fill(name, "b1", "SPY", "buy", D(qty), D(price), NOW)


def test_a_whole_rebalance_is_complete_and_its_cash_adds_up() -> None:
    done = report.completed(a_plan(), [a_leg()], AFTER, "")
    assert (done.outcome, done.cash_gap, done.bought) == ("complete", 0, 10_000)
    [holding] = done.holdings
    assert (holding.qty, holding.target_qty, holding.price) == (100, 100, D("100.50"))
    assert holding.weight == D("0.100450")


@pytest.mark.parametrize(
    ("plan", "legs", "stop", "outcome"),
    [
        (a_plan(), [a_leg("40", "partly filled")], "", "partial"),
        (a_plan(refusals=(REFUSAL,)), [a_leg()], "", "partial"),
        (a_plan(), [a_leg("0", "refused")], "", "refused"),
        (a_plan(trades=(), refusals=(REFUSAL,)), [], "", "refused"),
        (a_plan(trades=()), [], "", "nothing to do"),
        (a_plan(dry_run=True), [], "", "dry run"),
        (a_plan(), [a_leg("40", "partly filled")], "halt: a person", "halted"),
        (a_plan(), [a_leg("40", "partly filled")], "superseded by a newer target", "partial"),
    ],
)
def test_outcomes(plan: PlanRecord, legs: list[LegRecord], stop: str, outcome: str) -> None:
    assert report.completed(plan, legs, AFTER, stop).outcome == outcome


def test_a_cent_that_is_missing_shows() -> None:
    assert report.cash_gap(D(100), D("99.99"), D(0), D(0)) == D("-0.01")
    assert report.cash_gap(D(100), D("90.01"), D(0), D(10)) == D("0.01")


def test_the_rounding_of_two_statements_is_no_gap() -> None:
    assert str(report.cash_gap(D("100.00"), D("98.88"), D("19998.315449600"), D("19999.441168740"))) == "0.00"


def test_a_buy_that_had_to_shrink_does_not_look_whole() -> None:
    order = replace(an_order("97"), phase=Phase.DONE, ending="filled", children=(a_child("97"),))
    assert report.order_result(order, TRADE, NOW).outcome == "partly filled"


def test_the_brokers_executions_count_where_they_are_complete_each_once() -> None:
    order = replace(an_order(), children=(a_child(),))
    fills = [a_fill("e1", "60", "99"), a_fill("e1", "60", "99"), a_fill("e2", "40", "101")]
    assert report.traded([order], fills) == 60 * 99 + 40 * 101
    assert report.traded([order], fills[:1]) == 10_000, "incomplete: what was heard stands in"

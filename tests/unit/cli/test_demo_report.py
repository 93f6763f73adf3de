"""The report tells what happened, and says of everything that did not happen that it did not."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal
from typing import Any

from rich.console import Console

from cli.demo import report
from cli.demo.milestones import milestone
from cli.demo.story import Story
from cli.demo.verdict import BrokerAccount
from shared.contracts.execution import (
    OrderAbandoned,
    OrderChildEnded,
    OrderFilled,
    OrderPartlyFilled,
    OrderPlaced,
    OrderRefused,
    OrderUnknown,
)
from shared.contracts.strategy import SignalIssued
from tests.unit.execution.worked_orders import ARRIVAL, measured
from tests.unit.notifier.facts import a_rebalance
from tests.unit.notifier.facts import an_order as an_order_result

NOW = dt.datetime(2024, 6, 3, 19, 40, 1, 250_000, tzinfo=dt.UTC)
FACT: dict[str, Any] = {
    "correlation_id": "c1",
    "at": NOW,
    "plan_id": "p1",
    "order_id": "p1-TECL",
    "symbol": "TECL",
    "side": "buy",
}
ONE = Decimal(1)


def drawn(story: Story, account: BrokerAccount | None = None, mail: str | None = None) -> str:
    console = Console(width=160)
    with console.capture() as captured:
        for part in report.report(story, account, mail):
            console.print(part)
    return captured.get()


def an_order() -> list[Any]:
    """Every kind of fact an order can tell."""
    limits: dict[str, Any] = {"limit_price": Decimal("80.01"), "bid": Decimal(80), "ask": Decimal("80.02")}
    sent: dict[str, Any] = {"broker_order_id": "b", "order_type": "limit", "sent_at": NOW, "acknowledged_at": NOW}
    child: dict[str, Any] = FACT | {"client_order_id": "x"}
    part: dict[str, Any] = {"execution_id": "e1", "qty": ONE, "price": Decimal("80.01"), "filled_qty": ONE}
    return [
        OrderPlaced(**child, **sent, **limits, qty=Decimal(3), rung="midpoint"),
        OrderPartlyFilled(**child, **part, total_qty=Decimal(3)),
        OrderChildEnded(**child, status="canceled", filled_qty=ONE, reason="the next price"),
        OrderUnknown(**child, reason="504 from the broker"),
        OrderFilled(
            **child,
            **(part | {"execution_id": "e2"}),
            average_price=Decimal("80.01"),
            arrival_mid=Decimal("80.02"),
            slippage_bps=Decimal("-1.2497"),
        ),
        OrderAbandoned(**FACT, filled_qty=ONE, total_qty=Decimal(3), reason="the close is near"),
        OrderRefused(**FACT, limit="spread", detail="80 bps, 50 allowed"),
    ]


def test_an_orders_life_is_told_step_by_step_against_its_quote() -> None:
    story = Story("c1")
    for fact in an_order():
        story.take(fact)
    text = drawn(story)
    placed = next(line for line in text.splitlines() if "placed" in line)
    assert placed.split() == ["15:40:01.250", "placed", "3", "80.01", "80.00", "80.02", "midpoint"]
    for part in (
        "1 of 3",
        "the next price",
        "504 from the broker",
        "1.2 bps better than the mid of 80.02",
        "the close is near",
        "spread: 80 bps",
    ):
        assert part in text


def test_what_the_orders_cost_is_said_in_a_sentence() -> None:
    story = Story("c1")
    paid = measured(("100", "100.05", ARRIVAL)).costs
    blind = measured(arrival=None).costs
    story.completed = a_rebalance(orders=(an_order_result(costs=paid), an_order_result("TLT", costs=blind)))
    text = drawn(story)
    assert "2 orders: shortfall from the decision +14.99 bps ($15.00, not known of 1)" in text
    assert "saved against that +5.00 bps ($5.00, not known of 1)" in " ".join(text.split())
    assert not story.take(measured().model_copy(update={"correlation_id": "c1"})), "told after the report"


def test_what_did_not_happen_is_said() -> None:
    text = drawn(Story("c1"))
    for part in ("no strategy said anything", "no target portfolio was set", "no plan was made", "no order was placed"):
        assert part in text
    assert text.count("not known: the rebalance did not complete") == 2


def test_every_kind_of_trouble_has_a_line_while_it_runs() -> None:
    lines = {type(fact).__name__: milestone(fact) for fact in an_order()}
    assert lines["OrderPartlyFilled"] is None
    assert lines["OrderChildEnded"] is None
    assert "504 from the broker" in (lines["OrderUnknown"] or "")
    assert "the close is near" in (lines["OrderAbandoned"] or "")
    assert "80 bps" in (lines["OrderRefused"] or "")
    assert "filled" in (lines["OrderFilled"] or "")


def test_a_signals_line_names_strategy_and_weights() -> None:
    signal = SignalIssued(
        correlation_id="c1",
        at=NOW,
        run_id="r1",
        session=NOW.date(),
        strategy="tecl",
        share=ONE,
        status="fresh",
        weights={"TECL": Decimal("0.75"), "BIL": Decimal("0.25")},
    )
    assert milestone(signal) == "tecl says BIL 25.00 %, TECL 75.00 %"

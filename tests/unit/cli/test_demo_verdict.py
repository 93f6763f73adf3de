"""The demo's promises: each holds on a good run, and each is broken by exactly the fault it is there for."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from decimal import Decimal
from typing import Any

import pytest

from cli.demo.story import Story
from cli.demo.verdict import BrokerAccount, checks, sums
from shared.contracts.alerts import AlertRaised
from shared.contracts.execution import HoldingResult, OrderFilled, OrderPartlyFilled, RebalanceCompleted
from shared.contracts.strategy import SignalIssued, TargetPortfolioSet

NOW = dt.datetime(2024, 6, 3, 19, 40, tzinfo=dt.UTC)
RUN: dict[str, Any] = {"correlation_id": "c1", "at": NOW}
ORDER: dict[str, Any] = RUN | {"plan_id": "p1", "order_id": "p1-TECL", "symbol": "TECL", "client_order_id": "x"}


def money(text: str) -> Decimal:
    return Decimal(text)


def a_signal(**given: Any) -> SignalIssued:
    common: dict[str, Any] = {"run_id": "r1", "session": NOW.date(), "strategy": "tecl", "share": Decimal(1)}
    return SignalIssued(**(RUN | common | {"status": "fresh", "weights": {"TECL": Decimal(1)}} | given))


def a_fill(execution_id: str, qty: str, price: str, **given: Any) -> OrderPartlyFilled:
    numbers: dict[str, Any] = {"qty": money(qty), "price": money(price), "filled_qty": money(qty)}
    return OrderPartlyFilled(
        **(ORDER | {"side": "buy", "execution_id": execution_id, "total_qty": Decimal(100)} | numbers | given)
    )


def a_holding(**given: Any) -> HoldingResult:
    weights: dict[str, Any] = {"weight": money("0.995"), "target_weight": Decimal(1)}
    defaults: dict[str, Any] = {"symbol": "TECL", "qty": Decimal(100), "target_qty": Decimal(100), "price": Decimal(99)}
    return HoldingResult(**(defaults | weights | given))


def a_completion(**given: Any) -> RebalanceCompleted:
    cash: dict[str, Any] = {"cash_before": Decimal(10_000), "cash_after": Decimal(50), "cash_gap": Decimal(0)}
    traded: dict[str, Any] = {"bought": Decimal(9_950), "sold": Decimal(0), "equity": Decimal(10_000)}
    whole: dict[str, Any] = {"plan_id": "p1", "run_id": "r1", "outcome": "complete", "started_at": NOW}
    parts: dict[str, Any] = {"orders": (), "holdings": (a_holding(),), "refusals": ()}
    return RebalanceCompleted(**(RUN | cash | traded | whole | parts | given))


def a_story(*extra: Any) -> Story:
    story = Story("c1")
    target = TargetPortfolioSet(**RUN, run_id="r1", session=NOW.date(), weights={"TECL": Decimal(1)})
    for message in (a_signal(), target, a_fill("e1", "60", "99.5"), a_fill("e2", "40", "99.5"), a_completion(), *extra):
        story.take(message)
    return story


def an_account(**given: Any) -> BrokerAccount:
    defaults: dict[str, Any] = {"cash": Decimal(50), "equity": Decimal(9_950), "positions": {"TECL": Decimal(100)}}
    return BrokerAccount(**(defaults | given))


def broken(
    story: Story, account: BrokerAccount | None = None, mails: int = 1, books: dict[str, Decimal] | None = None
) -> list[str]:
    return [
        c.promise
        for c in checks(story, account or an_account(), mails, books or dict((account or an_account()).positions))
        if not c.holds
    ]


def test_a_good_run_keeps_every_promise() -> None:
    found = checks(a_story(), an_account(), 1, dict(an_account().positions))
    assert [c for c in found if not c.holds] == []
    assert len(found) == 7


POSITIONS, REPORTED = "positions are within 1 % of target or one share", "the broker holds exactly what was reported"
CASH = "cash before + sells - buys = cash after, to the cent"


@pytest.mark.parametrize(
    ("story", "account", "promises"),
    [
        (a_story(a_signal(status="stale", reason="no closes")), an_account(), ["every strategy decided afresh"]),
        (a_story(a_completion(outcome="partial")), an_account(), ["the rebalance completed"]),
        (a_story(), an_account(positions={"TECL": Decimal(101)}), [REPORTED]),
        (a_story(), an_account(positions={"TECL": Decimal(100), "SPY": Decimal("0.5")}), [REPORTED]),
        (a_story(), an_account(positions={"TECL": Decimal(97)}), [POSITIONS, REPORTED]),
        (a_story(), an_account(cash=money("49.99")), [CASH]),
        (a_story(a_completion(cash_gap=money("0.01"))), an_account(), [CASH]),
        (a_story(a_fill("e3", "0.01", "99.5")), an_account(), [CASH]),
    ],
)
def test_each_fault_breaks_its_promise(story: Story, account: BrokerAccount, promises: list[str]) -> None:
    assert broken(story, account) == promises


def test_a_run_without_a_mail_is_broken() -> None:
    assert broken(a_story(), mails=0) == ["a mail told of it"]


def test_a_run_that_did_not_complete_is_broken() -> None:
    story = Story("c1")
    assert [c.promise for c in checks(story, None, 0, None) if not c.holds] == [
        "every strategy decided afresh",
        "the rebalance completed",
    ]


def test_one_share_is_near_enough_however_small_the_position() -> None:
    """A target of 1.5 shares of a whole-share asset can only be met by 1 or 2."""
    holding = a_holding(qty=Decimal(1), target_qty=Decimal(1), target_weight=money("0.01"), price=Decimal(99))
    story = a_story(a_completion(holdings=(a_holding(), holding.model_copy(update={"symbol": "NVDA"}))))
    account = an_account(positions={"TECL": Decimal(100), "NVDA": Decimal(1)})
    assert broken(story, account) == []


def test_a_fill_told_twice_counts_once() -> None:
    story = a_story(a_fill("e1", "60", "99.5"))
    assert story.traded("buy") == Decimal(9_950)
    assert story.traded("sell") == 0


def test_a_story_takes_its_own_run_and_every_alert() -> None:
    story = Story("c1")
    other = a_signal(correlation_id="c2")
    alert = AlertRaised(correlation_id="c9", at=NOW, source="execution", severity="warning", title="t", detail="d")
    last = OrderFilled(
        **ORDER,
        side="buy",
        execution_id="e2",
        qty=Decimal(1),
        price=Decimal(1),
        filled_qty=Decimal(1),
        average_price=Decimal(1),
    )
    taken: Callable[[Any], bool] = story.take
    assert [taken(m) for m in (other, alert, last)] == [False, True, True]
    assert (story.signals, story.alerts, list(story.executions)) == ({}, [alert], ["e2"])


def test_books_that_do_not_sum_to_the_brokers_positions_break_a_promise() -> None:
    promise = ["what the strategies hold sums to the broker's positions"]
    assert broken(a_story(), books={"TECL": Decimal(1)}) == promise
    assert [c.promise for c in checks(a_story(), an_account(), 1, None) if not c.holds] == promise
    halves = {"positions": [{"symbol": "TECL", "qty": "1.5"}, {"symbol": "TECL", "qty": "2"}]}
    assert sums(halves) == {"TECL": Decimal("3.5")}

"""When a fill's later quote is looked for, and what it means that there is none."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal
from typing import Any

import pytest

from services.execution.domain import cost_watch
from services.execution.domain.records import CostWatch
from shared.contracts.costs import FillCosts
from shared.contracts.execution import OrderPartlyFilled
from shared.contracts.marketdata import Quote
from tests.unit.execution.builders import NOW, a_quote, an_order, seconds

HORIZON = 60.0


def a_fill_fact(execution_id: str = "e1", **changes: Any) -> OrderPartlyFilled:
    fields: dict[str, Any] = {
        "correlation_id": "c1",
        "at": NOW,
        "plan_id": "p1",
        "order_id": "p1-SPY-buy",
        "symbol": "SPY",
        "side": "buy",
        "client_order_id": "p1-SPY-buy-mid-1",
        "execution_id": execution_id,
        "qty": Decimal(10),
        "price": Decimal("100.05"),
        "filled_qty": Decimal(10),
        "total_qty": Decimal(100),
        "rung": "mid",
        "filled_at": NOW,
        "bid": Decimal(100),
        "ask": Decimal("100.10"),
        "quoted_at": NOW - seconds(1),
    }
    return OrderPartlyFilled(**(fields | changes))


def a_watch(**changes: Any) -> CostWatch:
    return cost_watch.with_fill(cost_watch.begun(an_order()), a_fill_fact(**changes))


def looked(watch: CostWatch, after: float, *quotes: Quote) -> FillCosts:
    def as_of(_symbol: str, at: dt.datetime) -> Quote | None:
        return next((quote for quote in reversed(quotes) if quote.at <= at), None)

    [fill] = cost_watch.looked(watch, as_of, NOW + seconds(after), HORIZON).fills
    return fill


def test_a_fill_is_noted_once_with_the_quote_it_met() -> None:
    watch = a_watch()
    assert cost_watch.with_fill(watch, a_fill_fact()) == watch
    [fill] = watch.fills
    assert (fill.rung, fill.qty, fill.bid, fill.at, fill.quoted_at) == ("mid", 10, 100, NOW, NOW - seconds(1))
    assert len(cost_watch.with_fill(watch, a_fill_fact("e2")).fills) == 2


def test_the_later_quote_is_the_one_that_stood_at_the_end_of_the_wait() -> None:
    quotes = (a_quote(at=NOW + seconds(55), bid="100.20", ask="100.30"), a_quote(at=NOW + seconds(60.5)))
    waiting = looked(a_watch(), 60.9, *quotes)
    assert cost_watch.is_waiting(waiting), "a quote of that instant may still arrive"
    found = looked(a_watch(), 61, *quotes)
    assert (found.later_bid, found.later_ask, found.later_at) == (Decimal("100.20"), Decimal("100.30"), quotes[0].at)
    assert not cost_watch.is_waiting(found)


def test_nothing_is_waited_for_beyond_the_close() -> None:
    watch = a_watch().model_copy(update={"close_at": NOW + seconds(20)})
    found = looked(watch, 21, a_quote(at=NOW + seconds(19)), a_quote(at=NOW + seconds(20.5), bid="90"))
    assert found.later_at == NOW + seconds(19)


def test_a_fill_told_after_the_close_is_looked_at_at_once() -> None:
    watch = a_watch().model_copy(update={"close_at": NOW - seconds(5)})
    assert looked(watch, 1, a_quote(at=NOW - seconds(6))).later_at == NOW - seconds(6)


@pytest.mark.parametrize(
    ("change", "quotes", "reason"),
    [
        ({}, (), cost_watch.NO_QUOTE),
        ({}, (a_quote(at=NOW + seconds(61)),), cost_watch.NO_QUOTE),
        ({"filled_at": None}, (a_quote(),), cost_watch.NO_INSTANT),
    ],
)
def test_what_nobody_saw_is_unknown_and_says_why(
    change: dict[str, Any], quotes: tuple[Quote, ...], reason: str
) -> None:
    found = looked(a_watch(**change), 300, *quotes)
    assert (found.later_bid, found.later_at, found.unknown) == (None, None, reason)
    assert looked(CostWatch(**a_watch().model_dump() | {"fills": (found,)}), 400, a_quote()) == found, "for good"


def test_an_order_is_measured_when_it_is_over_and_nothing_is_waited_for() -> None:
    watch = a_watch()
    seen = cost_watch.looked(watch, lambda _s, _at: a_quote(), NOW + seconds(61), HORIZON)
    assert [cost_watch.is_complete(w) for w in (watch, cost_watch.over(watch), seen, cost_watch.over(seen))] == [
        False,
        False,
        False,
        True,
    ]
    assert cost_watch.is_complete(cost_watch.over(cost_watch.begun(an_order()))), (
        "an order without a fill waits for nothing"
    )

"""What a smart order counts for over the day, by hand."""

from __future__ import annotations

import datetime as dt
from dataclasses import replace
from decimal import Decimal

from services.execution.domain.exposure import Exposure, committed_to, exposure_of, standing_of
from services.execution.domain.order_state import Child
from tests.unit.execution.builders import NOW, an_order

TODAY = dt.date(2024, 6, 3)


def a_child(qty: str = "100", price: str | None = "100.05", **changes: object) -> Child:
    child = Child(
        client_order_id=f"p1-SPY-buy-{qty}",
        rung="mid",
        attempt=1,
        qty=Decimal(qty),
        limit_price=None if price is None else Decimal(price),
        sent_at=NOW,
    )
    return replace(child, **changes)  # type: ignore[arg-type]


def an_exposure(order_id: str = "p1-SPY-buy", **changes: object) -> Exposure:
    exposure = Exposure(
        order_id=order_id,
        plan_id="p1",
        date=TODAY,
        side="buy",
        spent=Decimal(100),
        open=Decimal(50),
        is_open=True,
    )
    return exposure.model_copy(update=changes)


def test_an_order_that_has_sent_nothing_counts_for_nothing() -> None:
    found = exposure_of(an_order())
    assert (found.spent, found.open, found.is_open, found.date) == (0, 0, False, TODAY)


def test_what_is_open_counts_at_its_limit_and_what_is_filled_at_its_price() -> None:
    child = a_child(filled=Decimal(40), paid=Decimal("4001.204"))
    found = exposure_of(an_order(children=(child,)))
    assert (found.spent, found.open, found.is_open) == (Decimal("4001.21"), Decimal("6003.00"), True)


def test_a_child_that_replaces_another_one_is_not_counted_beside_it() -> None:
    first = a_child(is_over=True, filled=Decimal(40), paid=Decimal(4000))
    second = a_child("60", "100.10")
    found = exposure_of(an_order(children=(first, second)))
    assert (found.spent, found.open) == (4000, Decimal("6006.00"))


def test_a_market_order_counts_at_the_ask_it_saw() -> None:
    assert exposure_of(an_order(children=(a_child("10", None, ask=Decimal(101)),))).open == 1010


def test_an_open_order_that_nobody_can_value_makes_the_sum_unknown() -> None:
    found = exposure_of(an_order(children=(a_child("10", None),)))
    assert (found.open, found.is_open) == (None, True)
    assert standing_of([found], TODAY).traded.is_nan()


def test_today_adds_up_over_orders_and_plans_and_other_days_do_not_count() -> None:
    found = standing_of(
        [
            an_exposure(),
            an_exposure("p2-TLT-sell", plan_id="p2", side="sell"),
            an_exposure("p0-SPY-buy", date=dt.date(2024, 5, 31)),
            an_exposure("p1-BIL-buy", open=Decimal(0), is_open=False),
        ],
        TODAY,
    )
    assert (found.traded, found.open_orders, found.open_buys) == (400, 2, 50)


def test_a_plan_has_committed_what_its_buys_spent_and_may_spend() -> None:
    ours, sells = an_exposure(), an_exposure("p1-OLD-sell", side="sell")
    assert committed_to("p1", [ours, sells, an_exposure("p2-SPY-buy", plan_id="p2")]) == 150

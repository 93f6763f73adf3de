"""What an order cost, against examples worked by hand."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest

from services.execution.domain import costs, report
from shared.contracts.costs import Cost, FillCosts
from shared.contracts.execution import Trade
from tests.unit.execution.builders import NOW, a_quote, seconds
from tests.unit.execution.worked_orders import ARRIVAL, a_worked_order

D = Decimal


def dollars(*parts: Cost | None) -> list[Decimal | None]:
    return [None if part is None else part.dollars for part in parts]


def bps(*parts: Cost | None) -> list[Decimal | None]:
    return [None if part is None else part.bps for part in parts]


def test_a_buy_that_filled_in_two_parts() -> None:
    """100 decided at 99.90, arrived at 100.00/100.10; 60 bought at 100.05, 40 at 100.10 against 100.04/100.10."""
    found = costs.of_order(a_worked_order(("60", "100.05", ARRIVAL), ("40", "100.10", a_quote(bid="100.04"))))
    parts = (found.delay, found.execution, found.opportunity, found.shortfall)
    assert dollars(*parts) == [D(15), D(2), D(0), D(17)]
    assert bps(*parts) == [D("14.9925"), D("1.9990"), D(0), D("16.9915")], "of 100 x 100.05"
    assert dollars(found.market_on_arrival, found.saved) == [D(5), D(3)]
    assert bps(found.market_on_arrival, found.saved) == [D("4.9975"), D("2.9985")]
    assert (found.effective_spread, found.effective_qty) == (Cost(dollars=D("2.4"), bps=D("2.3986")), D(100))
    assert (found.realised_spread, found.realised_qty) == (None, D(0))
    assert (found.beyond_displayed, found.unknown) == (0, ())


def test_a_sell_is_the_mirror_image() -> None:
    """Decided at 99.90, sold at the bid of 100.00: it gained on the way to the market and lost half a spread there."""
    found = costs.of_order(a_worked_order(("100", "100.00", ARRIVAL), side="sell"))
    assert dollars(found.delay, found.execution, found.shortfall) == [D(-15), D(5), D(-10)]
    assert dollars(found.market_on_arrival, found.saved, found.effective_spread) == [D(5), D(0), D(10)]


def test_what_is_left_unfilled_costs_what_the_price_has_run_away() -> None:
    """40 of 100 stay unfilled while the quote goes to 100.20/100.30; to finish then would cost the ask."""
    found = costs.of_order(a_worked_order(("60", "100.05", ARRIVAL), ended=a_quote(bid="100.20", ask="100.30")))
    assert dollars(found.execution, found.opportunity, found.shortfall) == [D(0), D(8), D(23)]
    assert dollars(found.saved) == [D(5) - 0 - 40 * D("0.25")]


def test_an_order_that_never_filled_is_no_bargain() -> None:
    found = costs.of_order(a_worked_order(ended=ARRIVAL))
    assert dollars(found.execution, found.opportunity, found.saved) == [D(0), D(0), D(0)]
    assert (found.effective_spread, found.effective_qty, found.average_price) == (None, 0, None)
    assert found.unknown == ()


def test_what_the_broker_took_off_an_order_was_wanted_all_the_same() -> None:
    order = a_worked_order(("97", "100.05", ARRIVAL), total="97", wanted=D(100), ended=a_quote(bid="101", ask="101.10"))
    found = costs.of_order(order)
    assert (order.ending, found.wanted_qty, found.filled_qty) == ("filled", 100, 97)
    assert dollars(found.opportunity) == [D(3)]


def test_what_filled_beyond_what_was_wanted_is_compared_as_well() -> None:
    found = costs.of_order(a_worked_order(("110", "100.10", ARRIVAL), total="110", wanted=D(100)))
    assert (found.wanted_qty, found.filled_qty) == (110, 110)
    assert dollars(found.execution, found.market_on_arrival, found.saved, found.shortfall) == [
        D("5.50"),
        D("5.50"),
        D(0),
        D(22),
    ]


def test_less_displayed_than_wanted_is_said() -> None:
    assert costs.of_order(a_worked_order(total="250")).beyond_displayed == 150
    assert costs.of_order(replace(a_worked_order(), arrival=a_quote(bid_size=30), side="sell")).beyond_displayed == 70


@pytest.mark.parametrize(
    ("change", "unknown", "reason"),
    [
        (
            {"arrival": None},
            {"delay", "execution", "opportunity", "shortfall", "market_on_arrival", "saved"},
            "arrived at is not",
        ),
        ({"decision_price": None}, {"delay", "shortfall"}, "no decision price"),
        ({"ended": None}, {"opportunity", "shortfall", "saved"}, "no fresh quote at its end"),
        ({"ending": "unknown"}, {"opportunity", "shortfall", "saved"}, "last child is not known"),
    ],
)
def test_what_is_missing_makes_what_stands_on_it_unknown_and_is_named(
    change: dict[str, Any], unknown: set[str], reason: str
) -> None:
    order = a_worked_order(("60", "100.05", ARRIVAL), ended=ARRIVAL)
    found = costs.of_order(replace(order, **change))
    names = ("delay", "execution", "opportunity", "shortfall", "market_on_arrival", "saved", "effective_spread")
    assert {name for name in names if getattr(found, name) is None} == unknown
    [told] = found.unknown
    assert reason in told


def test_a_fill_without_its_quote_counts_for_everything_but_the_spread() -> None:
    found = costs.of_order(a_worked_order(("60", "100.05", None), ("40", "100.10", ARRIVAL)))
    assert dollars(found.execution, found.effective_spread) == [D(2), D(4)]
    assert found.effective_qty == 40
    assert found.unknown == ("effective spread: the quote at the fill is not known for 60 of 100 shares",)


def test_the_realised_spread_is_of_the_fills_whose_later_quote_was_seen() -> None:
    """Bought at the ask of 100.10; a minute later the middle is 100.15: the seller lost a dime a share on a round trip."""
    fill = FillCosts(execution_id="e1", rung="take", qty=D(40), price=D("100.10"), at=NOW, bid=D(100), ask=D("100.10"))
    later = costs.of_fill(
        a_worked_order(), fill.model_copy(update={"later_bid": D("100.10"), "later_ask": D("100.20")})
    )
    assert dollars(later.execution, later.effective, later.realised) == [D(2), D(4), D(-4)]
    assert bps(later.realised) == [D("-9.9850")], "of 40 x 100.15"
    assert costs.of_fill(a_worked_order(), fill).realised is None

    found = costs.of_order(a_worked_order(("40", "100.10", ARRIVAL), ("60", "100.10", ARRIVAL)), (later, fill))
    assert (dollars(found.realised_spread), found.realised_qty) == ([D(-4)], 40)


def test_the_quote_at_an_instant_is_the_newest_two_sided_one_not_after_it_and_not_too_old() -> None:
    old, one_sided = a_quote(at=NOW - seconds(61)), a_quote(at=NOW - seconds(1), bid=None)
    right, after = a_quote(at=NOW - seconds(2)), a_quote(at=NOW + seconds(0.001))
    assert costs.as_of([old, right, one_sided, after], NOW, 60) == right
    assert costs.as_of([right], NOW - seconds(2), 60) == right
    assert costs.as_of([old, one_sided, after], NOW, 60) is None


def test_the_result_of_an_order_carries_its_costs() -> None:
    trade = Trade(
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
    order = a_worked_order(("100", "100.10", ARRIVAL))
    assert report.order_result(order, trade, NOW).costs == costs.of_order(order)

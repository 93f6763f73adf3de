"""The realistic mode: displayed sizes, a place in the queue, fees."""

from __future__ import annotations

from decimal import Decimal

import pytest

from services.simulator.domain.activities import Fee
from services.simulator.domain.fees import RegulatoryFees, booked
from services.simulator.domain.fill_models import RealisticFills
from services.simulator.domain.orders import Side, Status
from tests.unit.simulator.step_market import Floor, StepMarket, a_floor, after, new_york


def realistic(market: StepMarket) -> Floor:
    return a_floor(market, model=RealisticFills())


def test_a_marketable_order_gets_what_is_displayed_and_the_rest_from_later_quotes() -> None:
    market = StepMarket().quoted(after(-1), "99", "100", sizes=(500, 30)).quoted(after(5), "99", "101", sizes=(5, 100))
    floor = realistic(market)
    order = floor.sent(qty="50")
    assert (order.status, order.filled_qty) == (Status.PARTIALLY_FILLED, 30)
    floor.go(10)
    assert (order.status, order.filled_value) == (Status.FILLED, 30 * 100 + 20 * 101)


def test_what_one_order_took_from_a_quote_is_gone_for_the_next() -> None:
    floor = realistic(StepMarket().quoted(after(-1), "99", "100", sizes=(500, 30)))
    assert floor.sent(qty="25").filled_qty == 25
    assert floor.sent(qty="25").filled_qty == 5
    assert floor.sent(qty="25").filled_qty == 0


def test_another_account_meets_the_market_for_itself() -> None:
    floor = realistic(StepMarket().quoted(after(-1), "99", "100", sizes=(500, 30)))
    floor.send(qty="30")
    other = Floor(floor.market, floor.exchange, floor.exchange.account("other"))
    assert other.sent(qty="30").status is Status.FILLED


def test_fill_or_kill_needs_the_whole_size() -> None:
    floor = realistic(StepMarket().quoted(after(-1), "99", "100", sizes=(500, 30)))
    assert floor.sent(qty="31", time_in_force="fok").status is Status.CANCELED
    assert floor.sent(qty="30", time_in_force="fok").status is Status.FILLED


def test_a_joined_price_waits_behind_what_was_displayed_there() -> None:
    market = StepMarket().quoted(after(-1), "99", "100", sizes=(300, 300))
    for second, size in ((5, 200), (6, 100), (7, 40), (8, 100)):
        market.traded(after(second), "99", size)
    floor = realistic(market)
    order = floor.sent(type="limit", limit_price="99", qty="100")
    floor.go(6)
    assert order.filled_qty == 0
    floor.go(7)
    assert (order.filled_qty, order.filled_avg_price) == (40, 99)
    floor.go(60)
    assert (order.status, order.filled_at) == (Status.FILLED, after(8))


def test_cancels_before_it_shorten_the_queue_and_arrivals_behind_it_do_not_lengthen_it() -> None:
    market = StepMarket().quoted(after(-1), "99", "100", sizes=(300, 300)).quoted(after(1), "99", "100", sizes=(50, 9))
    market.quoted(after(2), "99", "100", sizes=(900, 9)).traded(after(3), "99", 60)
    floor = realistic(market)
    order = floor.sent(type="limit", limit_price="99", qty="100")
    floor.go(60)
    assert order.filled_qty == 10


def test_a_better_price_than_the_market_is_first_in_line() -> None:
    market = StepMarket().quoted(after(-1), "99", "100").traded(after(1), "99.5", 80)
    floor = realistic(market)
    order = floor.sent(type="limit", limit_price="99.5", qty="100")
    floor.go(60)
    assert order.filled_qty == 80


def test_a_print_through_the_price_fills_at_the_orders_own_price() -> None:
    market = StepMarket().quoted(after(-1), "99", "100").traded(after(1), "98.9", 1000)
    floor = realistic(market)
    order = floor.sent(type="limit", limit_price="99", qty="100")
    floor.go(60)
    assert (order.status, order.filled_avg_price) == (Status.FILLED, 99)


def test_a_resting_order_the_market_crosses_trades_at_its_own_price_one_that_arrives_at_the_markets() -> None:
    market = StepMarket().quoted(after(-1), "99", "100").quoted(after(1), "98", "98.5")
    floor = realistic(market)
    resting = floor.sent(type="limit", limit_price="99", qty="10")
    floor.go(1)
    arriving = floor.sent(type="limit", limit_price="99", qty="10")
    assert (resting.filled_avg_price, arriving.filled_avg_price) == (99, Decimal("98.5"))


def test_away_from_the_market_nothing_is_known_of_the_queue() -> None:
    market = StepMarket().quoted(after(-1), "99", "100").traded(after(1), "98", 500)
    floor = realistic(market)
    order = floor.sent(type="limit", limit_price="98", qty="10")
    floor.go(60)
    assert order.filled_qty == 0


@pytest.mark.parametrize(
    ("side", "qty", "price", "expected"),
    [
        (Side.BUY, "1000", "50", {"CAT": "0.003"}),
        (Side.SELL, "1000", "50", {"SEC": "1.03", "TAF": "0.195", "CAT": "0.003"}),
        (Side.SELL, "100000", "10", {"SEC": "20.6", "TAF": "9.79", "CAT": "0.3"}),
    ],
)
def test_the_regulators_fees(side: Side, qty: str, price: str, expected: dict[str, str]) -> None:
    fees = RegulatoryFees().of(side, Decimal(qty), Decimal(price))
    assert fees == {name: Decimal(amount) for name, amount in expected.items()}


@pytest.mark.parametrize(("accrued", "charged"), [("0.0001", "0.01"), ("0.01", "0.01"), ("1.031", "1.04")])
def test_a_days_fees_are_rounded_up_to_the_cent(accrued: str, charged: str) -> None:
    assert booked(Decimal(accrued)) == Decimal(charged)


def test_fees_are_booked_once_a_day_each_kind_summed_before_rounding() -> None:
    market = StepMarket().quoted(after(-1), "100", "100.01", sizes=(10_000, 10_000))
    floor = a_floor(market, model=RealisticFills(), fees=RegulatoryFees())
    floor.send(qty="200")
    for _ in range(2):
        floor.send(qty="100", side="sell")
    before = floor.account.cash
    assert floor.account.accrued_fees["SEC"] == Decimal("0.412")
    floor.go(new_york("2024-06-03 20:00:00"))
    assert before - floor.account.cash == Decimal("0.42") + Decimal("0.04") + Decimal("0.01")
    fees = [a for a in floor.account.activities if isinstance(a, Fee)]
    assert sorted(fee.net_amount for fee in fees) == [Decimal("-0.42"), Decimal("-0.04"), Decimal("-0.01")]
    assert floor.account.accrued_fees == {}

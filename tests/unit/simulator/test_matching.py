"""How orders meet the market in paper mode, and at which instants."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal

import pytest

from services.simulator.domain.fill_models import PARTIAL_FILL_CHANCE, PaperFills
from services.simulator.domain.identity import Identity
from services.simulator.domain.orders import Status
from tests.unit.simulator.step_market import START, Floor, Partial, StepMarket, a_floor, after, new_york


def quoted(*steps: tuple[float, str, str]) -> StepMarket:
    market = StepMarket()
    for seconds, bid, ask in steps:
        market.quoted(after(seconds), bid, ask)
    return market


def test_a_market_buy_takes_the_ask_at_once_and_a_sell_the_bid() -> None:
    floor = a_floor()
    bought, sold = floor.sent(qty="3"), floor.sent(qty="1", side="sell")
    assert (bought.filled_avg_price, sold.filled_avg_price) == (Decimal("100.01"), Decimal("99.99"))
    assert bought.filled_at == START
    assert floor.account.cash == Decimal(100000) - 3 * Decimal("100.01") + Decimal("99.99")


def test_what_was_acknowledged_stays_pending_new_whatever_happened_since() -> None:
    acknowledged = a_floor().send()
    assert (acknowledged.status, acknowledged.filled_qty) == (Status.PENDING_NEW, 0)


def test_a_market_order_fills_without_regard_to_size() -> None:
    market = StepMarket().quoted(after(-1), "99", "100", sizes=(1, 1))
    assert a_floor(market).sent(qty="900").status is Status.FILLED


def test_a_resting_limit_fills_at_the_instant_at_which_the_market_crosses_it() -> None:
    floor = a_floor(quoted((-1, "99", "100"), (10, "98.99", "99.5"), (20, "97", "98.9"), (30, "96", "97")))
    order = floor.sent(type="limit", limit_price="99")
    assert order.status is Status.NEW
    floor.go(300)
    assert (order.filled_at, order.filled_avg_price) == (after(20), Decimal("98.9"))
    assert order.updated_at == after(20)


def test_it_does_not_matter_in_how_many_steps_time_passes() -> None:
    market = quoted((-1, "99", "100"), *((n, f"{99 - n / 100}", f"{100 - n / 100}") for n in range(1, 200)))
    at_once, in_steps = (a_floor(market, model=PaperFills(Identity(3)), seed=3) for _ in range(2))
    for floor in (at_once, in_steps):
        floor.send(type="limit", limit_price="99.2", qty="10")
        floor.send(type="limit", limit_price="98.5", qty="7")
    at_once.go(150)
    for second in range(1, 151):
        in_steps.go(second)
    assert [(e.event, e.at, e.id) for e in at_once.events()] == [(e.event, e.at, e.id) for e in in_steps.events()]


def test_a_quote_of_yesterday_is_no_market() -> None:
    market = StepMarket().quoted(new_york("2024-05-31 15:59:00"), "99", "100").quoted(after(5), "101", "102")
    floor = a_floor(market)
    order = floor.sent()
    assert order.status is Status.NEW
    floor.go(10)
    assert (order.filled_at, order.filled_avg_price) == (after(5), 102)


def test_an_absent_ask_fills_nothing() -> None:
    order = a_floor(quoted((-1, "99", "0"))).sent(type="limit", limit_price="150", qty="1")
    assert order.status is Status.NEW


def test_a_partial_fill_is_looked_at_again_a_second_later() -> None:
    floor = a_floor(model=Partial(Identity(1)))
    order = floor.sent(qty="10")
    assert (order.status, order.filled_qty, order.leaves_qty) == (Status.PARTIALLY_FILLED, 5, 5)
    floor.go(60)
    assert (order.status, order.filled_at) == (Status.FILLED, after(1))
    told = [(e.event, e.execution.qty, e.execution.position_qty) for e in floor.events() if e.execution is not None]
    assert told == [("partial_fill", 5, 5), ("fill", 5, 10)]


def test_about_one_fill_in_ten_is_partial_and_the_same_ones_again_with_the_same_seed() -> None:
    def partials(seed: int) -> list[bool]:
        identity = Identity(seed)
        floor = a_floor(model=PaperFills(identity), seed=seed, cash="10000000")
        return [floor.sent(qty="50").status is Status.PARTIALLY_FILLED for _ in range(400)]

    first = partials(1)
    assert first == partials(1)
    assert first != partials(2)
    assert sum(first) / len(first) == pytest.approx(PARTIAL_FILL_CHANCE, abs=0.05)


def test_a_notional_order_spends_its_dollars_to_nine_decimals() -> None:
    floor = a_floor()
    order = floor.sent(qty=None, notional="250")
    assert order.filled_qty == Decimal("2.499750024")
    assert Decimal(250) - floor.market.quotes_of["AAA"][0].ask * order.filled_qty < Decimal("0.0000002")
    assert (order.qty, order.status) == (None, Status.FILLED)


@pytest.mark.parametrize("tif", ["ioc", "fok"])
def test_what_an_immediate_order_cannot_get_at_once_is_canceled(tif: str) -> None:
    floor = a_floor()
    order = floor.sent(type="limit", limit_price="99", time_in_force=tif)
    assert (order.status, order.canceled_at) == (Status.CANCELED, START)
    assert not floor.account.open_orders


def test_an_ioc_keeps_its_part_and_a_fok_takes_all() -> None:
    floor = a_floor(model=Partial(Identity(1)))
    part = floor.sent(qty="10", time_in_force="ioc")
    assert (part.status, part.filled_qty) == (Status.CANCELED, 5)
    identity = Identity(1)
    whole = a_floor(model=PaperFills(identity))
    assert all(whole.sent(qty="10", time_in_force="fok").status is Status.FILLED for _ in range(60))


class TestHours:
    def test_a_day_order_expires_at_the_close(self) -> None:
        floor = a_floor()
        order = floor.sent(type="limit", limit_price="50")
        close = new_york("2024-06-03 16:00:00")
        assert order.expires_at == close
        floor.go(close - dt.timedelta(seconds=1))
        assert order.is_open
        floor.go(close + dt.timedelta(days=3))
        assert (order.status, order.expired_at) == (Status.EXPIRED, close)

    def test_on_a_half_day_it_expires_at_one(self) -> None:
        start = new_york("2024-07-03 10:00:00")
        order = a_floor(StepMarket().quoted(start, "99", "100"), start=start).sent(type="limit", limit_price="50")
        assert order.expires_at == new_york("2024-07-03 13:00:00")

    def test_an_order_after_the_close_is_accepted_and_trades_at_the_next_open(self) -> None:
        opens = new_york("2024-06-04 09:30:00")
        market = StepMarket().quoted(START, "99.99", "100.01").quoted(opens, "104", "105")
        floor = a_floor(market, start=new_york("2024-06-03 17:00:00"))
        order = floor.sent()
        assert (order.status, floor.stories()) == (Status.ACCEPTED, ["accepted market"])
        floor.go(opens + dt.timedelta(hours=1))
        assert (order.filled_at, order.filled_avg_price) == (opens, 105)
        assert floor.stories() == ["new market", "fill market"]

    def test_over_a_weekend_it_waits_for_monday(self) -> None:
        floor = a_floor(start=new_york("2024-06-07 18:00:00"))
        assert floor.sent().works_from == new_york("2024-06-10 09:30:00")

    def test_before_the_open_it_waits_for_the_open(self) -> None:
        floor = a_floor(
            start=new_york("2024-06-03 08:00:00"),
            market=StepMarket().quoted(new_york("2024-06-03 07:00:00"), "99", "100"),
        )
        order = floor.sent()
        floor.go(new_york("2024-06-03 09:30:01"))
        assert order.filled_at == new_york("2024-06-03 09:30:00")

    def test_only_extended_orders_trade_outside_regular_hours(self) -> None:
        evening = new_york("2024-06-03 17:00:00")
        market = StepMarket().quoted(evening, "99", "100").quoted(evening + dt.timedelta(seconds=9), "97", "98")
        floor = a_floor(market, start=evening)
        plain = floor.sent(type="limit", limit_price="98.5")
        extended = floor.sent(type="limit", limit_price="98.5", extended_hours=True)
        floor.go(evening + dt.timedelta(hours=1))
        assert (plain.status, extended.status) == (Status.ACCEPTED, Status.FILLED)
        assert extended.expires_at == new_york("2024-06-03 20:00:00")

    def test_a_gtc_order_sleeps_at_night_and_ends_after_ninety_days(self) -> None:
        night = new_york("2024-06-03 18:00:00")
        market = StepMarket().quoted(START, "99.99", "100.01").quoted(night, "50", "60")
        floor = a_floor(market)
        order = floor.sent(type="limit", limit_price="70", time_in_force="gtc")
        floor.go(new_york("2024-06-03 22:00:00"))
        assert order.status is Status.NEW
        assert order.expires_at == new_york("2024-09-01 16:15:00")
        floor.go(new_york("2024-09-02 10:00:00"))
        assert order.status is Status.EXPIRED

    def test_auction_orders_trade_at_the_open_and_at_the_close(self) -> None:
        opens, closes = new_york("2024-06-04 09:30:00"), new_york("2024-06-03 16:00:00")
        market = StepMarket().quoted(START, "99.99", "100.01")
        market.quoted(closes - dt.timedelta(seconds=2), "101", "102").quoted(opens, "103", "104")
        floor = a_floor(market)
        closing = floor.sent(time_in_force="cls")
        floor.go(new_york("2024-06-03 19:30:00"))
        assert (closing.status, closing.filled_avg_price) == (Status.FILLED, 102)
        opening = floor.sent(time_in_force="opg")
        floor.go(opens + dt.timedelta(minutes=1))
        assert (opening.filled_at, opening.filled_avg_price) == (opens, 104)


class TestStops:
    def holding(self, market: StepMarket) -> Floor:
        floor = a_floor(market)
        floor.send(qty="10")
        floor.events()
        return floor

    def test_a_sell_stop_trades_at_the_bid_when_a_trade_touches_it(self) -> None:
        market = quoted((-1, "99.9", "100"), (20, "94.9", "95.2")).traded(after(10), "99.95").traded(after(21), "95")
        floor = self.holding(market)
        order = floor.sent(side="sell", type="stop", stop_price="95", qty="10")
        floor.go(20.5)
        assert order.status is Status.NEW
        floor.go(60)
        assert (order.filled_at, order.filled_avg_price) == (after(21), Decimal("94.9"))

    def test_a_trade_outside_the_quote_elects_nothing(self) -> None:
        floor = self.holding(quoted((-1, "99.9", "100")).traded(after(10), "90"))
        order = floor.sent(side="sell", type="stop", stop_price="95", qty="10")
        floor.go(60)
        assert order.status is Status.NEW

    @pytest.mark.parametrize(("ask", "fills"), [("102.5", True), ("102.51", False)])
    def test_a_buy_stop_does_not_pay_more_than_its_collar(self, ask: str, fills: bool) -> None:  # noqa: FBT001
        market = quoted((-1, "99.9", "100"), (10, "99.95", ask)).traded(after(11), "100.1")
        floor = a_floor(market)
        order = floor.sent(type="stop", stop_price="100", qty="1")
        floor.go(60)
        assert order.elected
        assert (order.status is Status.FILLED) is fills

    def test_a_stop_limit_rests_as_a_limit_once_it_is_touched(self) -> None:
        market = quoted((-1, "99.9", "100"), (10, "94", "95.5"), (30, "95.1", "96")).traded(after(11), "95")
        floor = self.holding(market)
        order = floor.sent(side="sell", type="stop_limit", stop_price="95", limit_price="95", qty="10")
        floor.go(20)
        assert (order.elected, order.status) == (True, Status.NEW)
        floor.go(60)
        assert (order.filled_at, order.filled_avg_price) == (after(30), Decimal("95.1"))

    def test_a_trailing_stop_follows_the_price_up_and_never_down(self) -> None:
        market = quoted((-1, "99.9", "120"), (39, "99", "120")).traded(after(-1), "100")
        market.traded(after(10), "110").traded(after(20), "105").traded(after(40), "99.2")
        floor = self.holding(market)
        order = floor.sent(side="sell", type="trailing_stop", trail_percent="10", qty="10")
        assert (order.hwm, order.stop_price) == (100, 90)
        floor.go(30)
        assert (order.hwm, order.stop_price, order.status) == (110, 99, Status.NEW)
        nearer = floor.replaced(order, trail="9")
        assert (nearer.hwm, nearer.stop_price) == (110, Decimal("100.1"))
        floor.go(60)
        assert (nearer.status, nearer.filled_avg_price) == (Status.FILLED, 99)

"""Positions, valuation, activities, history and listings of one account."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal

import pytest

from services.simulator.adapters.account_views import account_json, position_json
from services.simulator.domain.account import Position
from services.simulator.domain.activities import ActivityFilter, Fill, select
from services.simulator.domain.closing import closing_request
from services.simulator.domain.order_search import OrderFilter, search
from services.simulator.domain.orders import Side
from services.simulator.domain.portfolio_history import Window, portfolio_history
from services.simulator.domain.rejections import Rejection
from services.simulator.domain.valuation import value
from tests.unit.simulator.step_market import Floor, StepMarket, a_floor, after, new_york


@pytest.mark.parametrize(
    ("trades", "qty", "cost"),
    [
        ([("10", "100")], "10", "1000"),
        ([("10", "100"), ("10", "110")], "20", "2100"),
        ([("10", "100"), ("-4", "150")], "6", "600"),
        ([("10", "100"), ("-10", "150")], "0", "0"),
        ([("-10", "100")], "-10", "-1000"),
        ([("-10", "100"), ("5", "90")], "-5", "-500"),
        ([("10", "100"), ("-15", "120")], "-5", "-600"),
    ],
)
def test_a_position_costs_what_was_paid_for_what_is_left(trades: list[tuple[str, str]], qty: str, cost: str) -> None:
    position = Position("AAA")
    for traded, price in trades:
        position.add(Decimal(traded), Decimal(price))
    assert (position.qty, position.cost_basis) == (Decimal(qty), Decimal(cost))


def bought_and_gone_up() -> Floor:
    floor = a_floor(StepMarket().quoted(after(-1), "99", "100").quoted(after(5), "109", "111").traded(after(5), "110"))
    floor.send(qty="100")
    floor.go(10)
    return floor


def test_equity_is_cash_and_what_the_shares_are_worth() -> None:
    floor = bought_and_gone_up()
    valuation = value(floor.account, floor.exchange.marks.at(floor.now))
    assert (valuation.cash, valuation.long_market_value, valuation.equity) == (90_000, 11_000, 101_000)
    assert (valuation.buying_power, valuation.regt_buying_power) == (404_000 - 11_000, 202_000 - 11_000)


def test_a_short_position_is_worth_less_than_nothing() -> None:
    floor = a_floor(StepMarket().quoted(after(-1), "99", "101"))
    floor.send(qty="100", side="sell")
    valuation = value(floor.account, floor.exchange.marks.at(floor.now))
    assert (valuation.cash, valuation.short_market_value, valuation.equity) == (109_900, -10_000, 99_900)
    assert valuation.gross == 10_000


def test_the_account_in_alpacas_words_adds_up() -> None:
    floor = bought_and_gone_up()
    told = account_json(floor.exchange, floor.account, floor.now)
    assert Decimal(told["equity"]) == Decimal(told["cash"]) + Decimal(told["long_market_value"])
    assert (told["last_equity"], told["multiplier"], told["balance_asof"]) == ("100000", "4", "2024-05-31")
    assert not {"pattern_day_trader", "daytrade_count", "daytrading_buying_power"} & told.keys()


def test_last_equity_is_yesterdays_close_at_yesterdays_prices() -> None:
    market = StepMarket().quoted(after(-1), "99", "100").traded(new_york("2024-06-03 15:59:59"), "105")
    floor = a_floor(market.traded(new_york("2024-06-04 09:31:00"), "120"))
    floor.send(qty="100")
    floor.go(new_york("2024-06-04 10:00:00"))
    told = account_json(floor.exchange, floor.account, floor.now)
    assert (told["last_equity"], told["equity"]) == ("100500", "102000")


def test_a_position_in_alpacas_words() -> None:
    floor = bought_and_gone_up()
    floor.send(qty="30", side="sell", type="limit", limit_price="200")
    told = position_json(floor.exchange, floor.account, floor.account.positions["AAA"], floor.now)
    assert (told["qty"], told["qty_available"], told["side"]) == ("100", "70", "long")
    assert (told["avg_entry_price"], told["current_price"], told["market_value"]) == ("100", "110", "11000")
    assert (told["unrealized_pl"], told["unrealized_plpc"]) == ("1000", "0.1")


class TestClosing:
    @pytest.mark.parametrize(
        ("held", "percentage", "expected"),
        [("10", "50", "5"), ("5", "50", "2"), ("2.5", "50", "1.25"), ("10", "100", "10"), ("10", None, "10")],
    )
    def test_a_whole_position_is_closed_in_whole_shares(self, held: str, percentage: str | None, expected: str) -> None:
        floor = a_floor()
        floor.send(qty=held)
        part = None if percentage is None else Decimal(percentage)
        request = closing_request(floor.account, "AAA", percentage=part)
        assert (request.side, request.qty) == (Side.SELL, Decimal(expected))

    def test_a_short_is_closed_by_buying(self) -> None:
        floor = a_floor()
        floor.send(qty="10", side="sell")
        assert closing_request(floor.account, "AAA").side is Side.BUY

    @pytest.mark.parametrize(("qty", "percentage", "status"), [(None, "101", 400), ("1", "50", 400), (None, "1", 422)])
    def test_a_part_that_makes_no_sense_is_refused(self, qty: str | None, percentage: str, status: int) -> None:
        floor = a_floor()
        floor.send(qty="10")
        with pytest.raises(Rejection) as caught:
            closing_request(floor.account, "AAA", None if qty is None else Decimal(qty), Decimal(percentage))
        assert caught.value.status == status

    def test_no_position_is_404(self) -> None:
        with pytest.raises(Rejection, match="position does not exist") as caught:
            closing_request(a_floor().account, "AAA")
        assert (caught.value.status, caught.value.code) == (404, 40410000)


class TestActivities:
    def three(self) -> Floor:
        floor = a_floor()
        for second in range(3):
            floor.go(second)
            floor.send(qty=str(second + 1))
        return floor

    def test_a_fill_tells_the_order_after_it(self) -> None:
        (fill, *_) = self.three().account.activities
        assert isinstance(fill, Fill)
        assert (fill.qty, fill.price, fill.cum_qty, fill.leaves_qty) == (1, Decimal("100.01"), 1, 0)
        assert fill.id.startswith("20240603100000000::")

    def test_pages_follow_each_other_without_gap_or_overlap(self) -> None:
        told = self.three().account.activities
        for ascending in (True, False):
            first = select(told, ActivityFilter(page_size=2, ascending=ascending))
            rest = select(told, ActivityFilter(page_size=2, ascending=ascending, page_token=first[-1].id))
            assert first + rest == (told if ascending else told[::-1])

    def test_an_unknown_page_token_gives_an_empty_page(self) -> None:
        assert select(self.three().account.activities, ActivityFilter(page_token="nope")) == []

    def test_after_and_until_are_exclusive(self) -> None:
        told = self.three().account.activities
        assert select(told, ActivityFilter(after=after(0), until=after(2))) == [told[1]]

    def test_one_orders_fills_can_be_asked_for(self) -> None:
        told = self.three().account.activities
        assert isinstance(told[1], Fill)
        assert select(told, ActivityFilter(order_id=told[1].order_id)) == [told[1]]


class TestListing:
    def floor(self) -> Floor:
        floor = a_floor()
        for second in range(4):
            floor.go(second)
            floor.send(type="limit", limit_price="90", symbol="AAA")
        floor.cancel(next(iter(floor.account.orders.values())))
        return floor

    def sequences(self, floor: Floor, **wanted: object) -> list[int]:
        return [order.sequence for order in search(floor.account, OrderFilter(**wanted))]  # type: ignore[arg-type]

    def test_open_closed_and_all(self) -> None:
        floor = self.floor()
        assert self.sequences(floor) == [4, 3, 2]
        assert self.sequences(floor, open=False) == [1]
        assert self.sequences(floor, open=None, ascending=True) == [1, 2, 3, 4]

    def test_bounds_and_cursors_are_exclusive(self) -> None:
        floor = self.floor()
        second = list(floor.account.orders)[1]
        assert self.sequences(floor, open=None, after=after(1)) == [4, 3]
        assert self.sequences(floor, open=None, until=after(1)) == [1]
        assert self.sequences(floor, open=None, after_order_id=second) == [4, 3]
        assert self.sequences(floor, open=None, before_order_id=second) == [1]

    def test_filters_and_limit(self) -> None:
        floor = self.floor()
        assert self.sequences(floor, limit=2) == [4, 3]
        assert self.sequences(floor, side=Side.SELL) == []
        assert self.sequences(floor, symbols=frozenset({"BBB"})) == []

    def test_a_cursor_that_names_no_order_is_404(self) -> None:
        with pytest.raises(Rejection, match="order not found"):
            self.sequences(self.floor(), after_order_id="nope")

    def test_nested_shows_a_group_once(self) -> None:
        floor = a_floor()
        exits = {"take_profit": {"limit_price": "110"}, "stop_loss": {"stop_price": "90"}}
        floor.send(order_class="bracket", **exits)
        assert self.sequences(floor, nested=True) == [1]
        assert self.sequences(floor, nested=False) == [3, 2]


class TestHistory:
    def test_each_point_is_worth_what_was_held_then_at_the_prices_of_then(self) -> None:
        market = StepMarket().quoted(after(-1), "99", "100")
        for minute in range(5):
            market.traded(after(60 * minute + 30), str(100 + minute))
        floor = a_floor(market)
        floor.send(qty="100")
        floor.go(300)
        window = Window(after(0), floor.now, dt.timedelta(minutes=1))
        told = portfolio_history(floor.account, window, floor.exchange.marks, floor.now)
        assert told.equity[-5:] == [100_000, 100_100, 100_200, 100_300, 100_400]
        assert told.profit_loss[-1] == 400
        assert told.profit_loss_pct[-1] == Decimal("0.004")
        assert (told.base_value, told.base_value_asof) == (100_000, dt.date(2024, 5, 31))

    def test_daily_points_stand_on_every_session(self) -> None:
        floor = a_floor()
        floor.go(new_york("2024-06-07 12:00:00"))
        window = Window(new_york("2024-06-01 00:00:00"), floor.now, None)
        assert len(portfolio_history(floor.account, window, floor.exchange.marks, floor.now).timestamps) == 5

"""Which orders the venue takes in, and with what status, code and keys it refuses the others."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

from services.simulator.domain.orders import Status
from services.simulator.domain.rejections import Rejection
from tests.unit.simulator.step_market import Floor, StepMarket, a_floor, new_york

LIMIT = {"type": "limit", "limit_price": "100"}
BRACKET = {
    "order_class": "bracket",
    "take_profit": {"limit_price": "110"},
    "stop_loss": {"stop_price": "90"},
}


def refusal(floor: Floor, **fields: Any) -> Rejection:
    with pytest.raises(Rejection) as caught:
        floor.send(**fields)
    assert floor.events() == []
    return caught.value


@pytest.mark.parametrize(
    ("fields", "status", "code", "words"),
    [
        ({"symbol": None}, 422, 40010001, "symbol is required"),
        ({"side": None}, 422, 40010001, "side is required"),
        ({"type": None}, 422, 40010001, "type is required"),
        ({"time_in_force": None}, 422, 40010001, "time_in_force is required"),
        ({"qty": None}, 422, 40010001, "qty or notional is required"),
        ({"notional": "5"}, 422, 40010001, "only one of qty or notional is accepted"),
        ({"qty": None, "notional": "5.001"}, 422, 40010001, "limited to 2 decimal places"),
        ({"side": "hold"}, 400, 40010001, "invalid side 'hold'"),
        ({"type": 7}, 400, 40010001, "type must be a string"),
        ({"qty": "0"}, 400, 40010001, "qty must be > 0"),
        ({"qty": "-1"}, 400, 40010001, "qty must be > 0"),
        ({"qty": "NaN"}, 400, 40010001, "qty must be a finite number, got 'NaN'"),
        ({"qty": "Infinity"}, 400, 40010001, "qty must be a finite number"),
        ({"qty": "1e400"}, 400, 40010001, "qty must be a finite number"),
        ({"qty": "1" * 400}, 400, 40010001, "qty must be a finite number"),
        ({"qty": "1e12"}, 400, 40010001, "qty must be <= 1000000000"),
        ({"qty": "0.1234567891"}, 400, 40010001, "qty must have at most 9 decimals"),
        ({"qty": True}, 400, 40010001, "qty must be a finite number, got 'bool'"),
        ({"qty": [1]}, 400, 40010001, "qty must be a finite number, got 'list'"),
        ({"take_profit": 5}, 400, 40010000, "take_profit must be a JSON object"),
        ({"extended_hours": "yes"}, 400, 40010001, "extended_hours must be true or false"),
        ({"client_order_id": "x" * 129}, 422, 42210000, "client_order_id must be at most 128 characters"),
        ({"client_order_id": "a\x00b"}, 422, 42210000, "client_order_id must be printable"),
        ({"symbol": "NOSUCH"}, 422, 42210000, 'asset "NOSUCH" not found'),
        ({"symbol": "GONE"}, 422, 42210000, 'asset "GONE" is not tradable'),
        ({"limit_price": "1"}, 422, 42210000, "market orders require no stop or limit price"),
        ({"type": "limit"}, 422, 42210000, "limit orders require only limit price"),
        ({"type": "stop", "limit_price": "1"}, 422, 42210000, "stop orders require only stop price"),
        ({"type": "stop_limit", "limit_price": "1"}, 422, 42210000, "both stop and limit price"),
        ({"type": "trailing_stop"}, 422, 42210000, "must specify one of trail_price or trail_percent"),
        ({"type": "trailing_stop", "trail_price": "1", "trail_percent": "1"}, 422, 42210000, "must specify one of"),
        ({**LIMIT, "limit_price": "290.123"}, 422, 42210000, "invalid limit_price 290.123. sub-penny increment"),
        ({**LIMIT, "limit_price": "0.12345"}, 422, 42210000, "invalid limit_price 0.12345. sub-penny increment"),
        ({"type": "stop", "stop_price": "100.001"}, 422, 42210000, "invalid stop_price 100.001. sub-penny"),
        ({**LIMIT, "qty": "0.5", "time_in_force": "gtc"}, 422, 42210000, "fractional orders must be DAY orders"),
        ({**BRACKET, "qty": "0.5"}, 422, 42210000, "fractional orders must be simple orders"),
        ({**LIMIT, "qty": None, "notional": "50"}, 422, 42210000, "notional orders must be market orders"),
        ({"symbol": "WHOLE", "qty": "0.5"}, 422, 42210000, 'asset "WHOLE" is not fractionable'),
        ({"type": "stop", "stop_price": "101", "time_in_force": "ioc"}, 422, 42210000, "must be day or gtc"),
        ({"extended_hours": True}, 422, 42210000, "extended hours order must be DAY limit orders"),
        ({"position_intent": "sell_to_open"}, 422, 42210000, "position intent mismatch"),
        ({"position_intent": "buy_to_close"}, 422, 42210000, "position intent mismatch, inferred: buy_to_open"),
        ({"order_class": "bracket"}, 422, 42210000, "bracket orders require take_profit.limit_price"),
        ({**BRACKET, "stop_loss": None}, 422, 42210000, "bracket orders require stop_loss.stop_price"),
        ({**BRACKET, "take_profit": {"limit_price": "80"}}, 422, 42210000, "take_profit.limit_price must be >"),
        ({**BRACKET, "stop_loss": {"stop_price": "105"}}, 422, 42210000, "stop_loss.stop_price must be <="),
        ({**BRACKET, "time_in_force": "ioc"}, 422, 42210000, "bracket orders must be day or gtc orders"),
        ({**BRACKET, "order_class": "oto"}, 422, 42210000, "oto orders require one of"),
        ({**BRACKET, "order_class": "oco"}, 422, 42210000, "oco orders must be limit orders"),
        ({"stop_loss": {"stop_price": "90"}}, 422, 42210000, "simple orders require no take_profit or stop_loss"),
        ({"symbol": "BBB"}, 422, 42210000, 'asset "BBB" has no price'),
        ({"qty": None, "notional": "0.5"}, 403, 40310000, "cost basis must be >= minimal amount of order 1"),
        ({"qty": "0.001"}, 403, 40310000, "cost basis must be >= minimal amount of order 1"),
        ({"symbol": "WHOLE", "side": "sell", **LIMIT}, 403, 40310000, 'asset "WHOLE" cannot be sold short'),
        ({"side": "sell", "qty": "0.5"}, 403, 40310000, "insufficient qty available for order (requested: 0.5"),
    ],
)
def test_a_wrong_order_is_refused_by_name(fields: dict[str, Any], status: int, code: int, words: str) -> None:
    error = refusal(a_floor(), **fields)
    assert (error.status, error.code) == (status, code)
    assert words in error.message


@pytest.mark.parametrize(
    "fields",
    [
        {"qty": 1},
        {"qty": "0.123456789"},
        {"qty": None, "notional": 100.1},
        {**LIMIT, "qty": "0.5"},
        {**LIMIT, "limit_price": "0.1234", "qty": "100"},
        {"type": "stop", "stop_price": "101"},
        {"type": "stop_limit", "stop_price": "101", "limit_price": "102", "time_in_force": "gtc"},
        {**LIMIT, "extended_hours": True, "time_in_force": "gtc"},
        {**LIMIT, "time_in_force": "ioc"},
        {**LIMIT, "time_in_force": "fok"},
        {"time_in_force": "cls"},
        BRACKET,
        {**BRACKET, "order_class": "oto", "take_profit": None},
    ],
)
def test_a_right_order_is_taken_in(fields: dict[str, Any]) -> None:
    numbers = {k: Decimal(str(v)) if isinstance(v, int | float) and v is not True else v for k, v in fields.items()}
    assert a_floor().send(**numbers).status in {Status.PENDING_NEW, Status.ACCEPTED}


def test_the_noise_of_a_binary_float_is_cut_off() -> None:
    assert a_floor().send(qty=Decimal("0.30000000000000004")).qty == Decimal("0.3")


def test_too_little_buying_power_tells_what_there_is_and_what_is_needed() -> None:
    error = refusal(a_floor(), qty="4000")
    assert error.body() == {
        "code": 40310000,
        "message": "insufficient buying power",
        "buying_power": "400000",
        "cost_basis": "400040",
    }


def test_open_buys_tie_up_buying_power_until_they_end() -> None:
    floor = a_floor()
    resting = floor.sent(type="limit", limit_price="50", qty="7000")
    floor.events()
    assert refusal(floor, qty="600").extra["buying_power"] == "50000"
    floor.cancel(resting)
    assert floor.sent(qty="600").status is Status.FILLED


def test_selling_more_than_is_free_tells_what_holds_the_rest() -> None:
    floor = a_floor()
    floor.send(qty="30")
    holder = floor.sent(side="sell", type="limit", limit_price="120", qty="20")
    floor.events()
    error = refusal(floor, side="sell", qty="11")
    assert (error.status, error.code) == (403, 40310000)
    assert error.body() == {
        "code": 40310000,
        "message": "insufficient qty available for order (requested: 11, available: 10)",
        "available": "10",
        "existing_qty": "30",
        "held_for_orders": "20",
        "related_orders": [holder.id],
        "symbol": "AAA",
    }


def test_a_client_order_id_is_unique_for_ever_and_told_before_anything_else() -> None:
    floor = a_floor()
    floor.send(qty="3900", client_order_id="once")
    floor.events()
    error = refusal(floor, qty="3900", client_order_id="once")
    assert (error.status, error.code, error.message) == (422, 40010001, "client_order_id must be unique")


def test_a_short_sale_needs_three_percent_more_than_the_ask() -> None:
    floor = a_floor()
    assert refusal(floor, side="sell", qty="3900").extra["cost_basis"] == "401740.17"
    assert floor.sent(side="sell", qty="3800").status is Status.FILLED


def test_a_small_account_has_no_margin_and_cannot_short() -> None:
    floor = a_floor(cash="1900")
    assert refusal(floor, side="sell", qty="1").message == "account is not allowed to short"
    assert refusal(floor, qty="20").extra["buying_power"] == "1900"


def test_a_short_sale_waits_for_no_open_buy() -> None:
    floor = a_floor()
    floor.send(type="limit", limit_price="90")
    floor.events()
    error = refusal(floor, side="sell", type="limit", limit_price="110")
    assert error.message == "cannot open a short sell while a long buy order is open"


def test_the_account_can_suspend_its_own_trading() -> None:
    floor = a_floor()
    floor.account.configuration.suspend_trade = True
    assert refusal(floor).code == 40310000


def test_what_is_left_of_a_position_may_always_be_sold() -> None:
    floor = a_floor()
    floor.send(qty="0.011")
    floor.send(qty="0.011", side="sell")
    floor.send(qty="0.015")
    assert floor.sent(qty="0.015", side="sell").status is Status.FILLED


def test_immediate_orders_need_an_open_market() -> None:
    floor = a_floor(start=new_york("2024-06-03 17:00:00"))
    assert refusal(floor, **LIMIT, time_in_force="ioc").code == 42210000


@pytest.mark.parametrize(("time", "tif"), [("09:28:00", "opg"), ("15:50:00", "cls")])
def test_auction_orders_have_a_deadline(time: str, tif: str) -> None:
    market = StepMarket().quoted(new_york("2024-06-03 04:00:00"), "99.99", "100.01")
    floor = a_floor(market, start=new_york(f"2024-06-03 {time}"))
    assert refusal(floor, time_in_force=tif).code == 42210000


def test_outside_hours_a_notional_sell_does_not_join_another_sell() -> None:
    floor = a_floor()
    floor.send(qty="10")
    floor.go(new_york("2024-06-03 17:00:00"))
    floor.send(side="sell", qty="1")
    floor.events()
    error = refusal(floor, side="sell", qty=None, notional="100")
    assert error.message == "unable to open new notional orders while having open closing position orders"

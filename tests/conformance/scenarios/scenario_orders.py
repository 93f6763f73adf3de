"""Orders: every type, their life, and how they are listed, replaced and cancelled."""

from __future__ import annotations

import uuid

import pytest
from alpaca.trading.enums import OrderClass, OrderSide, OrderStatus, OrderType, QueryOrderStatus, TimeInForce
from alpaca.trading.requests import (
    GetOrderByIdRequest,
    GetOrdersRequest,
    LimitOrderRequest,
    MarketOrderRequest,
    ReplaceOrderRequest,
    StopLimitOrderRequest,
    StopLossRequest,
    StopOrderRequest,
    TakeProfitRequest,
    TrailingStopOrderRequest,
)

FAR = 0.5  # half the price: rests for ever


def finished(venue, trading, order):
    for _ in range(40):
        found = trading.get_order_by_id(order.id)
        if found.status.value not in ("new", "accepted", "pending_new", "partially_filled"):
            return found
        venue.advance(1)
    raise AssertionError(f"still {found.status}")


def test_a_market_buy_fills_at_the_ask(venue, trading, market):
    ask = venue.ask("SPY")
    order = finished(venue, trading, market("SPY", 2))
    assert order.status == OrderStatus.FILLED
    assert float(order.filled_qty) == 2
    assert float(order.filled_avg_price) == pytest.approx(ask, rel=0.002)
    assert order.filled_at is not None


def test_the_first_answer_to_an_order_is_pending_or_accepted(market):
    order = market("SPY", 1)
    assert order.status.value in ("pending_new", "accepted", "new")
    assert float(order.filled_qty) == 0


def test_a_limit_at_the_ask_fills_no_worse(venue, trading, limit):
    ask = venue.ask("SPY")
    order = finished(venue, trading, limit("SPY", 1, ask + 0.05))
    assert order.status == OrderStatus.FILLED
    assert float(order.filled_avg_price) <= round(ask + 0.05, 2)


def test_a_far_limit_rests(venue, trading, limit):
    order = limit("SPY", 1, venue.bid("SPY") * FAR)
    venue.advance(60)
    assert trading.get_order_by_id(order.id).status == OrderStatus.NEW


def test_a_sell_limit_at_the_bid_fills_no_worse(venue, trading, limit, held):
    held("SPY", 2)
    bid = venue.bid("SPY")
    order = finished(venue, trading, limit("SPY", 2, bid - 0.05, OrderSide.SELL))
    assert order.status == OrderStatus.FILLED
    assert float(order.filled_avg_price) >= round(bid - 0.05, 2)


def test_a_fractional_market_order_fills_to_nine_decimals(venue, trading, market):
    order = finished(venue, trading, market("SPY", 0.123456789))
    assert order.filled_qty == "0.123456789"


def test_a_fractional_limit_day_order_is_taken(venue, trading, limit):
    assert finished(venue, trading, limit("SPY", 1.5, venue.ask("SPY") + 0.05)).status == OrderStatus.FILLED


def test_a_notional_order_has_no_qty_and_spends_its_dollars(venue, trading):
    placed = trading.submit_order(
        MarketOrderRequest(symbol="SPY", notional=250, side=OrderSide.BUY, time_in_force=TimeInForce.DAY)
    )
    assert (placed.qty, placed.notional) == (None, "250")
    order = finished(venue, trading, placed)
    assert float(order.filled_qty) * float(order.filled_avg_price) == pytest.approx(250, abs=0.01)


def test_a_stop_order_rests_until_its_price_trades(venue, trading, held):
    held("SPY", 1)
    order = trading.submit_order(
        StopOrderRequest(
            symbol="SPY",
            qty=1,
            side=OrderSide.SELL,
            time_in_force=TimeInForce.DAY,
            stop_price=round(venue.bid("SPY") * FAR, 2),
        )
    )
    venue.advance(60)
    assert trading.get_order_by_id(order.id).status == OrderStatus.NEW


def test_a_stop_whose_price_has_traded_fills(venue, trading, held):
    held("SPY", 1)
    bid = venue.bid("SPY")
    order = trading.submit_order(
        StopOrderRequest(
            symbol="SPY", qty=1, side=OrderSide.SELL, time_in_force=TimeInForce.DAY, stop_price=round(bid - 0.01, 2)
        )
    )
    for _ in range(60):
        venue.advance(60)
        if trading.get_order_by_id(order.id).status == OrderStatus.FILLED:
            return
    lowest = venue.bid("SPY")
    assert lowest >= round(bid - 0.01, 2), "it traded below the stop and did not fill"


def test_a_stop_limit_order_is_taken(venue, trading, held):
    held("SPY", 1)
    low = round(venue.bid("SPY") * FAR, 2)
    order = trading.submit_order(
        StopLimitOrderRequest(
            symbol="SPY", qty=1, side=OrderSide.SELL, time_in_force=TimeInForce.GTC, stop_price=low, limit_price=low
        )
    )
    assert (order.type, order.stop_price, order.limit_price) == (OrderType.STOP_LIMIT, f"{low:g}", f"{low:g}")


def test_a_trailing_stop_tells_its_high_water_mark(venue, trading, held):
    held("SPY", 1)
    order = trading.submit_order(
        TrailingStopOrderRequest(
            symbol="SPY", qty=1, side=OrderSide.SELL, time_in_force=TimeInForce.DAY, trail_percent=50
        )
    )
    venue.advance(5)
    found = trading.get_order_by_id(order.id)
    assert found.type == OrderType.TRAILING_STOP
    assert float(found.hwm) > 0


def test_a_bracket_holds_its_exits_until_the_entry_fills(venue, trading, market):
    ask = venue.ask("SPY")
    order = market(
        "SPY",
        1,
        order_class=OrderClass.BRACKET,
        take_profit=TakeProfitRequest(limit_price=round(ask * 2, 2)),
        stop_loss=StopLossRequest(stop_price=round(ask * FAR, 2)),
    )
    assert len(order.legs) == 2
    finished(venue, trading, order)
    venue.advance(2)
    nested = trading.get_order_by_id(order.id, GetOrderByIdRequest(nested=True))
    assert {leg.status for leg in nested.legs} <= {OrderStatus.NEW, OrderStatus.HELD, OrderStatus.ACCEPTED}
    assert len(nested.legs) == 2


def test_an_oto_has_one_exit(venue, market):
    order = market(
        "SPY", 1, order_class=OrderClass.OTO, stop_loss=StopLossRequest(stop_price=round(venue.ask("SPY") * FAR, 2))
    )
    assert len(order.legs) == 1


def test_an_order_by_its_client_id_is_the_same_order(market, trading):
    name = f"mine-{uuid.uuid4().hex}"
    order = market("SPY", 1, client_order_id=name)
    assert trading.get_order_by_client_id(name).id == order.id


def test_open_orders_are_the_default_list(venue, trading, limit, held):
    held("SPY", 1)
    resting = limit("SPY", 1, venue.bid("SPY") * FAR)
    assert [o.id for o in trading.get_orders()] == [resting.id]


def test_closed_and_all_orders_can_be_listed(venue, trading, limit, held):
    held("SPY", 1)
    limit("SPY", 1, venue.bid("SPY") * FAR)
    assert len(trading.get_orders(GetOrdersRequest(status=QueryOrderStatus.CLOSED))) == 1
    assert len(trading.get_orders(GetOrdersRequest(status=QueryOrderStatus.ALL))) == 2


def test_orders_can_be_listed_by_symbol_and_side(venue, trading, limit):
    low = {s: venue.bid(s) * FAR for s in ("SPY", "QQQ")}
    limit("SPY", 1, low["SPY"])
    limit("QQQ", 1, low["QQQ"])
    assert [o.symbol for o in trading.get_orders(GetOrdersRequest(symbols=["QQQ"]))] == ["QQQ"]
    assert trading.get_orders(GetOrdersRequest(side=OrderSide.SELL)) == []
    assert len(trading.get_orders(GetOrdersRequest(side=OrderSide.BUY))) == 2


def test_the_list_obeys_limit_and_direction(venue, trading, limit):
    ids = []
    for _ in range(3):
        ids.append(limit("SPY", 1, venue.bid("SPY") * FAR).id)
        venue.advance(1)
    assert [o.id for o in trading.get_orders(GetOrdersRequest(limit=2))] == [ids[2], ids[1]]
    assert [o.id for o in trading.get_orders(GetOrdersRequest(direction="asc"))] == ids


def test_the_list_obeys_after_and_until_exclusively(venue, trading, limit):
    orders = []
    for _ in range(3):
        orders.append(limit("SPY", 1, venue.bid("SPY") * FAR))
        venue.advance(10)
    middle = orders[1].submitted_at
    assert [o.id for o in trading.get_orders(GetOrdersRequest(after=middle))] == [orders[2].id]
    assert [o.id for o in trading.get_orders(GetOrdersRequest(until=middle))] == [orders[0].id]


def test_cursors_page_through_every_order_once(venue, trading, limit):
    ids = [str(limit("SPY", 1, venue.bid("SPY") * FAR).id) for _ in range(5)]
    first = trading.get("/orders", {"limit": 2, "direction": "asc"})
    second = trading.get("/orders", {"limit": 2, "direction": "asc", "after_order_id": first[-1]["id"]})
    third = trading.get("/orders", {"limit": 2, "direction": "asc", "after_order_id": second[-1]["id"]})
    assert [o["id"] for o in first + second + third] == ids
    before = trading.get("/orders", {"direction": "asc", "before_order_id": ids[2]})
    assert [o["id"] for o in before] == ids[:2]


def test_a_resting_order_can_be_cancelled(venue, trading, limit):
    order = limit("SPY", 1, venue.bid("SPY") * FAR)
    trading.cancel_order_by_id(order.id)
    venue.advance(1)
    found = trading.get_order_by_id(order.id)
    assert found.status == OrderStatus.CANCELED
    assert found.canceled_at is not None


def test_all_orders_can_be_cancelled_at_once(venue, trading, limit):
    orders = {limit(s, 1, venue.bid(s) * FAR).id for s in ("SPY", "QQQ", "TLT")}
    answers = trading.cancel_orders()
    assert {a.id for a in answers} == orders
    assert {a.status for a in answers} == {200}
    venue.advance(1)
    assert trading.get_orders() == []


def test_a_replaced_order_points_at_its_successor(venue, trading, limit):
    old = limit("SPY", 1, venue.bid("SPY") * FAR)
    venue.advance(1)
    new = trading.replace_order_by_id(
        old.id, ReplaceOrderRequest(qty=3, limit_price=round(venue.bid("SPY") * FAR + 1, 2))
    )
    venue.advance(1)
    was, now = trading.get_order_by_id(old.id), trading.get_order_by_id(new.id)
    assert (was.status, was.replaced_by) == (OrderStatus.REPLACED, now.id)
    assert (now.status, now.replaces, now.qty) == (OrderStatus.NEW, was.id, "3")


def test_a_good_till_cancelled_order_outlives_the_session(venue, trading, limit):
    order = limit("SPY", 1, venue.bid("SPY") * FAR, tif=TimeInForce.GTC)
    venue.go_to("2024-06-04T10:00:00-04:00")
    assert trading.get_order_by_id(order.id).status == OrderStatus.NEW


def test_a_day_order_expires_at_the_close(venue, trading, limit):
    order = limit("SPY", 1, venue.bid("SPY") * FAR)
    venue.go_to("2024-06-03T16:00:05-04:00")
    found = trading.get_order_by_id(order.id)
    assert found.status == OrderStatus.EXPIRED
    assert found.expired_at is not None


def test_an_immediate_or_cancel_order_does_not_rest(venue, trading, limit):
    order = limit("SPY", 1, venue.bid("SPY") * FAR, tif=TimeInForce.IOC)
    assert finished(venue, trading, order).status in (OrderStatus.CANCELED, OrderStatus.EXPIRED)


def test_a_fill_or_kill_order_does_not_rest(venue, trading, limit):
    order = limit("SPY", 1, venue.bid("SPY") * FAR, tif=TimeInForce.FOK)
    assert finished(venue, trading, order).status in (OrderStatus.CANCELED, OrderStatus.EXPIRED)


def test_an_order_after_the_close_waits_for_the_next_session(venue, trading, market):
    venue.go_to("2024-06-03T17:00:00-04:00")
    order = market("SPY", 1)
    assert order.status == OrderStatus.ACCEPTED
    venue.go_to("2024-06-04T09:31:00-04:00")
    assert finished(venue, trading, order).status == OrderStatus.FILLED


def test_an_extended_hours_limit_order_is_taken(venue, limit):
    venue.go_to("2024-06-03T17:00:00-04:00")
    assert limit("SPY", 1, venue.bid("SPY") * FAR, extended_hours=True).extended_hours is True


def test_a_limit_order_keeps_its_own_client_id(limit, venue):
    order = limit("SPY", 1, venue.bid("SPY") * FAR, client_order_id="run-1.SPY.buy.mid.0")
    assert order.client_order_id == "run-1.SPY.buy.mid.0"


def test_numbers_and_strings_are_both_taken(venue):
    for qty in (1, 1.0, "1"):
        answer = venue.raw(
            "POST",
            "/v2/orders",
            json={"symbol": "SPY", "qty": qty, "side": "buy", "type": "market", "time_in_force": "day"},
        )
        assert (answer.status_code, answer.json()["qty"]) == (200, "1")


def test_a_limit_request_without_a_price_is_refused(venue):
    answer = venue.raw(
        "POST", "/v2/orders", json={"symbol": "SPY", "qty": 1, "side": "buy", "type": "limit", "time_in_force": "day"}
    )
    assert answer.status_code == 422
    assert LimitOrderRequest  # the client itself would not even send this

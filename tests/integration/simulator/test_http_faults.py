"""The HTTP faults, as a bot meets them; with unmodified alpaca-py where its own habits matter."""

from __future__ import annotations

import httpx
import pytest
from alpaca.common.exceptions import APIError
from alpaca.trading.enums import OrderSide, TimeInForce
from alpaca.trading.requests import MarketOrderRequest

from tests.integration.simulator.running import Running, Start


def all_orders(simulator: Running) -> list[dict[str, object]]:
    orders: list[dict[str, object]] = simulator.get("/v2/orders", status="all")
    return orders


def test_504_before_accept_leaves_nothing_behind(simulator: Running) -> None:
    simulator.arm("504_before_accept")
    answer = simulator.order()
    assert (answer.status_code, answer.json()["code"]) == (504, 50410000)
    assert all_orders(simulator) == []


def test_504_after_accept_leaves_the_order(simulator: Running) -> None:
    simulator.arm("504_after_accept")
    assert simulator.order(client_order_id="mine").status_code == 504
    assert [order["client_order_id"] for order in all_orders(simulator)] == ["mine"]
    assert simulator.order(client_order_id="mine").json()["code"] == 40010001


def test_504_after_accept_does_not_hide_a_refusal(simulator: Running) -> None:
    simulator.arm("504_after_accept")
    assert simulator.order(qty="100000000").status_code == 403
    assert simulator.order().status_code == 504


def test_reading_is_not_touched_by_the_faults_of_writing(simulator: Running) -> None:
    simulator.arm("504_before_accept", count=5)
    assert simulator.api.get("/v2/orders").status_code == 200


def test_one_504_makes_two_orders_of_alpaca_pys_one_without_a_client_id(simulator: Running) -> None:
    simulator.arm("504_after_accept")
    client = simulator.trading()
    client._retry_wait = 0
    client.submit_order(MarketOrderRequest(symbol="SPY", qty=1, side=OrderSide.BUY, time_in_force=TimeInForce.DAY))
    assert len(all_orders(simulator)) == 2


def test_with_a_client_id_the_retry_is_told_that_the_order_exists(simulator: Running) -> None:
    simulator.arm("504_after_accept")
    client = simulator.trading()
    client._retry_wait = 0
    order = MarketOrderRequest(
        symbol="SPY", qty=1, side=OrderSide.BUY, time_in_force=TimeInForce.DAY, client_order_id="mine"
    )
    with pytest.raises(APIError) as error:
        client.submit_order(order)
    assert (error.value.status_code, error.value.code) == (422, 40010001)
    assert str(client.get_order_by_client_id("mine").client_order_id) == "mine"


def test_429_burst_and_500_are_not_carried_out(simulator: Running) -> None:
    for name, status, code in (("429_burst", 429, 42910000), ("500", 500, 50010000)):
        simulator.arm(name, count=2)
        for _ in range(2):
            answer = simulator.order()
            assert (answer.status_code, answer.json()["code"]) == (status, code)
    assert all_orders(simulator) == []


def test_a_fault_armed_by_seconds_ends_with_virtual_time_while_it_stands_still(simulator: Running) -> None:
    simulator.arm("500", seconds=30)
    assert [simulator.api.get("/v2/clock").status_code for _ in range(3)] == [500, 500, 500]
    simulator.advance(31)
    assert simulator.api.get("/v2/clock").status_code == 200


def test_a_reset_connection_leaves_the_order(simulator: Running) -> None:
    simulator.arm("connection_reset")
    with pytest.raises((httpx.ReadError, httpx.RemoteProtocolError)):
        simulator.order(client_order_id="mine")
    assert len(all_orders(simulator)) == 1


def test_a_stalled_answer_comes_late_and_the_order_is_there_at_once(start_simulator: Start) -> None:
    simulator = start_simulator(stall_seconds=0.3)
    simulator.arm("stalled_response")
    with pytest.raises(httpx.ReadTimeout):
        simulator.http(**simulator.login).post(
            "/v2/orders",
            json={"symbol": "SPY", "qty": 1, "side": "buy", "type": "market", "time_in_force": "day"},
            timeout=0.1,
        )
    assert len(all_orders(simulator)) == 1
    simulator.arm("stalled_response")
    assert simulator.order().status_code == 200


def test_a_stuck_cancel_a_fill_that_wins_and_a_late_replace(simulator: Running) -> None:
    low = {"type": "limit", "limit_price": "1", "qty": "3"}
    ids = {name: simulator.order(**low).json()["id"] for name in ("stuck", "filled", "late")}
    simulator.arm("stuck_pending_cancel")
    assert simulator.api.delete(f"/v2/orders/{ids['stuck']}").status_code == 204
    simulator.arm("fill_wins_over_cancel")
    assert simulator.api.delete(f"/v2/orders/{ids['filled']}").status_code == 204
    simulator.arm("fill_wins_over_replace")
    replaced = simulator.api.patch(f"/v2/orders/{ids['late']}", json={"qty": "5"})
    assert replaced.status_code == 200
    statuses = {name: simulator.get(f"/v2/orders/{order_id}")["status"] for name, order_id in ids.items()}
    assert statuses == {"stuck": "pending_cancel", "filled": "filled", "late": "filled"}
    assert simulator.get(f"/v2/orders/{replaced.json()['id']}")["status"] == "rejected"

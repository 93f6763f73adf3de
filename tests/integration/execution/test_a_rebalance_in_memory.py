"""A whole rebalance through handler, planner, dispatcher and desk, on the in-memory twins."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from decimal import Decimal

from shared.contracts.execution import OrderFilled, OrderPlaced, RebalancePlanned
from shared.contracts.marketdata import Quote
from tests.integration.execution.trading_room import TradingRoom

PRICES = {"SPY": ("500.00", "500.02"), "TLT": ("90.00", "90.01"), "UVXY": ("20.00", "20.10"), "OLD": ("10.00", "10.02")}


def test_sells_come_first_then_buys_and_the_cash_adds_up_to_the_cent() -> None:
    room = TradingRoom(PRICES, held={"OLD": "1000", "SPY": "10"}, cash="5000")
    room.target(SPY="0.5", TLT="0.3", UVXY="0.2")
    assert room.run() == ["done", "done"]

    done = room.completed()
    assert done.outcome == "complete", done
    assert done.cash_gap == 0
    assert done.cash_before + done.sold - done.bought == done.cash_after == room.broker.cash
    assert "OLD" not in room.held()
    sides = [message.side for message in room.told(OrderFilled)]
    assert sides == sorted(sides, reverse=True), "every sell is filled before a buy"
    for holding in done.holdings:
        if holding.target_qty:
            assert abs(holding.qty - holding.target_qty) <= max(Decimal(1), holding.target_qty / 100)


def test_everything_carries_the_correlation_of_its_target() -> None:
    room = TradingRoom(PRICES)
    room.target(SPY="0.5")
    room.run()
    assert {message.correlation_id for message in room.everything()} == {"why"}
    assert len(room.told(RebalancePlanned)) == 1
    assert all(m.client_order_id.startswith(m.plan_id) for m in room.told(OrderPlaced))


def test_a_target_that_is_held_already_is_nothing_to_do() -> None:
    room = TradingRoom(PRICES, held={"SPY": "99.7"}, cash="50150")
    room.target(SPY="0.4985")
    assert room.run() == []
    assert room.completed().outcome == "nothing to do"
    assert room.broker.calls == []


def test_a_spread_that_is_wide_for_a_moment_is_waited_out_before_planning() -> None:
    room = TradingRoom({"SPY": ("500.00", "500.02"), "SMR": ("8.00", "8.08")})
    looks, fixed = [], room.quotes.latest

    def narrowing(symbols: Sequence[str]) -> Mapping[str, Quote]:
        looks.append(symbols)
        room.quotes.prices["SMR"] = ("8.00", "8.08") if len(looks) == 1 else ("8.03", "8.05")
        return fixed(symbols)

    room.quotes.latest = narrowing  # type: ignore[method-assign]
    room.target(SPY="0.5", SMR="0.2")
    room.run()
    (planned,) = room.told(RebalancePlanned)
    assert planned.refusals == ()
    assert {trade.symbol for trade in planned.trades} == {"SPY", "SMR"}

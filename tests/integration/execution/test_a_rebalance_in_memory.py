"""A whole rebalance through handler, planner, dispatcher and desk, on the in-memory twins."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from decimal import Decimal

from services.execution.domain import ladder
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


def test_every_order_of_the_report_carries_what_it_cost_from_the_decision_on() -> None:
    room = TradingRoom(PRICES, held={"OLD": "1000"}, cash="5000")
    room.target(prices={"SPY": "499.51"}, SPY="0.5", TLT="0.3")
    room.run()

    done, fills = room.completed(), room.told(OrderFilled)
    by_symbol = {result.symbol: result for result in done.orders}
    assert by_symbol.keys() == {"OLD", "SPY", "TLT"}
    for result in done.orders:
        costs, (fill,) = result.costs, [fill for fill in fills if fill.order_id == result.order_id]
        assert costs is not None
        assert costs.unknown == ()
        assert costs.saved is not None
        assert costs.effective_spread is not None
        bid, ask = (Decimal(side) for side in PRICES[result.symbol])
        assert (fill.bid, fill.ask, costs.effective_qty) == (bid, ask, result.filled_qty)
        assert costs.saved.dollars == 0, "this market fills at the touch"
        assert abs(costs.effective_spread.dollars - result.filled_qty * (ask - bid)) < Decimal("0.000001")
    spy = by_symbol["SPY"].costs
    assert spy is not None
    assert (spy.decision_price, spy.decision_source) == (Decimal("499.51"), "strategy")
    assert spy.delay is not None
    assert abs(spy.delay.dollars - spy.wanted_qty * Decimal("0.50")) < Decimal("0.000001")
    old = by_symbol["OLD"].costs
    assert old is not None
    assert (old.decision_price, old.decision_source) == (Decimal("10.01"), "plan")


def test_an_order_that_the_market_never_fills_carries_the_quote_at_its_end() -> None:
    policy = replace(ladder.standard(patience_seconds=0.05), give_up_seconds=0.4)
    room = TradingRoom(PRICES, policy=policy)
    room.fills = lambda _update: False
    room.target(SPY="0.5")
    room.run()
    [result] = room.completed().orders
    costs = result.costs
    assert costs is not None
    assert (result.outcome, costs.filled_qty, costs.unknown) == ("unfilled", 0, ())
    assert costs.ended is not None
    assert (costs.ended.bid, costs.ended.ask) == (Decimal("500.00"), Decimal("500.02"))
    assert costs.opportunity is not None
    assert costs.opportunity.dollars == 0, "the price stood still"
    assert costs.saved is not None
    assert costs.saved.dollars == 0, "to buy it now costs what it would have cost then"


def test_quotes_of_what_a_plan_has_yet_to_buy_go_on_being_wanted() -> None:
    room = TradingRoom(PRICES, held={"OLD": "10"})
    room.target(SPY="0.5")
    room.runner.step()
    room.dispatcher.sweep()
    room.planner.want_quotes()
    assert room.quotes.wanted == ["OLD", "SPY"]

"""A symbol that stops trading in the middle of a rebalance, and a person who changes our order on the broker's page."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path

from services.execution.domain import ladder
from services.execution.domain.broker import Acknowledged, BrokerUpdate
from shared.contracts.execution import OrderPlaced
from tests.integration.execution.processes import Stack
from tests.integration.execution.trading_room import TradingRoom

PRICES = {"SPY": ("500.00", "500.02"), "TLT": ("90.00", "90.01")}


def test_an_order_that_a_person_replaced_is_followed_to_the_fill_of_its_successor() -> None:
    room = TradingRoom(PRICES, policy=ladder.standard(patience_seconds=600), speed=50)

    def a_person_replaces_it(update: BrokerUpdate) -> bool:
        order = update.order
        if order.client_order_id == "by-hand":
            return False
        assert order.qty is not None
        new = room.broker.replace(order.id, client_order_id="by-hand", qty=order.qty, limit_price=Decimal("500.02"))
        assert isinstance(new, Acknowledged)
        room.broker.fill("by-hand", order.qty, Decimal("500.02"))
        return False

    room.fills = a_person_replaces_it
    room.target(SPY="0.5")
    room.run()
    [result] = room.completed().orders
    assert (result.outcome, result.filled_qty) == ("filled", room.held()["SPY"])
    assert room.completed().cash_gap == 0
    assert [call for call, _ in room.broker.calls] == ["place", "replace"], "nothing was sent beside it"
    assert [alert.title for alert in room.alerts()] == ["buy SPY: changed from outside"]


def test_a_halted_symbol_waits_while_the_others_trade_and_is_traded_when_it_resumes(
    redis_url: str, namespace: str, tmp_path: Path
) -> None:
    with Stack(redis_url, namespace, tmp_path, SIM_SPEED="10") as stack:
        stack.http.post(f"{stack.simulator}/sim/halts", json={"symbol": "SPY", "halted": True}).raise_for_status()
        target = stack.target(SPY="0.3", TLT="0.3")
        assert stack.first(OrderPlaced, target).symbol == "TLT"
        stack.eventually(lambda: [a for a in stack.alerts() if a.title == "buy SPY: parked"], 15)
        stack.http.post(f"{stack.simulator}/sim/halts", json={"symbol": "SPY", "halted": False}).raise_for_status()
        done = stack.completed(target)
        assert done.outcome == "complete", done
        assert len([alert for alert in stack.alerts() if "parked" in alert.title]) == 1, "told once"

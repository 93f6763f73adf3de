"""504s, refusals, lost events, dead workers: no order twice, no share too many, and the report is true."""

from __future__ import annotations

import threading
from collections import Counter
from decimal import Decimal
from typing import Any

import pytest

from services.execution.domain import ladder, records
from services.execution.domain.broker import BrokerUpdate, Rejected, RejectKind, Unknown
from services.execution.ports import BrokerUnavailableError
from shared.bus import Outcome, Put
from shared.contracts.execution import OrderFilled, OrderPartlyFilled, OrderPlaced, OrderUnknown
from tests.integration.execution.trading_room import TradingRoom

PRICES = {"SPY": ("500.00", "500.02"), "TLT": ("90.00", "90.01"), "OLD": ("10.00", "10.02")}


def no(kind: RejectKind) -> Rejected:
    return Rejected(kind, 422, 42210000, kind.value)


def placings(room: TradingRoom) -> Counter[str]:
    return Counter(name for call, name in room.broker.calls if call == "place")


def told_qty(room: TradingRoom) -> Decimal:
    fills = [*room.told(OrderPartlyFilled), *room.told(OrderFilled)]
    return sum((fill.qty for fill in fills), Decimal(0))


def test_a_504_after_the_order_was_taken_is_asked_about_and_adopted() -> None:
    room = TradingRoom(PRICES)
    room.broker.script("place", Unknown("HTTP 504"), takes_effect=True)
    room.target(SPY="0.5")
    room.run()
    assert room.completed().outcome == "complete"
    assert set(placings(room).values()) == {1}


def test_an_order_the_broker_never_had_is_sent_again_under_the_same_id() -> None:
    room = TradingRoom(PRICES, speed=200)
    room.fills = lambda _update: True
    room.broker.script("place", Unknown("timeout"))
    room.target(SPY="0.5")
    room.run()
    assert room.completed().outcome == "complete"
    assert placings(room) == {f"{room.completed().plan_id}-SPY-buy-mid-1": 2}
    assert len(room.told(OrderUnknown)) == 1


def test_a_repeated_client_id_is_taken_for_the_order_it_names() -> None:
    room = TradingRoom(PRICES)
    room.broker.script("place", no(RejectKind.DUPLICATE_CLIENT_ID), takes_effect=True)
    room.target(SPY="0.5")
    room.run()
    assert room.completed().outcome == "complete"
    assert set(placings(room).values()) == {1}


@pytest.mark.parametrize(
    "kind", [RejectKind.BUYING_POWER, RejectKind.WASH_TRADE, RejectKind.RATE_LIMITED, RejectKind.HELD_SHARES]
)
def test_what_may_pass_is_waited_for(kind: RejectKind) -> None:
    room = TradingRoom(PRICES, speed=20)
    room.broker.script("place", no(kind))
    room.target(SPY="0.5")
    room.run()
    assert room.completed().outcome == "complete"


def test_too_little_buying_power_twice_buys_a_little_less() -> None:
    room = TradingRoom(PRICES, speed=50)
    for _ in range(3):
        room.broker.script("place", no(RejectKind.BUYING_POWER))
    room.target(SPY="0.5")
    room.run()
    [result] = room.completed().orders
    assert result.outcome == "partly filled"
    assert Decimal("0.97") < result.filled_qty / result.qty < 1


def test_whole_shares_are_traded_where_the_broker_wants_them() -> None:
    room = TradingRoom(PRICES)
    room.broker.script("place", no(RejectKind.NOT_FRACTIONABLE))
    room.target(SPY="0.5")
    room.run()
    assert room.held() == {"SPY": Decimal(99)}


def test_an_unexplained_refusal_stops_the_order_and_a_person_hears_of_it() -> None:
    room = TradingRoom(PRICES)
    room.broker.script("place", no(RejectKind.OTHER))
    room.target(SPY="0.5")
    room.run()
    assert room.completed().outcome == "refused"
    assert any(alert.severity == "critical" for alert in room.alerts())
    assert sum(placings(room).values()) == 1


def test_fills_whose_events_are_lost_are_found_by_asking() -> None:
    room = TradingRoom(PRICES, speed=100)
    silent: list[BrokerUpdate] = []
    room.updates.append = lambda update, **_: silent.append(update) or True  # type: ignore[method-assign,func-returns-value]
    room.fills = lambda _update: True
    room.target(SPY="0.5")
    room.run()
    assert room.completed().outcome == "complete"
    assert told_qty(room) == room.held()["SPY"]


def test_partial_fills_leave_only_the_rest_for_the_next_rung() -> None:
    room = TradingRoom(PRICES, whole_shares=["SPY"])
    room.fills = lambda update: _fill_some(room, update)
    room.target(SPY="0.5")
    room.run()
    assert room.completed().outcome == "complete"
    assert room.held() == {"SPY": Decimal(99)}
    assert told_qty(room) == 99
    quantities = [message.qty for message in room.told(OrderPlaced)]
    assert quantities == sorted(quantities, reverse=True)
    assert len(quantities) > 1


def _fill_some(room: TradingRoom, update: BrokerUpdate) -> bool:
    if room._is_marketable(update):
        return True
    room.broker.fill(update.order.client_order_id, Decimal(10), Decimal("500.01"))
    return False


def test_a_broker_that_does_not_answer_delays_a_leg_and_decides_nothing() -> None:
    room = TradingRoom(PRICES, held={"OLD": "100"})
    room.target(SPY="0.5")
    room.runner.step()
    room.dispatcher.sweep()
    for _ in range(2):
        room.broker.script("question", BrokerUnavailableError("HTTP 503"))
    room.run()
    assert room.completed().outcome == "complete"


def test_a_worker_that_must_end_leaves_its_leg_to_the_next_one() -> None:
    room = TradingRoom(PRICES, policy=ladder.standard(patience_seconds=3600))
    room.target(SPY="0.5")
    stop = threading.Event()
    room.fills = lambda _update: bool(stop.set())
    room.runner.step()
    room.dispatcher.sweep()
    desk = room.a_desk()
    assert desk.work(room.legs.waiting.pop(), stop) == "left"
    desk.close()
    [resting] = room.broker.open_orders()
    room.broker.fill(resting.client_order_id, resting.qty or Decimal(0), Decimal("500.01"))

    assert room.run() == ["done"]
    assert room.completed().outcome == "complete"
    assert set(placings(room).values()) == {1}
    assert told_qty(room) == room.held()["SPY"]


class DyingBusError(BaseException):
    """As sudden as SIGKILL: nothing catches it."""


@pytest.mark.parametrize("dies_at", range(1, 36))
def test_a_worker_that_dies_at_any_write_is_replaced_without_a_share_too_many(dies_at: int) -> None:
    room = TradingRoom(PRICES, held={"OLD": "100"})
    room.target(SPY="0.3", TLT="0.3")
    room.runner.step()
    room.dispatcher.sweep()
    commits, is_dead, commit, get = [0], threading.Event(), room.bus.commit, room.bus.get

    def dying(*args: Any, **kwargs: Any) -> bool:
        commits[0] += 1
        if commits[0] == dies_at:
            is_dead.set()
        if is_dead.is_set():  # in whichever of its threads: all of them end
            raise DyingBusError
        return commit(*args, **kwargs)

    def seen(*args: Any) -> str | None:
        if is_dead.is_set():
            raise DyingBusError
        return get(*args)

    room.bus.commit, room.bus.get = dying, seen  # type: ignore[method-assign]
    for _ in range(2):
        try:
            room.run()
        except DyingBusError:
            is_dead.clear()
    done = room.completed()
    assert done.outcome == "complete"
    assert set(placings(room).values()) == {1}, "no client order id is sent twice"
    assert done.cash_gap == 0
    held = room.held()
    assert all(abs(held[line.symbol] - line.target_qty) <= 1 for line in done.holdings if line.target_qty)


def test_a_leg_that_no_worker_takes_is_told_to_a_person() -> None:
    room = TradingRoom(PRICES)
    room.target(SPY="0.5")
    room.runner.step()
    room.dispatcher.sweep()
    assert room.alerts() == []
    room.dispatcher._nobody_seconds = 0.0
    room.dispatcher.sweep()
    room.dispatcher.sweep()
    assert [alert.title for alert in room.alerts()] == ["No worker takes the orders of a plan"]


def test_a_leg_whose_records_cannot_be_read_is_told_and_harms_nothing() -> None:
    room = TradingRoom(PRICES)
    room.target(SPY="0.5")
    room.runner.step()
    room.dispatcher.sweep()
    [leg_id] = room.legs.waiting
    room.bus.commit(Outcome(changes=(Put(records.LEGS, leg_id, '{"not": "a leg"}'),)))
    desk = room.a_desk()
    assert desk.work(leg_id, threading.Event()) == "broken"
    desk.close()
    assert room.broker.calls == []
    assert "cannot be worked" in room.alerts()[-1].title


def test_two_workers_on_one_leg_only_one_works_and_a_lost_lease_ends_the_other() -> None:
    room = TradingRoom(PRICES, policy=ladder.standard(patience_seconds=3600), lease_seconds=0.6)
    room.target(SPY="0.5")
    room.runner.step()
    room.dispatcher.sweep()
    [leg_id] = room.legs.waiting
    second = room.a_desk()

    def steal(_update: BrokerUpdate) -> bool:
        room.leases._leases.clear()
        room.leases.take(leg_id, "thief", 60)
        return False

    room.fills = steal
    first = room.a_desk()
    assert first.work(leg_id, threading.Event()) == "fenced"
    assert second.work(leg_id, threading.Event()) == "held"
    first.close()
    second.close()
    assert len(placings(room)) == 1


@pytest.mark.parametrize(("first", "speed"), [(no(RejectKind.DUPLICATE_CLIENT_ID), 1.0), (Unknown("timeout"), 200.0)])
def test_a_worker_that_dies_between_an_unclear_no_and_the_answer_sends_nothing_new(
    first: Rejected | Unknown, speed: float
) -> None:
    """The order lives under the first name; a journal that called it rejected would let the next worker send another."""
    room = TradingRoom(PRICES, policy=ladder.standard(patience_seconds=36_000), speed=speed)
    room.broker.script("place", first, takes_effect=True)
    room.updates.append = lambda _update, **_: True  # type: ignore[method-assign]
    room.fills = lambda _update: False
    stop = threading.Event()

    def dies(name: str) -> None:
        stop.set()
        raise BrokerUnavailableError(f"no word about {name}")

    real, room.broker.order_by_client_id = room.broker.order_by_client_id, dies  # type: ignore[method-assign,assignment]
    room.target(SPY="0.5")
    room.run(stop=stop)
    room.broker.order_by_client_id = real  # type: ignore[method-assign]
    [resting] = room.broker.open_orders()
    room.broker.fill(resting.client_order_id, resting.qty or Decimal(0), Decimal("500.01"))
    room.run()
    assert room.completed().outcome == "complete"
    assert set(placings(room).values()) == {1}
    assert len(placings(room)) == 1


def counted_questions(room: TradingRoom, monkeypatch: pytest.MonkeyPatch) -> Counter[str]:
    """How often the broker is asked for orders, by the name of the question."""
    asked: Counter[str] = Counter()

    def counting(name: str) -> None:
        ask = getattr(room.broker, name)

        def counted(*args: Any) -> Any:
            asked[name] += 1
            return ask(*args)

        monkeypatch.setattr(room.broker, name, counted)

    counting("orders_since")
    counting("order_by_client_id")
    return asked


def filled_in_silence(room: TradingRoom, update: BrokerUpdate) -> bool:
    """It fills, and no update says so."""
    order = update.order
    assert order.qty is not None
    assert order.limit_price is not None
    room.broker.fill(order.client_order_id, order.qty, order.limit_price, tell=False)
    return False


def test_fills_that_nobody_told_are_found_for_all_orders_with_one_question(monkeypatch: pytest.MonkeyPatch) -> None:
    room = TradingRoom(PRICES, policy=ladder.standard(patience_seconds=600), speed=100)
    asked = counted_questions(room, monkeypatch)

    room.fills = lambda update: filled_in_silence(room, update)
    room.target(SPY="0.3", TLT="0.3", OLD="0.3")
    room.run()
    done = room.completed()
    assert [order.outcome for order in done.orders] == ["filled"] * 3
    assert asked == {"orders_since": 1}, "quiet at the same time, asked about together"


def test_a_known_order_that_is_missing_in_the_list_is_asked_for_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    room = TradingRoom(PRICES, policy=ladder.standard(patience_seconds=600), speed=100)
    asked = counted_questions(room, monkeypatch)
    listed = room.broker.orders_since
    monkeypatch.setattr(room.broker, "orders_since", lambda *args: [o for o in listed(*args) if o.symbol != "SPY"])

    room.fills = lambda update: filled_in_silence(room, update)
    room.target(SPY="0.3", TLT="0.3")
    room.run()
    assert [order.outcome for order in room.completed().orders] == ["filled", "filled"]
    assert asked["order_by_client_id"] == 1


def test_orders_the_broker_never_had_are_sent_again_though_no_list_can_prove_it() -> None:
    room = TradingRoom(PRICES, speed=200)
    room.fills = lambda _update: True
    for _ in range(2):
        room.broker.script("place", Unknown("timeout"))
    room.target(SPY="0.4", TLT="0.4")
    room.run()
    assert [order.outcome for order in room.completed().orders] == ["filled", "filled"]
    assert set(placings(room).values()) == {2}

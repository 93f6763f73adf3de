"""Halts, refusals, dry runs, newer targets and people: what is placed then, and what is told."""

from __future__ import annotations

import threading
from collections.abc import Callable
from decimal import Decimal

import pytest

from services.execution.domain import ladder
from services.execution.domain.broker import BrokerUpdate, OrderRequest
from services.execution.domain.limits import Bounds
from services.execution.domain.moves import requests_beside
from services.execution.domain.request_budget import Allowance, Purpose
from shared.bus import BusUnavailableError, Outcome, Put
from shared.contracts import streams
from shared.contracts.control import CancelOrdersRequested, HaltRequested, RebalanceRequested, ResumeRequested
from shared.contracts.execution import (
    OrderAbandoned,
    OrderPlaced,
    RebalanceCompleted,
    RebalancePlanned,
    TradingHalted,
    TradingResumed,
)
from tests.integration.execution.trading_room import TradingRoom, a_history

PRICES = {"SPY": ("500.00", "500.02"), "TLT": ("90.00", "90.01"), "OLD": ("10.00", "10.02")}
PATIENT = ladder.standard(patience_seconds=3600)


def a_halt(room: TradingRoom, state: str = "HALTED") -> HaltRequested:
    return HaltRequested(correlation_id="why", at=room.clock.now(), origin="cli", state=state, reason="a test wants it")


def placed_sides(room: TradingRoom) -> set[str]:
    return {message.side for message in room.told(OrderPlaced)}


def while_resting(room: TradingRoom, act: Callable[[], None]) -> None:
    """Run the room; `act` as soon as the first order rests."""
    happened = threading.Event()

    def rests(_update: object) -> bool:
        if not happened.is_set():
            happened.set()
            threading.Thread(target=act, daemon=True).start()
        return False

    room.fills = rests
    room.run()


def test_disarmed_it_decides_and_reports_and_places_nothing() -> None:
    room = TradingRoom(PRICES, obstacle=lambda: "live trading is not armed")
    room.target(SPY="0.5")
    assert room.run() == []
    [planned] = room.told(RebalancePlanned)
    assert planned.dry_run
    assert planned.trades
    assert room.completed().outcome == "dry run"
    assert room.broker.calls == []
    assert "not armed" in room.alerts()[0].detail


def test_disarmed_in_the_middle_the_gate_shuts() -> None:
    obstacles: list[str | None] = [None]
    room = TradingRoom(PRICES, obstacle=lambda: obstacles[-1])
    room.target(SPY="0.5")
    room.runner.step()
    room.dispatcher.sweep()
    obstacles.append("the token was taken away")
    room.run()
    assert room.broker.calls == []
    assert room.completed().outcome == "refused"


def test_halted_nothing_is_planned_into_orders_until_it_is_resumed() -> None:
    room = TradingRoom(PRICES)
    room.control(a_halt(room))
    room.run()
    assert room.told(TradingHalted)[0].state == "HALTED"
    room.target(SPY="0.5")
    room.run()
    assert room.completed().outcome == "halted"
    assert room.broker.calls == []

    room.control(ResumeRequested(correlation_id="why", at=room.clock.now(), origin="cli", reason="all is well"))
    room.target(SPY="0.5")
    room.run()
    assert room.told(TradingResumed)
    assert room.told(RebalanceCompleted)[-1].outcome == "complete"


def test_reducing_lets_sells_go_without_patience_and_refuses_buys() -> None:
    room = TradingRoom(PRICES, held={"OLD": "100"}, policy=PATIENT)
    room.control(a_halt(room, "REDUCING"))
    room.target(SPY="0.5")
    room.run()
    assert placed_sides(room) == {"sell"}
    assert [r.limit for r in room.completed().refusals] == ["trading state"]


def test_a_halt_in_the_middle_cancels_what_rests_and_begins_no_buys() -> None:
    room = TradingRoom(PRICES, held={"OLD": "100"}, policy=PATIENT)
    while_resting(room, lambda: (room.control(a_halt(room)), room.runner.step()))  # type: ignore[arg-type,return-value]
    room.target(SPY="0.5")
    while_resting(room, lambda: (room.control(a_halt(room)), room.runner.step()))  # type: ignore[arg-type,return-value]
    assert room.broker.open_orders() == ()
    assert room.completed().outcome == "halted"
    assert placed_sides(room) == {"sell"}


def test_a_newer_target_supersedes_the_plan_at_work() -> None:
    room = TradingRoom(PRICES, policy=PATIENT)
    room.target(SPY="0.5")

    def newer() -> None:
        room.fills = lambda _update: True
        room.target(TLT="0.5")
        room.runner.step()
        room.dispatcher.sweep()

    while_resting(room, newer)
    first, second = room.told(RebalanceCompleted)
    assert (first.outcome, second.outcome) == ("partial", "complete")
    assert room.told(OrderAbandoned)[0].reason == "superseded by a newer target"
    assert set(room.held()) == {"TLT"}


def test_of_several_waiting_targets_only_the_newest_is_planned() -> None:
    room = TradingRoom(PRICES)
    room.target(SPY="0.5")
    room.target(TLT="0.5")
    room.run()
    assert len(room.told(RebalancePlanned)) == 1
    assert set(room.held()) == {"TLT"}


def test_a_person_cancels_one_symbol_and_the_others_go_on() -> None:
    room = TradingRoom(PRICES, policy=PATIENT)
    room.target(SPY="0.4", TLT="0.4")

    def cancel() -> None:
        room.control(CancelOrdersRequested(correlation_id="why", at=room.clock.now(), origin="cli", symbols=("SPY",)))
        room.runner.step()
        for order in room.broker.open_orders():
            if order.symbol == "TLT":
                room.broker.fill(order.client_order_id, order.qty or Decimal(0), Decimal("90.01"))

    while_resting(room, cancel)
    outcomes = {order.symbol: order.outcome for order in room.completed().orders}
    assert outcomes == {"SPY": "unfilled", "TLT": "filled"}


def test_a_symbol_with_a_foreign_order_is_refused_and_named_and_the_order_left_alone() -> None:
    room = TradingRoom(PRICES)
    room.broker.place(OrderRequest("somebody-else-1", "SPY", "buy", Decimal(1), Decimal(400)))
    room.target(SPY="0.4", TLT="0.4")
    room.run()
    [refusal] = room.completed().refusals
    assert (refusal.symbol, refusal.limit) == ("SPY", "foreign orders")
    assert "somebody-else-1" in refusal.detail
    assert [order.client_order_id for order in room.broker.open_orders()] == ["somebody-else-1"]


@pytest.mark.parametrize(
    ("bounds", "prices", "limit"),
    [
        (Bounds(max_order_notional=Decimal(100)), PRICES, "order notional"),
        (Bounds(max_position_weight=Decimal("0.1")), PRICES, "position size"),
        (Bounds(), {"SPY": ("500", "510")}, "spread"),
        (Bounds(), {"SPY": ("510", "500")}, "quote"),
        (Bounds(max_volume_share=Decimal("0.000001")), PRICES, "average volume"),
    ],
)
def test_a_limit_refuses_before_anything_is_sent(
    bounds: Bounds, prices: dict[str, tuple[str, str]], limit: str
) -> None:
    room = TradingRoom(prices, bounds=bounds)
    room.target(SPY="0.5")
    room.run()
    assert [refusal.limit for refusal in room.completed().refusals] == [limit]
    assert room.broker.calls == []
    assert room.alerts()


def test_a_price_far_from_the_last_close_is_refused_and_the_rest_is_traded() -> None:
    room = TradingRoom(PRICES)
    room.references.put(a_history("SPY", 1000))
    room.target(SPY="0.4", TLT="0.4")
    room.run()
    [refusal] = room.completed().refusals
    assert (refusal.symbol, refusal.limit) == ("SPY", "last close")
    assert set(room.held()) == {"TLT"}


def test_a_price_that_runs_away_from_the_last_close_while_it_is_worked_is_refused_at_the_gate() -> None:
    room = TradingRoom(PRICES)
    room.target(SPY="0.5")
    room.runner.step()
    room.dispatcher.sweep()
    room.quotes.prices["SPY"] = ("650.00", "650.02")
    room.run()
    assert room.broker.calls == []
    [result] = room.completed().orders
    assert result.outcome == "refused"
    assert "last close" in result.detail


def test_while_a_strategy_cannot_speak_nothing_is_sold_and_its_share_of_the_cash_stays() -> None:
    room = TradingRoom(PRICES, held={"OLD": "1000"}, cash="90000")
    room.target(unknown_share="0.5", SPY="0.5")
    room.run()
    assert placed_sides(room) == {"buy"}
    assert room.held()["OLD"] == 1000
    assert room.broker.cash >= 49_000


def test_a_target_that_comes_too_late_is_told_and_not_traded(eventually: Callable[..., object]) -> None:
    room = TradingRoom(PRICES, speed=1_000_000)
    target = room.target(SPY="0.5")
    eventually(lambda: (room.clock.now() - target.at).total_seconds() > 3600)
    room.runner.step()
    room.dispatcher.sweep()
    assert "too late" in room.alerts()[0].title
    assert room.told(RebalancePlanned) == []


def test_a_request_trades_the_newest_target_under_its_own_correlation() -> None:
    room = TradingRoom(PRICES)
    target = room.target(SPY="0.5")
    room.run()
    room.bus.commit(Outcome(changes=(Put(streams.LATEST_TARGETS, "latest", target.encode()),)))
    room.control(RebalanceRequested(correlation_id="by hand", at=room.clock.now(), origin="http"))
    room.run()
    assert room.told(RebalanceCompleted)[-1].correlation_id == "by hand"
    assert room.told(RebalanceCompleted)[-1].outcome == "nothing to do"


def test_a_request_without_any_target_says_so() -> None:
    room = TradingRoom(PRICES)
    room.control(RebalanceRequested(correlation_id="by hand", at=room.clock.now(), origin="http"))
    room.run()
    assert "no target" in room.alerts()[0].title


def test_orders_past_the_request_budget_wait_for_it_and_are_placed_then() -> None:
    room = TradingRoom(PRICES, speed=300, allowance=Allowance(per_minute=2, reserved=0))
    room.fills = lambda _update: True
    room.target(SPY="0.3", TLT="0.3", OLD="0.3")
    room.run()
    assert room.completed().outcome == "complete"
    sent = sorted(message.sent_at for message in room.told(OrderPlaced))
    assert (sent[2] - sent[0]).total_seconds() >= 60, "the third one waited until the first one's token came back"


def test_a_request_budget_that_stays_empty_is_named_when_the_order_gives_up() -> None:
    room = TradingRoom(PRICES, speed=1000, allowance=Allowance(per_minute=100, reserved=10))
    room.budget.shut(10_000)
    room.target(SPY="0.5")
    room.run()
    [abandoned] = room.told(OrderAbandoned)
    assert "request budget: spent for" in abandoned.reason
    assert room.broker.calls == []


def test_without_redis_the_request_budget_lets_no_order_pass(monkeypatch: pytest.MonkeyPatch) -> None:
    room = TradingRoom(PRICES, speed=100)
    answers = iter([BusUnavailableError("Redis cannot be reached"), None])

    def spend(_purpose: Purpose) -> float:
        if (error := next(answers, None)) is not None:
            raise error
        return 0.0

    monkeypatch.setattr(room.budget, "spend", spend)
    room.target(SPY="0.5")
    room.run()
    assert room.completed().outcome == "complete"
    assert len([call for call, _ in room.broker.calls if call == "place"]) == len(room.told(OrderPlaced))


def test_with_few_requests_small_orders_begin_at_the_last_price_and_the_largest_try_others() -> None:
    room = TradingRoom(PRICES, requests=requests_beside(3) + 3 + 2)
    room.target(SPY="0.5", TLT="0.3", OLD="0.1")
    room.run()
    assert [order.outcome for order in room.completed().orders] == ["filled"] * 3
    rungs: dict[str, list[str]] = {}
    for placed in room.told(OrderPlaced):
        rungs.setdefault(placed.symbol, []).append(placed.rung)
    assert rungs == {"SPY": ["mid", "take"], "TLT": ["take"], "OLD": ["take"]}


def test_the_days_turnover_is_counted_over_plans_and_workers() -> None:
    room = TradingRoom(PRICES, bounds=Bounds(max_turnover=Decimal("1.6")))
    room.target(SPY="0.5")
    room.run()
    room.target(TLT="0.5")
    room.run()  # another desk
    assert set(room.held()) == {"TLT"}
    room.target(SPY="0.5")
    room.run()
    last = room.told(RebalanceCompleted)[-1]
    assert [(r.side, r.symbol, r.limit) for r in last.refusals] == [
        ("sell", "TLT", "daily turnover"),
        ("buy", "SPY", "daily turnover"),
    ]
    assert set(room.held()) == {"TLT"}


def test_prices_that_rise_before_the_buy_shrink_it_to_the_cash_there_is() -> None:
    room = TradingRoom(PRICES)
    room.target(SPY="1")
    room.runner.step()
    room.dispatcher.sweep()
    room.quotes.prices["SPY"] = ("510.00", "510.02")
    room.run()
    [result] = room.completed().orders
    assert result.outcome == "partly filled", result.detail
    assert Decimal("0.97") < result.filled_qty * Decimal(510) / 100_000 <= 1
    assert room.broker.cash >= 0
    assert room.broker.calls
    assert len(room.told(OrderPlaced)) == len({message.client_order_id for message in room.told(OrderPlaced)})


def test_more_orders_than_may_be_open_wait_for_the_first_to_end() -> None:
    room = TradingRoom(PRICES, policy=ladder.standard(patience_seconds=0.05), speed=20)
    room.target(SPY="0.4", TLT="0.4")
    room.runner.step()
    room.dispatcher.sweep()
    most: list[int] = []
    room.bounds = Bounds(max_open_orders=1)
    asks = room.fills

    def counted(update: BrokerUpdate) -> bool:
        most.append(len(room.broker.open_orders()))
        return asks(update)

    room.fills = counted
    room.run()
    assert room.completed().outcome == "complete"
    assert max(most) == 1

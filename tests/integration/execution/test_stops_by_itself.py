"""Trading that stops by itself: on a loss, on a drawdown, on quotes that stay away; and that only a person lets it go on."""

from __future__ import annotations

import datetime as dt
import threading
from decimal import Decimal
from typing import Any

import pytest

from services.execution.adapters.equity_book import EquityBook
from services.execution.adapters.leadership import Leadership
from services.execution.adapters.watch import Watch, WatchPorts
from services.execution.domain.broker import OrderRequest, Payment, Position
from services.execution.domain.limits import Bounds
from services.execution.domain.stops import WatchRules
from services.execution.handlers import GROUP, STREAMS, Handlers
from services.execution.ports import Intent
from shared.bus import Outcome, Put
from shared.clock import ManualClock
from shared.contracts.control import HaltRequested, ResumeRequested
from shared.contracts.execution import OrderPlaced, RebalanceCompleted, TradingHalted, TradingResumed
from shared.runner import Runner
from tests.integration.execution.trading_room import MONDAY, TradingRoom

PRICES = {"SPY": ("500.00", "500.02"), "OLD": ("10.00", "10.02")}


class Guarded:
    """A room with a watch, and a clock that the test moves."""

    def __init__(self, bounds: Bounds | None = None, rules: WatchRules | None = None) -> None:
        self.rules, self.bounds = rules or WatchRules(), bounds or Bounds()
        self.room = TradingRoom(dict(PRICES), held={"OLD": "1000"}, cash="90000", bounds=self.bounds)
        self.room.fills = lambda _update: True
        self.clock = ManualClock(MONDAY)
        self.room.clock = self.clock  # type: ignore[assignment]
        self.room.quotes.clock = self.clock  # type: ignore[assignment]
        self.room.broker._now = self.clock.now
        self.restart()
        self.look()

    def restart(self) -> None:
        """A new process on the same Redis and broker."""
        room = self.room
        room.plan_with(room.planner._ports.books)
        handlers = Handlers(room.bus, self.clock, room.stopper).table()
        room.runner = Runner(room.bus, GROUP, "test", STREAMS, handlers, hooks=(room.dispatcher,))
        equity = EquityBook(room.book, room.broker, self.clock, self.bounds)
        leadership = Leadership(room.leases, "watch", 15)
        ports = WatchPorts(room.bus, room.book, room.broker, room.quotes, equity, self.clock, leadership)
        self.watch = Watch(ports, self.bounds, self.rules)

    def look(self, times: int = 1, seconds: float = 15) -> None:
        for _ in range(times):
            self.clock.advance(dt.timedelta(seconds=seconds))
            self.watch.check()
            self.room.runner.step()

    def lose(self, dollars: int) -> None:
        self.room.broker.cash -= dollars

    def resume(self) -> None:
        self.clock.advance(dt.timedelta(seconds=1))
        self.room.control(ResumeRequested(correlation_id="why", at=self.clock.now(), origin="cli", reason="seen to"))
        self.room.runner.step()

    def halt(self, state: str) -> None:
        message = {"correlation_id": "why", "at": self.clock.now(), "origin": "cli", "state": state, "reason": "mine"}
        self.room.control(HaltRequested.model_validate(message))
        self.room.runner.step()

    def rests(self, name: str, side: Any, symbol: str, qty: str, price: str) -> None:
        """An order of ours that lies at the broker."""
        fence = self.room.leases.take(name, "somebody", 60) or 0
        intent = Intent(name, "p", "o", symbol, side, Decimal(qty), Decimal(price), "mid", 1, fence, self.clock.now())
        self.room.journal.intend(intent)
        self.room.fills = lambda _update: False
        self.room.broker.place(OrderRequest(name, symbol, side, Decimal(qty), Decimal(price)))

    @property
    def state(self) -> str:
        return self.room.book.trading().state


def test_a_daily_loss_reduces_cancels_the_buys_and_keeps_the_sells() -> None:
    guarded = Guarded()
    guarded.rests("a-buy", "buy", "SPY", "1", "400")
    guarded.rests("a-sell", "sell", "OLD", "1", "20")
    guarded.lose(25_001)
    guarded.look(times=2)
    assert guarded.state == "REDUCING"
    assert [order.client_order_id for order in guarded.room.broker.open_orders()] == ["a-sell"]
    [halted] = guarded.room.told(TradingHalted)
    assert (halted.cause, halted.cancelled) == ("daily loss", 1)
    assert "25.00%" in halted.reason
    [alert] = guarded.room.alerts()
    assert (alert.severity, "daily loss" in alert.title) == ("critical", True)


def test_a_loss_at_its_bound_and_one_wrong_reading_stop_nothing() -> None:
    guarded = Guarded()
    guarded.lose(25_000)
    guarded.look(times=3)
    guarded.lose(30_000)
    guarded.look()
    guarded.lose(-30_000)
    guarded.look(times=2)
    assert guarded.state == "ACTIVE"


def test_a_halt_by_loss_cancels_everything_where_that_is_wanted() -> None:
    guarded = Guarded(rules=WatchRules(loss_state="HALTED"), bounds=Bounds(sells_go_on=False))
    guarded.rests("a-sell", "sell", "OLD", "1", "20")
    guarded.lose(30_000)
    guarded.look(times=2)
    assert guarded.state == "HALTED"
    assert guarded.room.broker.open_orders() == ()


def test_a_stop_survives_a_restart_and_is_not_told_again() -> None:
    guarded = Guarded()
    guarded.lose(30_000)
    guarded.look(times=2)
    guarded.restart()
    guarded.look(times=3)
    assert guarded.state == "REDUCING"
    assert len(guarded.room.told(TradingHalted)) == 1


def test_after_a_daily_loss_buys_are_refused_until_a_person_resumes_and_then_counted_anew() -> None:
    guarded = Guarded()
    guarded.lose(30_000)
    guarded.look(times=2)
    guarded.room.target(SPY="0.5")
    guarded.room.run()
    assert {order.side for order in guarded.room.told(OrderPlaced)} == {"sell"}
    guarded.resume()
    [resumed] = guarded.room.told(TradingResumed)
    assert "daily loss is acknowledged" in resumed.note
    guarded.look(times=3)
    assert guarded.state == "ACTIVE"
    guarded.lose(20_000)  # more than a quarter of what was left
    guarded.look(times=2)
    assert guarded.state == "REDUCING"


def test_a_drawdown_over_days_stops_and_its_mark_begins_anew_only_with_a_person() -> None:
    guarded = Guarded(Bounds(max_drawdown=Decimal("0.2"), max_daily_loss=None))
    for _ in range(2):
        guarded.lose(12_000)
        guarded.clock.advance(dt.timedelta(days=1))
        guarded.restart()
        guarded.look(times=2)
    assert guarded.state == "REDUCING"
    assert guarded.room.told(TradingHalted)[0].cause == "drawdown"
    guarded.resume()
    assert "mark" in guarded.room.told(TradingResumed)[0].note
    guarded.look(times=3)
    assert guarded.state == "ACTIVE"


def test_a_withdrawal_stops_nothing_and_a_deposit_hides_nothing() -> None:
    guarded = Guarded()
    guarded.room.broker._payments.append(Payment("w", "CSW", Decimal(-60_000), guarded.clock.now()))
    guarded.lose(60_000)
    guarded.look(times=3)
    assert guarded.state == "ACTIVE"
    guarded.room.broker._payments.append(Payment("d", "CSD", Decimal(60_000), guarded.clock.now()))
    guarded.lose(-60_000)
    guarded.look(times=2)
    guarded.lose(26_000)
    guarded.look(times=2)
    assert guarded.state == "REDUCING"


@pytest.mark.parametrize("bound", ["max_drawdown", "max_daily_loss"])
def test_a_small_withdrawal_is_asked_for_before_it_breaks_a_bound(bound: str) -> None:
    """Each step is too small to be a jump, and payments were asked for less than five minutes ago."""
    guarded = Guarded(Bounds(**{"max_drawdown": None, "max_daily_loss": None, bound: Decimal("0.05")}))  # type: ignore[arg-type]
    for _ in range(3):
        guarded.lose(1_500)
        guarded.look()
    guarded.room.broker._payments.append(Payment("w", "CSW", Decimal(-1_000), guarded.clock.now()))
    guarded.lose(1_000)
    guarded.look(times=3)
    assert guarded.state == "ACTIVE"
    guarded.lose(1_000)
    guarded.look(times=2)
    assert guarded.state == "REDUCING"


def test_quotes_that_stay_away_reduce_and_only_a_person_lets_it_go_on() -> None:
    guarded = Guarded()
    prices = guarded.room.quotes.prices.pop("OLD")
    guarded.look(times=15)
    assert guarded.state == "ACTIVE"
    guarded.look(times=3)
    assert guarded.state == "REDUCING"
    assert guarded.room.told(TradingHalted)[0].cause == "data loss"
    guarded.room.quotes.prices["OLD"] = prices
    guarded.look(times=3)
    assert guarded.state == "REDUCING"
    guarded.resume()
    guarded.look(times=20)
    assert guarded.state == "ACTIVE"


def test_quotes_that_come_and_go_are_no_data_loss() -> None:
    guarded = Guarded()
    for _ in range(5):
        prices = guarded.room.quotes.prices.pop("OLD")
        guarded.look(times=10)
        guarded.room.quotes.prices["OLD"] = prices
        guarded.look()
    assert guarded.state == "ACTIVE"


def test_an_option_that_nobody_quotes_is_no_data_loss() -> None:
    guarded = Guarded()
    guarded.room.broker._held.clear()
    option = Position("F240621C00012000", Decimal(1), Decimal(1), Decimal(1), Decimal(1), is_share=False)
    guarded.room.broker._held[option.symbol] = option
    guarded.look(times=20)
    assert guarded.state == "ACTIVE"
    guarded.room.planner.want_quotes()
    assert guarded.room.quotes.wanted == []


def test_a_halt_ends_what_a_person_put_in_the_place_of_our_order() -> None:
    guarded = Guarded()
    guarded.rests("a-buy", "buy", "SPY", "1", "400")
    [order] = guarded.room.broker.open_orders()
    guarded.room.broker.replace(order.id, client_order_id="by-hand", qty=Decimal(1), limit_price=Decimal(401))
    guarded.room.broker.place(OrderRequest("a-stranger", "SPY", "buy", Decimal(1), Decimal(400)))
    guarded.halt("HALTED")
    assert [order.client_order_id for order in guarded.room.broker.open_orders()] == ["a-stranger"]
    assert guarded.room.told(TradingHalted)[0].cancelled == 1


def test_outside_the_session_nothing_is_watched() -> None:
    guarded = Guarded()
    guarded.lose(60_000)
    guarded.room.quotes.prices.clear()
    guarded.clock.set(dt.datetime(2024, 6, 3, 20, 0, tzinfo=dt.UTC))
    guarded.look(times=40)
    assert guarded.state == "ACTIVE"


@pytest.mark.parametrize(("mine", "then"), [("HALTED", "HALTED"), ("REDUCING", "REDUCING")])
def test_what_a_person_has_stopped_is_not_loosened(mine: str, then: str) -> None:
    guarded = Guarded()
    guarded.halt(mine)
    guarded.lose(30_000)
    guarded.look(times=3)
    assert (guarded.state, guarded.room.book.trading().reason) == (then, "mine")
    guarded.resume()  # of the person's own halt: the loss was not acknowledged
    guarded.look(times=2)
    assert (guarded.state, guarded.room.book.trading().cause) == ("REDUCING", "daily loss")


def test_a_record_that_cannot_be_read_stops_everything_until_a_person_says_otherwise() -> None:
    guarded = Guarded()
    guarded.room.bus.commit(Outcome(changes=(Put("execution_trading", "now", "{}x"),)))
    guarded.resume()
    assert guarded.state == "ACTIVE"


def test_a_stop_that_was_asked_for_before_a_person_resumed_comes_too_late() -> None:
    guarded = Guarded()
    guarded.lose(30_000)
    guarded.clock.advance(dt.timedelta(seconds=15))
    guarded.watch.check()
    guarded.watch.check()
    late = [message for message in guarded.room.everything("control") if isinstance(message, HaltRequested)][-1]
    guarded.room.runner.step()
    guarded.resume()
    guarded.room.control(late.model_copy(update={"id": "again"}))
    guarded.room.runner.step()
    assert guarded.state == "ACTIVE"


def test_a_loss_in_the_middle_shuts_the_gate_before_anybody_halts() -> None:
    guarded = Guarded()
    room = guarded.room
    room.target(SPY="0.5")
    room.runner.step()
    room.dispatcher.sweep()
    reading = room.book.controls().equity
    assert reading is not None
    room.book.write_equity(reading.model_copy(update={"equity": Decimal(70_000)}))
    room.run()
    assert {order.side for order in room.told(OrderPlaced)} == {"sell"}
    [result] = [order for order in room.told(RebalanceCompleted)[-1].orders if order.side == "buy"]
    assert result.outcome == "refused"


def test_the_part_runs_and_ends_with_its_process() -> None:
    guarded, stop = Guarded(), threading.Event()
    guarded.lose(30_000)
    thread = threading.Thread(target=guarded.watch.run, args=(stop,))
    thread.start()
    stop.set()
    thread.join(10)
    assert not thread.is_alive()

"""The measurer under seeded outages and deaths: whatever fails and when, each order's costs are told once, with every fill."""

from __future__ import annotations

import datetime as dt
import random
from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any

import pytest

from services.execution.adapters.cost_measurer import GROUP, CostMeasurer
from services.execution.adapters.cost_store import CostStore
from services.execution.adapters.desk_book import Book
from services.execution.adapters.leadership import Leadership
from services.execution.adapters.memory_leases import MemoryLeases
from services.execution.adapters.quotes_seen import QuotesSeen
from services.execution.domain import records
from shared.bus import BusUnavailableError, Delivery, Outcome, Put
from shared.bus.memory_bus import MemoryBus
from shared.clock import ManualClock
from shared.contracts import Message, decode, streams
from shared.contracts.execution import OrderCostsMeasured
from shared.contracts.marketdata import Quote
from tests.integration.execution.trading_room import TradingRoom

PRICES = {"SPY": ("500.00", "500.02"), "TLT": ("90.00", "90.01"), "OLD": ("10.00", "10.02")}
SEEDS = 40
STORM_STEPS = 60


class Moving:
    """The Quotes port: always of this moment, at prices that stand still."""

    def __init__(self, clock: ManualClock) -> None:
        self._clock = clock

    def latest(self, symbols: Sequence[str]) -> Mapping[str, Quote]:
        return {symbol: self._quote(symbol) for symbol in symbols}

    def want(self, symbols: Sequence[str]) -> None:
        raise AssertionError("only looks")

    def _quote(self, symbol: str) -> Quote:
        bid, ask = (Decimal(side) for side in PRICES[symbol])
        return Quote(symbol=symbol, at=self._clock.now(), bid=bid, bid_size=1, ask=ask, ask_size=1)


class ShakyBus:
    """Fails before or after the effect, as a connection does."""

    def __init__(self, inner: MemoryBus, rng: random.Random) -> None:
        self._inner, self._rng, self.chance = inner, rng, 0.15

    def __getattr__(self, name: str) -> Any:
        inner = getattr(self._inner, name)

        def call(*args: Any, **named: Any) -> Any:
            self._maybe_fail()
            answer = inner(*args, **named)
            self._maybe_fail()
            return answer

        return call

    def commit(self, outcome: Outcome, delivery: Delivery | None = None, *, once: str | None = None) -> bool:
        self._maybe_fail()
        done = self._inner.commit(outcome, delivery, once=once)
        self._maybe_fail()
        return done

    def _maybe_fail(self) -> None:
        if self._rng.random() < self.chance:
            raise BusUnavailableError("the schedule wants it")


class Schedule:
    """One seed: the facts of a rebalance arrive one by one while the measurer fails, dies and is started again."""

    def __init__(self, worked: TradingRoom, seed: int) -> None:
        self.rng = random.Random(f"costs-{seed}")
        self.clock = ManualClock(worked.clock.now())
        self.start = self.clock.now()
        self.bus = MemoryBus(self._seconds)
        self.shaky = ShakyBus(self.bus, self.rng)
        orders = worked.bus.get_all(records.ORDERS)
        self.bus.commit(Outcome(changes=tuple(Put(records.ORDERS, name, raw) for name, raw in orders.items())))
        self.facts = [fact for fact in worked.everything() if not isinstance(fact, OrderCostsMeasured)]
        self.measurer = self._born()

    def run(self) -> None:
        for _ in range(STORM_STEPS):
            if self.facts and self.rng.random() < 0.4:
                self.bus.publish(streams.EXECUTION, self.facts.pop(0))
            if self.rng.random() < 0.05:
                self.measurer = self._born()
            self._step()
        self.bus.publish(streams.EXECUTION, *self.facts)
        self.shaky.chance = 0.0
        for _ in range(40):
            self._step()

    def _seconds(self) -> float:
        return (self.clock.now() - self.start).total_seconds()

    def told(self) -> list[OrderCostsMeasured]:
        found: list[Message] = [
            decode(fields[b"kind"].decode(), fields[b"data"]) for _, fields in self.bus._streams[streams.EXECUTION]
        ]
        return [fact for fact in found if isinstance(fact, OrderCostsMeasured)]

    def _step(self) -> None:
        self.clock.advance(dt.timedelta(seconds=self.rng.choice((0.2, 1, 3, 8))))
        self.measurer._runner._next_claim = 0.0
        try:
            self.measurer.step()
            self.measurer.look()
        except BusUnavailableError:
            return

    def _born(self) -> CostMeasurer:
        bus: Any = self.shaky
        book = Book(bus)
        store, leases = CostStore(bus, book, self.clock, 60), MemoryLeases()
        parts: tuple[Any, ...] = (bus, book, store, QuotesSeen(Moving(self.clock), 60))
        return CostMeasurer(*parts, clock=self.clock, leadership=Leadership(leases, "costs", 10), after_seconds=60)


@pytest.fixture(scope="module")
def worked() -> TradingRoom:
    room = TradingRoom(PRICES, held={"OLD": "1000"}, cash="20000")
    room.target(SPY="0.5", TLT="0.3")
    room.run()
    return room


def test_whatever_fails_each_order_is_told_once_with_all_its_fills(worked: TradingRoom) -> None:
    orders = {result.order_id: result for result in worked.completed().orders}
    for seed in range(SEEDS):
        schedule = Schedule(worked, seed)
        schedule.run()
        told = {fact.order_id: fact for fact in schedule.told()}
        assert len(schedule.told()) == len(told), f"seed {seed}: told twice"
        assert told.keys() == orders.keys(), f"seed {seed}"
        for name, fact in told.items():
            assert sum(fill.qty for fill in fact.fills) == orders[name].filled_qty, f"seed {seed}: {name}"
            assert fact.costs.realised_qty == orders[name].filled_qty or fact.costs.unknown, f"seed {seed}: {name}"
        assert schedule.bus.get_all(records.COST_WATCHES) == {}, f"seed {seed}"
        assert schedule.bus.pending(GROUP, streams.EXECUTION) == 0, f"seed {seed}"
        kept = schedule.bus.get_all(records.COSTS)
        assert {name: OrderCostsMeasured.of(raw) for name, raw in kept.items()} == told, f"seed {seed}"

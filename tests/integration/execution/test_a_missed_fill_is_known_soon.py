"""A fill that no event tells: by which way it is found, and after how many seconds. Time is given, nothing waits."""

from __future__ import annotations

import random
from contextlib import nullcontext
from decimal import Decimal

import pytest

from services.execution.adapters.desk import Desk, DeskPorts, DeskRules, Surroundings
from services.execution.adapters.desk_book import Book
from services.execution.adapters.reconciliation_loop import Pace, ReconciliationLoop
from services.execution.domain import ladder
from services.execution.domain.broker import BrokerUpdate, OrderRequest, Status
from services.execution.domain.limits import Bounds
from services.execution.domain.plan import PlanRules
from services.execution.domain.policies import Policies
from services.execution.ports import Intent
from shared.contracts import streams
from shared.contracts.execution import OrderFilled
from tests.chaos import room as chaos_room
from tests.chaos import world as chaos_world
from tests.chaos.room import ChaosRoom, Mutations
from tests.chaos.world import AtOnce, Chances, Follower, World, WorldInbox

STEP_SECONDS = 0.05
KNOWN_WITHIN = 10.0


class SilentRoom(ChaosRoom):
    """Every order fills as a whole a while after it was taken, and no event says so. Orders have all the patience there is."""

    def __init__(self, fills_after: float) -> None:
        super().__init__(1, Mutations(chances=Chances(fill=0)))
        self.filled_at: dict[str, float] = {}
        self._fills_after = fills_after
        world = self.world
        tell = world.broker._on_update
        world.broker._on_update = lambda update: None if is_a_fill(update) else tell(update)
        world._trade = self._fill_in_silence  # type: ignore[method-assign]

    def _fill_in_silence(self) -> None:
        world = self.world
        for order in list(world.broker._orders.values()):
            age = (world.clock.now() - order.submitted_at).total_seconds()
            if order.status is Status.NEW and order.qty is not None and age >= self._fills_after:
                self.filled_at[order.symbol] = world.monotonic()
                world.broker.fill(order.client_order_id, order.qty, order.limit_price or Decimal(1))

    def _desk(self) -> Desk:
        world = self.world
        ports = DeskPorts(
            broker=world.broker,
            quotes=self.quotes,
            updates=world.updates,
            journal=world.journal,
            leases=world.leases,
            book=Book(world.bus, pause=world.pause),
            legs=self.legs,
            clock=world.clock,
            obstacle=lambda: None,
            budget=self.budget,
        )
        rules = DeskRules(Policies(ladder.standard(patience_seconds=600)), Bounds(), PlanRules(), 3600)
        around = Surroundings(
            pool=AtOnce,
            inbox=lambda: WorldInbox(world),
            reader=Follower,
            renewals=lambda _hold, _threads: nullcontext(),
            monotonic=world.monotonic,
        )
        return Desk(ports, rules, around)

    def told_at(self) -> dict[str, float]:
        entries = self.world.bus._streams[streams.EXECUTION]
        found = [
            OrderFilled.of(fields[b"data"]) for _, fields in entries if fields[b"kind"] == b"execution.order_filled.v1"
        ]
        return {fact.symbol: (fact.at - chaos_world.MONDAY).total_seconds() for fact in found}


def is_a_fill(update: BrokerUpdate) -> bool:
    return update.qty is not None


@pytest.fixture(autouse=True)
def _small_steps(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(chaos_world, "_STEPS", (STEP_SECONDS,))
    monkeypatch.setattr(chaos_world, "MOST_TURNS", 100_000)
    monkeypatch.setattr(chaos_room, "STORM_TURNS", 100_000)


@pytest.mark.parametrize("fills_after", [0.0, 1.3, 7.9, 30.0])
def test_a_desk_at_work_knows_of_a_fill_that_nobody_told_within_ten_seconds(fills_after: float) -> None:
    room = SilentRoom(fills_after)
    room.run()
    told = room.told_at()
    assert told
    assert set(told) == set(room.filled_at)
    for symbol, at in told.items():
        assert at - room.filled_at[symbol] < KNOWN_WITHIN, symbol


def an_open_order_of_ours(world: World) -> None:
    fence = world.leases.take("leg", "worker", 3600)
    assert fence is not None
    qty, price = Decimal(1), Decimal(500)
    world.journal.intend(
        Intent("p-SPY-buy-mid-1", "p", "p-SPY-buy", "SPY", "buy", qty, price, "mid", 1, fence, world.clock.now())
    )
    world.broker.place(OrderRequest("p-SPY-buy-mid-1", "SPY", "buy", qty, price))


def a_loop(world: World, *, is_watched: bool = False) -> ReconciliationLoop:
    return ReconciliationLoop(
        world.broker, world.journal, world.updates, world.bus, world.clock, is_watched=lambda: is_watched
    )


def a_world() -> World:
    return World(random.Random(1), Chances(fill=0), {"SPY": Decimal(500)})


def test_an_order_that_no_desk_works_is_looked_after_within_ten_seconds() -> None:
    world = a_world()
    an_open_order_of_ours(world)
    loop = a_loop(world)
    assert loop.once().oldest_live is not None
    pace = Pace()
    assert loop._pause() + pace.arrival < KNOWN_WITHIN
    world.broker.fill("p-SPY-buy-mid-1", Decimal(1), Decimal(500), tell=False)
    assert [difference.kind for difference in loop.once().differences] == ["missed fill"]
    assert loop._pause() == pace.every, "nothing of ours can fill any more"


def test_while_a_desk_looks_after_its_orders_reconciliation_keeps_its_own_pace() -> None:
    world = a_world()
    an_open_order_of_ours(world)
    loop = a_loop(world, is_watched=True)
    loop.once()
    assert loop._pause() == Pace().every

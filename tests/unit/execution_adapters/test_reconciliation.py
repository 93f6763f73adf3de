"""The broker's word against ours: what is found, what is told, and that nothing is ever placed or cancelled."""

from __future__ import annotations

import dataclasses
import datetime as dt
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.execution.adapters.memory_broker import MemoryBroker
from services.execution.adapters.memory_journal import MemoryJournal
from services.execution.adapters.memory_leases import MemoryLeases
from services.execution.adapters.memory_updates import MemoryUpdates
from services.execution.adapters.reconciliation import (
    ABSENT_AFTER,
    ReconciliationReport,
    missing_updates,
    reconcile,
)
from services.execution.adapters.reconciliation_loop import Pace, ReconciliationLoop
from services.execution.adapters.updates_stream import Seen
from services.execution.domain.broker import Asset, BrokerOrder, BrokerUpdate, Fill, OrderRequest, Status, Unknown
from services.execution.ports import BrokerUnavailableError, Intent
from shared.bus.memory_bus import MemoryBus
from shared.clock import ManualClock

START = dt.datetime(2024, 6, 3, 14, 0, tzinfo=dt.UTC)
PRICE = Decimal("100.05")


@dataclass
class World:
    """Our side (journal, updates) and the broker's; `hears` False means that the socket is down."""

    clock: ManualClock = field(default_factory=lambda: ManualClock(START))
    updates: MemoryUpdates = field(default_factory=MemoryUpdates)
    leases: MemoryLeases = field(default_factory=MemoryLeases)
    hears: bool = True

    def __post_init__(self) -> None:
        self.journal = MemoryJournal(self.leases)
        self.broker = MemoryBroker(
            self.clock.now,
            assets=[Asset("SPY", is_tradable=True, is_fractionable=True)],
            on_update=lambda update: self.updates.append(update) and None if self.hears else None,
        )
        self.fence = self.leases.take("leg", "w", 3600) or 0

    def send(self, name: str, qty: str = "10", *, settle: bool = True) -> None:
        self.intend(name, qty)
        self.broker.place(OrderRequest(name, "SPY", "buy", Decimal(qty), PRICE))
        if settle:
            self.journal.settle(name, "acknowledged", self.order(name).id)

    def intend(self, name: str, qty: str = "10") -> None:
        self.journal.intend(
            Intent(
                name, "plan", "plan-SPY-buy", "SPY", "buy", Decimal(qty), PRICE, "mid", 1, self.fence, self.clock.now()
            )
        )

    def order(self, name: str) -> BrokerOrder:
        found = self.broker.order_by_client_id(name)
        assert found is not None
        return found

    def pass_time(self, seconds: float) -> None:
        self.clock.advance(dt.timedelta(seconds=seconds))

    def reconcile(self) -> ReconciliationReport:
        return reconcile(self.broker, self.journal, self.updates, START - dt.timedelta(hours=1), self.clock.now())

    def told(self) -> list[BrokerUpdate]:
        return list(self.updates.after("0", block_seconds=0)[1])


@pytest.fixture
def world() -> World:
    return World()


def kinds(report: ReconciliationReport) -> list[str]:
    return [difference.kind for difference in report.differences]


def test_where_both_sides_agree_there_is_nothing_to_say(world: World) -> None:
    world.send("c1")
    world.broker.fill("c1", Decimal(10), PRICE)
    before = world.told()
    report = world.reconcile()
    assert report.is_clean
    assert report.orders == 1
    assert world.told() == before


def test_a_missed_fill_is_told_as_its_own_execution(world: World) -> None:
    world.send("c1")
    world.hears = False
    fill = world.broker.fill("c1", Decimal(4), Decimal("100.01"))
    assert kinds(world.reconcile()) == ["missed fill"]
    update = world.told()[-1]
    assert (update.event, update.execution_id, update.qty, update.price, update.at) == (
        "partial_fill",
        fill.execution_id,
        Decimal(4),
        Decimal("100.01"),
        fill.at,
    )
    assert (update.order.filled_qty, update.order.status) == (Decimal(4), Status.PARTIALLY_FILLED)


def test_reconciling_again_changes_nothing(world: World) -> None:
    world.send("c1")
    world.hears = False
    world.broker.fill("c1", Decimal(4), PRICE)
    world.broker.cancel(world.order("c1").id)
    assert kinds(world.reconcile()) == ["missed fill", "missed end"]
    told = world.told()
    assert world.reconcile().is_clean
    assert world.told() == told


def test_the_real_update_after_all_is_not_counted_twice(world: World) -> None:
    world.send("c1")
    late: list[BrokerUpdate] = []
    world.broker._on_update = late.append
    world.broker.fill("c1", Decimal(10), PRICE)
    world.reconcile()
    assert not world.updates.append(late[0])


def test_a_missed_last_fill_ends_the_order_and_the_journal_knows(world: World) -> None:
    world.send("c1")
    world.hears = False
    world.broker.fill("c1", Decimal(4), PRICE)
    world.pass_time(1)
    world.broker.fill("c1", Decimal(6), PRICE)
    world.reconcile()
    assert [(u.event, u.order.filled_qty) for u in world.told()[1:]] == [("partial_fill", 4), ("fill", 10)]
    ((_, outcome, order_id),) = world.journal.intents("plan")
    assert (outcome, order_id) == ("filled", world.order("c1").id)


@pytest.mark.parametrize("status", [Status.CANCELED, Status.EXPIRED, Status.REJECTED])
def test_a_missed_end_is_told_by_its_name(world: World, status: Status) -> None:
    world.send("c1")
    world.hears = False
    world.broker.end("c1", status)
    report = world.reconcile()
    assert kinds(report) == ["missed end"]
    assert (world.told()[-1].event, world.told()[-1].order.status) == (status.value, status)


def test_a_status_nobody_knows_is_named_and_left(world: World) -> None:
    world.send("c1")
    world.broker.end("c1", Status.UNRECOGNISED)
    assert kinds(world.reconcile()) == ["unrecognised status"]
    assert world.order("c1").status is Status.UNRECOGNISED


def test_an_unknown_order_that_the_broker_has_is_ours_again(world: World) -> None:
    world.intend("c1")
    world.broker.script("place", Unknown("504"), takes_effect=True)
    world.broker.place(OrderRequest("c1", "SPY", "buy", Decimal(10), PRICE))
    world.journal.settle("c1", "unknown", None)
    report = world.reconcile()
    assert kinds(report)[0] == "unsettled intent"
    assert world.journal.unsettled() == ()


def test_an_old_order_outside_the_window_is_still_found_by_its_name(world: World) -> None:
    world.send("c1", settle=False)
    world.broker.end("c1", Status.CANCELED)
    world.pass_time(3600)
    report = reconcile(world.broker, world.journal, world.updates, world.clock.now(), world.clock.now())
    assert kinds(report) == ["unsettled intent"]
    assert world.journal.intents("plan")[0][1] == "canceled"


def test_an_order_the_broker_never_had_is_absent_only_after_a_while(world: World) -> None:
    world.intend("c1")
    report = world.reconcile()
    assert (report.unresolved, world.journal.unsettled() != ()) == (("c1",), True)
    world.pass_time(ABSENT_AFTER.total_seconds())
    assert kinds(world.reconcile()) == ["unsettled intent"]
    assert world.journal.intents("plan")[0][1] == "absent"


def test_a_foreign_order_is_named_and_never_touched(world: World) -> None:
    world.broker.place(OrderRequest("by-hand", "SPY", "buy", Decimal(1), PRICE))
    world.broker.place(OrderRequest("by-hand-ended", "SPY", "buy", Decimal(1), PRICE))
    world.broker.end("by-hand-ended", Status.CANCELED)
    actions = list(world.broker.calls)
    report = world.reconcile()
    assert [order.client_order_id for order in report.foreign] == ["by-hand"]
    assert world.broker.calls == actions


def test_updates_on_their_way_are_given_a_moment(world: World) -> None:
    world.send("c1")
    held: list[BrokerUpdate] = []
    world.broker._on_update = held.append
    world.broker.fill("c1", Decimal(10), PRICE)
    report = reconcile(
        world.broker,
        world.journal,
        world.updates,
        START - dt.timedelta(hours=1),
        world.clock.now(),
        let_updates_arrive=lambda: world.updates.append(held[0]) and None,
    )
    assert report.is_clean


def test_a_broker_that_does_not_answer_changes_nothing(world: World) -> None:
    world.intend("c1")
    world.pass_time(3600)
    world.broker.script("question", BrokerUnavailableError("down"))
    with pytest.raises(BrokerUnavailableError):
        world.reconcile()
    assert len(world.journal.unsettled()) == 1


def test_the_oldest_order_that_still_lives_is_told(world: World) -> None:
    world.send("c0")
    world.broker.end("c0", Status.CANCELED)
    world.pass_time(60)
    world.send("c1")
    assert world.reconcile().oldest_live == START + dt.timedelta(seconds=60)


def an_order(filled: str, average: str | None, status: Status = Status.PARTIALLY_FILLED) -> BrokerOrder:
    average_price = None if average is None else Decimal(average)
    return BrokerOrder("o1", "c1", "SPY", "buy", Decimal(10), Decimal(filled), average_price, status, PRICE, START)


def a_fill(number: int, qty: str, price: str = "100") -> Fill:
    at = START + dt.timedelta(seconds=number)
    return Fill(f"e{number}", "o1", "SPY", "buy", Decimal(qty), Decimal(price), at)


def test_what_activities_do_not_tell_yet_follows_from_the_average_price() -> None:
    order = an_order("10", "101", Status.FILLED)
    updates = missing_updates(order, Seen(), [a_fill(1, "4", "100")], START)
    assert [(u.event, u.qty, u.execution_id) for u in updates] == [
        ("partial_fill", Decimal(4), "e1"),
        ("fill", Decimal(6), "reconciled:o1:10"),
    ]
    assert updates[1].price == Decimal("101.666666667")


def test_a_fill_of_which_a_part_was_seen_is_told_as_the_rest() -> None:
    seen = Seen(Decimal(3), Decimal(300), Status.PARTIALLY_FILLED, 1)
    (update,) = missing_updates(an_order("5", "100"), seen, [a_fill(1, "5")], START)
    assert (update.qty, update.order.filled_qty) == (Decimal(2), Decimal(5))


def test_nothing_is_invented_where_the_broker_tells_no_price() -> None:
    assert missing_updates(an_order("5", None), Seen(), [], START) == ()


def test_an_end_without_any_fill_left_is_told_alone() -> None:
    seen = Seen(Decimal(10), Decimal(1000), Status.PARTIALLY_FILLED, 3)
    (update,) = missing_updates(an_order("10", "100", Status.FILLED), seen, [a_fill(1, "10")], START)
    assert (update.event, update.qty) == ("fill", None)


@given(
    pieces=st.lists(st.decimals(min_value="0.000000001", max_value="50", places=9), min_size=1, max_size=6),
    heard=st.integers(min_value=0, max_value=6),
    listed=st.integers(min_value=0, max_value=6),
)
def test_whatever_was_missed_the_told_executions_sum_to_what_was_filled(
    pieces: list[Decimal], heard: int, listed: int
) -> None:
    """However much the socket told and however many activities are listed yet."""
    total, price = sum(pieces, Decimal(0)), Decimal("100.5")
    order = dataclasses.replace(an_order("0", None, Status.FILLED), qty=total, filled_qty=total, filled_avg_price=price)
    before = sum(pieces[:heard], Decimal(0))
    fills = [dataclasses.replace(a_fill(n, "1"), qty=qty, price=price) for n, qty in enumerate(pieces[:listed])]
    updates = missing_updates(order, Seen(before, before * price, Status.PARTIALLY_FILLED, heard), fills, START)
    assert before + sum((u.qty for u in updates if u.qty is not None), Decimal(0)) == total
    assert updates[-1].order.status is Status.FILLED
    filled = [u.order.filled_qty for u in updates]
    assert filled == sorted(filled)
    assert len({u.execution_id for u in updates}) == len(updates)


def a_loop(world: World, bus: MemoryBus, missed: list[int]) -> ReconciliationLoop:
    return ReconciliationLoop(
        world.broker,
        world.journal,
        world.updates,
        bus,
        world.clock,
        on_missed=lambda: missed.append(1),
        pace=Pace(arrival=0),
    )


def test_the_loop_is_a_problem_until_it_has_reconciled(world: World) -> None:
    loop = a_loop(world, MemoryBus(), [])
    assert "not reconciled" in str(loop.problem())
    loop.once()
    assert loop.problem() is None


def test_a_foreign_order_is_told_to_people_once(world: World) -> None:
    bus = MemoryBus()
    loop = a_loop(world, bus, [])
    world.broker.place(OrderRequest("by-hand", "SPY", "buy", Decimal(1), PRICE))
    loop.once()
    loop.once()
    assert bus.depth("execution.alerts") == 1


def test_the_loop_looks_back_to_the_oldest_order_that_lives(world: World) -> None:
    loop = a_loop(world, MemoryBus(), [])
    world.send("c1")
    loop.once()
    world.pass_time(3 * 3600)
    loop.once()
    world.hears = False
    world.broker.fill("c1", Decimal(10), PRICE)
    assert kinds(loop.once()) == ["missed fill"]


def test_a_fill_that_nobody_told_is_known_within_ten_seconds_while_orders_are_live() -> None:
    """However rarely the whole account is compared at rest: what a round may take stays within that."""
    pace = Pace(every=3600)
    assert pace.busy + pace.arrival < 10
    now = {"seconds": 0.0}
    world = World()
    loop = ReconciliationLoop(
        world.broker,
        world.journal,
        world.updates,
        MemoryBus(),
        world.clock,
        pace=pace,
        monotonic=lambda: now["seconds"],
    )
    stop = Hasty(now, stop_after=pace.busy + 1)
    world.send("c1")
    world.hears = False
    stop.at(0.5, lambda: world.broker.fill("c1", Decimal(10), PRICE))
    loop.run(stop)
    assert world.updates.seen(world.broker.order_by_client_id("c1").id).filled_qty == 10  # type: ignore[union-attr]


class Hasty(threading.Event):
    """A stop whose waiting moves the clock instead; set when its time is over."""

    def __init__(self, now: dict[str, float], stop_after: float) -> None:
        super().__init__()
        self._now, self._end, self._todo = now, stop_after, list[tuple[float, Callable[[], object]]]()

    def at(self, seconds: float, act: Callable[[], object]) -> None:
        self._todo.append((seconds, act))

    def wait(self, timeout: float | None = None) -> bool:
        self._now["seconds"] += timeout or 0.0
        while self._todo and self._now["seconds"] >= self._todo[0][0]:
            self._todo.pop(0)[1]()
        if self._now["seconds"] >= self._end:
            self.set()
        return self.is_set()

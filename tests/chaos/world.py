"""The world of one seeded schedule over the desk: time, market, network and Redis, all moved by one random number generator.

One thread does everything: what would be a thread's turn is a turn of the world, taken where the desk waits. So a seed replays exactly.
"""

from __future__ import annotations

import copy
import datetime as dt
import queue
import random
import threading
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Executor, Future
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any, Self

from services.execution.adapters.desk_hold import Hold
from services.execution.adapters.memory_broker import MemoryBroker
from services.execution.adapters.memory_journal import MemoryJournal
from services.execution.adapters.memory_leases import MemoryLeases
from services.execution.adapters.memory_updates import MemoryUpdates
from services.execution.domain.broker import Asset, BrokerOrder, BrokerUpdate, Status
from services.execution.ports import Updates
from shared.bus.memory_bus import MemoryBus
from shared.clock import ManualClock
from shared.contracts.marketdata import Quote

MONDAY = dt.datetime(2024, 6, 3, 14, 0, tzinfo=dt.UTC)
MOST_TURNS = 3_000
_STEPS = (0.05, 0.05, 0.4, 2.0, 7.0)


class DeathError(BaseException):
    """As sudden as SIGKILL: no handler for ordinary errors catches it."""


@dataclass(frozen=True)
class Chances:
    """Probabilities of each fault, per occasion; all are zero once the storm is over."""

    drop: float = 0.0
    duplicate: float = 0.0
    delay: float = 0.0
    lost_request: float = 0.0
    lost_answer: float = 0.0
    late_request: float = 0.0
    refusal: float = 0.0
    question_fails: float = 0.0
    not_found: float = 0.0
    death: float = 0.0
    stall: float = 0.0
    stall_at_wire: float = 0.0
    """More of them, between the journal and the wire."""
    disconnect: float = 0.0
    """That the socket of trade updates is lost for a while."""
    double_job: float = 0.0
    """That RQ hands a leg to two workers."""
    outage: float = 0.0
    rewind: float = 0.0
    deaf: float = 0.0
    """That the thread which renews a worker's lease ends."""
    stuck_cancel: float = 0.0
    control: float = 0.0
    fill: float = 0.2

    @classmethod
    def of(cls, rng: random.Random) -> Self:
        """Each network fault is absent, rare or common; what stops the whole process or Redis stays rare."""
        usual, rare = (0.0, 0.1, 0.35), (0.0, 0.004, 0.02)
        names = ("drop", "duplicate", "delay", "lost_request", "lost_answer", "late_request", "refusal")
        chosen = {name: rng.choice(usual) for name in (*names, "question_fails", "not_found")}
        sudden = ("death", "stall", "stall_at_wire", "outage", "rewind", "control", "deaf", "disconnect")
        chosen |= {name: rng.choice(rare) for name in sudden} | {"double_job": rng.choice(usual)}
        return cls(**chosen, stuck_cancel=rng.choice((0.0, 0.1, 0.5)), fill=rng.choice((0.0, 0.05, 0.3)))


class WorldUpdates(MemoryUpdates):
    """The stream of updates on a Redis that can lose its end; positions only grow, as entry ids do with the time."""

    _updates: list[BrokerUpdate | None]  # type: ignore[assignment]  # None: lost

    def after(self, position: str, *, block_seconds: float) -> tuple[str, Sequence[BrokerUpdate]]:
        end, found = super().after(position, block_seconds=block_seconds)
        return end, tuple(update for update in found if update is not None)

    def kept(self) -> tuple[Any, ...]:
        return len(self._updates), set(self._identities), dict(self._seen)

    def rewind(self, kept: tuple[Any, ...]) -> None:
        length, identities, seen = kept
        self._updates[length:] = [None] * (len(self._updates) - length)
        self._identities, self._seen = set(identities), dict(seen)


@dataclass
class Redis:
    """What a restart of Redis can take back: everything written since the newest fsync, intents excepted."""

    bus: MemoryBus
    leases: MemoryLeases
    journal: MemoryJournal
    updates: WorldUpdates
    _kept: tuple[Any, ...] = ()

    def keep(self) -> None:
        """All of it reaches the disk."""
        bus, entries = self.bus, self.journal._entries
        self._kept = (
            {name: list(found) for name, found in bus._streams.items()},
            {name: (g.position, copy.deepcopy(g.pending)) for name, g in bus._groups.items()},
            {name: dict(found) for name, found in bus._state.items()},
            set(bus._done),
            dict(self.leases._leases),
            self.leases._last,
            {name: (entry.outcome, entry.broker_order_id) for name, entry in entries.items()},
            self.updates.kept(),
        )

    def rewind(self) -> None:
        """The process dies and starts again from its append-only file."""
        streams, groups, state, done, leases, last, outcomes, updates = self._kept
        bus = self.bus
        bus._streams.clear()
        bus._streams.update({name: list(found) for name, found in streams.items()})
        for name, group in bus._groups.items():
            group.position, group.pending = copy.deepcopy(groups.get(name, (0, {})))
        bus._state.clear()
        bus._state.update({name: dict(found) for name, found in state.items()})
        bus._done = set(done)
        self.leases._leases, self.leases._last = dict(leases), last
        self.updates.rewind(updates)
        for name, entry in self.journal._entries.items():
            entry.outcome, entry.broker_order_id = outcomes.get(name, (None, None))


@dataclass
class World:
    """`turn` moves time and whatever lives by itself. `on_turn` is the service's chance to run."""

    rng: random.Random
    chances: Chances
    prices: dict[str, Decimal]
    clock: ManualClock = field(default_factory=lambda: ManualClock(MONDAY))
    history: list[str] = field(default_factory=list)
    turns: int = 0
    outage_until: float = 0.0
    deaf_until: float = 0.0
    """The socket of trade updates is down."""
    was_rewound: bool = False
    on_rewind: Callable[[], None] = lambda: None
    on_turn: Callable[[], None] = lambda: None
    renewals: list[WorldRenewals] = field(default_factory=list)
    """One for each worker that holds a lease."""
    in_background: bool = False
    """Whether it is the renewals' turn, which no worker waits for."""
    _mail: list[tuple[float, Callable[[], object]]] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.bus = MemoryBus(self.monotonic)
        self.leases = MemoryLeases(self.monotonic)
        self.journal = MemoryJournal(self.leases)
        self.updates = WorldUpdates()
        self.redis = Redis(self.bus, self.leases, self.journal, self.updates)
        self.redis.keep()
        assets = [Asset(symbol, is_tradable=True, is_fractionable=symbol != "WHL") for symbol in self.prices]
        self.broker = MemoryBroker(self.clock.now, cash=Decimal(50_000), assets=assets, on_update=self._tell)
        self.broker.holds_cancels = True
        self._spreads = {symbol: self.rng.choice((1, 1, 2, 5)) for symbol in self.prices}

    def monotonic(self) -> float:
        return (self.clock.now() - MONDAY).total_seconds()

    def happens(self, chance: float) -> bool:
        return chance > 0 and self.rng.random() < chance

    def note(self, text: str) -> None:
        self.history.append(f"{self.monotonic():8.2f} {text}")

    def later(self, seconds: float, act: Callable[[], object]) -> None:
        self._mail.append((self.monotonic() + seconds, act))

    def calm_down(self) -> None:
        """No fault from here on, and a market that trades: everything must come to its end."""
        self.chances, self.outage_until, self.deaf_until = Chances(fill=0.5), 0.0, 0.0

    def turn(self) -> None:
        self.turns += 1
        assert self.turns < MOST_TURNS, f"not over after {MOST_TURNS} turns"
        self.clock.advance(dt.timedelta(seconds=self.rng.choice(_STEPS)))
        self._move_redis()
        if self.happens(self.chances.disconnect):
            self.hang_up(self.rng.choice((1.0, 10.0, 60.0)))
        self.renew_leases()
        self._trade()
        now = self.monotonic()
        due = [act for at, act in self._mail if at <= now]
        self._mail = [item for item in self._mail if item[0] > now]
        for act in due:
            act()
        self.on_turn()

    def hang_up(self, seconds: float) -> None:
        """The socket is lost, and with it what is told meanwhile."""
        self.note(f"trade updates: lost for {seconds:g} s")
        self.deaf_until = max(self.deaf_until, self.monotonic() + seconds)

    def renew_leases(self) -> None:
        """What the workers' threads do meanwhile, those excepted that stand still with their process."""
        self.in_background = True
        try:
            for renewals in self.renewals:
                renewals.turn()
        finally:
            self.in_background = False

    def pause(self, _seconds: float = 0.0) -> bool:
        """What waits in real life lets the world go on."""
        self.turn()
        return False

    def _move_redis(self) -> None:
        if self.happens(self.chances.outage):
            self.outage_until = self.monotonic() + self.rng.choice((0.5, 3, 20))
            self.note("redis: outage")
        if self.happens(self.chances.rewind):
            self.note("redis: restarted from its file")
            self.was_rewound = True
            self.redis.rewind()
            self.on_rewind()
        elif self.rng.random() < 0.5:
            self.redis.keep()

    def _trade(self) -> None:
        for symbol in self.prices:
            if self.rng.random() < 0.2:
                self.prices[symbol] = max(Decimal(1), self.prices[symbol] + Decimal(self.rng.randint(-3, 3)) / 100)
        for order in list(self.broker._orders.values()):
            if not order.status.is_terminal and order.qty is not None:
                self._move(order, order.qty - order.filled_qty)

    def _move(self, order: BrokerOrder, left: Decimal) -> None:
        """It fills, or a cancel that was asked for takes effect, or neither."""
        bid, ask = self.bid_ask(order.symbol)
        limit = order.limit_price
        crosses = limit is None or (limit >= ask if order.side == "buy" else limit <= bid)
        if self.happens(min(1.0, self.chances.fill * (3 if crosses else 1))):
            part = left if self.rng.random() < 0.5 else (left / 3).quantize(Decimal("0.000001")) or left
            whole = order.qty is not None and order.qty == int(order.qty)
            qty = max(Decimal(1), part // 1) if whole and left >= 1 else part
            price = (ask if order.side == "buy" else bid) if crosses else limit
            self.note(f"market: {order.client_order_id} fills {min(qty, left)}")
            self.broker.fill(order.client_order_id, min(qty, left), price or ask)
        elif order.status is Status.PENDING_CANCEL and not self.happens(self.chances.stuck_cancel):
            self.note(f"market: {order.client_order_id} is cancelled")
            self.broker.end(order.client_order_id, Status.CANCELED)

    def bid_ask(self, symbol: str) -> tuple[Decimal, Decimal]:
        bid = self.prices[symbol]
        return bid, bid + Decimal(self._spreads[symbol]) / 100

    def _tell(self, update: BrokerUpdate) -> None:
        """The socket: loses, repeats and delays."""
        if self.monotonic() < self.deaf_until or self.happens(self.chances.drop):
            return
        delays = [self.rng.choice((1, 8, 40)) if self.happens(self.chances.delay) else 0.0]
        delays += [self.rng.choice((0.0, 5.0))] if self.happens(self.chances.duplicate) else []
        for seconds in delays:
            if seconds:
                self.later(seconds, lambda: self.updates.append(update))
            else:
                self.updates.append(update)


@dataclass
class WorldQuotes:
    """The Quotes port: always of this moment, sometimes absent."""

    world: World

    def latest(self, symbols: Sequence[str]) -> Mapping[str, Quote]:
        return {symbol: self._quote(symbol) for symbol in symbols if symbol in self.world.prices}

    def want(self, symbols: Sequence[str]) -> None:
        """Every symbol is there already."""

    def _quote(self, symbol: str) -> Quote:
        bid, ask = self.world.bid_ask(symbol)
        return Quote(symbol=symbol, at=self.world.clock.now(), bid=bid, bid_size=100, ask=ask, ask_size=100)


class Signal(threading.Event):
    """A process's wish to end whose waiting lets the world go on."""

    def __init__(self, world: World) -> None:
        super().__init__()
        self._world = world

    def wait(self, timeout: float | None = None) -> bool:
        self._world.turn()
        return self.is_set()


class AtOnce(Executor):
    """Every call is made where it is asked for; its answer travels through the inbox all the same."""

    def submit(self, fn: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Future[Any]:
        future: Future[Any] = Future()
        try:
            future.set_result(fn(*args, **kwargs))
        except Exception as error:  # noqa: BLE001 - a pool keeps what its call raised; DeathError goes through
            future.set_exception(error)
        return future


class WorldInbox(queue.SimpleQueue[Any]):
    """Waiting for news is a turn of the world. Answers come late, out of order, and updates from where the reader stands."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._items: list[tuple[float, Any]] = []
        self._position: str | None = None
        self._updates: Updates | None = None

    def follow(self, updates: Updates, position: str) -> None:
        self._updates, self._position = updates, position

    def put(self, item: Any, block: bool = True, timeout: float | None = None) -> None:  # noqa: FBT001, FBT002
        world = self._world
        late = world.rng.choice((0.5, 3, 40)) if world.happens(world.chances.delay) else 0.0
        self._items.append((world.monotonic() + late, item))

    def get(self, block: bool = True, timeout: float | None = None) -> Any:  # noqa: FBT001, FBT002
        self._world.turn()
        if self._updates is not None and self._position is not None:
            self._position, found = self._updates.after(self._position, block_seconds=0)
            self._items += [(self._world.monotonic(), update) for update in found]
        return self.get_nowait()

    def get_nowait(self) -> Any:
        now = self._world.monotonic()
        for index, (at, item) in enumerate(self._items):
            if at <= now:
                del self._items[index]
                return item
        raise queue.Empty


class Follower:
    """The reader of updates: its thread's work is done by the inbox."""

    def __init__(self, updates: Updates, position: str, inbox: Any, _threads: Executor) -> None:
        inbox.follow(updates, position)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        """Nothing runs."""


class WorldRenewals:
    """The thread that renews a worker's lease: its turn comes with the world's."""

    def __init__(self, world: World, hold: Hold, _threads: Executor) -> None:
        self._world, self._hold = world, hold
        self.stands_still = False
        self._is_dead = False

    def __enter__(self) -> Self:
        self._world.renewals.append(self)
        return self

    def __exit__(self, *_: object) -> None:
        self._world.renewals.remove(self)

    def turn(self) -> None:
        if self._world.happens(self._world.chances.deaf):
            self._world.note(f"{self._hold.name}: its renewals end")
            self._is_dead = True
        if not (self.stands_still or self._is_dead or self._hold.is_lost):
            self._hold.renew()

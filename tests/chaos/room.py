"""One schedule over the whole room: handlers, planner, dispatcher and desks on the in-memory twins, in one thread, under faults."""

from __future__ import annotations

import datetime as dt
import random
from collections.abc import Callable, Sequence
from concurrent.futures import Executor
from dataclasses import dataclass
from decimal import Decimal
from functools import partial
from typing import Any

from services.execution.adapters.bookkeeper import Bookkeeper, BooksPorts
from services.execution.adapters.books_report import BooksReport
from services.execution.adapters.desk import Desk, DeskPorts, DeskRules, Surroundings
from services.execution.adapters.desk_book import Book
from services.execution.adapters.desk_hold import Hold
from services.execution.adapters.dispatcher import Dispatcher
from services.execution.adapters.equity_book import EquityBook
from services.execution.adapters.memory_budget import MemoryBudget
from services.execution.adapters.memory_legs import MemoryLegs
from services.execution.adapters.memory_references import MemoryReferences
from services.execution.adapters.order_stopper import OrderStopper
from services.execution.adapters.planner import Planner, PlannerPorts
from services.execution.adapters.reconciliation import reconcile
from services.execution.domain import ladder, records
from services.execution.domain.books_check import BooksRules
from services.execution.domain.limits import Bounds
from services.execution.domain.moves import requests_beside
from services.execution.domain.plan import PlanRules
from services.execution.domain.policies import Policies
from services.execution.domain.request_budget import Allowance
from services.execution.handlers import GROUP, STREAMS, Handlers
from services.execution.ports import BrokerUnavailableError, Intent
from shared.bus import BusUnavailableError, Delivery, Outcome
from shared.contracts import Message, streams
from shared.contracts.control import CancelOrdersRequested, HaltRequested, ResumeRequested
from shared.contracts.strategy import TargetPortfolioSet
from shared.runner import Runner, RunnerOptions
from tests.chaos.boundaries import BadNetwork, Boundary, Process
from tests.chaos.world import (
    AtOnce,
    Chances,
    DeathError,
    Follower,
    Signal,
    World,
    WorldInbox,
    WorldQuotes,
    WorldRenewals,
)
from tests.integration.execution.trading_room import a_history

LEASE_SECONDS = 2.0
RECONCILE_SECONDS = 30.0
_AWAY = (0.0, 3.0, 20.0)
"""How long it takes until a killed service is there again."""
STORM_TURNS = 150
"""After so many turns no new fault happens."""
_BOOKS_EVERY = 6
"""Turns of the service between two rounds of bookkeeping."""
_WEIGHTS = ((), ("SPY",), ("SPY", "TLT"), ("TLT", "WHL"), ("SPY", "TLT", "WHL"))


@dataclass
class Mutations:
    """What a mutant does wrong; nothing by default."""

    leases: Callable[[World], Any] = lambda world: world.leases
    service_bus: Callable[[World], Any] = lambda world: world.bus
    desk_bus: Callable[[World], Any] = lambda world: world.bus
    renewals: Callable[[World, Hold], WorldRenewals] = WorldRenewals
    chances: Chances | None = None
    """Faults of one kind, often: what the mutant is bad at."""


FAITHFUL = Mutations()


class FenceKept:
    """The journal, watched: an intent of an overtaken worker must never be taken."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._newest: dict[str, int] = {}

    def __getattr__(self, name: str) -> Any:
        return getattr(self._world.journal, name)

    def intend(self, intent: Intent) -> bool:
        is_new = self._world.journal.intend(intent)
        leg = records.leg_id(intent.plan_id, "buy" if intent.side == "buy" else "sell")
        if is_new:
            newest = self._newest.get(leg, 0)
            assert intent.fence >= newest, f"{intent.client_order_id}: two workers send on {leg}"
            self._newest[leg] = intent.fence
        return is_new


@dataclass(frozen=True)
class Service:
    """One life of the service process."""

    runner: Runner
    dispatcher: Dispatcher
    bookkeeper: Bookkeeper
    reconcile: Callable[[], None]


class ChaosRoom:
    """`run` works one seed to its end; `world.history` says what happened."""

    def __init__(self, seed: int, mutations: Mutations = FAITHFUL) -> None:
        rng = random.Random(f"desk-{seed}")
        prices = {"SPY": Decimal(500), "TLT": Decimal("90.5"), "WHL": Decimal("33.33"), "OLD": Decimal(10)}
        self.world = World(rng, mutations.chances or Chances.of(rng), prices)
        self.started = {"OLD": Decimal(800), "SPY": Decimal("12.5")}
        for symbol, qty in self.started.items():
            self.world.broker.hold(symbol, qty, prices[symbol])
        self._leases, self._service_bus = mutations.leases(self.world), mutations.service_bus(self.world)
        self.world.journal._leases, self._desk_bus = self._leases, mutations.desk_bus(self.world)
        self._renewals = mutations.renewals
        self.journal, self.legs, self.quotes = FenceKept(self.world), MemoryLegs(), WorldQuotes(self.world)
        self.broker, self.references = BadNetwork(self.world), MemoryReferences()
        for symbol, price in prices.items():
            self.references.put(a_history(symbol, float(price)))
        self.budget = MemoryBudget(Allowance(30, 10), self.world.monotonic)
        self.targets: list[TargetPortfolioSet] = []
        self.wanted: dict[str, Decimal] = {}
        """order id -> shares that its plan wants"""
        self._depth, self._in_service, self._halts = 0, False, 0
        self._back_at = self._reconcile_at = 0.0
        self._was_deaf = False
        self._service = self._a_service()
        self.world.on_turn, self.world.on_rewind = self._on_turn, self._lose_jobs

    def run(self) -> None:
        self._serve()  # whoever plans leads already when the first target comes
        self._new_target()
        while not self._is_over():
            self.world.turn()
            self._work_what_waits()
        self.world.clock.advance(dt.timedelta(seconds=61))
        long_ago = self.world.clock.now() - dt.timedelta(days=1)
        self.world.calm_down()
        reconcile(self.broker, self.world.journal, self.world.updates, long_ago, self.world.clock.now())
        self.books = self._keep_books()

    def _on_turn(self) -> None:
        if self.world.turns == STORM_TURNS:
            self.world.note("the storm is over")
            self.world.calm_down()
            if self._halts:
                self._control(ResumeRequested(**self._fresh(), origin="cli", reason="over"))
        if self.world.happens(self.world.chances.control):
            self._somebody_wants_something()
        self._serve()
        self._check_exposure()

    def _serve(self) -> None:
        """The service process has its turn; when it dies, another one begins."""
        if self._in_service or self.world.monotonic() < self._back_at:
            return
        self._in_service = True
        try:
            self._service.runner._next_claim = 0.0
            self._service.runner.step()
            if self.world.turns % _BOOKS_EVERY == 1:
                self._keep_books()
            self._service.dispatcher.sweep()
            self._reconcile_when_due()
        except DeathError:
            self._begin_again()
        except (BusUnavailableError, BrokerUnavailableError) as error:
            self.world.note(f"service: {error}")
        finally:
            self._in_service = False

    def _keep_books(self) -> BooksReport:
        long_ago = self.world.clock.now() - dt.timedelta(days=1)
        return self.bookkeeper.round({order.id: order for order in self.broker.orders_since(long_ago)})

    @property
    def bookkeeper(self) -> Bookkeeper:
        return self._service.bookkeeper

    def _begin_again(self) -> None:
        """A killed service takes its socket with it, and some time to be there again."""
        away = self.world.rng.choice(_AWAY)
        self.world.hang_up(away)
        self._back_at, self._reconcile_at = self.world.monotonic() + away, 0.0
        self._service = self._a_service()

    def _reconcile_when_due(self) -> None:
        """At the start, after each login of the socket, and from time to time."""
        now = self.world.monotonic()
        is_deaf = now < self.world.deaf_until
        has_logged_in, self._was_deaf = self._was_deaf and not is_deaf, is_deaf
        if has_logged_in or now >= self._reconcile_at:
            self._reconcile_at = now  # until it succeeds
            self._service.reconcile()
            self._reconcile_at = now + RECONCILE_SECONDS

    def _lose_jobs(self) -> None:
        """A restart of Redis may take RQ's newest jobs with it."""
        if self.world.rng.random() < 0.5:
            self.legs.waiting.clear()
            self.legs.papers.clear()

    def _work_what_waits(self) -> None:
        while (self.legs.waiting or self.legs.papers) and self._depth < 2:
            self._depth += 1
            try:
                ended: object = self._standing_by() if self.legs.papers else self._offered()
            except (DeathError, BusUnavailableError) as error:
                ended = error
            finally:
                self._depth -= 1
            self.world.note(f"worker {self._depth + 1} ends: {ended}")

    def _standing_by(self) -> str:
        """One worker was called in: when it dies before it has its leg, nobody stands by any more."""
        leg = self.legs.papers[0].leg.leg_id
        self.world.note(f"worker {self._depth} has {leg} handed over")
        if self.world.happens(self.world.chances.double_job):
            self.legs.waiting.append(leg)
        try:
            return self._desk().stand_by(1, Signal(self.world))
        finally:
            self.legs.papers.clear()

    def _offered(self) -> str:
        leg = self.legs.waiting.pop(0)
        if self.world.happens(self.world.chances.double_job):
            self.legs.waiting.append(leg)
        self.world.note(f"worker {self._depth} takes {leg}")
        return self._desk().work(leg, Signal(self.world))

    def _stall(self) -> None:
        """Longer than the lease lives: one call hangs, or the whole process stands still and another worker takes the leg up."""
        if self._depth >= 2 or self._in_service:
            return
        self.world.clock.advance(dt.timedelta(seconds=LEASE_SECONDS + 1))
        stopped = list(self.world.renewals) if self.world.rng.random() < 0.7 else []
        for renewals in stopped:
            renewals.stands_still = True
        self.world.renew_leases()
        self._serve()
        self._work_what_waits()
        for renewals in stopped:
            renewals.stands_still = False

    def _is_over(self) -> bool:
        bus, world = self.world.bus, self.world
        if world.turns < 10 or world._mail or self.legs.waiting:
            return False
        if bus.get_all(records.WAITING) or bus.get(records.TRADING, records.ACTIVE_PLAN):
            return False
        return all(
            bus.pending(GROUP, name) == 0 and bus._groups[GROUP, name].position == bus.depth(name) for name in STREAMS
        )

    def _somebody_wants_something(self) -> None:
        match self.world.rng.choice(("target", "target", "cancel", "halt", "reduce")):
            case "target":
                self._new_target()
            case "cancel":
                self._control(CancelOrdersRequested(**self._fresh(), origin="cli", symbols=()))
            case wish:
                self._halts += 1
                state = "HALTED" if wish == "halt" else "REDUCING"
                self._control(HaltRequested(**self._fresh(), origin="cli", state=state, reason="chaos"))

    def _control(self, message: Message) -> None:
        self.world.note(f"control: {message.kind}")
        self.world.bus.publish(streams.CONTROL, message)
        self.world.redis.keep()

    def _new_target(self) -> None:
        symbols = self.world.rng.choice(_WEIGHTS)
        weight = Decimal(self.world.rng.choice(("0.2", "0.3")))
        message = TargetPortfolioSet(
            **self._fresh(),
            run_id=f"run-{len(self.targets)}",
            session=self.world.clock.now().date(),
            weights=dict.fromkeys(symbols, weight),
            by_strategy=_shared(symbols, weight, len(self.targets)),
        )
        self.world.note(f"target {message.weights}")
        self.targets.append(message)
        self.world.bus.publish(streams.TARGETS, message)
        self.world.redis.keep()

    def _fresh(self) -> dict[str, Any]:
        name = f"m{self.world.rng.getrandbits(64):x}"
        return {"id": name, "correlation_id": name, "at": self.world.clock.now()}

    def _check_exposure(self) -> None:
        """What is live or filled of a smart order never exceeds what its plan wants."""
        for raw in self.world.bus._state[records.PLANS].values():
            self._remember(raw)
        at_stake: dict[str, Decimal] = {}
        for order in self.world.broker._orders.values():
            name = order.client_order_id.rsplit("-", 2)[0]
            qty = order.filled_qty if order.status.is_terminal or order.qty is None else order.qty
            at_stake[name] = at_stake.get(name, Decimal(0)) + qty
        for name, qty in at_stake.items():
            assert qty <= self.wanted[name], f"{name}: {qty} live or filled, {self.wanted[name]} wanted"

    def _remember(self, raw: str) -> None:
        if raw not in _KNOWN_PLANS:
            plan = records.PlanRecord.model_validate_json(raw)
            _KNOWN_PLANS[raw] = {f"{plan.plan_id}-{trade.symbol}-{trade.side}": trade.qty for trade in plan.trades}
        self.wanted |= _KNOWN_PLANS[raw]

    def _a_service(self) -> Service:
        world, process = self.world, Process()

        def guarded(inner: Any, name: str, *, in_redis: bool = True) -> Any:
            return Boundary(inner, world, f"service {name}", process, in_redis=in_redis)

        bus, leases = guarded(self._service_bus, "bus"), guarded(self._leases, "leases")
        broker, journal = guarded(self.broker, "broker", in_redis=False), guarded(world.journal, "journal")
        updates, book = guarded(world.updates, "updates"), Book(bus, pause=world.pause)
        stopper = OrderStopper(
            broker, journal, pause=world.pause, is_desk_at_work=lambda: False, monotonic=world.monotonic
        )
        bookkeeper = Bookkeeper(
            BooksPorts(broker, journal, bus, book, world.clock, world.monotonic),
            BooksRules(opening="unassigned"),
            "PA3MEMORY",
        )

        def reconciled() -> None:
            since = world.clock.now() - dt.timedelta(days=1)
            reconcile(broker, journal, updates, since, world.clock.now(), let_updates_arrive=world.pause)

        ports = PlannerPorts(
            bus=bus,
            book=book,
            broker=broker,
            quotes=guarded(self.quotes, "quotes"),
            references=guarded(self.references, "references"),
            updates=updates,
            orders=stopper,
            clock=world.clock,
            obstacle=lambda: None,
            pause=world.pause,
            equity=EquityBook(book, self.broker, world.clock, Bounds()),
            books=bookkeeper,
        )
        planner = Planner(ports, PlanRules(), Bounds(), quote_seconds=0.1)
        planner._pool = AtOnce()  # type: ignore[assignment]
        dispatcher = Dispatcher(
            planner, book, guarded(self.legs, "legs"), leases, world.clock, monotonic=world.monotonic
        )
        table = Handlers(bus, world.clock, stopper).table()
        options = RunnerOptions(retry_after_seconds=5)
        runner = Runner(bus, GROUP, "service", STREAMS, table, hooks=(dispatcher,), options=options)
        return Service(runner, dispatcher, bookkeeper, reconciled)

    def _desk(self) -> Desk:
        world, process = self.world, Process(self._stall)

        def guarded(inner: Any, name: str, *, in_redis: bool = True) -> Any:
            return Boundary(inner, world, name, process, in_redis=in_redis)

        ports = DeskPorts(
            broker=guarded(self.broker, "broker", in_redis=False),
            quotes=guarded(self.quotes, "quotes"),
            updates=guarded(world.updates, "updates"),
            journal=guarded(self.journal, "journal"),
            leases=guarded(self._leases, "leases"),
            book=Book(guarded(self._desk_bus, "bus"), pause=world.pause),
            legs=guarded(self.legs, "legs"),
            clock=world.clock,
            obstacle=lambda: None,
            budget=guarded(self.budget, "budget"),
        )
        rules = DeskRules(
            Policies(ladder.standard(patience_seconds=5)), Bounds(), PlanRules(), LEASE_SECONDS, requests_beside(4) + 8
        )
        around = Surroundings(
            pool=AtOnce,
            inbox=lambda: WorldInbox(world),
            reader=Follower,
            renewals=partial(self._renewals, world),
            monotonic=world.monotonic,
        )
        return Desk(ports, rules, around)


_KNOWN_PLANS: dict[str, dict[str, Decimal]] = {}
"""Plans by their document: reading one again and again is most of a schedule's time."""


class UnfencedLeases:
    """Mutant: who once had the lease has it for ever."""

    def __init__(self, world: World) -> None:
        self._world = world

    def __getattr__(self, name: str) -> Any:
        return getattr(self._world.leases, name)

    def renew(self, name: str, owner: str, fence: int, ttl_seconds: float) -> bool:
        return self._world.leases.renew(name, owner, fence, ttl_seconds) or True

    def is_newest(self, fence: int) -> bool:
        return True


class BlindRenewals(WorldRenewals):
    """Mutant: whoever is about to send does not look whether the lease still holds."""

    def __init__(self, world: World, hold: Hold, threads: Executor) -> None:
        super().__init__(world, hold, threads)
        hold.is_sure = lambda: True  # type: ignore[method-assign]


class UnfencedBus:
    """The rest of that mutant: the records do not mind who continues them either."""

    def __init__(self, world: World) -> None:
        self._world = world

    def __getattr__(self, name: str) -> Any:
        return getattr(self._world.bus, name)

    def commit(self, outcome: Outcome, delivery: Delivery | None = None, *, once: str | None = None) -> bool:
        return self._world.bus.commit(outcome, delivery, once=None if once and ":after#" in once else once)


class HastyBus:
    """Mutant: what is read is acknowledged before its effect."""

    def __init__(self, world: World) -> None:
        self._world = world

    def __getattr__(self, name: str) -> Any:
        return getattr(self._world.bus, name)

    def read(self, group: str, consumer: str, names: Sequence[str], **options: Any) -> list[Delivery]:
        found = self._world.bus.read(group, consumer, names, **options)
        for delivery in found:
            self._world.bus._groups[group, delivery.stream].pending.pop(delivery.entry_id, None)
        return found


def _shared(symbols: Sequence[str], weight: Decimal, number: int) -> dict[str, dict[str, Decimal]]:
    """Whose the weights are: in turn nobody's, two strategies' in unequal parts, and the other way round."""
    if number % 3 == 0:
        return {}
    parts = (weight / 4, weight * 3 / 4) if number % 3 == 1 else (weight * 3 / 4, weight / 4)
    return {name: dict.fromkeys(symbols, part) for name, part in zip(("a", "b"), parts, strict=True)}

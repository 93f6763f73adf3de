"""Execution's one composition root: which concrete classes, the parts of the service, and the desk of a worker."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from decimal import Decimal
from typing import Final, TypeVar

import redis
from fastapi import FastAPI

from services.execution.adapters.alpaca_broker import AlpacaBroker
from services.execution.adapters.arming_store import ArmingDesk, ArmingStore, fitting_account
from services.execution.adapters.bookkeeper import Bookkeeper, BooksPorts
from services.execution.adapters.cost_measurer import CostMeasurer
from services.execution.adapters.cost_store import CostStore
from services.execution.adapters.desk import Desk, DeskPorts, DeskRules
from services.execution.adapters.desk_book import Book
from services.execution.adapters.dispatcher import Dispatcher
from services.execution.adapters.equity_book import EquityBook
from services.execution.adapters.http import Room, create_routes
from services.execution.adapters.http_books import BooksDoor, create_books_routes
from services.execution.adapters.http_limits import LimitsDoor, create_limits_routes
from services.execution.adapters.leadership import Leadership
from services.execution.adapters.leg_queue import RqLegQueue
from services.execution.adapters.metrics_listener import (
    ExecutionMetrics,
    count_broker_call,
    equity_read,
    facts_runner,
    trading_state,
)
from services.execution.adapters.order_stopper import OrderStopper
from services.execution.adapters.plan_store import PlanStore
from services.execution.adapters.planner import Planner, PlannerPorts
from services.execution.adapters.quotes_seen import QuotesSeen
from services.execution.adapters.reconciliation_loop import AfterPlans, Pace, ReconciliationLoop
from services.execution.adapters.redis_budget import RedisBudget
from services.execution.adapters.redis_journal import RedisJournal
from services.execution.adapters.redis_leases import RedisLeases
from services.execution.adapters.redis_quotes import RedisQuotes
from services.execution.adapters.redis_references import RedisReferences
from services.execution.adapters.updates_socket import DeadFrames, LogListener, UpdatesSocket
from services.execution.adapters.updates_stream import RedisUpdates
from services.execution.adapters.watch import Watch, WatchPorts
from services.execution.domain.records import leg_id
from services.execution.handlers import GROUP, STREAMS, Handlers
from services.execution.ports import BrokerUnavailableError
from services.execution.settings import ExecutionSettings
from shared.bus.redis_bus import RedisBus
from shared.clock import Clock, SystemClock, VenueClock
from shared.http import Checks, create_app, serve, token_check
from shared.listeners import LogHooks, MetricsHooks
from shared.process import Part
from shared.runner import Runner
from shared.sessions import session_at
from shared.settings import SERVICE_PORTS, HttpSettings, RedisSettings, Venue, VenueSettings

SERVICE: Final = "execution"
_BROKER_PATIENCE_SECONDS: Final = 60.0
_WATCH_LEASE_SECONDS: Final = 15.0
_PLANS_KEPT: Final = 500
_COSTS_KEPT: Final = 10_000
_COSTS_LEASE_SECONDS: Final = 10.0
_T = TypeVar("_T")


@dataclass(frozen=True, slots=True)
class Configuration:
    """Everything execution reads from its surroundings, read once."""

    redis: RedisSettings
    venue: VenueSettings
    execution: ExecutionSettings
    http: HttpSettings | None = None
    """None in a worker: it has no HTTP face."""


@dataclass(frozen=True, slots=True)
class Ground:
    """What the service and its workers both stand on."""

    client: redis.Redis
    namespace: str
    venue: Venue
    bus: RedisBus
    book: Book
    clock: Clock
    broker: AlpacaBroker
    budget: RedisBudget
    journal: RedisJournal
    leases: RedisLeases
    quotes: RedisQuotes
    updates: RedisUpdates
    legs: RqLegQueue
    arming: ArmingDesk
    settings: ExecutionSettings


@dataclass(frozen=True, slots=True)
class ExecutionProcess:
    app: FastAPI
    runner: Runner
    dispatcher: Dispatcher
    parts: dict[str, Part]


def lay_ground(configuration: Configuration) -> Ground:
    """Connects to Redis and the broker. Raises SettingsError for an account that the mode does not allow."""
    settings, names = configuration.execution, configuration.redis.namespace
    client = redis.Redis.from_url(configuration.redis.redis_url)
    venue = configuration.venue.venue()
    bus = RedisBus(client, names)
    leases = RedisLeases(client, names)
    clock: Clock = SystemClock() if venue.clock_url is None else VenueClock(venue.clock_url).kept()
    budget = RedisBudget(client, names, settings.request_allowance())
    broker = AlpacaBroker(venue.trading_url, venue.key, venue.secret, listener=count_broker_call, budget=budget)
    account = _answered(lambda: fitting_account(broker, venue.mode, settings.live_account))
    session_at(clock.now())  # loads the calendar, which takes a second, before the first order is in a hurry
    return Ground(
        client=client,
        namespace=names,
        venue=venue,
        bus=bus,
        book=Book(bus),
        clock=clock,
        broker=broker,
        budget=budget,
        journal=RedisJournal(client, names, fsync_seconds=settings.journal_fsync_seconds),
        leases=leases,
        quotes=RedisQuotes(client, names, guard=None if venue.sees_whole_market else settings.guard()),
        updates=RedisUpdates(client, names),
        legs=RqLegQueue(client, names, leases),
        arming=ArmingDesk(venue.mode, account.number, settings.live_account, ArmingStore(client, names), clock),
        settings=settings,
    )


def build_service(configuration: Configuration) -> ExecutionProcess:
    """The execution service: decides, dispatches, listens to the broker, reconciles, answers people."""
    ground, http = lay_ground(configuration), configuration.http or HttpSettings()
    plans = PlanStore(ground.bus)
    plans.forget_all_but(_PLANS_KEPT)
    trading_state(plans.trading().state)
    costs = CostStore(ground.bus, ground.book, ground.clock, ground.settings.realised_spread_seconds)
    costs.forget_all_but(_COSTS_KEPT)
    stopper = _stopper(ground)
    books = _books(ground)
    equity = EquityBook(ground.book, ground.broker, ground.clock, ground.settings.bounds())
    references = _references(ground, configuration.venue.alpaca_feed)
    planner = _planner(ground, stopper, references, books=books, equity=equity)
    dispatcher = Dispatcher(planner, ground.book, ground.legs, ground.leases, ground.clock)
    counting = ExecutionMetrics()
    hooks = (dispatcher, counting, MetricsHooks(SERVICE), LogHooks(SERVICE))
    table = Handlers(ground.bus, ground.clock, stopper).table()
    runner = Runner(ground.bus, GROUP, SERVICE, STREAMS, table, hooks=hooks)
    reconciliation, socket = _broker_listeners(ground, books)
    token = token_check(ground.client, ground.namespace, http.http_token)
    checks = _checks(ground, {"reconciliation": reconciliation.problem, "trade updates": socket.problem})
    app = create_app(SERVICE, checks, token, description=__doc__ or "")
    room = Room(
        ground.bus,
        ground.clock,
        ground.broker,
        ground.journal,
        plans,
        ground.arming,
        costs,
        lambda: reconciliation.last,
    )
    create_routes(app, room)
    create_limits_routes(app, _limits_door(ground))
    create_books_routes(app, BooksDoor(reconciliation, books, ground.quotes, ground.clock))
    parts: dict[str, Part] = {
        "runner": runner.run,
        "dispatcher": dispatcher.run,
        "updates": socket.run,
        "reconciliation": reconciliation.run,
        "watch": _watch(ground, equity).run,
        "costs": _measurer(ground, costs).run,
        "facts": facts_runner(ground.bus, SERVICE, counting, AfterPlans(reconciliation.ask)).run,
        "http": serve(app, http.http_host, http.http_port or SERVICE_PORTS[SERVICE]),
    }
    return ExecutionProcess(app, runner, dispatcher, parts)


def build_desk(ground: Ground) -> Desk:
    """The desk of one worker process."""
    settings = ground.settings
    ports = DeskPorts(
        broker=ground.broker,
        quotes=ground.quotes,
        updates=ground.updates,
        journal=ground.journal,
        leases=ground.leases,
        book=ground.book,
        legs=ground.legs,
        clock=ground.clock,
        obstacle=ground.arming.obstacle,
        budget=ground.budget,
    )
    rules = DeskRules(
        settings.policies(sees_whole_market=ground.venue.sees_whole_market),
        settings.bounds(),
        settings.plan_rules(),
        settings.lease_seconds,
        settings.requests_per_rebalance,
    )
    return Desk(ports, rules)


def _measurer(ground: Ground, costs: CostStore) -> CostMeasurer:
    settings = ground.settings
    return CostMeasurer(
        ground.bus,
        ground.book,
        costs,
        QuotesSeen(ground.quotes, settings.max_quote_age_seconds),
        clock=ground.clock,
        leadership=Leadership(ground.leases, "costs", _COSTS_LEASE_SECONDS),
        after_seconds=settings.realised_spread_seconds,
    )


def _books(ground: Ground) -> Bookkeeper:
    ports = BooksPorts(ground.broker, ground.journal, ground.bus, ground.book, ground.clock)
    return Bookkeeper(ports, ground.settings.books_rules(), ground.arming.account)


def _limits_door(ground: Ground) -> LimitsDoor:
    settings = ground.settings
    return LimitsDoor(
        ground.book, ground.broker, ground.clock, settings.bounds(), settings.plan_rules(), ground.arming.obstacle
    )


def _watch(ground: Ground, equity: EquityBook) -> Watch:
    ports = WatchPorts(
        ground.bus,
        ground.book,
        ground.broker,
        ground.quotes,
        equity,
        ground.clock,
        Leadership(ground.leases, "watch", _WATCH_LEASE_SECONDS),
    )
    return Watch(ports, ground.settings.bounds(), ground.settings.watch_rules(), listener=equity_read)


def _planner(
    ground: Ground, stopper: OrderStopper, references: RedisReferences, *, books: Bookkeeper, equity: EquityBook
) -> Planner:
    ports = PlannerPorts(
        bus=ground.bus,
        book=ground.book,
        broker=ground.broker,
        quotes=ground.quotes,
        references=references,
        updates=ground.updates,
        orders=stopper,
        clock=ground.clock,
        obstacle=ground.arming.obstacle,
        pause=threading.Event().wait,
        equity=equity,
        books=books,
    )
    return Planner(ports, ground.settings.plan_rules(), ground.settings.bounds())


def _references(ground: Ground, feed: str) -> RedisReferences:
    """IEX sees a small part of the market: its history is scaled up to the whole of it."""
    is_iex = ground.venue.mode != "simulated" and feed == "iex"
    seen = ground.settings.iex_volume_share if is_iex else Decimal(1)
    return RedisReferences(ground.client, ground.namespace, seen_by_alpaca=seen)


def _stopper(ground: Ground) -> OrderStopper:
    return OrderStopper(
        ground.broker,
        ground.journal,
        pause=threading.Event().wait,
        is_desk_at_work=lambda: _is_desk_at_work(ground),
    )


def _is_desk_at_work(ground: Ground) -> bool:
    plan = ground.book.active_plan()
    return plan is not None and any(ground.leases.is_held(leg_id(plan, side)) for side in ("sell", "buy"))


def _broker_listeners(ground: Ground, books: Bookkeeper) -> tuple[ReconciliationLoop, UpdatesSocket]:
    """Each asks the other: a login asks for reconciliation, a fill that only reconciliation found suspects the socket."""
    sockets: list[UpdatesSocket] = []

    def suspect_socket() -> None:
        for known in sockets:
            known.suspect()

    reconciliation = ReconciliationLoop(
        ground.broker,
        ground.journal,
        ground.updates,
        ground.bus,
        ground.clock,
        pace=Pace(every=ground.settings.reconcile_seconds),
        books=books,
        is_busy=lambda: ground.book.active_plan() is not None,
        is_watched=lambda: _is_desk_at_work(ground),
        on_missed=suspect_socket,
    )
    venue = ground.venue
    socket = UpdatesSocket(
        venue.updates_url,
        venue.key,
        venue.secret,
        ground.updates,
        DeadFrames(ground.bus),
        reconcile=reconciliation.after_login,
        listener=LogListener(),
    )
    sockets.append(socket)
    return reconciliation, socket


def _checks(ground: Ground, problems: dict[str, Callable[[], str | None]]) -> Checks:
    def redis_answers() -> str | None:
        ground.client.ping()
        return None

    def clock_tells() -> str | None:
        ground.clock.now()
        return None

    return {"redis": redis_answers, "clock": clock_tells, **problems}


def _answered(ask: Callable[[], _T]) -> _T:
    """A broker that is only just starting is waited for."""
    deadline = time.monotonic() + _BROKER_PATIENCE_SECONDS
    while True:
        try:
            return ask()
        except BrokerUnavailableError:
            if time.monotonic() > deadline:
                raise
            threading.Event().wait(0.5)

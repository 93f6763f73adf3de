"""The real HTTP faces of execution and strategy, on an in-memory bus and broker."""

from __future__ import annotations

import datetime as dt
import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from fastapi import FastAPI

from services.execution.adapters.arming_store import ArmingDesk
from services.execution.adapters.bookkeeper import Bookkeeper, BooksPorts
from services.execution.adapters.cost_store import CostStore
from services.execution.adapters.desk_book import Book
from services.execution.adapters.http import Room, create_routes
from services.execution.adapters.http_books import BooksDoor, create_books_routes
from services.execution.adapters.http_limits import LimitsDoor, create_limits_routes
from services.execution.adapters.memory_broker import MemoryBroker
from services.execution.adapters.memory_journal import MemoryJournal
from services.execution.adapters.memory_leases import MemoryLeases
from services.execution.adapters.memory_updates import MemoryUpdates
from services.execution.adapters.plan_store import PlanStore
from services.execution.adapters.reconciliation_loop import Pace, ReconciliationLoop
from services.execution.domain import records
from services.execution.domain.arming import ArmingToken
from services.execution.domain.books_check import BooksRules
from services.execution.domain.broker import Asset
from services.execution.domain.limits import Bounds
from services.execution.domain.plan import PlanRules
from services.strategy.adapters.web import add_routes
from shared.bus import Outcome, Put
from shared.bus.memory_bus import MemoryBus
from shared.clock import ManualClock
from shared.contracts import Message, streams
from shared.contracts.control import HaltRequested, ResumeRequested
from shared.contracts.marketdata import Quote
from shared.http import TokenCheck, create_app, digest_of
from shared.runner import Runner, RunnerOptions

TOKEN = "the-token-of-this-test"
NOW = dt.datetime(2024, 6, 3, 19, 40, tzinfo=dt.UTC)
LIVE_ACCOUNT = "123456789"


@dataclass(frozen=True, slots=True)
class Ended:
    code: int
    out: str
    err: str


@dataclass
class House:
    """What the services stand on. `obeys` False: requests lie unread, as with a runner that hangs."""

    bus: MemoryBus = field(default_factory=MemoryBus)
    clock: ManualClock = field(default_factory=lambda: ManualClock(NOW))
    missing: dict[str, str] = field(default_factory=dict)
    """Service -> why it is not ready."""
    obeys: threading.Event = field(default_factory=threading.Event)
    urls: dict[str, str] = field(default_factory=dict)
    broker: MemoryBroker = field(init=False)
    reconciliation: ReconciliationLoop = field(init=False)

    def __post_init__(self) -> None:
        self.broker = MemoryBroker(self.clock.now, assets=[Asset("SPY", is_tradable=True, is_fractionable=True)])
        self.leases = MemoryLeases()
        self.journal = MemoryJournal(self.leases)
        ports = BooksPorts(self.broker, self.journal, self.bus, Book(self.bus), self.clock)
        self.bookkeeper = Bookkeeper(ports, BooksRules(), "PA3MEMORY")
        self.reconciliation = ReconciliationLoop(
            self.broker,
            self.journal,
            MemoryUpdates(),
            self.bus,
            self.clock,
            pace=Pace(arrival=0),
            books=self.bookkeeper,
        )
        self.obeys.set()

    def put(self, key: str, name: str, document: str) -> None:
        self.bus.commit(Outcome(changes=(Put(key, name, document),)))

    def asked(self, kind: type[Message]) -> list[Message]:
        """What was put on `control`, read as a stranger would."""
        found = self.bus.read(f"probe-{kind.__name__}", "probe", [streams.CONTROL], count=100, block_seconds=0)
        name = kind.model_fields["kind"].default.encode()
        return [kind.of(delivery.fields[b"data"]) for delivery in found if delivery.fields[b"kind"] == name]

    def app(self, service: str) -> FastAPI:
        app = create_app(service, {"redis": lambda: self.missing.get(service)}, TokenCheck(digest_of(TOKEN)))
        if service == "execution":
            desk = ArmingDesk("live", LIVE_ACCOUNT, LIVE_ACCOUNT, _ArmingMemory(), self.clock)  # type: ignore[arg-type] # a twin
            journal = self.journal
            costs = CostStore(self.bus, Book(self.bus), self.clock, 60)
            create_routes(app, Room(self.bus, self.clock, self.broker, journal, PlanStore(self.bus), desk, costs))
            door = BooksDoor(self.reconciliation, self.bookkeeper, _NoQuotes(), self.clock)
            create_books_routes(app, door)
            limits = LimitsDoor(Book(self.bus), self.broker, self.clock, Bounds(), PlanRules(), desk.obstacle)
            create_limits_routes(app, limits)
        if service == "strategy":
            add_routes(app, self.bus, self.clock, ("nuclear", "tecl"))
        return app

    def obey(self, stop: threading.Event) -> None:
        """What execution's handlers do with a halt, as far as /state shows it."""
        handlers = {HaltRequested: self._turn, ResumeRequested: self._turn}
        options = RunnerOptions(block_seconds=0.05)
        Runner(self.bus, "execution", "test", [streams.CONTROL], handlers, options=options).run(stop)

    def _turn(self, message: HaltRequested | ResumeRequested) -> Outcome:
        self.obeys.wait(10)
        state: records.TradingStateName = message.state if isinstance(message, HaltRequested) else "ACTIVE"
        record = records.TradingRecord(state=state, reason=message.reason, since=message.at)
        return Outcome(changes=(Put(records.TRADING, records.NOW, record.model_dump_json()),))


class _NoToken:
    """Where the arming token would be kept."""

    def __init__(self) -> None:
        self.kept: ArmingToken | None = None

    def arm(self, token: ArmingToken) -> None:
        self.kept = token

    def disarm(self) -> None:
        self.kept = None

    def token(self) -> ArmingToken | None:
        return self.kept


class _NoQuotes:
    """The Quotes port of a feed that says nothing: prices are the broker's."""

    def latest(self, symbols: Sequence[str]) -> Mapping[str, Quote]:
        return {}

    def want(self, symbols: Sequence[str]) -> None:
        """Nobody listens."""


class _ArmingMemory:
    """Where the arming token would be kept."""

    def __init__(self) -> None:
        self.kept: ArmingToken | None = None

    def arm(self, token: ArmingToken) -> None:
        self.kept = token

    def disarm(self) -> None:
        self.kept = None

    def token(self) -> ArmingToken | None:
        return self.kept

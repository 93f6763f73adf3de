"""Execution in one process against the real simulator over HTTP, both in time that runs faster than the wall's.

The simulator counts requests a minute of that time, and so does our budget: what is measured is what a minute of real time would show.
"""

from __future__ import annotations

import threading
import time
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any, Final

import httpx
from pydantic import SecretStr

from benchmarks.rest_calls_venue import PumpedQuotes, hurried, references_from
from services.execution.adapters.alpaca_broker import AlpacaBroker
from services.execution.adapters.bookkeeper import Bookkeeper, BooksPorts
from services.execution.adapters.desk import Desk, DeskPorts, DeskRules
from services.execution.adapters.desk_book import Book
from services.execution.adapters.desk_hold import is_desk_at_work
from services.execution.adapters.dispatcher import Dispatcher
from services.execution.adapters.equity_book import EquityBook
from services.execution.adapters.memory_budget import MemoryBudget
from services.execution.adapters.memory_journal import MemoryJournal
from services.execution.adapters.memory_leases import MemoryLeases
from services.execution.adapters.memory_legs import MemoryLegs
from services.execution.adapters.memory_references import MemoryReferences
from services.execution.adapters.memory_updates import MemoryUpdates
from services.execution.adapters.metrics_listener import ExecutionMetrics, facts_runner
from services.execution.adapters.order_stopper import OrderStopper
from services.execution.adapters.planner import Planner, PlannerPorts
from services.execution.adapters.reconciliation_loop import AfterPlans, Pace, ReconciliationLoop
from services.execution.adapters.updates_socket import UpdatesSocket
from services.execution.domain.request_budget import Allowance
from services.execution.handlers import GROUP, STREAMS, Handlers
from services.execution.settings import ExecutionSettings
from shared.bus.memory_bus import MemoryBus
from shared.clock import VenueClock
from shared.contracts import decode, streams
from shared.contracts.execution import RebalanceCompleted
from shared.contracts.strategy import TargetPortfolioSet
from shared.runner import Runner

KEY, SECRET = SecretStr("benchmark"), SecretStr("benchmark")
WIDEST_BPS: Final = Decimal(1_000)
"""Some generated spreads are wider than our limit, and three turnovers are more than a day may have; here all is traded."""


@dataclass
class Requests:
    """What was sent to the broker, by name, and how often it said "too many"."""

    sent: Counter[str] = field(default_factory=Counter)
    too_many: int = 0
    held_back: int = 0
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def __call__(self, call: str, result: str, seconds: float) -> None:
        with self._lock:
            self.sent[call] += result != "held back"
            self.held_back += result == "held back"


class CountedBudget(MemoryBudget):
    """The account's budget, which also hears every "too many"."""

    def __init__(self, requests: Requests, allowance: Allowance, monotonic: Callable[[], float]) -> None:
        super().__init__(allowance, monotonic)
        self._requests = requests

    def shut(self, seconds: float) -> None:
        self._requests.too_many += 1
        super().shut(seconds)


class Room:
    """The service's parts and one desk, in threads; state in memory, the broker over HTTP. Close it at the end."""

    def __init__(self, url: str, symbols: Sequence[str], pace: float) -> None:
        self._settings = settings = ExecutionSettings(max_spread_bps=WIDEST_BPS, max_turnover=Decimal(0))
        self.pace, self.requests = pace, Requests()
        self._http = httpx.Client(timeout=5, trust_env=False)
        self._stop, self._threads = threading.Event(), list[threading.Thread]()
        self.clock = VenueClock(f"{url}/sim/clock", refresh_seconds=20, monotonic=self._seconds, client=self._http)
        self._budget = CountedBudget(self.requests, settings.request_allowance(), self._seconds)
        pause = lambda seconds: time.sleep(seconds / pace)  # noqa: E731 - of the venue's time
        self._broker = AlpacaBroker(url, KEY, SECRET, listener=self.requests, budget=self._budget, pause=pause)
        self._quotes = PumpedQuotes(url, symbols, pace)
        self.bus, self._leases, self._updates, self._legs = MemoryBus(), MemoryLeases(), MemoryUpdates(), MemoryLegs()
        self._journal, self._book = MemoryJournal(self._leases), Book(self.bus)
        ports = BooksPorts(self._broker, self._journal, self.bus, self._book, self.clock, self._seconds)
        self._books = Bookkeeper(ports, settings.books_rules(), "BENCHMARK")
        self._desk = self._a_desk()
        runner, dispatcher = self._service(references_from(url, symbols, self.clock))
        reconciliation = self._reconciliation()
        news = url.replace("http", "ws") + "/stream"
        socket = UpdatesSocket(news, KEY, SECRET, self._updates, lambda *_: None, reconcile=reconciliation.ask)
        ends = facts_runner(self.bus, "benchmark", ExecutionMetrics(), AfterPlans(reconciliation.ask))
        loops = (self._quotes, runner, ends, dispatcher, reconciliation, socket)
        for part in (*(loop.run for loop in loops), self._work):
            self._begin(part)
        self._wait(lambda: self._quotes.latest(symbols) and socket.problem() is None)

    def rebalance(self, weights: Mapping[str, Decimal]) -> RebalanceCompleted:
        """Trade into these weights and wait for the report."""
        now = self.clock.now()
        message = TargetPortfolioSet(
            correlation_id=f"why-{now.isoformat()}", at=now, run_id="run", session=now.date(), weights=dict(weights)
        )
        self.bus.publish(streams.TARGETS, message)
        return self._wait(lambda: self._completed(message.correlation_id))

    def let_pass(self, seconds: float) -> None:
        self._stop.wait(seconds / self.pace)

    def close(self) -> None:
        self._stop.set()
        for thread in self._threads:
            thread.join(20)
        self._desk.close()
        self._broker.close()
        self._http.close()

    def _work(self, stop: threading.Event) -> None:
        while not stop.wait(0.002):
            if (taken := self._legs.take()) is not None:
                leg, papers = taken
                self._desk.work(leg, stop, papers)

    def _begin(self, part: Any) -> None:
        thread = threading.Thread(target=part, args=(self._stop,), daemon=True)
        self._threads.append(thread)
        thread.start()

    def _completed(self, correlation_id: str) -> RebalanceCompleted | None:
        for _, fields in reversed(self.bus._streams[streams.EXECUTION]):  # noqa: SLF001 - looked at, not touched
            message = decode(fields[b"kind"].decode(), fields[b"data"])
            if isinstance(message, RebalanceCompleted) and message.correlation_id == correlation_id:
                return message
        return None

    def _wait(self, probe: Any) -> Any:
        deadline = time.monotonic() + 300
        while not (found := probe()):
            if time.monotonic() > deadline:
                raise TimeoutError("a rebalance did not end")
            self._stop.wait(0.02)
        return found

    def _seconds(self) -> float:
        """Monotonic, of the venue's time."""
        return hurried(self.pace)

    def _service(self, references: MemoryReferences) -> tuple[Runner, Dispatcher]:
        """What decides and hands out legs."""
        stopper = OrderStopper(self._broker, self._journal, pause=self._stop.wait, is_desk_at_work=lambda: False)
        settings = self._settings
        ports = PlannerPorts(
            bus=self.bus,
            book=self._book,
            broker=self._broker,
            quotes=self._quotes,
            references=references,
            updates=self._updates,
            orders=stopper,
            clock=self.clock,
            obstacle=lambda: None,
            pause=self._stop.wait,
            equity=EquityBook(self._book, self._broker, self.clock, settings.bounds()),
            books=self._books,
        )
        planner = Planner(ports, settings.plan_rules(), settings.bounds(), quote_seconds=5 / self.pace)
        dispatcher = Dispatcher(planner, self._book, self._legs, self._leases, self.clock, monotonic=self._seconds)
        handlers = Handlers(self.bus, self.clock, stopper).table()
        return Runner(self.bus, GROUP, "benchmark", STREAMS, handlers, hooks=(dispatcher,)), dispatcher

    def _reconciliation(self) -> ReconciliationLoop:
        return ReconciliationLoop(
            self._broker,
            self._journal,
            self._updates,
            self.bus,
            self.clock,
            pace=Pace(self._settings.reconcile_seconds / self.pace, 1 / self.pace, 8 / self.pace, 5 / self.pace),
            books=self._books,
            is_busy=lambda: self._book.active_plan() is not None,
            is_watched=lambda: is_desk_at_work(self._book, self._leases),
        )

    def _a_desk(self) -> Desk:
        settings = self._settings
        ports = DeskPorts(
            self._broker,
            self._quotes,
            self._updates,
            self._journal,
            self._leases,
            self._book,
            self._legs,
            self.clock,
            lambda: None,
            self._budget,
        )
        rules = DeskRules(
            settings.policies(sees_whole_market=True),
            settings.bounds(),
            settings.plan_rules(),
            requests=settings.requests_per_rebalance,
        )
        return Desk(ports, rules)

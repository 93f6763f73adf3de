"""Execution in one process against the real simulator over HTTP, both in time that runs faster than the wall's.

The simulator counts requests a minute of that time, and so does our budget: what is measured is what a minute of real time would show.
"""

from __future__ import annotations

import datetime as dt
import multiprocessing
import threading
import time
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any, Final

import httpx
import uvicorn
from pydantic import SecretStr

from cli.embedded_redis import free_port
from services.execution.adapters.alpaca_broker import AlpacaBroker
from services.execution.adapters.bookkeeper import Bookkeeper, BooksPorts
from services.execution.adapters.broker_errors import Refusal
from services.execution.adapters.desk import Desk, DeskPorts, DeskRules
from services.execution.adapters.desk_book import Book
from services.execution.adapters.dispatcher import Dispatcher
from services.execution.adapters.equity_book import EquityBook
from services.execution.adapters.memory_budget import MemoryBudget
from services.execution.adapters.memory_journal import MemoryJournal
from services.execution.adapters.memory_leases import MemoryLeases
from services.execution.adapters.memory_references import MemoryReferences
from services.execution.adapters.memory_updates import MemoryUpdates
from services.execution.adapters.order_stopper import OrderStopper
from services.execution.adapters.planner import Planner, PlannerPorts
from services.execution.adapters.reconciliation_loop import Pace, ReconciliationLoop, completions_runner
from services.execution.adapters.updates_socket import UpdatesSocket
from services.execution.domain.records import leg_id
from services.execution.handlers import GROUP, STREAMS, Handlers
from services.execution.settings import ExecutionSettings
from services.simulator.adapters.context import Time
from services.simulator.bootstrap import create_app
from services.simulator.domain.generator_universe import ASSETS, Driven
from services.simulator.settings import SimulatorSettings
from shared import logs
from shared.bus.memory_bus import MemoryBus
from shared.clock import Clock, VenueClock
from shared.contracts import decode, streams
from shared.contracts.execution import RebalanceCompleted
from shared.contracts.marketdata import Quote
from shared.contracts.strategy import TargetPortfolioSet
from shared.runner import Runner
from shared.settings import LogSettings
from tests.integration.execution.processes import history_of

KEY, SECRET = SecretStr("benchmark"), SecretStr("benchmark")
WIDEST_BPS: Final = Decimal(1_000)
"""Some generated spreads are wider than our limit, and three turnovers are more than a day may have; here all is traded."""
QUIET: Final = LogSettings(log_level="ERROR")
MORE: Final = {
    f"MORE{letter}": Driven(price, beta=1.0, noise=0.01)
    for letter, price in zip("ABCD", (40, 60, 80, 100), strict=True)
}
"""The generator lists 80 symbols; 42 sold and 42 bought are 84."""
QUOTES_KEY: Final = {"APCA-API-KEY-ID": "quotes", "APCA-API-SECRET-KEY": "quotes"}


def hurried(pace: float) -> float:
    """Monotonic seconds at `pace`."""
    return time.monotonic() * pace


def run_simulator(port: int, pace: float, seed: int, fills: str) -> None:
    """The child process: an exchange whose seconds are `pace` times as short."""
    logs.configure("simulator", QUIET)
    ASSETS.update(MORE)
    start = "2024-06-03T10:00"
    settings = SimulatorSettings.model_validate(
        {"port": port, "seed": seed, "start": start, "rate_limit": 200, "fills": fills, "cash": Decimal(500_000)}
    )
    app = create_app(settings, time=Time(monotonic=lambda: hurried(pace)))
    config = uvicorn.Config(
        app, "127.0.0.1", port, log_config=None, ws_per_message_deflate=False, timeout_keep_alive=75
    )
    uvicorn.Server(config).run()


@contextmanager
def simulator(pace: float, seed: int, fills: str) -> Iterator[str]:
    """Its address."""
    port = free_port()
    child = multiprocessing.get_context("spawn").Process(
        target=run_simulator, args=(port, pace, seed, fills), daemon=True
    )
    child.start()
    url = f"http://127.0.0.1:{port}"
    try:
        deadline = time.monotonic() + 60
        while not _answers(url):
            if time.monotonic() > deadline:
                raise TimeoutError("the simulator did not start")
            threading.Event().wait(0.1)
        yield url
    finally:
        child.terminate()
        child.join(10)


def _answers(url: str) -> bool:
    try:
        return httpx.get(f"{url}/health", trust_env=False).is_success
    except httpx.TransportError:
        return False


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


class CountedBroker(AlpacaBroker):
    def __init__(self, url: str, requests: Requests, budget: MemoryBudget, pace: float) -> None:
        super().__init__(
            url, KEY, SECRET, listener=requests, budget=budget, pause=lambda seconds: time.sleep(seconds / pace)
        )
        self._requests = requests

    def _heed(self, refusal: Refusal) -> None:
        self._requests.too_many += refusal.status == httpx.codes.TOO_MANY_REQUESTS
        super()._heed(refusal)


class PumpedQuotes:
    """The Quotes port, filled from the simulator once a (hurried) second."""

    def __init__(self, url: str, symbols: Sequence[str], pace: float) -> None:
        self._url = f"{url}/v2/stocks/quotes/latest?symbols={','.join(symbols)}"
        self._pace = pace
        self._found: Mapping[str, Quote] = {}

    def latest(self, symbols: Sequence[str]) -> Mapping[str, Quote]:
        found = self._found
        return {symbol: found[symbol] for symbol in symbols if symbol in found}

    def want(self, symbols: Sequence[str]) -> None:
        """All of them are there."""

    def run(self, stop: threading.Event) -> None:
        with httpx.Client(headers=QUOTES_KEY, trust_env=False, timeout=5) as client:
            while not stop.wait(1 / self._pace):
                with suppress(httpx.HTTPError):
                    rows = client.get(self._url).raise_for_status().json()["quotes"]
                    self._found = {symbol: _quote(symbol, row) for symbol, row in rows.items()}


def _quote(symbol: str, row: Mapping[str, Any]) -> Quote:
    bid, ask = (Decimal(str(row[side])) if row[side] else None for side in ("bp", "ap"))
    at = dt.datetime.fromisoformat(row["t"])
    return Quote(symbol=symbol, at=at, bid=bid, bid_size=row["bs"], ask=ask, ask_size=row["as"])


def references_from(url: str, symbols: Sequence[str], clock: Clock) -> MemoryReferences:
    """Daily histories, as marketdata would bring them."""
    asked = f"symbols={','.join(symbols)}&timeframe=1Day&limit=10000&start=2024-04-15&end=2024-05-31&feed=iex"
    answer = httpx.get(f"{url}/v2/stocks/bars?{asked}", headers=QUOTES_KEY, trust_env=False, timeout=30)
    references = MemoryReferences()
    for symbol, bars in answer.raise_for_status().json()["bars"].items():
        references.put(history_of(symbol, bars, clock.now()))
    return references


class Room:
    """The service's parts and one desk, in threads; state in memory, the broker over HTTP. Close it at the end."""

    def __init__(self, url: str, symbols: Sequence[str], pace: float) -> None:
        settings = ExecutionSettings(max_spread_bps=WIDEST_BPS, max_turnover=Decimal(0))
        self.pace = pace
        self.requests = Requests()
        self._http = httpx.Client(timeout=5, trust_env=False)
        self._stop, self._threads = threading.Event(), list[threading.Thread]()
        monotonic = lambda: hurried(pace)  # noqa: E731 - a clock
        self.clock = VenueClock(f"{url}/sim/clock", refresh_seconds=20, monotonic=monotonic, client=self._http)
        budget = MemoryBudget(settings.request_allowance(), monotonic)
        self._broker = broker = CountedBroker(url, self.requests, budget, pace)
        quotes = PumpedQuotes(url, symbols, pace)
        self.bus, leases, updates = MemoryBus(), MemoryLeases(), MemoryUpdates()
        journal, book, self._legs = MemoryJournal(leases), Book(self.bus), _Legs()
        stopper = OrderStopper(broker, journal, pause=self._stop.wait, is_desk_at_work=lambda: False)
        books = Bookkeeper(
            BooksPorts(broker, journal, self.bus, book, self.clock, monotonic), settings.books_rules(), "BENCHMARK"
        )
        planner = Planner(
            PlannerPorts(
                bus=self.bus,
                book=book,
                broker=broker,
                quotes=quotes,
                references=references_from(url, symbols, self.clock),
                updates=updates,
                orders=stopper,
                clock=self.clock,
                obstacle=lambda: None,
                pause=self._stop.wait,
                equity=EquityBook(book, broker, self.clock, settings.bounds()),
                books=books,
            ),
            settings.plan_rules(),
            settings.bounds(),
            quote_seconds=5 / pace,
        )
        dispatcher = Dispatcher(planner, book, self._legs, leases, self.clock, monotonic=monotonic)
        handlers = Handlers(self.bus, self.clock, stopper).table()
        runner = Runner(self.bus, GROUP, "benchmark", STREAMS, handlers, hooks=(dispatcher,))
        reconciliation = ReconciliationLoop(
            broker,
            journal,
            updates,
            self.bus,
            self.clock,
            pace=Pace(settings.reconcile_seconds / pace, 1 / pace, 8 / pace, 5 / pace),
            books=books,
            is_busy=lambda: book.active_plan() is not None,
            is_watched=lambda: any(leases.is_held(leg_id(str(book.active_plan()), side)) for side in ("sell", "buy")),
        )
        socket = UpdatesSocket(
            url.replace("http", "ws") + "/stream", KEY, SECRET, updates, lambda *_: None, reconcile=reconciliation.ask
        )
        ports = DeskPorts(broker, quotes, updates, journal, leases, book, self._legs, self.clock, lambda: None, budget)
        rules = DeskRules(
            settings.policies(sees_whole_market=True),
            settings.bounds(),
            settings.plan_rules(),
            requests=settings.requests_per_rebalance,
        )
        self._desk = Desk(ports, rules)
        ends = completions_runner(self.bus, "benchmark", reconciliation.ask)
        for part in (quotes.run, runner.run, ends.run, dispatcher.run, reconciliation.run, socket.run, self._work):
            self._begin(part)
        self._wait(lambda: quotes.latest(symbols) and socket.problem() is None)

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
            if self._legs.waiting:
                self._desk.work(self._legs.waiting.pop(0), stop)

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


class _Legs:
    """The LegQueue port as a list."""

    def __init__(self) -> None:
        self.waiting: list[str] = []

    def offer(self, leg_id: str) -> bool:
        if leg_id in self.waiting:
            return False
        self.waiting.append(leg_id)
        return True

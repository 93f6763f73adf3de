"""A whole execution room in one process: planner, dispatcher and desk on the in-memory twins, and a market that fills."""

from __future__ import annotations

import datetime as dt
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from typing import TypeVar

from services.execution.adapters.desk import Desk, DeskPorts, DeskRules, Ended
from services.execution.adapters.desk_book import Book
from services.execution.adapters.dispatcher import Dispatcher
from services.execution.adapters.equity_book import EquityBook
from services.execution.adapters.memory_books import NoBooks
from services.execution.adapters.memory_broker import MemoryBroker
from services.execution.adapters.memory_budget import MemoryBudget
from services.execution.adapters.memory_journal import MemoryJournal
from services.execution.adapters.memory_leases import MemoryLeases
from services.execution.adapters.memory_legs import MemoryLegs
from services.execution.adapters.memory_references import MemoryReferences
from services.execution.adapters.memory_updates import MemoryUpdates
from services.execution.adapters.order_stopper import OrderStopper
from services.execution.adapters.planner import Planner, PlannerPorts
from services.execution.domain import ladder
from services.execution.domain.broker import Asset, BrokerUpdate
from services.execution.domain.ladder import Policy
from services.execution.domain.limits import Bounds
from services.execution.domain.plan import PlanRules
from services.execution.domain.policies import Policies
from services.execution.domain.request_budget import UNLIMITED, Allowance
from services.execution.handlers import GROUP, STREAMS, Handlers
from services.execution.ports import Books
from shared.bus.memory_bus import MemoryBus
from shared.contracts import Message, decode, streams
from shared.contracts.alerts import AlertRaised
from shared.contracts.execution import RebalanceCompleted
from shared.contracts.marketdata import DailyHistory, Quote
from shared.contracts.strategy import StaleShare, TargetPortfolioSet
from shared.runner import Runner
from shared.sessions import sessions_between

MONDAY = dt.datetime(2024, 6, 3, 14, 0, tzinfo=dt.UTC)
FRIDAY = dt.date(2024, 5, 31)
_M = TypeVar("_M", bound=Message)


class RunningClock:
    """Runs from `start` at `speed` times the real pace."""

    def __init__(self, start: dt.datetime = MONDAY, speed: float = 1.0) -> None:
        self._start, self._speed, self._began = start, speed, time.monotonic()

    def now(self) -> dt.datetime:
        return self._start + dt.timedelta(seconds=(time.monotonic() - self._began) * self._speed)


@dataclass
class FixedQuotes:
    """The Quotes port with prices that stand still and are always of this moment."""

    clock: RunningClock
    prices: dict[str, tuple[str, str]]
    wanted: list[str] = field(default_factory=list)

    def latest(self, symbols: Sequence[str]) -> Mapping[str, Quote]:
        now = self.clock.now()
        return {
            symbol: Quote(
                symbol=symbol,
                at=now,
                bid=Decimal(self.prices[symbol][0]),
                bid_size=100,
                ask=Decimal(self.prices[symbol][1]),
                ask_size=100,
            )
            for symbol in symbols
            if symbol in self.prices
        }

    def want(self, symbols: Sequence[str]) -> None:
        self.wanted = list(symbols)


def a_history(symbol: str, close: float, *, last: dt.date = FRIDAY, volume: float = 10_000_000) -> DailyHistory:
    """A month of quiet days that end at `close`."""
    dates = tuple(session.date for session in sessions_between(last - dt.timedelta(days=40), last))
    column = (close,) * len(dates)
    return DailyHistory(
        symbol=symbol,
        source="alpaca",
        adjustment="all",
        fetched_at=MONDAY,
        dates=dates,
        open=column,
        high=column,
        low=column,
        close=column,
        volume=(volume,) * len(dates),
    )


class TradingRoom:
    """`fills` decides what the market does with a new order: fill it, or let it rest."""

    def __init__(
        self,
        prices: dict[str, tuple[str, str]],
        *,
        held: Mapping[str, str] | None = None,
        cash: str = "100000",
        policy: Policy | None = None,
        bounds: Bounds | None = None,
        obstacle: Callable[[], str | None] = lambda: None,
        whole_shares: Sequence[str] = (),
        speed: float = 1.0,
        lease_seconds: float = 5.0,
        allowance: Allowance = UNLIMITED,
        requests: int = 0,
    ) -> None:
        self.clock = RunningClock(speed=speed)
        self.quotes = FixedQuotes(self.clock, dict(prices))
        self.references = MemoryReferences()
        for symbol, (bid, _ask) in prices.items():
            self.references.put(a_history(symbol, float(bid)))
        self.updates, self.leases, self.bus, self.legs = MemoryUpdates(), MemoryLeases(), MemoryBus(), MemoryLegs()
        self.journal = MemoryJournal(self.leases)
        self.budget = MemoryBudget(allowance, self.seconds)
        self.fills: Callable[[BrokerUpdate], bool] = self._is_marketable
        assets = [Asset(s, is_tradable=True, is_fractionable=s not in whole_shares) for s in prices]
        self.broker = MemoryBroker(self.clock.now, cash=Decimal(cash), assets=assets, on_update=self._on_update)
        for symbol, qty in (held or {}).items():
            self.broker.hold(symbol, Decimal(qty), Decimal(prices[symbol][0]))
        self.book = Book(self.bus)
        self.policy = policy or ladder.standard(patience_seconds=0.05)
        self.bounds = bounds or Bounds()
        self.lease_seconds, self.requests = lease_seconds, requests
        self.obstacle = obstacle
        pause = threading.Event().wait
        self.stopper = OrderStopper(self.broker, self.journal, pause=pause, is_desk_at_work=lambda: False)
        self.plan_with(NoBooks())

    def plan_with(self, books: Books) -> None:
        """The service's half of the room, with these books."""
        pause = threading.Event().wait
        self.planner = Planner(
            PlannerPorts(
                bus=self.bus,
                book=self.book,
                broker=self.broker,
                quotes=self.quotes,
                references=self.references,
                updates=self.updates,
                orders=self.stopper,
                clock=self.clock,
                obstacle=self.obstacle,
                pause=pause,
                equity=EquityBook(self.book, self.broker, self.clock, self.bounds),
                books=books,
            ),
            PlanRules(),
            self.bounds,
            quote_seconds=0.1,
        )
        self.dispatcher = Dispatcher(self.planner, self.book, self.legs, self.leases, self.clock)
        handlers = Handlers(self.bus, self.clock, self.stopper).table()
        self.runner = Runner(self.bus, GROUP, "test", STREAMS, handlers, hooks=(self.dispatcher,))

    def seconds(self) -> float:
        """Of the room's own time."""
        return (self.clock.now() - MONDAY).total_seconds()

    def a_desk(self) -> Desk:
        ports = DeskPorts(
            broker=self.broker,
            quotes=self.quotes,
            updates=self.updates,
            journal=self.journal,
            leases=self.leases,
            book=self.book,
            legs=self.legs,
            clock=self.clock,
            obstacle=self.obstacle,
            budget=self.budget,
        )
        return Desk(
            ports, DeskRules(Policies(self.policy), self.bounds, PlanRules(), self.lease_seconds, self.requests)
        )

    def target(
        self, unknown_share: str = "0", prices: Mapping[str, str] | None = None, **weights: str
    ) -> TargetPortfolioSet:
        """Publish a target portfolio as strategy would."""
        stale = ()
        if unknown_share != "0":
            stale = (StaleShare(strategy="lost", share=Decimal(unknown_share), reason="no data", has_weights=False),)
        message = TargetPortfolioSet(
            correlation_id="why",
            at=self.clock.now(),
            run_id="run-1",
            session=self.clock.now().date(),
            weights={symbol: Decimal(weight) for symbol, weight in weights.items()},
            stale=stale,
            prices={symbol: Decimal(price) for symbol, price in (prices or {}).items()},
        )
        self.bus.publish(streams.TARGETS, message)
        return message

    def control(self, message: Message) -> None:
        self.bus.publish(streams.CONTROL, message)

    def run(self, *, stop: threading.Event | None = None) -> list[Ended]:
        """Handle what was published and work every leg that follows from it, in this thread."""
        desk, ended, stop = self.a_desk(), [], stop or threading.Event()
        try:
            self.runner.step()
            self.dispatcher.sweep()
            while not stop.is_set() and (taken := self.legs.take()) is not None:
                leg, papers = taken
                ended.append(desk.work(leg, stop, papers))
                self.dispatcher.sweep()
        finally:
            desk.close()
        return ended

    def told(self, kind: type[_M], stream: str = streams.EXECUTION) -> list[_M]:
        """What was published of that kind, in order."""
        return [message for message in self.everything(stream) if isinstance(message, kind)]

    def everything(self, stream: str = streams.EXECUTION) -> list[Message]:
        entries = self.bus._streams[stream]
        return [decode(fields[b"kind"].decode(), fields[b"data"]) for _, fields in entries]

    def alerts(self) -> list[AlertRaised]:
        return self.told(AlertRaised, streams.alerts_of("execution"))

    def completed(self) -> RebalanceCompleted:
        [message] = self.told(RebalanceCompleted)
        return message

    def held(self) -> dict[str, Decimal]:
        return {position.symbol: position.qty for position in self.broker.positions()}

    def _is_marketable(self, update: BrokerUpdate) -> bool:
        bid, ask = (Decimal(side) for side in self.quotes.prices[update.order.symbol])
        limit = update.order.limit_price
        return limit is None or (limit >= ask if update.order.side == "buy" else limit <= bid)

    def _on_update(self, update: BrokerUpdate) -> None:
        self.updates.append(update)
        order = update.order
        if update.event == "new" and order.qty is not None and self.fills(update):
            bid, ask = (Decimal(side) for side in self.quotes.prices[order.symbol])
            self.broker.fill(order.client_order_id, order.qty, ask if order.side == "buy" else bid)

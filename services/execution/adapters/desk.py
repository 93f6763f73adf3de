"""The desk: takes one leg of a plan under a lease, works its orders, and ends the plan after its last leg.

ready ──── take lease ──► begin (buys fitted to the cash there is) ─┐
working ── take lease ──► restore from records and journal ─────────┴─► loop ──► done ──► next leg | completed
"""

from __future__ import annotations

import os
import queue
import socket
import threading
import uuid
from collections.abc import Callable
from concurrent.futures import Executor, ThreadPoolExecutor
from contextlib import AbstractContextManager, suppress
from dataclasses import dataclass
from typing import Final, Literal

from services.execution.adapters.completion import Completion
from services.execution.adapters.desk_book import Book
from services.execution.adapters.desk_calls import BrokerCalls
from services.execution.adapters.desk_hold import Hold, Renewals, since_boot
from services.execution.adapters.desk_legs import Legs
from services.execution.adapters.desk_loop import Inbox, LegLoop, UpdatesReader
from services.execution.adapters.gate import Gate
from services.execution.adapters.questions import StoppedWaitingError
from services.execution.domain.alerts import alert
from services.execution.domain.limits import Bounds
from services.execution.domain.order_state import SmartOrder
from services.execution.domain.plan import PlanRules
from services.execution.domain.policies import Policies
from services.execution.domain.records import LegRecord, PlanRecord, leg_id
from services.execution.ports import (
    Broker,
    FencedOutError,
    Journal,
    Leases,
    LegQueue,
    Papers,
    Quotes,
    RequestBudget,
    Updates,
)
from shared import logs
from shared.bus import BusUnavailableError
from shared.clock import Clock
from shared.contracts.alerts import AlertRaised

CALLS_AT_ONCE: Final = 16
_COMPANIONS: Final = 8
"""Renewals and a reader of updates for each leg; those of the leg before may still be about to end."""
_FINISH_SECONDS: Final = 14.0
"""Longer than the broker adapter's own timeouts: what was under way has ended then."""

Ended = Literal["done", "left", "held", "fenced", "gone", "broken"]
"""done: nothing more to do. left: another worker goes on. held, fenced: another one has it. gone: there is no such leg.
broken: its records cannot be read, which a person is told."""


@dataclass(frozen=True, slots=True)
class DeskRules:
    policies: Policies
    bounds: Bounds
    plan_rules: PlanRules
    lease_seconds: float = 2
    requests: int = 0
    """How many a rebalance should make at most; 0: as many as its prices take."""


@dataclass(frozen=True, slots=True)
class DeskPorts:
    """All that a desk needs from outside. `obstacle` tells why nothing may be placed."""

    broker: Broker
    quotes: Quotes
    updates: Updates
    journal: Journal
    leases: Leases
    book: Book
    legs: LegQueue
    clock: Clock
    obstacle: Callable[[], str | None]
    budget: RequestBudget


@dataclass(frozen=True, slots=True)
class Surroundings:
    """Threads and waiting. Seeded schedules put one simulated world in their place, where everything has one order."""

    pool: Callable[[], Executor] = lambda: ThreadPoolExecutor(CALLS_AT_ONCE, "desk-call")
    threads: Callable[[], Executor] = lambda: ThreadPoolExecutor(_COMPANIONS, "desk")
    """For what accompanies a leg; kept between legs, since a thread that begins takes time when an order is in a hurry."""
    inbox: Callable[[], Inbox] = queue.SimpleQueue
    reader: Callable[[Updates, str, Inbox, Executor], AbstractContextManager[object]] = UpdatesReader
    renewals: Callable[[Hold, Executor], AbstractContextManager[object]] = Renewals
    monotonic: Callable[[], float] = since_boot


class Desk:
    """One per worker process. `close` it at the end: it keeps threads for the broker's answers."""

    def __init__(self, ports: DeskPorts, rules: DeskRules, surroundings: Surroundings = Surroundings()) -> None:
        self._around = surroundings
        self._ports = ports
        self._rules = rules
        self._book = ports.book
        self._name = f"{socket.gethostname()}-{os.getpid()}"
        self._pool, self._threads = surroundings.pool(), surroundings.threads()
        self._legs = Legs(
            ports.broker, ports.journal, ports.book, ports.clock, rules.policies, rules.plan_rules, rules.requests
        )
        self._completion = Completion(ports.broker, ports.quotes, ports.book, ports.clock)
        self._log = logs.get("execution.desk")

    def close(self) -> None:
        self._pool.shutdown(wait=True)
        self._threads.shutdown(wait=True)

    def stand_by(self, seconds: float, stop: threading.Event) -> Ended:
        """Work the leg that is handed over within so many seconds. Done for nothing it does no harm."""
        papers = self._ports.legs.take_papers(seconds)
        return "gone" if papers is None else self.work(papers.leg.leg_id, stop, papers)

    def work(self, name: str, stop: threading.Event, papers: Papers | None = None) -> Ended:
        """Work the leg `name` until it is done, the process must end, or another worker has taken over.

        With `papers` they need not be read: whether they still stand shows when the leg is begun, or taken up.
        """
        owner, seconds = f"{self._name}-{uuid.uuid4().hex[:8]}", self._rules.lease_seconds
        hold = Hold(self._ports.leases, name, owner, seconds, self._around.monotonic)
        if not hold.take():
            return "held"
        try:
            with self._around.renewals(hold, self._threads):
                ended = self._taken(hold, stop, papers)
        except StoppedWaitingError:
            ended = "left"
        except FencedOutError as error:
            self._log.warning("fenced out", leg=name, reason=str(error))
            with suppress(BusUnavailableError):
                self._book.mended_exposures()
            return "fenced"
        except ValueError as error:
            self._log.error("a leg cannot be worked", leg=name, exc_info=True)
            self._book.tell([self._broken(name, error)], once=f"{name}:broken")
            return "broken"
        finally:
            hold.release()
        self._log.info("leg ended", leg=name, how=ended)
        return ended

    def _taken(self, hold: Hold, stop: threading.Event, papers: Papers | None) -> Ended:
        leg = self._book.leg(hold.name) if papers is None else papers.leg
        plan = papers.plan if papers is not None else self._book.plan(leg.plan_id) if leg is not None else None
        if leg is None or plan is None or leg.status == "waiting":
            return "gone"
        if leg.status != "done" and not self._worked(leg, plan, hold, stop):
            return "left"
        if plan.status != "completed" and not self._completion.complete(plan, stop, hold.check):
            self._ports.legs.offer(leg_id(plan.plan_id, "buy"))
        return "done"

    def _worked(self, leg: LegRecord, plan: PlanRecord, hold: Hold, stop: threading.Event) -> bool:
        """False when the process must end before the leg does."""
        if leg.status == "working":
            orders = self._legs.restore(leg, plan, hold.fence)
        else:
            leg, orders = self._legs.begin(leg, plan, hold.fence, stop, hold.check)
        inbox = self._around.inbox()
        calls = self._calls(plan, hold, inbox)
        loop = self._loop(plan, orders, calls, inbox, hold)
        try:
            with self._around.reader(self._ports.updates, plan.updates_from, inbox, self._threads):
                if loop.run(stop) == "left":
                    return False
        finally:
            calls.finish(_FINISH_SECONDS)
        self._legs.end(leg, plan, loop.orders, loop.stop_reason, stop=stop, check=hold.check)
        return True

    def _broken(self, name: str, error: ValueError) -> AlertRaised:
        now, title = self._ports.clock.now(), "A leg of a plan cannot be worked"
        do = "Its open orders stay as they are: `alchemiser halt` cancels them; keep the logs."
        return alert(f"{name}#broken", now, "critical", title, f"{name}: {error}", do=do, of=name)

    def _calls(self, plan: PlanRecord, hold: Hold, inbox: Inbox) -> BrokerCalls:
        ports = self._ports
        return BrokerCalls(
            broker=ports.broker,
            journal=ports.journal,
            budget=ports.budget,
            quotes=ports.quotes,
            gate=self._gate(plan, hold),
            clock=ports.clock,
            hold=hold,
            pool=self._pool,
            answer=lambda order_id, event: inbox.put((order_id, event)),
        )

    def _gate(self, plan: PlanRecord, hold: Hold) -> Gate:
        ports, rules = self._ports, self._rules
        return Gate(
            ports.book,
            ports.obstacle,
            plan,
            bounds=rules.bounds,
            rules=rules.plan_rules,
            account=ports.broker.account,
            is_sure=hold.is_sure,
            monotonic=self._around.monotonic,
        )

    def _loop(
        self, plan: PlanRecord, orders: dict[str, SmartOrder], calls: BrokerCalls, inbox: Inbox, hold: Hold
    ) -> LegLoop:
        ports = self._ports
        return LegLoop(
            orders=orders,
            calls=calls,
            inbox=inbox,
            book=ports.book,
            quotes=ports.quotes,
            clock=ports.clock,
            hold=hold,
            policies=self._rules.policies,
            bounds=self._rules.bounds,
            plan_id=plan.plan_id,
            planned_at=plan.created_at,
            monotonic=self._around.monotonic,
        )

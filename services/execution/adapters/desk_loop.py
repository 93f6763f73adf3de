"""One leg's loop: many smart orders at once, driven by the broker's updates, its answers, quotes and timers.

It blocks on one inbox, so that whatever comes first is handled at once; nothing here sleeps and nothing calls the broker.
"""

from __future__ import annotations

import datetime as dt
import queue
import threading
import time
from collections.abc import Callable
from concurrent.futures import Executor
from dataclasses import dataclass, field, replace
from typing import Final, Literal, Self

from services.execution.adapters.desk_book import Book
from services.execution.adapters.desk_calls import BrokerCalls, Watched
from services.execution.adapters.desk_hold import Hold
from services.execution.adapters.quotes_seen import QuotesSeen
from services.execution.domain import smart_order
from services.execution.domain.broker import BrokerUpdate
from services.execution.domain.limits import Bounds
from services.execution.domain.order_events import (
    Cancel,
    Event,
    Hurried,
    ImpossibleEventError,
    Place,
    Query,
    Stopped,
    Tell,
    Tick,
    Updated,
)
from services.execution.domain.order_state import Phase, SmartOrder, execution_of
from services.execution.domain.order_step import Step
from services.execution.domain.policies import Policies
from services.execution.ports import FencedOutError, Quotes, Updates
from shared import logs
from shared.bus import BusUnavailableError
from shared.clock import Clock

Item = tuple[str, Event | FencedOutError] | BrokerUpdate
Inbox = queue.SimpleQueue[Item]
_LONGEST_WAIT: Final = 0.05
"""Real seconds. The venue's clock may run faster than ours, so no timer is trusted for longer."""
_CONTROL_SECONDS: Final = 0.2
_READ_SECONDS: Final = 0.25
_ASKABLE: Final = (Phase.WORKING, Phase.CANCELLING, Phase.UNKNOWN)


class UpdatesReader:
    """Carries the broker's updates from their stream into the inbox, from a position on, in one of `threads`."""

    def __init__(self, updates: Updates, position: str, inbox: Inbox, threads: Executor) -> None:
        self._updates = updates
        self._position = position
        self._inbox = inbox
        self._stop = threading.Event()
        self._threads = threads

    def __enter__(self) -> Self:
        self._threads.submit(self._run)
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()  # its last blocking read ends by itself; nobody waits for it

    def _run(self) -> None:
        while not self._stop.is_set():
            try:
                self._position, found = self._updates.after(self._position, block_seconds=_READ_SECONDS)
            except Exception as error:  # noqa: BLE001 - whatever it was, the next read may work; sweeps hear of what is missed
                if not isinstance(error, BusUnavailableError):
                    logs.get("execution.desk").error("updates cannot be read", exc_info=True)
                self._stop.wait(_READ_SECONDS)
                continue
            for update in found:
                self._inbox.put(update)


@dataclass
class LegLoop:
    """Works `orders` until all are done. `stop` is the process's wish to end: then orders stay as they are."""

    orders: dict[str, SmartOrder]
    calls: BrokerCalls
    inbox: Inbox
    book: Book
    quotes: Quotes
    clock: Clock
    hold: Hold
    policies: Policies
    bounds: Bounds
    plan_id: str
    planned_at: dt.datetime
    """A cancel request from before does not concern it."""
    stop_reason: str = ""
    monotonic: Callable[[], float] = time.monotonic
    _seen_cancel: str = ""
    _next_control: float = 0.0
    _questions: dict[str, tuple[str, Query]] = field(default_factory=dict)
    _by_child: dict[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self._log = logs.get("execution.desk")
        self._seen = QuotesSeen(self.quotes, self.bounds.max_quote_age_seconds)
        for order in self.orders.values():
            self._remember(order)

    def run(self, stop: threading.Event) -> Literal["done", "left"]:
        """Raises FencedOutError when another worker has taken over: then nothing more may be sent."""
        while not self._all_done():
            if stop.is_set():
                return "left"
            self._keep_house()
            self._tick()
            self._ask()
            self._take(self._wait_seconds())
        return "done"

    def _all_done(self) -> bool:
        return all(order.phase is Phase.DONE for order in self.orders.values())

    def _take(self, timeout: float) -> None:
        """Handle what is there; wait for it only when there is nothing."""
        try:
            item = self.inbox.get(timeout=timeout)
            while True:
                self._handle(item)
                item = self.inbox.get_nowait()
        except queue.Empty:
            return

    def _handle(self, item: Item) -> None:
        if isinstance(item, BrokerUpdate):
            if item.order.client_order_id not in self._by_child:
                item = self._of_a_successor(item)
            order_id = self._by_child.get(item.order.client_order_id)
            if order_id is not None:
                self._feed(order_id, self._updated(item))
            return
        order_id, event = item
        if isinstance(event, FencedOutError):
            raise event
        self._feed(order_id, event)

    def _of_a_successor(self, update: BrokerUpdate) -> BrokerUpdate:
        """Under the name of the child that it carries on, where somebody else replaced that."""
        for order in self.orders.values():
            live = order.live
            if live is not None and live.is_taken_over and live.broker_order_id == update.order.id:
                return replace(update, order=replace(update.order, client_order_id=live.client_order_id))
        return update

    def _updated(self, update: BrokerUpdate) -> Updated:
        """With the quote that a fill met: the newest one not after it."""
        if execution_of(update) is None:
            return Updated(update)
        symbol = update.order.symbol
        self._seen.fresh((symbol,), self.clock.now())
        return Updated(update, self._seen.as_of(symbol, update.at))

    def _tick(self) -> None:
        now = self.clock.now()
        due = [order for order in self.orders.values() if smart_order.is_due(order, now)]
        if not due:
            return
        quotes = self._seen.fresh({order.symbol for order in due}, now)
        for order in due:
            self._feed(order.order_id, Tick(quotes.get(order.symbol)))

    def _feed(self, order_id: str, event: Event) -> None:
        before, now = self.orders[order_id], self.clock.now()
        try:
            step = smart_order.step(before, event, now, self.policies.of(before.side, before.reason))
        except ImpossibleEventError as error:
            self._log.error("an impossible event was left out", error=str(error))
            return
        after = self._written(self._parted(before, step, now), before.told)
        self.orders[order_id] = after
        self._remember(after)
        for command in step.commands:
            if isinstance(command, Query):
                self._questions[command.client_order_id] = (order_id, command)
            elif not isinstance(command, Tell):
                self.calls.send(after, command)
        self._settle(before, after)

    def _parted(self, before: SmartOrder, step: Step, now: dt.datetime) -> Step:
        """With the quote at its end, when it has just ended with something unfilled."""
        order = step.order
        if order.phase is not Phase.DONE or before.phase is Phase.DONE or not order.missed:
            return step
        quote = self._seen.fresh((order.symbol,), now).get(order.symbol)
        return step.changed(ended=quote if quote is not None and quote.is_two_sided else None)

    def _ask(self) -> None:
        """Several live orders are asked about in one question, and all of them profit from the answer."""
        if not self._questions or self.calls.is_sweeping:
            return
        questions, self._questions = self._questions, {}
        watched = self._watched()
        if len(watched) > 1 and any(not query.is_alone for _, query in questions.values()):
            self.calls.sweep(watched)
            covered = {one.child.client_order_id for one in watched}
        else:
            covered = set()
        for name, (order_id, query) in questions.items():
            if query.is_alone or name not in covered:
                self.calls.send(self.orders[order_id], query)

    def _watched(self) -> list[Watched]:
        found = []
        for order in self.orders.values():
            live = order.live
            if live is not None and order.phase in _ASKABLE and not live.is_taken_over:
                found.append(Watched(order.order_id, order.symbol, live))
        return found

    def _written(self, step: Step, known: int) -> SmartOrder:
        """What is told, and what the next worker must know before it leaves.

        A cancel, else its end would be taken for somebody else's; a repetition, else its absence would be believed too early.
        Who was overtaken writes nothing: a Redis that lost its newest marks would take an old picture for the next one.
        """
        if step.commands:
            self.hold.check()
        told = [command.message for command in step.commands if isinstance(command, Tell)]
        if told:
            self.book.write_order(step.order, told, after=known)
        elif any(isinstance(c, Cancel) or (isinstance(c, Place) and c.is_resend) for c in step.commands):
            numbered = replace(step.order, told=step.order.told + 1)
            self.book.write_order(numbered, (), after=known)
            return numbered
        return step.order

    def _settle(self, before: SmartOrder, after: SmartOrder) -> None:
        for child in after.children:
            old = before.child(child.client_order_id)
            if child.is_over and child.status is not None and (old is None or not old.is_over):
                self.calls.settle(child.client_order_id, child.status.value, child.broker_order_id)

    def _remember(self, order: SmartOrder) -> None:
        for child in order.children:
            self._by_child[child.client_order_id] = order.order_id

    def _keep_house(self) -> None:
        """See whether the lease still holds, hear what people want and what orders at the broker may be filled at; a few times a second."""
        now = self.monotonic()
        if now >= self._next_control:
            self.hold.check()
            self._next_control = now + _CONTROL_SECONDS
            try:
                self._hear_people()
            except (BusUnavailableError, ValueError) as error:
                self._log.warning("what people want cannot be read", error=str(error))
            self._seen.fresh({order.symbol for order in self.orders.values() if order.live}, self.clock.now())

    def _hear_people(self) -> None:
        controls = self.book.controls()
        trading, cancel = controls.trading, controls.cancel_request
        reason = self.book.stop_reason(self.plan_id)
        if trading.state != "ACTIVE":
            self._stop_orders(f"halt: {trading.reason}", sells_go_on=trading.state == "REDUCING")
            self._hurry_orders()
        if reason:
            self._stop_orders(reason)
        if cancel is not None and cancel.at > self.planned_at and cancel.id != self._seen_cancel:
            self._seen_cancel = cancel.id
            self._stop_orders("cancelled on request", frozenset(cancel.symbols))

    def _stop_orders(self, reason: str, symbols: frozenset[str] = frozenset(), *, sells_go_on: bool = False) -> None:
        for order in list(self.orders.values()):
            spared = (sells_go_on and order.side == "sell") or (symbols and order.symbol not in symbols)
            if spared or order.stop_reason or order.phase is Phase.DONE:
                continue
            self.stop_reason = self.stop_reason or reason
            self._feed(order.order_id, Stopped(reason))

    def _hurry_orders(self) -> None:
        """What may go on while trading only reduces has no time for patience."""
        for order in list(self.orders.values()):
            if not (order.is_hurried or order.stop_reason or order.phase is Phase.DONE):
                self._feed(order.order_id, Hurried())

    def _wait_seconds(self) -> float:
        wakes = [order.wake_at for order in self.orders.values() if order.wake_at is not None]
        if not wakes:
            return _LONGEST_WAIT
        return min(_LONGEST_WAIT, max(0.0, (min(wakes) - self.clock.now()).total_seconds()))

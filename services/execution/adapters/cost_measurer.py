"""Measures what orders cost: notes their fills as they are told, looks at the quote some time later, and tells it all as a fact.

One thread of one process does both, so that a watch has one writer. What it notes is committed with the acknowledgement.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from typing import Final

from services.execution.adapters.cost_store import CostStore
from services.execution.adapters.desk_book import Book
from services.execution.adapters.leadership import Leadership
from services.execution.adapters.quotes_seen import QuotesSeen
from services.execution.domain import cost_watch, costs, records
from services.execution.domain.records import CostWatch
from shared import logs
from shared.bus import NOTHING, Bus, BusUnavailableError, Outcome, Publication, Put, Remove
from shared.clock import Clock
from shared.contracts import streams
from shared.contracts.execution import OrderAbandoned, OrderFilled, OrderPartlyFilled, OrderRefused
from shared.runner import Runner

GROUP: Final = "execution-costs"
_LOOK_SECONDS: Final = 0.5
_OUTAGE_PAUSE_SECONDS: Final = 0.5


class CostMeasurer:
    """`after_seconds` of the venue's clock after a fill its later quote is due. Real seconds pass between looks."""

    def __init__(
        self,
        bus: Bus,
        book: Book,
        store: CostStore,
        quotes: QuotesSeen,
        *,
        clock: Clock,
        leadership: Leadership,
        after_seconds: float,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._bus = bus
        self._book = book
        self._store = store
        self._quotes = quotes
        self._clock = clock
        self._leadership = leadership
        self._after = after_seconds
        self._monotonic = monotonic
        self._next_look = 0.0
        self._log = logs.get("execution.costs")
        self._runner = Runner(
            bus,
            GROUP,
            "execution",
            [streams.EXECUTION],
            {
                OrderPartlyFilled: self._filled,
                OrderFilled: self._filled,
                OrderAbandoned: self._ended,
                OrderRefused: self._ended,
            },
        )

    def run(self, stop: threading.Event) -> None:
        """A part of a process."""
        while not stop.is_set():
            try:
                if self._leadership.leads():
                    self.step(block_seconds=_LOOK_SECONDS)
                else:
                    stop.wait(_LOOK_SECONDS)
            except BusUnavailableError as error:
                self._log.warning("costs cannot be measured now", error=str(error))
                stop.wait(_OUTAGE_PAUSE_SECONDS)
        self._leadership.let_go()

    def step(self, *, block_seconds: float = 0.0) -> None:
        """What was told, then what is due. Raises BusUnavailableError."""
        self._runner.step(block_seconds=block_seconds)
        if self._monotonic() >= self._next_look:
            self._next_look = self._monotonic() + _LOOK_SECONDS
            self.look()

    def look(self) -> None:
        """See the quotes of what is watched, and measure the orders that nothing more is waited for."""
        watches, now = self._store.watches(), self._clock.now()
        waiting = {watch.symbol for watch in watches if any(map(cost_watch.is_waiting, watch.fills))}
        self._quotes.fresh(waiting, now)
        for before in watches:
            watch = cost_watch.looked(before, self._quotes.as_of, now, self._after)
            if cost_watch.is_complete(watch):
                self._measure(watch)
            elif watch != before:
                self._bus.commit(Outcome(changes=(_put(watch),)))

    def _filled(self, fact: OrderPartlyFilled | OrderFilled) -> Outcome:
        watch = self._watched(fact.order_id)
        if watch is None:
            return NOTHING
        watch = cost_watch.with_fill(watch, fact)
        return _noted(cost_watch.over(watch) if isinstance(fact, OrderFilled) else watch)

    def _ended(self, fact: OrderAbandoned | OrderRefused) -> Outcome:
        watch = self._watched(fact.order_id)
        return NOTHING if watch is None else _noted(cost_watch.over(watch))

    def _watched(self, order_id: str) -> CostWatch | None:
        """As it stands, or begun; again for an order whose costs are told already. None for one that never began."""
        order = self._book.order(order_id)
        if order is None or order.wanted is None:
            return None
        watch = self._store.watch(order_id)
        if watch is not None:
            return watch
        told = self._store.of_order(order_id)
        return cost_watch.begun(order) if told is None else cost_watch.over(cost_watch.begun(order, told.fills))

    def _measure(self, watch: CostWatch) -> None:
        forgotten = Remove(records.COST_WATCHES, watch.order_id)
        order = self._store.order(watch.order_id)
        if order is None:
            self._log.warning(
                "an order was forgotten, or cannot be read, before its costs were measured", order=watch.order_id
            )
            self._bus.commit(Outcome(changes=(forgotten,)))
            return
        fact = costs.measured(order, watch.fills, self._clock.now(), self._after)
        kept = Put(records.COSTS, watch.order_id, fact.encode())
        if not self._bus.commit(Outcome((Publication(streams.EXECUTION, fact),), (kept, forgotten)), once=fact.id):
            self._bus.commit(Outcome(changes=(forgotten,)))


def _noted(watch: CostWatch) -> Outcome:
    return Outcome(changes=(_put(watch),))


def _put(watch: CostWatch) -> Put:
    return Put(records.COST_WATCHES, watch.order_id, watch.model_dump_json())

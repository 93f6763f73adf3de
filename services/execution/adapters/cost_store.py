"""Costs of orders as they are kept: measured ones, and orders that are over and wait for a quote after their last fill."""

from __future__ import annotations

import datetime as dt
import heapq
from collections.abc import Iterator, Sequence

from pydantic import ValidationError

from services.execution.adapters.desk_book import Book
from services.execution.domain import costs, records
from services.execution.domain.records import CostWatch
from shared.bus import Bus, Outcome, Remove
from shared.clock import Clock
from shared.contracts.execution import OrderCostsMeasured
from shared.sessions import new_york_date


class CostStore:
    """What cannot be read is left out."""

    def __init__(self, bus: Bus, book: Book, clock: Clock, realised_after_seconds: float) -> None:
        self._bus = bus
        self._book = book
        self._clock = clock
        self._after = realised_after_seconds

    def measured(
        self, *, plan_id: str | None = None, since: dt.date | None = None, until: dt.date | None = None
    ) -> Sequence[OrderCostsMeasured]:
        """The newest first; days are New York's, both ends included."""
        chosen = (found for _, found in self._kept() if _fits(found, plan_id, since, until))
        return sorted(chosen, key=lambda found: found.ended_at, reverse=True)

    def waiting(
        self, *, plan_id: str | None = None, since: dt.date | None = None, until: dt.date | None = None
    ) -> Sequence[OrderCostsMeasured]:
        """Orders that are over, as far as their costs are known by now."""
        found = (self._so_far(watch) for watch in self.watches() if watch.is_over)
        return [each for each in found if each is not None and _fits(each, plan_id, since, until)]

    def watches(self) -> list[CostWatch]:
        found = (_watch_in(raw) for raw in self._bus.get_all(records.COST_WATCHES).values())
        return [watch for watch in found if watch is not None]

    def watch(self, order_id: str) -> CostWatch | None:
        return _watch_in(self._bus.get(records.COST_WATCHES, order_id))

    def of_order(self, order_id: str) -> OrderCostsMeasured | None:
        return _costs_in(self._bus.get(records.COSTS, order_id))

    def forget_all_but(self, count: int) -> int:
        """Drop the oldest; returns how many."""
        everything = list(self._kept())
        kept = {name for name, _ in heapq.nlargest(count, everything, key=lambda item: item[1].ended_at)}
        old = [Remove(records.COSTS, name) for name, _ in everything if name not in kept]
        if old:
            self._bus.commit(Outcome(changes=tuple(old)))
        return len(old)

    def _kept(self) -> Iterator[tuple[str, OrderCostsMeasured]]:
        for name, raw in self._bus.get_all(records.COSTS).items():
            found = _costs_in(raw)
            if found is not None:
                yield name, found

    def _so_far(self, watch: CostWatch) -> OrderCostsMeasured | None:
        order = self._book.order(watch.order_id)
        return None if order is None else costs.measured(order, watch.fills, self._clock.now(), self._after)


def _fits(found: OrderCostsMeasured, plan_id: str | None, since: dt.date | None, until: dt.date | None) -> bool:
    day = new_york_date(found.ended_at)
    return plan_id in (None, found.plan_id) and (since or day) <= day <= (until or day)


def _costs_in(raw: str | None) -> OrderCostsMeasured | None:
    try:
        return None if raw is None else OrderCostsMeasured.of(raw)
    except ValidationError:
        return None


def _watch_in(raw: str | None) -> CostWatch | None:
    try:
        return None if raw is None else CostWatch.model_validate_json(raw)
    except ValidationError:
        return None

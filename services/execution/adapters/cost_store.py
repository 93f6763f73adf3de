"""Costs of orders as they are kept: measured ones, and orders that are over and wait for a quote after their last fill."""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass

from pydantic import ValidationError

from services.execution.adapters.desk_book import Book
from services.execution.domain import costs, records
from services.execution.domain.order_state import SmartOrder
from services.execution.domain.records import CostWatch
from shared.bus import Bus, Outcome, Remove
from shared.clock import Clock
from shared.contracts.execution import OrderCostsMeasured
from shared.sessions import new_york_date


@dataclass(frozen=True, slots=True)
class _Kept:
    """As much of a document as it takes to choose it: to read ten thousand of them whole takes seconds."""

    order_id: str
    plan_id: str
    ended_at: dt.datetime
    raw: str


class CostStore:
    """What cannot be read is left out."""

    def __init__(self, bus: Bus, book: Book, clock: Clock, realised_after_seconds: float) -> None:
        self._bus = bus
        self._book = book
        self._clock = clock
        self._after = realised_after_seconds

    def measured(
        self,
        *,
        plan_id: str | None = None,
        since: dt.date | None = None,
        until: dt.date | None = None,
        limit: int | None = None,
    ) -> Sequence[OrderCostsMeasured]:
        """The newest first; days are New York's, both ends included."""
        kept = (one for one in self._kept() if _fits(one.plan_id, one.ended_at, plan_id, since, until))
        newest = sorted(kept, key=lambda one: one.ended_at, reverse=True)[:limit]
        return [found for one in newest if (found := _costs_in(one.raw)) is not None]

    def waiting(
        self, *, plan_id: str | None = None, since: dt.date | None = None, until: dt.date | None = None
    ) -> Sequence[OrderCostsMeasured]:
        """Orders that are over, as far as their costs are known by now."""
        found = (self._so_far(watch) for watch in self.watches() if watch.is_over)
        over = (each for each in found if each is not None)
        return [each for each in over if _fits(each.plan_id, each.ended_at, plan_id, since, until)]

    def watches(self) -> list[CostWatch]:
        found = (_watch_in(raw) for raw in self._bus.get_all(records.COST_WATCHES).values())
        return [watch for watch in found if watch is not None]

    def watch(self, order_id: str) -> CostWatch | None:
        return _watch_in(self._bus.get(records.COST_WATCHES, order_id))

    def of_order(self, order_id: str) -> OrderCostsMeasured | None:
        return _costs_in(self._bus.get(records.COSTS, order_id))

    def order(self, order_id: str) -> SmartOrder | None:
        try:
            return self._book.order(order_id)
        except ValidationError:
            return None

    def forget_all_but(self, count: int) -> int:
        """Drop the oldest; returns how many."""
        old = sorted(self._kept(), key=lambda one: one.ended_at, reverse=True)[count:]
        if old:
            self._bus.commit(Outcome(changes=tuple(Remove(records.COSTS, one.order_id) for one in old)))
        return len(old)

    def _kept(self) -> Iterator[_Kept]:
        for order_id, raw in self._bus.get_all(records.COSTS).items():
            with suppress(ValueError, KeyError, TypeError):
                head = json.loads(raw)
                yield _Kept(order_id, head["plan_id"], dt.datetime.fromisoformat(head["ended_at"]), raw)

    def _so_far(self, watch: CostWatch) -> OrderCostsMeasured | None:
        order = self.order(watch.order_id)
        return None if order is None else costs.measured(order, watch.fills, self._clock.now(), self._after)


def _fits(
    of_plan: str, ended_at: dt.datetime, plan_id: str | None, since: dt.date | None, until: dt.date | None
) -> bool:
    day = new_york_date(ended_at)
    return plan_id in {None, of_plan} and (since or day) <= day <= (until or day)


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

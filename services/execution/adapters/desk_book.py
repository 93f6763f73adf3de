"""Execution's records on the bus as the desk reads and writes them: each change in one commit with the facts it belongs to."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import TypeVar

from pydantic import TypeAdapter

from services.execution.domain import records
from services.execution.domain.exposure import Exposure, exposure_of
from services.execution.domain.losses import Acknowledged, EquityRecord, counted_anew
from services.execution.domain.order_state import Phase, SmartOrder
from services.execution.domain.records import CancelRecord, LegRecord, PlanRecord, TradingRecord
from services.execution.ports import FencedOutError
from shared.bus import Bus, BusUnavailableError, Change, Outcome, Publication, Put, Remove, Stands
from shared.contracts import Message, streams
from shared.contracts.alerts import AlertRaised
from shared.contracts.base import Side, Value

_ORDER = TypeAdapter(SmartOrder)
_V = TypeVar("_V", bound=Value)
_PAUSE_SECONDS = 0.2
_ATTEMPTS = 100


class Controls:
    """What people and whoever watches want of all trading. Each is read by itself: one that cannot be read hides no other.

    Reading one raises ValueError when it cannot be read.
    """

    def __init__(self, documents: Mapping[str, str]) -> None:
        self._documents = documents

    @property
    def trading(self) -> TradingRecord:
        return self._read(TradingRecord, records.NOW) or TradingRecord()

    @property
    def cancel_request(self) -> CancelRecord | None:
        return self._read(CancelRecord, records.CANCEL)

    @property
    def equity(self) -> EquityRecord | None:
        return self._read(EquityRecord, records.EQUITY)

    @property
    def worth(self) -> EquityRecord | None:
        """The newest reading of the equity; what a person has seen of losses meanwhile counts at once."""
        last = self.equity
        return None if last is None else counted_anew(last, self._read(Acknowledged, records.ACKNOWLEDGED))

    def _read(self, kind: type[_V], field: str) -> _V | None:
        raw = self._documents.get(field)
        return None if raw is None else kind.model_validate_json(raw)


class Book:
    """Reads raise BusUnavailableError, and ValueError for a document that cannot be read: nothing is assumed in its place."""

    def __init__(self, bus: Bus, *, pause: Callable[[float], object] | None = None) -> None:
        self._bus = bus
        self._pause = pause or threading.Event().wait

    def plan(self, plan_id: str) -> PlanRecord | None:
        return self._read(PlanRecord, records.PLANS, plan_id)

    def leg(self, leg_id: str) -> LegRecord | None:
        return self._read(LegRecord, records.LEGS, leg_id)

    def leg_of(self, plan_id: str, side: Side) -> LegRecord | None:
        return self.leg(records.leg_id(plan_id, side))

    def order(self, order_id: str) -> SmartOrder | None:
        raw = self._bus.get(records.ORDERS, order_id)
        return None if raw is None else _ORDER.validate_json(raw)

    def stop_reason(self, plan_id: str) -> str:
        """Why the plan must end early; empty while it need not."""
        return self._bus.get(records.STOPS, plan_id) or ""

    def controls(self) -> Controls:
        """All of them as they stand in one moment."""
        return Controls(self._bus.get_all(records.TRADING))

    def trading(self) -> TradingRecord:
        return self.controls().trading

    def write_equity(self, record: EquityRecord) -> None:
        self._bus.commit(Outcome(changes=(Put(records.TRADING, records.EQUITY, record.model_dump_json()),)))

    def active_plan(self) -> str | None:
        return self._bus.get(records.TRADING, records.ACTIVE_PLAN)

    def tell(self, messages: Sequence[Message], changes: Sequence[Change] = (), *, once: str) -> bool:
        """Facts to execution.events, alerts to execution.alerts, with these changes; all of it once.

        False when somebody had done it before. Repeats through an outage, since a repetition has no second effect.
        """
        outcome = Outcome(tuple(_publication(message) for message in messages), tuple(changes))
        for attempt in range(_ATTEMPTS):
            try:
                return self._bus.commit(outcome, once=once) or (attempt > 0 and self._stands(changes))
            except BusUnavailableError:
                self._pause(_PAUSE_SECONDS)
        return self._bus.commit(outcome, once=once) or self._stands(changes)

    def _stands(self, changes: Sequence[Change]) -> bool:
        """Whether it was we who did it, where the answer was lost: in an outage another worker may have come first."""
        written = [change for change in changes if isinstance(change, Put)]
        return all(self._bus.get(change.key, change.field) == change.value for change in written)

    def write_order(self, order: SmartOrder, messages: Sequence[Message], *, after: int) -> None:
        """What an order told since its `after`-th fact, with the order as it stands now.

        Raises FencedOutError when another worker has told what comes after that fact: of two workers that know the same
        record, exactly one can continue it, however many facts each of them has to tell.
        """
        changes = [Put(records.ORDERS, order.order_id, order_document(order)), _put_exposure(exposure_of(order))]
        if not self.tell(messages, changes, once=f"{order.order_id}:after#{after}"):
            raise FencedOutError(f"{order.order_id}: another worker has told what follows fact {after} already")

    def exposures(self) -> list[Exposure]:
        """Of every smart order that is kept, of whatever day."""
        return [Exposure.model_validate_json(raw) for raw in self._bus.get_all(records.EXPOSURES).values()]

    def expose(self, exposure: Exposure, is_sure: Callable[[], bool] = lambda: True) -> bool:
        """Once, without repeating: who cannot write it down may not send it.

        False for who may have been overtaken: `is_sure` is asked between a look and a write that only follows that look.
        """
        stood = Stands(records.EXPOSURES, exposure.order_id, self._bus.get(records.EXPOSURES, exposure.order_id))
        return is_sure() and self._bus.commit(Outcome(changes=(_put_exposure(exposure),), only_if=(stood,)))

    def mended_exposures(self) -> list[Exposure]:
        """All, and mended where a worker that was overtaken wrote last, after an order's end. Who still works one writes again."""
        found = self.exposures()
        for place, exposure in enumerate(found):
            order = self.order(exposure.order_id) if exposure.is_open else None
            if order is not None and order.phase is Phase.DONE and self.expose(mended := exposure_of(order)):
                found[place] = mended
        return found

    def take_up(self, order_id: str, fence: int) -> SmartOrder:
        """The record, continued by the worker with this fence: nobody else who has read it can continue it any more.

        A Redis that came back from its file may hold an old record beside the marks of what followed it; no worker could
        ever go on from there, so that the holder of the lease does. Raises ValueError where there is no record.
        """
        seen = -1
        while True:
            kept = self.order(order_id)
            if kept is None:
                raise ValueError(f"{order_id}: expected its record, written when the leg began; got none")
            if kept.phase is Phase.DONE:
                return kept
            mark = f"{order_id}:after#{kept.told}" + (f":fence{fence}" if kept.told == seen else "")
            seen, taken = kept.told, replace(kept, told=kept.told + 1)
            if self.tell((), [Put(records.ORDERS, order_id, order_document(taken))], once=mark):
                return taken

    def begin_leg(
        self, leg: LegRecord, plan: PlanRecord, orders: Sequence[SmartOrder], told: Sequence[Message], fence: int
    ) -> None:
        """Once; again only by the holder of the lease, where a plan that Redis forgot was made anew after its leg had begun.

        Raises FencedOutError when another worker has begun it.
        """
        changes: list[Change] = [Put(records.ORDERS, order.order_id, order_document(order)) for order in orders]
        changes += [_put_leg(leg), _put_plan(plan.model_copy(update={"status": "running"}))]
        mark = f"{leg.leg_id}:begun"
        if self.tell(told, changes, once=mark):
            return
        kept = self.leg(leg.leg_id)
        is_anew = kept is not None and kept.status == "ready"
        if not is_anew or not self.tell(told, changes, once=f"{mark}:fence{fence}"):
            raise FencedOutError(f"{leg.leg_id}: another worker has begun it already")

    def end_leg(self, legs: Sequence[LegRecord], *, of: str) -> None:
        """`legs` are the one that ended and the one that is free now."""
        self.tell((), [_put_leg(leg) for leg in legs], once=f"{of}:done")

    def complete(self, plan: PlanRecord, told: Sequence[Message]) -> None:
        changes: list[Change] = [
            _put_plan(plan.model_copy(update={"status": "completed"})),
            Remove(records.TRADING, records.ACTIVE_PLAN),
            Remove(records.STOPS, plan.plan_id),
        ]
        self.tell(told, changes, once=f"{plan.plan_id}:completed")

    def _read(self, kind: type[_V], key: str, field: str) -> _V | None:
        raw = self._bus.get(key, field)
        return None if raw is None else kind.model_validate_json(raw)


def order_document(order: SmartOrder) -> str:
    return _ORDER.dump_json(order).decode()


def _put_exposure(exposure: Exposure) -> Put:
    return Put(records.EXPOSURES, exposure.order_id, exposure.model_dump_json())


def _put_leg(leg: LegRecord) -> Put:
    return Put(records.LEGS, leg.leg_id, leg.model_dump_json())


def _put_plan(plan: PlanRecord) -> Put:
    return Put(records.PLANS, plan.plan_id, plan.model_dump_json())


def _publication(message: Message) -> Publication:
    is_alert = isinstance(message, AlertRaised)
    return Publication(streams.alerts_of("execution") if is_alert else streams.EXECUTION, message)

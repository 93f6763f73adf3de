"""Reads what execution keeps in state (domain/records.py) for those who look at it: the newest plans, one whole plan, how trading stands.

Writing is the handlers' and the desk's, in one transaction with what they tell.
"""

from __future__ import annotations

import heapq
from collections.abc import Sequence
from dataclasses import dataclass

from pydantic import ValidationError

from services.execution.domain import records
from services.execution.domain.records import LegRecord, PlanRecord, TradingRecord
from shared.bus import Bus, Outcome, Remove


@dataclass(frozen=True, slots=True)
class WholePlan:
    plan: PlanRecord
    legs: tuple[LegRecord, ...]


class PlanStore:
    """Documents that cannot be read are left out of lists and are None when asked for."""

    def __init__(self, bus: Bus) -> None:
        self._bus = bus

    def plans(self, count: int) -> Sequence[PlanRecord]:
        """The newest first."""
        found = (_plan_in(raw) for raw in self._bus.get_all(records.PLANS).values())
        return heapq.nlargest(count, (plan for plan in found if plan is not None), key=lambda plan: plan.created_at)

    def plan(self, plan_id: str) -> WholePlan | None:
        plan = _plan_in(self._bus.get(records.PLANS, plan_id))
        if plan is None:
            return None
        ids = (records.leg_id(plan_id, "sell"), records.leg_id(plan_id, "buy"))
        legs = (_leg_in(self._bus.get(records.LEGS, leg_id)) for leg_id in ids)
        return WholePlan(plan, tuple(leg for leg in legs if leg is not None))

    def trading(self) -> TradingRecord:
        """Raises ValueError where the record is there and cannot be read: nobody may take that for ACTIVE."""
        raw = self._bus.get(records.TRADING, records.NOW)
        return TradingRecord() if raw is None else TradingRecord.model_validate_json(raw)

    def active_plan(self) -> str | None:
        return self._bus.get(records.TRADING, records.ACTIVE_PLAN)

    def forget_all_but(self, count: int) -> int:
        """Drop the oldest completed plans with their legs and orders; returns how many."""
        everything = self.plans(1_000_000)
        old = [plan for plan in everything[count:] if plan.status == "completed"]
        changes = [Remove(records.PLANS, plan.plan_id) for plan in old]
        legs = [leg for plan in old if (found := self.plan(plan.plan_id)) is not None for leg in found.legs]
        changes += [Remove(records.LEGS, leg.leg_id) for leg in legs]
        changes += [Remove(records.ORDERS, order_id) for leg in legs for order_id in leg.order_ids]
        if changes:
            self._bus.commit(Outcome(changes=tuple(changes)))
        return len(old)


def _plan_in(raw: str | None) -> PlanRecord | None:
    try:
        return None if raw is None else PlanRecord.model_validate_json(raw)
    except ValidationError:
        return None


def _leg_in(raw: str | None) -> LegRecord | None:
    try:
        return None if raw is None else LegRecord.model_validate_json(raw)
    except ValidationError:
        return None

"""What execution keeps in state: plans, their legs, how trading stands. JSON documents, one per field of a state hash.

plan:  planned ──► running ──► completed          leg:  waiting ──► ready ──► done
                      └─ stopping ──┘
"""

from __future__ import annotations

from typing import Annotated, Final, Literal

from pydantic import AwareDatetime, Field

from shared.contracts.base import Money, Side, Symbol, Value
from shared.contracts.execution import OrderResult, Refusal, Trade
from shared.contracts.strategy import TargetPortfolioSet

PLANS: Final = "execution_plans"
"""plan id -> PlanRecord"""
LEGS: Final = "execution_legs"
"""leg id -> LegRecord; the ready ones are the outbox from which RQ jobs are made"""
ORDERS: Final = "execution_orders"
"""order id -> SmartOrder as `smart_order` keeps it, written with every fact told about it"""
TRADING: Final = "execution_trading"
""""now" -> TradingRecord; "active_plan" -> plan id; "waiting_target" -> WaitingTarget; "cancel" -> CancelRecord"""

NOW: Final = "now"
ACTIVE_PLAN: Final = "active_plan"
WAITING_TARGET: Final = "waiting_target"
CANCEL: Final = "cancel"

TradingStateName = Literal["ACTIVE", "REDUCING", "HALTED"]


class PlanRecord(Value):
    """A plan as decided. `updates_from` is where the broker's update stream stood before the first order."""

    plan_id: str
    run_id: str
    correlation_id: str
    created_at: AwareDatetime
    equity: Money
    cash: Money
    trades: tuple[Trade, ...]
    refusals: tuple[Refusal, ...]
    whole_share_symbols: tuple[Symbol, ...] = ()
    dry_run: bool = False
    updates_from: str = "0"
    status: Literal["planned", "running", "stopping", "completed"] = "planned"
    stop_reason: str = ""

    def side(self, side: Side) -> tuple[Trade, ...]:
        return tuple(trade for trade in self.trades if trade.side == side)


class LegRecord(Value):
    """All sells or all buys of a plan; one RQ job. `results` stand when it is done."""

    leg_id: str
    plan_id: str
    side: Side
    status: Literal["waiting", "ready", "done"]
    results: tuple[OrderResult, ...] = ()


class TradingRecord(Value):
    state: TradingStateName = "ACTIVE"
    reason: str = ""
    since: AwareDatetime | None = None


class WaitingTarget(Value):
    """The newest target that waits until the plan in progress has let go of its orders. `trigger` names what asked for it."""

    trigger: str
    correlation_id: str
    target: TargetPortfolioSet


class CancelRecord(Value):
    """The newest request to cancel our orders: of these symbols, or all when empty."""

    id: Annotated[str, Field(min_length=1)]
    symbols: tuple[Symbol, ...] = ()
    at: AwareDatetime


def leg_id(plan_id: str, side: Side) -> str:
    return f"{plan_id}-{side}s"

"""What execution keeps in state: plans, their legs, how trading stands. JSON documents, one per field of a state hash.

plan:  planned ──► running ──► completed          leg:  waiting ──► ready ──► done
                      └─ stopping ──┘
"""

from __future__ import annotations

import datetime as dt
from decimal import Decimal
from typing import Annotated, Final, Literal, Self

from pydantic import AwareDatetime, Field

from services.execution.domain.broker import Asset
from services.execution.domain.reference import Reference
from shared.contracts.base import Money, Price, Qty, Side, Symbol, Value, Weight
from shared.contracts.control import HaltCause
from shared.contracts.costs import FillCosts
from shared.contracts.execution import OrderResult, Refusal, Trade
from shared.contracts.strategy import TargetPortfolioSet

PLANS: Final = "execution_plans"
"""plan id -> PlanRecord"""
LEGS: Final = "execution_legs"
"""leg id -> LegRecord; the ready ones are the outbox from which RQ jobs are made"""
ORDERS: Final = "execution_orders"
"""order id -> SmartOrder as `smart_order` keeps it, written with every fact told about it"""
TRADING: Final = "execution_trading"
""""now" -> TradingRecord; "active_plan" -> plan id; "cancel" -> CancelRecord; "equity" -> EquityRecord;
"acknowledged" -> Acknowledged"""
WAITING: Final = "execution_waiting_targets"
"""trigger -> WaitingTarget; the newest is planned, the others it supersedes"""
STOPS: Final = "execution_stops"
"""plan id -> why it must end early"""

ASSETS: Final = "execution_assets"
"""symbol -> AssetRecord, as the broker said it on that day"""
COSTS: Final = "execution_costs"
"""order id -> OrderCostsMeasured, the newest 10,000 orders"""
COST_WATCHES: Final = "execution_cost_watches"
"""order id -> CostWatch, until its costs are measured"""

EXPOSURES: Final = "execution_exposures"
"""order id -> Exposure: what today's smart orders have traded and have open, written before an order and with its facts"""

NOW: Final = "now"
ACTIVE_PLAN: Final = "active_plan"
CANCEL: Final = "cancel"
EQUITY: Final = "equity"
ACKNOWLEDGED: Final = "acknowledged"

TradingStateName = Literal["ACTIVE", "REDUCING", "HALTED"]


class TargetLine(Value):
    """One symbol of the target or of the account as it stood at planning, traded or not."""

    symbol: Symbol
    held_qty: Qty
    target_qty: Qty
    target_weight: Weight
    price: Price


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
    lines: tuple[TargetLine, ...] = ()
    whole_share_symbols: tuple[Symbol, ...] = ()
    by_strategy: dict[str, dict[Symbol, Weight]] = Field(default_factory=dict)
    """Whose the target's weights are; empty when nobody divided it."""
    silent: tuple[str, ...] = ()
    """Strategies of which nobody knows what they want: what is theirs stays theirs."""
    funds: Money | None = None
    """What buys may be paid with before any sell; None in a record that is older than this field."""
    funds_at: AwareDatetime | None = None
    """When the broker was asked about them; None in a record that is older than this field."""
    set_aside: Money = Decimal(0)
    """Money that may belong to a strategy of which nobody knows what it wants."""
    references: tuple[Reference, ...] = ()
    """Last closes and usual volumes as planned with: the desk judges by the same ones."""
    left_alone: dict[str, Qty] = Field(default_factory=dict)
    """Shares in the account that are not the portfolio's: neither planned with nor reported."""
    dry_run: bool = False
    updates_from: str = "0"
    status: Literal["planned", "running", "completed"] = "planned"

    def side(self, side: Side) -> tuple[Trade, ...]:
        return tuple(trade for trade in self.trades if trade.side == side)


class LegRecord(Value):
    """All sells or all buys of a plan; one RQ job. `order_ids` are the smart orders that began, `results` how they ended."""

    leg_id: str
    plan_id: str
    side: Side
    status: Literal["waiting", "ready", "working", "done"]
    order_ids: tuple[str, ...] = ()
    refusals: tuple[Refusal, ...] = ()
    """What the cash that was really there no longer allowed."""
    results: tuple[OrderResult, ...] = ()
    sold_or_bought: Money = Decimal(0)


class CostWatch(Value):
    """Fills whose later quotes are waited for. `close_at`: nothing is waited for beyond the session."""

    order_id: str
    symbol: Symbol
    close_at: AwareDatetime
    fills: tuple[FillCosts, ...] = ()
    is_over: bool = False


class TradingRecord(Value):
    state: TradingStateName = "ACTIVE"
    reason: str = ""
    since: AwareDatetime | None = None
    cause: HaltCause = "person"
    by: str = ""
    """The message that asked for it."""


class WaitingTarget(Value):
    """A target that is to be planned. `trigger` is the message that asked for it, `asked_at` when."""

    trigger: str
    correlation_id: str
    asked_at: AwareDatetime
    target: TargetPortfolioSet


class CancelRecord(Value):
    """The newest request to cancel our orders: of these symbols, or all when empty."""

    id: Annotated[str, Field(min_length=1)]
    symbols: tuple[Symbol, ...] = ()
    at: AwareDatetime


class AssetRecord(Value):
    """What the broker said about a symbol on that day."""

    symbol: Symbol
    on: dt.date
    is_tradable: bool
    is_fractionable: bool

    @classmethod
    def of(cls, asset: Asset, on: dt.date) -> Self:
        return cls(symbol=asset.symbol, on=on, is_tradable=asset.is_tradable, is_fractionable=asset.is_fractionable)

    @property
    def asset(self) -> Asset:
        return Asset(self.symbol, is_tradable=self.is_tradable, is_fractionable=self.is_fractionable)


def leg_id(plan_id: str, side: Side) -> str:
    return f"{plan_id}-{side}s"

"""What execution's endpoints take and show."""

from __future__ import annotations

from decimal import Decimal
from typing import Annotated, Literal

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field

from services.execution.adapters.reconciliation_views import ReconciliationView
from services.execution.domain.arming import MAX_HOURS, masked
from services.execution.domain.broker import Account, BrokerOrder
from services.execution.domain.records import LegRecord, PlanRecord, TradingStateName
from shared.contracts.base import Side, Symbol
from shared.contracts.control import HaltCause, Reason
from shared.contracts.execution import OrderCostsMeasured


class _Body(BaseModel):
    model_config = ConfigDict(extra="forbid")


class HaltBody(_Body):
    reason: Reason
    state: Literal["REDUCING", "HALTED"] = "HALTED"


class ResumeBody(_Body):
    reason: Reason


class CancelBody(_Body):
    symbols: tuple[Symbol, ...] = ()
    """Empty: all of ours."""


class ArmBody(_Body):
    account: Annotated[str, Field(min_length=1, max_length=40)]
    """The account number, typed again: arming the wrong account is refused."""
    hours: Annotated[int, Field(ge=1, le=MAX_HOURS)]


class Accepted(BaseModel):
    """The fact that was put on `control`."""

    id: str
    correlation_id: str


class Resumed(Accepted):
    """`note` says which loss is acknowledged by it, and what is counted anew."""

    note: str = ""


class ArmedUntil(BaseModel):
    armed_until: AwareDatetime | None


class PlanView(BaseModel):
    plan: PlanRecord
    legs: tuple[LegRecord, ...]


class CostsView(BaseModel):
    measured: tuple[OrderCostsMeasured, ...]
    waiting: tuple[OrderCostsMeasured, ...]
    """Over, as far as their costs are known by now: the quote after their last fills is still to come."""


class OrderView(BaseModel):
    id: str
    client_order_id: str
    symbol: str
    side: Side
    qty: Decimal | None
    filled_qty: Decimal
    filled_avg_price: Decimal | None
    limit_price: Decimal | None
    status: str
    submitted_at: AwareDatetime
    is_ours: bool


class PositionView(BaseModel):
    """Made of a Position."""

    model_config = ConfigDict(from_attributes=True)

    symbol: str
    qty: Decimal
    available_qty: Decimal
    average_price: Decimal
    price: Decimal | None


class AccountView(BaseModel):
    account: str
    """Masked."""
    status: str
    equity: Decimal
    cash: Decimal
    buying_power: Decimal
    is_blocked: bool


class StateView(BaseModel):
    mode: str
    account: str
    """Masked."""
    state: TradingStateName
    reason: str
    since: AwareDatetime | None
    cause: HaltCause
    """A person, or what stopped trading by itself."""
    active_plan: str | None
    armed: bool
    armed_until: AwareDatetime | None
    disarmed_because: str | None
    reconciliation: ReconciliationView | None


def order_view(order: BrokerOrder, *, is_ours: bool) -> OrderView:
    return OrderView(
        id=order.id,
        client_order_id=order.client_order_id,
        symbol=order.symbol,
        side=order.side,
        qty=order.qty,
        filled_qty=order.filled_qty,
        filled_avg_price=order.filled_avg_price,
        limit_price=order.limit_price,
        status=order.status.value,
        submitted_at=order.submitted_at,
        is_ours=is_ours,
    )


def account_view(account: Account) -> AccountView:
    return AccountView(
        account=masked(account.number),
        status=account.status,
        equity=account.equity,
        cash=account.cash,
        buying_power=account.buying_power,
        is_blocked=account.is_blocked,
    )

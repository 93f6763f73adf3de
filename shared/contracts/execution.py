"""What execution tells: plans, the life of every order, results, halts."""

from __future__ import annotations

from decimal import Decimal
from typing import Annotated, Literal

from pydantic import AwareDatetime, Field

from shared.contracts.base import Message, Money, Price, Qty, Side, Symbol, Value, Weight
from shared.contracts.costs import FillCosts, OrderCosts

PositiveQty = Annotated[Decimal, Field(gt=0, allow_inf_nan=False, max_digits=24, decimal_places=9)]


class Trade(Value):
    """One line of a plan: trade `qty` shares, about `notional` dollars at the planning price."""

    symbol: Symbol
    side: Side
    qty: PositiveQty
    price: Price
    notional: Money
    held_qty: Qty
    target_qty: Qty
    target_weight: Weight
    reason: str
    decision_price: Price | None = None
    """What the strategy decided with, where it told a price."""


class Refusal(Value):
    """A trade the limits did not let through: which limit, what it saw, what it allows."""

    symbol: Symbol
    side: Side
    limit: str
    detail: str
    notional: Money | None = None


class RebalancePlanned(Message):
    kind: Literal["execution.rebalance_planned.v1"] = "execution.rebalance_planned.v1"
    plan_id: str
    run_id: str
    equity: Money
    cash: Money
    trades: tuple[Trade, ...]
    refusals: tuple[Refusal, ...]
    dry_run: bool = False
    """True while disarmed: decided and reported, nothing is placed."""


class OrderFact(Message):
    """What all order messages carry. An order is one smart order of a plan; a child is what the broker holds for it."""

    plan_id: str
    order_id: str
    """Ours: plan, symbol and side."""
    symbol: Symbol
    side: Side


class OrderPlaced(OrderFact):
    """One child was accepted by the broker (or its replacement was)."""

    kind: Literal["execution.order_placed.v1"] = "execution.order_placed.v1"
    client_order_id: str
    broker_order_id: str
    qty: PositiveQty
    order_type: Literal["limit", "market"]
    limit_price: Price | None
    rung: str
    bid: Price | None = None
    ask: Price | None = None
    sent_at: AwareDatetime
    acknowledged_at: AwareDatetime


class OrderExecution(OrderFact):
    """What every fill carries. The quote is the newest one at or before it; absent where none was fresh enough."""

    rung: str = ""
    filled_at: AwareDatetime | None = None
    """The broker's instant; None where the fill's own event was lost."""
    bid: Price | None = None
    ask: Price | None = None
    quoted_at: AwareDatetime | None = None


class OrderPartlyFilled(OrderExecution):
    kind: Literal["execution.order_partly_filled.v1"] = "execution.order_partly_filled.v1"
    client_order_id: str
    execution_id: str
    qty: PositiveQty
    price: Price
    filled_qty: PositiveQty
    """Of the whole smart order, this execution included."""
    total_qty: PositiveQty


class OrderFilled(OrderExecution):
    """The smart order is complete; the last execution's numbers ride along."""

    kind: Literal["execution.order_filled.v1"] = "execution.order_filled.v1"
    client_order_id: str
    execution_id: str
    qty: PositiveQty
    price: Price
    filled_qty: PositiveQty
    average_price: Price
    arrival_mid: Price | None = None
    slippage_bps: Decimal | None = None
    """Paid against the mid at arrival; negative is better than the mid."""


class OrderChildEnded(OrderFact):
    """A child ended unfilled or partly filled: canceled, replaced, expired or rejected."""

    kind: Literal["execution.order_child_ended.v1"] = "execution.order_child_ended.v1"
    client_order_id: str
    status: Literal["canceled", "replaced", "expired", "rejected", "done_for_day"]
    filled_qty: Qty
    reason: str = ""


class OrderUnknown(OrderFact):
    """The broker's answer is not known: the order may or may not be live. Resolved by client order id, never sent again under a new one."""

    kind: Literal["execution.order_unknown.v1"] = "execution.order_unknown.v1"
    client_order_id: str
    reason: str


class OrderAbandoned(OrderFact):
    """The smart order ends without its full quantity, and says why."""

    kind: Literal["execution.order_abandoned.v1"] = "execution.order_abandoned.v1"
    filled_qty: Qty
    total_qty: PositiveQty
    reason: str


class OrderRefused(OrderFact):
    """A limit, or the broker, refused the order before any of it was live."""

    kind: Literal["execution.order_refused.v1"] = "execution.order_refused.v1"
    limit: str
    detail: str


class OrderCostsMeasured(OrderFact):
    """An order is over and the quotes after its fills have been seen, or can no longer be."""

    kind: Literal["execution.order_costs.v1"] = "execution.order_costs.v1"
    outcome: Literal["filled", "partly filled", "unfilled", "refused", "unknown"]
    arrived_at: AwareDatetime
    ended_at: AwareDatetime
    children: Annotated[int, Field(ge=0)]
    realised_after_seconds: Annotated[float, Field(gt=0)]
    costs: OrderCosts
    fills: tuple[FillCosts, ...] = ()


class HoldingResult(Value):
    """One symbol after the rebalance, against its target."""

    symbol: Symbol
    qty: Qty
    target_qty: Qty
    price: Price
    weight: Decimal
    target_weight: Weight


class OrderResult(Value):
    order_id: str
    symbol: Symbol
    side: Side
    outcome: Literal["filled", "partly filled", "unfilled", "refused", "unknown"]
    qty: PositiveQty
    filled_qty: Qty
    average_price: Price | None
    arrival_mid: Price | None
    slippage_bps: Decimal | None
    children: Annotated[int, Field(ge=0)]
    seconds: Annotated[float, Field(ge=0)]
    detail: str = ""
    costs: OrderCosts | None = None
    """All but the realised spread, which is known only later; None in reports older than it."""


class RebalanceCompleted(Message):
    """The plan is over. `cash_before + sells - buys - fees = cash_after` must hold; `cash_gap` is what it missed by."""

    kind: Literal["execution.rebalance_completed.v1"] = "execution.rebalance_completed.v1"
    plan_id: str
    run_id: str
    outcome: Literal["complete", "partial", "nothing to do", "refused", "dry run", "halted"]
    started_at: AwareDatetime
    equity: Money
    cash_before: Money
    cash_after: Money
    bought: Money
    sold: Money
    cash_gap: Money
    orders: tuple[OrderResult, ...]
    holdings: tuple[HoldingResult, ...]
    refusals: tuple[Refusal, ...]


class TradingHalted(Message):
    """HALTED: nothing is placed and open orders are cancelled. REDUCING: sells only."""

    kind: Literal["execution.trading_halted.v1"] = "execution.trading_halted.v1"
    state: Literal["REDUCING", "HALTED"]
    reason: str
    cancelled: Annotated[int, Field(ge=0)] = 0
    cause: str = "person"


class TradingResumed(Message):
    """`note` says what was counted anew."""

    kind: Literal["execution.trading_resumed.v1"] = "execution.trading_resumed.v1"
    reason: str
    note: str = ""

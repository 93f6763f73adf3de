"""A smart order and its children, as far as the broker's words prove: filled quantity only grows, a terminal status wins.

A child is one order at the broker. At most one child may still fill at any time; everything else follows from that.
"""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass, replace
from decimal import Decimal
from enum import StrEnum
from typing import Literal

from services.execution.domain.broker import BrokerOrder, BrokerUpdate, Status
from shared.contracts.base import Side
from shared.contracts.marketdata import Quote

_OVER_FOR_TODAY = frozenset({Status.DONE_FOR_DAY, Status.CALCULATED})
"""Not terminal at the broker, but a day order fills no more after them."""

Ending = Literal["filled", "partly filled", "unfilled", "refused", "unknown"]


class Phase(StrEnum):
    """Where a smart order stands.

    READY ──► PLACING ──► WORKING ──► CANCELLING ──► READY ... DONE
                 └──► UNKNOWN ──► WORKING | PLACING (the same id again)
    """

    READY = "ready"
    PLACING = "placing"
    WORKING = "working"
    CANCELLING = "cancelling"
    UNKNOWN = "unknown"
    DONE = "done"


@dataclass(frozen=True, slots=True)
class Execution:
    """One fill that was counted. `id` is the broker's, or made from the cumulative quantity where an event was lost.

    Then its instant is not known, and neither is `quote`: the newest two-sided one at or before it.
    """

    id: str
    qty: Decimal
    price: Decimal
    at: dt.datetime | None = None
    quote: Quote | None = None


@dataclass(frozen=True, slots=True)
class SpreadSum:
    """Fills against the midpoints of quotes; the two sums of dollars are over `qty` shares, and only over these."""

    qty: Decimal = Decimal(0)
    paid: Decimal = Decimal(0)
    at_mid: Decimal = Decimal(0)

    def with_fill(self, qty: Decimal, price: Decimal, mid: Decimal) -> SpreadSum:
        return SpreadSum(self.qty + qty, self.paid + qty * price, self.at_mid + qty * mid)

    def __add__(self, other: SpreadSum) -> SpreadSum:
        return SpreadSum(self.qty + other.qty, self.paid + other.paid, self.at_mid + other.at_mid)


@dataclass(frozen=True, slots=True)
class Child:
    """One order sent. `status` None: the broker has not been heard about it. `paid` is dollars for `filled` shares."""

    client_order_id: str
    rung: str
    attempt: int
    qty: Decimal
    limit_price: Decimal | None
    sent_at: dt.datetime
    bid: Decimal | None = None
    ask: Decimal | None = None
    broker_order_id: str | None = None
    status: Status | None = None
    filled: Decimal = Decimal(0)
    paid: Decimal = Decimal(0)
    execution_ids: tuple[str, ...] = ()
    executed: Decimal = Decimal(0)
    """Sum of the executions told one by one; may run ahead of an old snapshot or behind a lost event."""
    is_over: bool = False
    """Proven that no more of it can fill."""
    is_taken_over: bool = False
    """Somebody else replaced it: `broker_order_id` is its successor's, whose quantity and fills carry this child's on."""
    quoted: SpreadSum = SpreadSum()
    """Of `filled`, what met a quote that is known."""

    @property
    def open_qty(self) -> Decimal:
        return Decimal(0) if self.is_over else self.qty - self.filled


@dataclass(frozen=True, slots=True)
class SmartOrder:
    """One symbol's trade of a plan, worked by one child at a time. Phase and children say what is proven."""

    order_id: str
    plan_id: str
    correlation_id: str
    symbol: str
    side: Side
    total: Decimal
    close_at: dt.datetime
    """When the session ends: a day order cannot fill after it."""
    started_at: dt.datetime
    reason: str = ""
    """Why the plan trades it, in the plan's words."""
    whole_shares: bool = False
    coarse_prices: bool = False
    moves: int | None = None
    """How many prices may follow the first, None for as many as the policy has: requests to the broker are few."""
    phase: Phase = Phase.READY
    children: tuple[Child, ...] = ()
    rung: int = 0
    rung_since: dt.datetime | None = None
    usual_volume: Decimal | None = None
    """Shares of its symbol that are traded in a usual day, where that is known."""
    slice_goal: Decimal | None = None
    """The filled quantity at which the slice under way is whole; None before the first one."""
    slice_qty: Decimal | None = None
    slice_since: dt.datetime | None = None
    """When that slice began, or will."""
    arrival_mid: Decimal | None = None
    arrival: Quote | None = None
    """The first quote it could be priced with; None too where a worker died before it was written down."""
    ended: Quote | None = None
    """The quote at its end, where something was left unfilled and one was there."""
    wanted: Decimal | None = None
    """What it began with; `total` may shrink. None in records older than it."""
    decision_price: Decimal | None = None
    decision_source: Literal["strategy", "plan"] | None = None
    wake_at: dt.datetime | None = None
    """When time alone changes something; None: only news does."""
    heard_at: dt.datetime | None = None
    asked_at: dt.datetime | None = None
    """When the cancel was first asked for, or the fate first became unknown."""
    asks: int = 0
    """Questions or repetitions since the last conclusive answer: they space themselves out."""
    resends: int = 0
    rejections: int = 0
    stop_reason: str = ""
    is_hurried: bool = False
    """Whether only the last rung is left to it, whatever its policy."""
    is_stuck_told: bool = False
    parked_since: dt.datetime | None = None
    """Since when its symbol does not trade, as the broker says; a person was told."""
    parked_seconds: float = 0
    """How long it was parked before; it does not count against patience."""
    ending: Ending | None = None
    detail: str = ""
    ended_at: dt.datetime | None = None
    told: int = 0
    """Facts told so far; it numbers them."""

    @property
    def filled(self) -> Decimal:
        return sum((child.filled for child in self.children), Decimal(0))

    @property
    def paid(self) -> Decimal:
        return sum((child.paid for child in self.children), Decimal(0))

    @property
    def quoted(self) -> SpreadSum:
        return sum((child.quoted for child in self.children), SpreadSum())

    @property
    def missed(self) -> Decimal:
        """What it began with and has not filled, what the broker's refusals took off it included."""
        return max(Decimal(0), (self.wanted or self.total) - self.filled)

    @property
    def remaining(self) -> Decimal:
        """What no child has filled; may be sent only while nothing is live."""
        return self.total - self.filled

    @property
    def open_qty(self) -> Decimal:
        """What may still fill, sent and not proven over."""
        return sum((child.open_qty for child in self.children), Decimal(0))

    @property
    def is_out_of_moves(self) -> bool:
        """Whether the next child must be the last one."""
        return not self.can_afford(1)

    def can_afford(self, children: int) -> bool:
        """Whether so many more may be sent before the last one."""
        taken = sum(1 for child in self.children if child.status is not Status.REJECTED)
        return self.moves is None or taken + children <= self.moves

    @property
    def live(self) -> Child | None:
        """The child that may still fill."""
        return next((child for child in self.children if not child.is_over), None)

    @property
    def average_price(self) -> Decimal | None:
        return (self.paid / self.filled).quantize(Decimal("0.000001")) if self.filled > 0 else None

    @property
    def slippage_bps(self) -> Decimal | None:
        """Paid against the midpoint at arrival; negative is better than the midpoint."""
        average = self.average_price
        if average is None or self.arrival_mid is None:
            return None
        worse = average - self.arrival_mid if self.side == "buy" else self.arrival_mid - average
        return (worse / self.arrival_mid * 10_000).quantize(Decimal("0.01"))

    def child(self, client_order_id: str) -> Child | None:
        return next((child for child in self.children if child.client_order_id == client_order_id), None)

    def with_child(self, changed: Child) -> SmartOrder:
        children = tuple(changed if c.client_order_id == changed.client_order_id else c for c in self.children)
        return replace(self, children=children)


def merged(child: Child, word: BrokerOrder, execution: Execution | None = None) -> tuple[Child, Execution | None]:
    """The child after one more word of the broker, and the newly proven fill if the word proved one.

    Safe against repetition, loss and disorder: an execution counts once, the cumulative quantity only raises what is known.
    """
    child, is_stale = _followed(child, word)
    is_new = execution is not None and execution.id not in child.execution_ids
    executed = child.executed + execution.qty if execution is not None and is_new else child.executed
    told = child.qty if word.status is Status.FILLED and not is_stale else word.filled_qty
    filled = min(child.qty, max(child.filled, executed, told)) if child.qty >= told else told
    fill = _fill(child, word, execution if is_new else None, filled)
    keeps = (child.is_over and not word.status.is_terminal) or (is_stale and word.status is not Status.FILLED)
    ends = word.status.is_terminal or word.status in _OVER_FOR_TODAY
    changed = replace(
        child,
        broker_order_id=child.broker_order_id or word.id,
        status=child.status if keeps else word.status,
        filled=filled,
        paid=child.paid + (fill.qty * fill.price if fill else 0),
        execution_ids=(*child.execution_ids, execution.id) if execution is not None and is_new else child.execution_ids,
        executed=executed,
        quoted=child.quoted.with_fill(fill.qty, fill.price, fill.quote.mid) if fill and fill.quote else child.quoted,
        is_over=child.is_over or (ends and not keeps) or filled >= child.qty,
    )
    return changed, fill


def _followed(child: Child, word: BrokerOrder) -> tuple[Child, bool]:
    """The child as its successor, where somebody else replaced it; and whether the word is about what it was before."""
    if child.is_over:
        return child, False
    if word.status is Status.REPLACED and word.replaced_by and child.broker_order_id in {None, word.id}:
        return replace(child, broker_order_id=word.replaced_by, is_taken_over=True), True
    is_stale = child.is_taken_over and word.id != child.broker_order_id
    if child.is_taken_over and not is_stale and word.qty is not None:
        child = replace(child, qty=word.qty)
    return child, is_stale


def execution_of(update: BrokerUpdate, quote: Quote | None = None) -> Execution | None:
    """The execution an update tells, None when it is about something else. `quote` stood when it happened."""
    if update.qty is None or update.price is None or update.event not in {"fill", "partial_fill"}:
        return None
    name = update.execution_id or f"{update.order.id}@{update.order.filled_qty.normalize():f}"
    return Execution(name, update.qty, update.price, update.at, quote)


def _fill(child: Child, word: BrokerOrder, execution: Execution | None, filled: Decimal) -> Execution | None:
    qty = filled - child.filled
    if qty <= 0:
        return None
    if execution is not None and execution.qty == qty:
        return execution
    return Execution(f"{word.id}@{filled.normalize():f}", qty, _implied_price(child, word, execution, qty))


def _implied_price(child: Child, word: BrokerOrder, execution: Execution | None, qty: Decimal) -> Decimal:
    """The price of a fill whose own event was lost, from the average; the limit where there is not even that."""
    if word.filled_avg_price is not None and word.filled_qty == child.filled + qty:
        implied = (word.filled_avg_price * word.filled_qty - child.paid) / qty
        if implied > 0:
            return implied.quantize(Decimal("0.000000001"))
    known = word.filled_avg_price or (execution.price if execution else None) or child.limit_price or child.ask
    if known is None:
        raise ValueError(f"{child.client_order_id}: a fill of {qty} without any price")
    return known

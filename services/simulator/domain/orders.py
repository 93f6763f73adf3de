"""An order and the states it can be in. Mutable, but its status moves only along TRANSITIONS.

pending_new -> new -> partially_filled* -> filled          accepted = queued for the next session
accepted ----^  |            |                              held = a leg whose time has not come
held --------^  +--> pending_cancel -> canceled            pending_cancel may still fill
                +--> pending_replace -> replaced           (its successor is a new order)
                +--> expired | rejected
"""

from __future__ import annotations

import copy
import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from enum import StrEnum
from types import MappingProxyType
from typing import TYPE_CHECKING

from services.simulator.domain.numbers import ZERO, floor_qty, is_whole

if TYPE_CHECKING:
    from services.simulator.domain.account import Account


class Side(StrEnum):
    BUY = "buy"
    SELL = "sell"

    @property
    def sign(self) -> int:
        return 1 if self is Side.BUY else -1

    @property
    def opposite(self) -> Side:
        return Side.SELL if self is Side.BUY else Side.BUY


class OrderType(StrEnum):
    MARKET = "market"
    LIMIT = "limit"
    STOP = "stop"
    STOP_LIMIT = "stop_limit"
    TRAILING_STOP = "trailing_stop"


class TimeInForce(StrEnum):
    DAY = "day"
    GTC = "gtc"
    OPG = "opg"
    CLS = "cls"
    IOC = "ioc"
    FOK = "fok"


class OrderClass(StrEnum):
    SIMPLE = "simple"
    BRACKET = "bracket"
    OCO = "oco"
    OTO = "oto"


class Intent(StrEnum):
    BUY_TO_OPEN = "buy_to_open"
    BUY_TO_CLOSE = "buy_to_close"
    SELL_TO_OPEN = "sell_to_open"
    SELL_TO_CLOSE = "sell_to_close"

    @property
    def opens(self) -> bool:
        return self in {Intent.BUY_TO_OPEN, Intent.SELL_TO_OPEN}


class Status(StrEnum):
    NEW = "new"
    PARTIALLY_FILLED = "partially_filled"
    FILLED = "filled"
    DONE_FOR_DAY = "done_for_day"
    CANCELED = "canceled"
    EXPIRED = "expired"
    REPLACED = "replaced"
    PENDING_CANCEL = "pending_cancel"
    PENDING_REPLACE = "pending_replace"
    ACCEPTED = "accepted"
    PENDING_NEW = "pending_new"
    REJECTED = "rejected"
    HELD = "held"


TERMINAL = frozenset({Status.FILLED, Status.CANCELED, Status.EXPIRED, Status.REPLACED, Status.REJECTED})
STOPS = frozenset({OrderType.STOP, OrderType.STOP_LIMIT, OrderType.TRAILING_STOP})
_ENDS = frozenset({Status.CANCELED, Status.EXPIRED, Status.REJECTED})
_LIVE = frozenset(
    {Status.PARTIALLY_FILLED, Status.FILLED, Status.PENDING_CANCEL, Status.PENDING_REPLACE, Status.REPLACED}
)

TRANSITIONS: Mapping[Status, frozenset[Status]] = MappingProxyType(
    {
        Status.PENDING_NEW: _ENDS | {Status.NEW, Status.ACCEPTED, Status.PENDING_CANCEL},
        Status.ACCEPTED: _ENDS | {Status.NEW, Status.PENDING_CANCEL, Status.FILLED},
        Status.HELD: _ENDS | {Status.NEW, Status.PENDING_CANCEL, Status.PENDING_REPLACE, Status.REPLACED},
        Status.NEW: _ENDS | _LIVE,
        Status.PARTIALLY_FILLED: _ENDS | _LIVE,
        Status.PENDING_CANCEL: _ENDS | {Status.PARTIALLY_FILLED, Status.FILLED},
        Status.PENDING_REPLACE: _ENDS | {Status.REPLACED, Status.FILLED, Status.PARTIALLY_FILLED, Status.NEW},
        **{status: frozenset() for status in TERMINAL},
    }
)


class TransitionError(RuntimeError):
    """A move that is not in the table; nothing was changed."""


@dataclass(slots=True, eq=False)
class Order:
    """One order of one account. `qty` is the chain's total when it replaced another; exactly one of qty, notional is set."""

    account: Account = field(repr=False)
    id: str
    client_order_id: str
    sequence: int
    symbol: str
    side: Side
    type: OrderType
    time_in_force: TimeInForce
    intent: Intent
    created_at: dt.datetime
    works_from: dt.datetime
    status: Status = Status.PENDING_NEW
    order_class: OrderClass = OrderClass.SIMPLE
    qty: Decimal | None = None
    notional: Decimal | None = None
    limit_price: Decimal | None = None
    stop_price: Decimal | None = None
    trail_price: Decimal | None = None
    trail_percent: Decimal | None = None
    extended_hours: bool = False
    filled_qty: Decimal = ZERO
    filled_value: Decimal = ZERO
    # High (sell) or low (buy) water mark of a trailing stop.
    hwm: Decimal | None = None
    # What a share of it is taken to cost while it is open; None: it ties up no buying power.
    reserve_price: Decimal | None = None
    # Shares a notional sell is taken to need while it is open.
    notional_shares: Decimal = ZERO
    elected: bool = False
    # Matching: how often it was offered a fill, whether it has rested, and the shares displayed before it at its price.
    attempts: int = 0
    rested: bool = False
    queue_ahead: Decimal | None = None
    updated_at: dt.datetime = field(init=False)
    submitted_at: dt.datetime = field(init=False)
    expires_at: dt.datetime | None = None
    filled_at: dt.datetime | None = None
    expired_at: dt.datetime | None = None
    canceled_at: dt.datetime | None = None
    cancel_requested_at: dt.datetime | None = None
    failed_at: dt.datetime | None = None
    replaced_at: dt.datetime | None = None
    replaced_by: str | None = None
    replaces: str | None = None
    parent: Order | None = field(default=None, repr=False)
    legs: list[Order] = field(default_factory=list, repr=False)

    def __post_init__(self) -> None:
        self.updated_at = self.submitted_at = self.created_at

    @property
    def is_open(self) -> bool:
        return self.status not in TERMINAL

    @property
    def is_fractional(self) -> bool:
        return self.qty is None or not is_whole(self.qty)

    @property
    def awaits_election(self) -> bool:
        """A stop that no trade has touched yet."""
        return self.type in STOPS and not self.elected

    @property
    def leaves_qty(self) -> Decimal:
        """Shares still to fill; for a notional order an estimate."""
        if self.qty is not None:
            return self.qty - self.filled_qty
        return max(self.notional_shares - self.filled_qty, ZERO)

    @property
    def filled_avg_price(self) -> Decimal | None:
        if self.filled_qty == 0:
            return None
        return round(self.filled_value / self.filled_qty, 6)

    @property
    def reservation(self) -> Decimal:
        """Buying power it ties up."""
        if self.reserve_price is None or self.status is Status.HELD:
            return ZERO
        if self.notional is not None:
            return max(self.notional - self.filled_value, ZERO)
        return self.reserve_price * self.leaves_qty

    @property
    def ties_up(self) -> Decimal:
        """Shares of the position it holds back from other orders."""
        return ZERO if self.status is Status.HELD else self.leaves_qty

    def remaining_at(self, price: Decimal) -> Decimal:
        """Shares that complete it at that price."""
        if self.notional is not None:
            return floor_qty((self.notional - self.filled_value) / price)
        return self.leaves_qty

    def move(self, to: Status, at: dt.datetime) -> None:
        if to not in TRANSITIONS[self.status]:
            raise TransitionError(f"order {self.id}: {self.status} does not lead to {to}")
        self.status = to
        self.updated_at = at

    def add_fill(self, qty: Decimal, price: Decimal, at: dt.datetime, *, completes: bool) -> None:
        self.move(Status.FILLED if completes else Status.PARTIALLY_FILLED, at)
        self.filled_qty += qty
        self.filled_value += qty * price
        if completes:
            self.filled_at = at

    def snapshot(self) -> Order:
        """The order as it stands now, legs included; later changes do not show in it."""
        copied = copy.copy(self)
        copied.legs = [copy.copy(leg) for leg in self.legs]
        return copied

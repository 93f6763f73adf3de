"""The broker as execution's domain knows it: what is asked of it, what it answers, and that an answer can be unknown.

    place ──► Acknowledged | Rejected | Unknown          cancel ──► CancelRequested | Rejected | Unknown

Unknown is no failure: the order may be live. It is resolved by asking for the client order id, never by sending again under a new one.
"""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum
from typing import Literal

from shared.contracts.base import Side


class Status(StrEnum):
    """Alpaca's order statuses. Whatever else arrives is UNRECOGNISED: kept, told, and never treated as terminal."""

    NEW = "new"
    PARTIALLY_FILLED = "partially_filled"
    FILLED = "filled"
    DONE_FOR_DAY = "done_for_day"
    CANCELED = "canceled"
    EXPIRED = "expired"
    REPLACED = "replaced"
    PENDING_CANCEL = "pending_cancel"
    PENDING_REPLACE = "pending_replace"
    PENDING_REVIEW = "pending_review"
    ACCEPTED = "accepted"
    PENDING_NEW = "pending_new"
    ACCEPTED_FOR_BIDDING = "accepted_for_bidding"
    STOPPED = "stopped"
    REJECTED = "rejected"
    SUSPENDED = "suspended"
    CALCULATED = "calculated"
    HELD = "held"
    UNRECOGNISED = "unrecognised"

    @property
    def is_terminal(self) -> bool:
        return self in _TERMINAL


_TERMINAL = frozenset({Status.FILLED, Status.CANCELED, Status.EXPIRED, Status.REPLACED, Status.REJECTED})


class RejectKind(StrEnum):
    """Why a request was refused, as far as (HTTP status, code) and the text tell."""

    DUPLICATE_CLIENT_ID = "duplicate client order id"
    BUYING_POWER = "buying power"
    HELD_SHARES = "shares held for orders"
    WASH_TRADE = "wash trade"
    HALTED = "trading halt"
    SUB_PENNY = "sub-penny price"
    NOT_FRACTIONABLE = "not fractionable"
    MINIMUM_NOTIONAL = "minimum notional"
    UNKNOWN_ASSET = "unknown asset"
    NOT_FOUND = "not found"
    NOT_CANCELABLE = "not cancelable"
    UNAUTHORIZED = "unauthorized"
    RATE_LIMITED = "rate limited"
    OTHER = "other"


@dataclass(frozen=True, slots=True)
class OrderRequest:
    """One order to send. `qty` shares; `limit_price` None means a market order."""

    client_order_id: str
    symbol: str
    side: Side
    qty: Decimal
    limit_price: Decimal | None
    time_in_force: Literal["day", "gtc", "ioc"] = "day"


@dataclass(frozen=True, slots=True)
class BrokerOrder:
    """An order as the broker last told it. `filled_qty` is cumulative."""

    id: str
    client_order_id: str
    symbol: str
    side: Side
    qty: Decimal | None
    filled_qty: Decimal
    filled_avg_price: Decimal | None
    status: Status
    limit_price: Decimal | None
    submitted_at: dt.datetime
    replaced_by: str | None = None
    replaces: str | None = None


@dataclass(frozen=True, slots=True)
class BrokerUpdate:
    """One event of the broker's trade-update stream. `qty` and `price` are of this execution only."""

    event: str
    at: dt.datetime
    order: BrokerOrder
    execution_id: str | None = None
    qty: Decimal | None = None
    price: Decimal | None = None
    position_qty: Decimal | None = None


@dataclass(frozen=True, slots=True)
class Fill:
    """One execution from the broker's activities."""

    execution_id: str
    order_id: str
    symbol: str
    side: Side
    qty: Decimal
    price: Decimal
    at: dt.datetime


@dataclass(frozen=True, slots=True)
class Payment:
    """An activity that is no execution: a fee, a dividend, interest, a deposit. `type` is Alpaca's; `amount` may be nothing."""

    id: str
    type: str
    amount: Decimal
    at: dt.datetime
    symbol: str | None = None
    description: str = ""


Activity = Fill | Payment


@dataclass(frozen=True, slots=True)
class Account:
    """`number` begins with PA on paper. Money in dollars."""

    number: str
    status: str
    equity: Decimal
    cash: Decimal
    buying_power: Decimal
    is_blocked: bool
    last_equity: Decimal | None = None
    """When the session before ended; None where the broker does not tell."""


@dataclass(frozen=True, slots=True)
class Position:
    symbol: str
    qty: Decimal
    """Negative is short."""
    available_qty: Decimal
    average_price: Decimal
    price: Decimal | None
    """The broker's last price, None when it tells none."""
    is_share: bool = True
    """False for options, crypto and whatever else is no share of a US equity."""


@dataclass(frozen=True, slots=True)
class Asset:
    symbol: str
    is_tradable: bool
    is_fractionable: bool


@dataclass(frozen=True, slots=True)
class Acknowledged:
    order: BrokerOrder


@dataclass(frozen=True, slots=True)
class CancelRequested:
    """The broker took the request; the order may still fill first."""


@dataclass(frozen=True, slots=True)
class Rejected:
    """A definite no: nothing of this request is or will be live."""

    kind: RejectKind
    http_status: int
    code: int | None
    message: str
    retry_after_seconds: float | None = None
    """Told with RATE_LIMITED, where the broker says it."""


@dataclass(frozen=True, slots=True)
class Unknown:
    """No answer that can be trusted: timeout, reset, 5xx, an unreadable body."""

    reason: str


PlaceOutcome = Acknowledged | Rejected | Unknown
CancelOutcome = CancelRequested | Rejected | Unknown

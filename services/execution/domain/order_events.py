"""What can happen to a smart order, and what it can ask for. Answers name the child they are about."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal

from services.execution.domain.broker import BrokerOrder, BrokerUpdate, OrderRequest, RejectKind
from shared.contracts import Message
from shared.contracts.marketdata import Quote


@dataclass(frozen=True, slots=True)
class Tick:
    """Time has passed. The quote is the newest one, None where none is fit to price with."""

    quote: Quote | None


@dataclass(frozen=True, slots=True)
class Placed:
    order: BrokerOrder


@dataclass(frozen=True, slots=True)
class PlaceRejected:
    client_order_id: str
    kind: RejectKind
    message: str


@dataclass(frozen=True, slots=True)
class PlaceUnknown:
    client_order_id: str
    reason: str


@dataclass(frozen=True, slots=True)
class Blocked:
    """One of our own limits objected before anything was journalled or sent. What may pass is tried again about when it says.

    `fits` shares would have passed it.
    """

    client_order_id: str
    limit: str
    detail: str
    may_pass: bool
    retry_seconds: float = 0
    fits: Decimal | None = None


@dataclass(frozen=True, slots=True)
class CancelAccepted:
    client_order_id: str


@dataclass(frozen=True, slots=True)
class CancelRejected:
    client_order_id: str
    kind: RejectKind
    message: str


@dataclass(frozen=True, slots=True)
class CancelUnknown:
    client_order_id: str
    reason: str


@dataclass(frozen=True, slots=True)
class Updated:
    """The broker's update stream spoke of one of our children. A fill comes with the quote it met, where that is known."""

    update: BrokerUpdate
    quote: Quote | None = None


@dataclass(frozen=True, slots=True)
class Found:
    """The answer to a question by client order id."""

    order: BrokerOrder


@dataclass(frozen=True, slots=True)
class NotFound:
    """The broker says that it has no such order. Soon after sending this proves nothing."""

    client_order_id: str


@dataclass(frozen=True, slots=True)
class QueryFailed:
    client_order_id: str
    reason: str


@dataclass(frozen=True, slots=True)
class Stopped:
    """Somebody wants the order to end: a halt, a newer target, a person."""

    reason: str


@dataclass(frozen=True, slots=True)
class Hurried:
    """There is no time for patience any more: trading only reduces."""


Event = (
    Tick
    | Placed
    | PlaceRejected
    | PlaceUnknown
    | Blocked
    | CancelAccepted
    | CancelRejected
    | CancelUnknown
    | Updated
    | Found
    | NotFound
    | QueryFailed
    | Stopped
    | Hurried
)


@dataclass(frozen=True, slots=True)
class Place:
    """Send it, after the limits and the journal. `is_resend`: the same id once more, journalled already."""

    request: OrderRequest
    rung: str
    attempt: int
    quote: Quote | None
    is_resend: bool = False


@dataclass(frozen=True, slots=True)
class Cancel:
    client_order_id: str
    broker_order_id: str


@dataclass(frozen=True, slots=True)
class Query:
    """`decides`: an absence would be believed, so that only the question by this very id may be asked.

    `broker_order_id`: ask by that instead, since somebody replaced the order by one with another client order id.
    """

    client_order_id: str
    decides: bool = False
    broker_order_id: str | None = None

    @property
    def is_alone(self) -> bool:
        """Whether a list of orders cannot answer it."""
        return self.decides or self.broker_order_id is not None


@dataclass(frozen=True, slots=True)
class Tell:
    """Publish a fact or an alert. Its id follows from the order and its number, so that telling twice tells once."""

    message: Message


Command = Place | Cancel | Query | Tell


class ImpossibleEventError(ValueError):
    """This event cannot happen to an order in this phase: something outside the table is wrong. Nothing was changed."""

"""What the limits' objections and the broker's outcomes are to a smart order, and to the journal."""

from __future__ import annotations

from services.execution.domain.broker import (
    Acknowledged,
    CancelOutcome,
    CancelRequested,
    PlaceOutcome,
    Rejected,
    RejectKind,
    Unknown,
)
from services.execution.domain.limits import Objection
from services.execution.domain.order_events import (
    Blocked,
    CancelAccepted,
    CancelRejected,
    CancelUnknown,
    Event,
    Placed,
    PlaceRejected,
    PlaceUnknown,
)


def blocked(name: str, objection: Objection) -> Blocked:
    return Blocked(name, objection.limit, objection.detail, objection.may_pass, fits=objection.fits)


def placed(name: str, outcome: PlaceOutcome) -> Event:
    match outcome:
        case Acknowledged(order=order):
            return Placed(order)
        case Rejected(kind=kind, message=message):
            return PlaceRejected(name, kind, message)
        case Unknown(reason=reason):
            return PlaceUnknown(name, reason)


def cancelled(name: str, outcome: CancelOutcome) -> Event:
    match outcome:
        case CancelRequested():
            return CancelAccepted(name)
        case Rejected(kind=kind, message=message):
            return CancelRejected(name, kind, message)
        case Unknown(reason=reason):
            return CancelUnknown(name, reason)


def settlement(outcome: PlaceOutcome, *, is_resend: bool) -> tuple[str, str | None]:
    """What the journal says of it. After a repetition, or of a name that exists, a no proves nothing about the first sending."""
    match outcome:
        case Acknowledged(order=order):
            return ("acknowledged" if not order.status.is_terminal else order.status.value), order.id
        case Rejected(kind=kind) if not is_resend and kind is not RejectKind.DUPLICATE_CLIENT_ID:
            return "rejected", None
        case _:
            return "unknown", None

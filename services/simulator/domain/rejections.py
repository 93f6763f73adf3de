"""Every refusal the venue can give, with its status, code and body keys (the catalogue of Alpaca's own).

    Rejection
      400 40010000 malformed body      400 40010001 malformed value    401 not logged in     403 forbidden
      403 40310000 the account may not 404 40410000 no such thing      422 40010001/42210000 the order may not be
      429 42910000 too many requests   500 50010000 internal           504 50410000 timed out

Status and code are the contract; texts may change.
"""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal

from services.simulator.domain.numbers import plain


class Rejection(Exception):  # noqa: N818 - it is an answer of the venue, not an error of this program
    """A refusal as it goes over the wire: HTTP status and JSON body."""

    def __init__(self, status: int, code: int | None, message: str, extra: Mapping[str, object] | None = None) -> None:
        super().__init__(message)
        self.status = status
        self.code = code
        self.message = message
        self.extra = dict(extra or {})

    def body(self) -> dict[str, object]:
        code = {} if self.code is None else {"code": self.code}
        return {**code, "message": self.message, **self.extra}


def malformed_body(message: str) -> Rejection:
    return Rejection(400, 40010000, message)


def malformed_value(message: str) -> Rejection:
    return Rejection(400, 40010001, message)


def missing(field: str) -> Rejection:
    return Rejection(422, 40010001, f"{field} is required")


def unprocessable(message: str) -> Rejection:
    return Rejection(422, 42210000, message)


def halted(symbol: str) -> Rejection:
    return Rejection(403, 40310000, f"trading in {symbol} is halted")


def not_unique() -> Rejection:
    return Rejection(422, 40010001, "client_order_id must be unique")


def not_at_the_exchange_yet() -> Rejection:
    return Rejection(422, 40010001, "unable to replace order, order isn't sent to exchange yet")


def not_authorized() -> Rejection:
    return Rejection(401, 40110000, "request is not authorized")


def forbidden() -> Rejection:
    """The one refusal without a code, as the real one has it."""
    return Rejection(403, None, "forbidden.")


def not_allowed(message: str, extra: Mapping[str, object] | None = None) -> Rejection:
    return Rejection(403, 40310000, message, extra)


def insufficient_buying_power(buying_power: Decimal, cost_basis: Decimal) -> Rejection:
    extra = {"buying_power": plain(buying_power), "cost_basis": plain(cost_basis)}
    return not_allowed("insufficient buying power", extra)


def insufficient_qty(
    symbol: str, requested: Decimal, existing: Decimal, held: Decimal, related_orders: list[str]
) -> Rejection:
    available = plain(max(existing - held, Decimal(0)))
    message = f"insufficient qty available for order (requested: {plain(requested)}, available: {available})"
    return not_allowed(
        message,
        {
            "available": available,
            "existing_qty": plain(existing),
            "held_for_orders": plain(held),
            "related_orders": related_orders,
            "symbol": symbol,
        },
    )


def wash_trade(existing_order_id: str) -> Rejection:
    return not_allowed(
        "potential wash trade detected. use complex orders",
        {"existing_order_id": existing_order_id, "reject_reason": "opposite side market/stop/limit order exists"},
    )


def not_found(message: str) -> Rejection:
    return Rejection(404, 40410000, message)


def too_many_requests() -> Rejection:
    return Rejection(429, 42910000, "rate limit exceeded")


def internal_error() -> Rejection:
    return Rejection(500, 50010000, "internal server error occurred")


def timed_out() -> Rejection:
    return Rejection(504, 50410000, "request timed out")

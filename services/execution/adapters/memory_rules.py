"""Alpaca's rules about one order, and scripted answers, as the in-memory broker uses them."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from typing import Literal

from services.execution.domain.broker import Asset, BrokerOrder, OrderRequest, Rejected, RejectKind, Status, Unknown
from services.execution.ports import BrokerUnavailableError

Call = Literal["place", "replace", "cancel", "question"]
STATE = 42210000
FORBIDDEN = 40310000


@dataclass(frozen=True, slots=True)
class Scripted:
    """The next answer to a call. `takes_effect`: it is carried out all the same, as when a 504 hides an accepted order."""

    answer: Rejected | Unknown | BrokerUnavailableError
    takes_effect: bool = False


def malformed(request: OrderRequest, asset: Asset | None) -> Rejected | None:
    price = request.limit_price
    if asset is None:
        return no(RejectKind.UNKNOWN_ASSET, 422, STATE, f'asset "{request.symbol}" not found')
    if request.qty != int(request.qty) and not asset.is_fractionable:
        return no(RejectKind.NOT_FRACTIONABLE, 422, STATE, f'asset "{request.symbol}" is not fractionable')
    if price is not None and price >= 1 and price != round(price, 2):
        return no(RejectKind.SUB_PENNY, 422, STATE, f"invalid limit_price {price}. sub-penny increment")
    return None


def unaffordable(request: OrderRequest, shares: Decimal, cash: Decimal) -> Rejected | None:
    """With so many shares and so much cash that no other order claims."""
    price = request.limit_price
    if request.side == "sell" and request.qty > shares:
        return no(RejectKind.HELD_SHARES, 403, FORBIDDEN, "insufficient qty available for order")
    if request.side == "buy" and price is not None and price * request.qty > cash:
        return no(RejectKind.BUYING_POWER, 403, FORBIDDEN, "insufficient buying power")
    return None


def irreplaceable(order: BrokerOrder, qty: Decimal) -> Rejected | None:
    if order.status.is_terminal or is_pending(order):
        return no(RejectKind.NOT_CANCELABLE, 422, STATE, f"cannot replace order in {order.status.value} status")
    return no(RejectKind.OTHER, 422, STATE, "qty must be > filled_qty") if qty <= order.filled_qty else None


def is_pending(order: BrokerOrder) -> bool:
    return order.status in (Status.PENDING_CANCEL, Status.PENDING_REPLACE, Status.PENDING_NEW)


def no(kind: RejectKind, status: int, code: int, message: str) -> Rejected:
    return Rejected(kind, status, code, f"HTTP {status} {code}: {message}")


def outcome_in(scripted: Scripted) -> Rejected | Unknown:
    if isinstance(scripted.answer, BrokerUnavailableError):
        raise TypeError("an action answers Rejected or Unknown; BrokerUnavailableError is for questions")
    return scripted.answer

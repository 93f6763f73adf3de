"""The facts and alerts a smart order tells, made from its state. Ids are numbered per order, so a repetition is recognised."""

from __future__ import annotations

import datetime as dt
from dataclasses import replace
from decimal import Decimal
from typing import Any, Final, Literal, TypeVar

from services.execution.domain import alerts
from services.execution.domain.broker import Status
from services.execution.domain.order_state import Child, Execution, SmartOrder
from shared.contracts import Message
from shared.contracts.alerts import Severity
from shared.contracts.execution import (
    OrderAbandoned,
    OrderChildEnded,
    OrderFact,
    OrderFilled,
    OrderPartlyFilled,
    OrderPlaced,
    OrderRefused,
    OrderUnknown,
)

_F = TypeVar("_F", bound=OrderFact)
_SHOWN: Final = Decimal("0.000000001")
_EndedStatus = Literal["canceled", "replaced", "expired", "rejected", "done_for_day"]
_ENDED: Final[dict[Status, _EndedStatus]] = {
    Status.CANCELED: "canceled",
    Status.REPLACED: "replaced",
    Status.EXPIRED: "expired",
    Status.REJECTED: "rejected",
    Status.DONE_FOR_DAY: "done_for_day",
}


def numbered(order: SmartOrder) -> tuple[SmartOrder, str]:
    """The order having told one fact more, and that fact's id."""
    told = order.told + 1
    return replace(order, told=told), f"{order.order_id}#{told}"


def placed(order: SmartOrder, child: Child, now: dt.datetime) -> tuple[SmartOrder, Message]:
    return _fact(
        order,
        OrderPlaced,
        now,
        client_order_id=child.client_order_id,
        broker_order_id=child.broker_order_id or "",
        qty=child.qty,
        order_type="limit" if child.limit_price is not None else "market",
        limit_price=child.limit_price,
        rung=child.rung,
        bid=child.bid,
        ask=child.ask,
        sent_at=child.sent_at,
        acknowledged_at=now,
    )


def filled(order: SmartOrder, child: Child, execution: Execution, now: dt.datetime) -> tuple[SmartOrder, Message]:
    """OrderFilled when this fill completed the order, else OrderPartlyFilled."""
    common: dict[str, Any] = {
        "client_order_id": child.client_order_id,
        "execution_id": execution.id,
        "qty": execution.qty,
        "price": execution.price.quantize(_SHOWN),
        "filled_qty": order.filled,
        "rung": child.rung,
        "filled_at": execution.at,
        "bid": execution.quote.bid if execution.quote else None,
        "ask": execution.quote.ask if execution.quote else None,
        "quoted_at": execution.quote.at if execution.quote else None,
    }
    if order.filled < order.total:
        return _fact(order, OrderPartlyFilled, now, total_qty=order.total, **common)
    return _fact(
        order,
        OrderFilled,
        now,
        average_price=order.average_price,
        arrival_mid=order.arrival_mid,
        slippage_bps=order.slippage_bps,
        **common,
    )


def child_ended(order: SmartOrder, child: Child, now: dt.datetime, reason: str) -> tuple[SmartOrder, Message]:
    status: _EndedStatus = _ENDED.get(child.status or Status.REJECTED, "rejected")
    return _fact(
        order,
        OrderChildEnded,
        now,
        client_order_id=child.client_order_id,
        status=status,
        filled_qty=child.filled,
        reason=reason,
    )


def unknown(order: SmartOrder, child: Child, reason: str, now: dt.datetime) -> tuple[SmartOrder, Message]:
    return _fact(order, OrderUnknown, now, client_order_id=child.client_order_id, reason=reason)


def abandoned(order: SmartOrder, now: dt.datetime) -> tuple[SmartOrder, Message]:
    return _fact(order, OrderAbandoned, now, filled_qty=order.filled, total_qty=order.total, reason=order.detail)


def refused(order: SmartOrder, limit: str, now: dt.datetime) -> tuple[SmartOrder, Message]:
    return _fact(order, OrderRefused, now, limit=limit, detail=order.detail)


def alert(
    order: SmartOrder, severity: Severity, now: dt.datetime, *, title: str, detail: str, what_to_do: str
) -> tuple[SmartOrder, Message]:
    order, name = numbered(order)
    title = f"{order.side} {order.symbol}: {title}"
    return order, alerts.alert(name, now, severity, title, detail, do=what_to_do, of=order.correlation_id)


def _fact(order: SmartOrder, kind: type[_F], now: dt.datetime, **fields: Any) -> tuple[SmartOrder, Message]:
    order, name = numbered(order)
    return order, kind(**about(order, name, now), **fields)


def about(order: SmartOrder, name: str, now: dt.datetime) -> dict[str, Any]:
    """What every fact about an order begins with."""
    return {
        "id": name,
        "correlation_id": order.correlation_id,
        "at": now,
        "plan_id": order.plan_id,
        "order_id": order.order_id,
        "symbol": order.symbol,
        "side": order.side,
    }

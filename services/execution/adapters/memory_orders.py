"""An order's life at the in-memory broker: it begins, fills, or gives way to its successor."""

from __future__ import annotations

import datetime as dt
from dataclasses import replace
from decimal import Decimal

from services.execution.adapters.memory_rules import is_pending
from services.execution.domain.broker import BrokerOrder, OrderRequest, Status


def begun(request: OrderRequest, order_id: str, at: dt.datetime) -> BrokerOrder:
    return BrokerOrder(
        id=order_id,
        client_order_id=request.client_order_id,
        symbol=request.symbol,
        side=request.side,
        qty=request.qty,
        filled_qty=Decimal(0),
        filled_avg_price=None,
        status=Status.NEW,
        limit_price=request.limit_price,
        submitted_at=at,
    )


def filled(order: BrokerOrder, qty: Decimal, price: Decimal) -> BrokerOrder:
    """With so many shares more. Raises ValueError for more than it is about."""
    total = order.filled_qty + qty
    if order.qty is None or total > order.qty:
        raise ValueError(f"qty: expected at most {order.qty}, got {total} for {order.client_order_id}")
    paid = order.filled_qty * (order.filled_avg_price or Decimal(0)) + qty * price
    partly = order.status if is_pending(order) else Status.PARTIALLY_FILLED
    status = Status.FILLED if total == order.qty else partly
    return replace(order, filled_qty=total, filled_avg_price=paid / total, status=status)


def exchanged(old: BrokerOrder, wanted: BrokerOrder, order_id: str, at: dt.datetime) -> tuple[BrokerOrder, BrokerOrder]:
    """The order that is gone, and its successor."""
    return (
        replace(old, status=Status.REPLACED, replaced_by=order_id),
        replace(wanted, id=order_id, replaces=old.id, submitted_at=at),
    )

"""The broker's activities as entries of the ledger: whose order an execution was, and what kind of money a payment is."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Final

from services.execution.domain import identity
from services.execution.domain.broker import Activity, BrokerOrder, Fill, Payment
from services.execution.domain.ledger_entries import Entry, Executed, Paid, category_of
from services.execution.ports import Broker, Journal

_SHARE: Final = re.compile(r"[A-Z]+(\.[A-Z]+)?$")
_CONTRACT: Final = re.compile(r"[A-Z]+\d{6}[CP]\d{8}$")
"""An option as the OCC names it; crypto is written with a slash."""
_SHARES_OF_A_CONTRACT: Final = 100


def name_of(activity: Activity) -> str:
    """The entry's id: (order, execution), or the broker's id of a payment."""
    return f"{activity.order_id}:{activity.execution_id}" if isinstance(activity, Fill) else activity.id


def entry_of(activity: Activity, orders: Mapping[str, BrokerOrder], broker: Broker, journal: Journal) -> Entry | None:
    """None for what moves neither shares nor money. An order that is not among `orders` is asked for."""
    if isinstance(activity, Payment):
        return _paid(activity) if activity.amount else None
    if not _SHARE.match(activity.symbol):
        return _paid_for(activity)
    order = orders.get(activity.order_id) or broker.order(activity.order_id)
    client_id = None if order is None else order.client_order_id
    plan_id = identity.plan_named_in(client_id) if client_id is not None and journal.knows(client_id) else None
    return Executed(
        id=name_of(activity),
        at=activity.at,
        order_id=activity.order_id,
        client_order_id=client_id,
        plan_id=plan_id,
        symbol=activity.symbol,
        side=activity.side,
        qty=activity.qty,
        price=activity.price,
    )


def _paid_for(fill: Fill) -> Paid:
    """What is no share stands in no lot; the money it moved is the account's all the same."""
    each = _SHARES_OF_A_CONTRACT if _CONTRACT.match(fill.symbol) else 1
    worth = fill.qty * fill.price * each
    return Paid(
        id=name_of(fill),
        at=fill.at,
        type="FILL",
        category="other",
        amount=-worth if fill.side == "buy" else worth,
        symbol=fill.symbol,
        description=f"{fill.side} {fill.qty} at {fill.price}",
    )


def _paid(payment: Payment) -> Paid:
    return Paid(
        id=payment.id,
        at=payment.at,
        type=payment.type,
        category=category_of(payment.type),
        amount=payment.amount,
        symbol=payment.symbol,
        description=payment.description,
    )

"""The broker's activities as entries of the ledger: whose order an execution was, and what kind of money a payment is."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Final

from services.execution.adapters.ancestry import placed_as
from services.execution.domain import identity
from services.execution.domain.broker import Activity, BrokerOrder, Fill, Payment
from services.execution.domain.ledger_entries import Entry, Executed, Paid, category_of
from services.execution.ports import Broker, Journal

_CONTRACT: Final = re.compile(r"[A-Z]+\d{6,7}[CP]\d{8}$")
"""An option as the OCC names it, with one more digit where it was adjusted; crypto is written with a slash."""
_SHARES_OF_A_CONTRACT: Final = 100


def name_of(activity: Activity) -> str:
    """The entry's id: (order, execution), or the broker's id of a payment."""
    return f"{activity.order_id}:{activity.execution_id}" if isinstance(activity, Fill) else activity.id


def entry_of(activity: Activity, orders: Mapping[str, BrokerOrder], broker: Broker, journal: Journal) -> Entry | None:
    """None for what moves neither shares nor money. An order that is not among `orders` is asked for."""
    if isinstance(activity, Payment):
        return _paid(activity) if activity.amount else None
    if "/" in activity.symbol or _CONTRACT.match(activity.symbol):
        return _paid_for(activity)

    def order_of(order_id: str) -> BrokerOrder | None:
        return orders.get(order_id) or broker.order(order_id)

    order = order_of(activity.order_id)
    ours = placed_as(order, order_of, journal)
    return Executed(
        id=name_of(activity),
        at=activity.at,
        order_id=activity.order_id,
        client_order_id=None if order is None else order.client_order_id,
        plan_id=None if ours is None else identity.plan_named_in(ours),
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

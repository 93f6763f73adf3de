"""The broker's activities as entries of the ledger: whose order an execution was, and what kind of money a payment is."""

from __future__ import annotations

from collections.abc import Mapping

from services.execution.domain import identity
from services.execution.domain.broker import Activity, BrokerOrder, Fill, Payment
from services.execution.domain.ledger_entries import Entry, Executed, Paid, category_of
from services.execution.ports import Broker, Journal


def name_of(activity: Activity) -> str:
    """The entry's id: (order, execution), or the broker's id of a payment."""
    return f"{activity.order_id}:{activity.execution_id}" if isinstance(activity, Fill) else activity.id


def entry_of(activity: Activity, orders: Mapping[str, BrokerOrder], broker: Broker, journal: Journal) -> Entry | None:
    """None for what moves neither shares nor money. An order that is not among `orders` is asked for."""
    if isinstance(activity, Payment):
        return _paid(activity) if activity.amount else None
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

"""Whose an order is. Who changes ours on the broker's page puts another in its place, with a name of its own."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from services.execution.domain.broker import BrokerOrder
from services.execution.ports import Journal

_GENERATIONS: Final = 20


def placed_as(order: BrokerOrder | None, order_of: Callable[[str], BrokerOrder | None], journal: Journal) -> str | None:
    """The client order id under which we sent it, or what it was put in the place of; None where it is somebody else's.

    `order_of` finds an order by the broker's id.
    """
    for _ in range(_GENERATIONS):
        if order is None:
            return None
        if journal.knows(order.client_order_id):
            return order.client_order_id
        order = order_of(order.replaces) if order.replaces else None
    return None

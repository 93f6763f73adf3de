"""Open orders that are not ours: which symbols they keep us out of, and what money they tie up."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from decimal import Decimal

from services.execution.domain.broker import BrokerOrder


def by_symbol(orders: Sequence[BrokerOrder]) -> Mapping[str, tuple[str, ...]]:
    """Their client order ids."""
    found: dict[str, tuple[str, ...]] = {}
    for order in orders:
        found[order.symbol] = (*found.get(order.symbol, ()), order.client_order_id)
    return found


def tied_up(orders: Sequence[BrokerOrder]) -> Decimal:
    """Dollars that open buys may still take; a market order has no amount that anybody knows beforehand."""
    return sum((_rest(order) for order in orders if order.side == "buy"), Decimal(0))


def _rest(order: BrokerOrder) -> Decimal:
    if order.qty is None or order.limit_price is None:
        return Decimal(0)
    return (order.qty - order.filled_qty) * order.limit_price

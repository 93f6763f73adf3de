"""An order that could trade against the account's own opposite one is refused.

    existing \\ new   market   stop     limit, stop_limit
    market           refuse   refuse   refuse
    stop             refuse   refuse   refuse
    limit, stop_lim. refuse   refuse   refuse when the buy's limit >= the sell's
Groups (bracket, oco, oto) and trailing stops are exempt on both sides.
"""

from __future__ import annotations

from collections.abc import Iterable
from decimal import Decimal

from services.simulator.domain.orders import Order, OrderClass, OrderType, Side
from services.simulator.domain.rejections import Rejection, wash_trade

_CROSSES_ANYTHING = frozenset({OrderType.MARKET, OrderType.STOP})


def wash_trade_refusal(
    side: Side, kind: OrderType, order_class: OrderClass, limit: Decimal | None, existing: Iterable[Order]
) -> Rejection | None:
    if _is_exempt(kind, order_class):
        return None
    for other in existing:
        opposite = other.side is side.opposite and not _is_exempt(other.type, group_class(other))
        if opposite and _could_cross(side, kind, limit, other):
            return wash_trade(other.id)
    return None


def group_class(order: Order) -> OrderClass:
    return order.order_class if order.parent is None else order.parent.order_class


def _is_exempt(kind: OrderType, order_class: OrderClass) -> bool:
    return kind is OrderType.TRAILING_STOP or order_class is not OrderClass.SIMPLE


def _could_cross(side: Side, kind: OrderType, limit: Decimal | None, other: Order) -> bool:
    if kind in _CROSSES_ANYTHING or other.type in _CROSSES_ANYTHING or limit is None or other.limit_price is None:
        return True
    buy, sell = (limit, other.limit_price) if side is Side.BUY else (other.limit_price, limit)
    return buy >= sell

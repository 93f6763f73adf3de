"""Which of an account's orders a listing shows, and in what order."""

from __future__ import annotations

import datetime as dt
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from itertools import islice

from services.simulator.domain.account import Account
from services.simulator.domain.orders import Order, Side
from services.simulator.domain.rejections import not_found


@dataclass(frozen=True, slots=True)
class OrderFilter:
    """`open`: True open, False closed, None all. Instants and cursors are exclusive. `nested` shows legs under their parent."""

    open: bool | None = True
    limit: int = 50
    after: dt.datetime | None = None
    until: dt.datetime | None = None
    ascending: bool = False
    nested: bool = False
    symbols: Collection[str] | None = None
    side: Side | None = None
    before_order_id: str | None = None
    after_order_id: str | None = None


def search(account: Account, wanted: OrderFilter) -> list[Order]:
    """Raises Rejection when a cursor names no order."""
    low = _sequence(account, wanted.after_order_id)
    high = _sequence(account, wanted.before_order_id)
    found = (order for order in _candidates(account, wanted) if _keeps(order, wanted, low, high))
    return list(islice(found, wanted.limit))


def _candidates(account: Account, wanted: OrderFilter) -> Iterator[Order]:
    # A nested listing shows a group while any of it is open.
    narrow = wanted.open is True and not wanted.nested
    orders = account.open_orders if narrow else account.orders
    return iter(orders.values()) if wanted.ascending else reversed(orders.values())


def _keeps(order: Order, wanted: OrderFilter, low: int | None, high: int | None) -> bool:
    return (
        (low is None or order.sequence > low)
        and (high is None or order.sequence < high)
        and (wanted.after is None or order.submitted_at > wanted.after)
        and (wanted.until is None or order.submitted_at < wanted.until)
        and (wanted.symbols is None or order.symbol in wanted.symbols)
        and (wanted.side is None or order.side is wanted.side)
        and not (wanted.nested and order.parent is not None)
        and (wanted.open is None or _is_open(order, nested=wanted.nested) is wanted.open)
    )


def _is_open(order: Order, *, nested: bool) -> bool:
    return order.is_open or (nested and any(leg.is_open for leg in order.legs))


def _sequence(account: Account, order_id: str | None) -> int | None:
    if order_id is None:
        return None
    order = account.orders.get(order_id.lower())
    if order is None:
        raise not_found(f"order not found for {order_id}")
    return order.sequence

"""Brackets, OCO and OTO: what the fate of one order does to the others of its group.

    bracket: entry -> (take profit | stop loss)      OTO: entry -> one exit      OCO: take profit | stop loss
Legs wait as `held` till the entry has filled. Of two exits the stop stays `held` and only watches the market, so that the
shares are held back once; when it is touched, the other is canceled and it trades.
"""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING

from services.simulator.domain.orders import STOPS, Order, OrderClass, Status

if TYPE_CHECKING:
    from services.simulator.domain.lifecycle import Lifecycle


def siblings(order: Order) -> list[Order]:
    """The open orders that exclude this one: the other exits of its group. A stop that was touched stands alone."""
    if order.parent is None:
        group = order.legs if order.order_class is OrderClass.OCO else []
    else:
        others = [leg for leg in order.parent.legs if leg is not order]
        group = [order.parent, *others] if order.order_class is OrderClass.OCO else others
    return [other for other in group if other.is_open and not other.elected]


def is_entry(order: Order) -> bool:
    return bool(order.legs) and order.order_class is not OrderClass.OCO


def after_routing(lifecycle: Lifecycle, order: Order, at: dt.datetime) -> None:
    """An OCO's stop watches from the start."""
    if order.order_class is OrderClass.OCO and order.is_open:
        for leg in order.legs:
            lifecycle.watch(leg, at)


def after_completion(lifecycle: Lifecycle, order: Order, at: dt.datetime) -> None:
    if is_entry(order):
        _release(lifecycle, order, at)
        return
    for other in siblings(order):
        lifecycle.cancel(other, at)


def after_part(order: Order) -> None:
    """An exit that filled in part leaves less for the other one."""
    if is_entry(order):
        return
    for other in siblings(order):
        other.qty = order.leaves_qty + other.filled_qty


def after_end(lifecycle: Lifecycle, order: Order, at: dt.datetime) -> None:
    """Whichever of a group is canceled or expires takes the rest with it."""
    dependants = [leg for leg in order.legs if leg.is_open] if is_entry(order) else siblings(order)
    for other in dependants:
        if other.is_open:
            lifecycle.cancel(other, at)


def before_election(lifecycle: Lifecycle, order: Order, at: dt.datetime) -> None:
    """The stop was touched: the shares are its own now."""
    for other in siblings(order):
        lifecycle.cancel(other, at)


def _release(lifecycle: Lifecycle, entry: Order, at: dt.datetime) -> None:
    exits = list(entry.legs)
    for leg in exits:
        leg.qty = entry.filled_qty
    alone = len(exits) == 1
    for leg in exits:
        if leg.status is not Status.HELD:
            continue
        if alone or leg.type not in STOPS:
            lifecycle.route(leg, at)
        else:
            lifecycle.watch(leg, at)

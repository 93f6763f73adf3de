"""The progressive-limit loop as it is commonly written (lessons, number 3), in the shape of our table: a mutant that must fail.

'filled' in status also matches partially_filled; every step re-sends the whole quantity; nothing is cancelled; the client
order id is a new one each time.
"""

from __future__ import annotations

import datetime as dt
from dataclasses import replace

from services.execution.domain import ladder
from services.execution.domain.broker import BrokerOrder, OrderRequest
from services.execution.domain.ladder import Policy
from services.execution.domain.order_events import Event, Found, Place, Placed, Tick, Updated
from services.execution.domain.order_state import Child, Phase, SmartOrder
from services.execution.domain.order_step import Step, later


def naive_step(order: SmartOrder, event: Event, now: dt.datetime, policy: Policy) -> Step:
    match event:
        case Tick(quote=quote) if order.phase is not Phase.DONE and quote is not None:
            return _send_again(order, event, now, policy)
        case Placed(order=word) | Found(order=word):
            return _look(order, word)
        case Updated(update=update):
            return _look(order, update.order)
        case _:
            return Step(order)


def _look(order: SmartOrder, word: BrokerOrder) -> Step:
    child = order.child(word.client_order_id)
    if child is None:
        return Step(order)
    order = order.with_child(replace(child, filled=word.filled_qty, status=word.status, broker_order_id=word.id))
    return Step(replace(order, phase=Phase.DONE, wake_at=None) if "filled" in word.status else order)


def _send_again(order: SmartOrder, event: Tick, now: dt.datetime, policy: Policy) -> Step:
    rung = policy.rungs[min(order.rung, policy.last)]
    if event.quote is None or order.rung > policy.last:
        return Step(replace(order, phase=Phase.DONE, wake_at=None))
    price = ladder.price(rung, event.quote, order.side, policy.collar_bps)
    name = f"uuid-{len(order.children)}"
    child = Child(name, rung.name, len(order.children), order.total, price, now)
    request = OrderRequest(name, order.symbol, order.side, order.total, price)
    changed = replace(
        order,
        phase=Phase.WORKING,
        children=(*order.children, child),
        rung=order.rung + 1,
        wake_at=later(now, rung.patience_seconds),
    )
    return Step(changed, (Place(request, rung.name, child.attempt, event.quote),))

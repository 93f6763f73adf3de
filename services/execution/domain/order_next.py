"""What is sent next and when its price is over: the slice, the rung, the child. Pure; asked by order_ticks only."""

from __future__ import annotations

import datetime as dt
from dataclasses import replace
from decimal import Decimal

from services.execution.domain import grid, identity, ladder, slices
from services.execution.domain.broker import OrderRequest, Status
from services.execution.domain.ladder import Policy
from services.execution.domain.order_events import Place
from services.execution.domain.order_state import Child, Phase, SmartOrder
from services.execution.domain.order_step import Step, finished, later, ready
from shared.contracts.marketdata import Quote


def next_child(order: SmartOrder, quote: Quote, now: dt.datetime, policy: Policy) -> Step:
    """The next child of this slice, the wait for the next slice, or the end where the rest is too small."""
    order = _arrived(order, quote)
    if _slice_is_over(order, quote, now, policy):
        wait = (_next_slice_at(order, now, policy) - now).total_seconds()
        if wait > 0:
            return ready(Step(order), now, in_seconds=wait)
        order = _with_slice(order, quote, now, policy)
    index = rung_from(order.rung, order, quote, now, policy)
    rung = policy.rungs[index]
    price = ladder.price(rung, quote, order.side, policy.collar_bps, coarse=order.coarse_prices)
    qty = _sendable(order)
    if qty <= 0 or qty * (price or quote.mid) < policy.min_notional:
        return finished(Step(order), "the rest is too small to trade", now, limit="minimum notional")
    attempt = len(order.children) + 1
    child = Child(
        client_order_id=identity.client_order_id(order.order_id, rung.name, attempt),
        rung=rung.name,
        attempt=attempt,
        qty=qty,
        limit_price=price,
        sent_at=now,
        bid=quote.bid,
        ask=quote.ask,
    )
    changed = replace(
        order,
        phase=Phase.PLACING,
        children=(*order.children, child),
        rung=index,
        rung_since=order.rung_since if _is_again(order, rung.name) else now,
        resends=0,
        wake_at=None,
    )
    return Step(changed, (Place(request(order, child), rung.name, attempt, quote),))


def _arrived(order: SmartOrder, quote: Quote) -> SmartOrder:
    """With the first quote it could be priced with; none where a worker died with it before it was written down."""
    if order.arrival_mid is not None or order.children:
        return order
    return replace(order, arrival_mid=quote.mid, arrival=quote)


def request(order: SmartOrder, child: Child) -> OrderRequest:
    return OrderRequest(child.client_order_id, order.symbol, order.side, child.qty, child.limit_price)


def urgent_from(order: SmartOrder, policy: Policy) -> dt.datetime:
    return later(order.close_at, -policy.deadline_seconds_before_close)


def is_urgent(order: SmartOrder, now: dt.datetime, policy: Policy) -> bool:
    return order.is_hurried or now >= urgent_from(order, policy)


def rung_ends(order: SmartOrder, policy: Policy) -> dt.datetime:
    """When the rung's patience is over, shortened where the slices to come need the time until the deadline."""
    since = order.rung_since or order.started_at
    until = since + (urgent_from(order, policy) - since) / (1 + _slices_to_come(order))
    return later(since, policy.patience(min(order.rung, policy.last), (until - since).total_seconds()))


def rung_from(index: int, order: SmartOrder, quote: Quote, now: dt.datetime, policy: Policy) -> int:
    """The first rung from `index` on that suits the spread, or the last one where time, requests or the queue leave no other."""
    if order.is_out_of_moves or is_urgent(order, now, policy):
        return policy.last
    found = policy.rung_from(min(index, policy.last), ladder.spread_ticks(quote, coarse=order.coarse_prices))
    leaves = ladder.must_leave(policy.rungs[found], quote, order.side, coarse=order.coarse_prices)
    return policy.last if leaves else found


def _slice_is_over(order: SmartOrder, quote: Quote, now: dt.datetime, policy: Policy) -> bool:
    """Also where what is left of it is too small to trade: the next slice takes it along. The deadline ends every slice."""
    if order.slice_goal is None or (order.slice_goal < order.total and is_urgent(order, now, policy)):
        return True
    return _sendable(order) * quote.mid < policy.min_notional


def _next_slice_at(order: SmartOrder, now: dt.datetime, policy: Policy) -> dt.datetime:
    if order.slice_since is None or order.slice_goal is None or is_urgent(order, now, policy):
        return now
    left = (urgent_from(order, policy) - order.slice_since).total_seconds() / (1 + _slices_to_come(order))
    return later(order.slice_since, min(policy.slicing.every_seconds, max(0.0, left)))


def _with_slice(order: SmartOrder, quote: Quote, now: dt.datetime, policy: Policy) -> SmartOrder:
    """The order at the beginning of its next slice; from the deadline on that is all there is."""
    shown, qty = quote.ask_size if order.side == "buy" else quote.bid_size, order.remaining
    if not is_urgent(order, now, policy):
        market = slices.Liquidity(quote.mid, shown, order.usual_volume)
        qty = slices.slice_of(policy.slicing, order.remaining, market, whole=order.whole_shares)
    if (order.remaining - qty) * quote.mid < policy.min_notional:
        qty = order.remaining
    begun = replace(order, slice_goal=order.filled + qty, slice_qty=qty)
    if order.slice_goal is None:
        return replace(begun, slice_since=order.slice_since or order.started_at)
    return replace(begun, slice_since=now, rung=0, rung_since=None)


def _slices_to_come(order: SmartOrder) -> int:
    if order.slice_goal is None or order.slice_qty is None:
        return 0
    return slices.slices_left(max(Decimal(0), order.total - order.slice_goal), order.slice_qty)


def _sendable(order: SmartOrder) -> Decimal:
    """What of this slice is proven unfilled, on the grid of shares."""
    goal = order.total if order.slice_goal is None else min(order.slice_goal, order.total)
    qty = goal - order.filled
    return grid.shares_down(qty, whole=True) if order.whole_shares else qty


def _is_again(order: SmartOrder, name: str) -> bool:
    """Whether it only moves after the quote: its patience goes on. After a refusal it begins anew."""
    last = order.children[-1] if order.children else None
    return order.rung_since is not None and last is not None and last.rung == name and last.status is Status.CANCELED

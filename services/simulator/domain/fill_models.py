"""How an order at the market comes to a fill: what both models share, and the paper model.

A model looks at one order and one quote or trade and answers with what it would trade, or None. It moves no money.
"""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from decimal import ROUND_DOWN, Decimal
from typing import Protocol

from services.simulator.domain.identity import Identity
from services.simulator.domain.market import Quote, Trade
from services.simulator.domain.numbers import QTY_STEP, ZERO, floor_qty, is_whole
from services.simulator.domain.orders import Order, OrderType, Side, TimeInForce

_COLLAR_BELOW_50 = Decimal("1.04")
_COLLAR_ABOVE = Decimal("1.025")
_COLLAR_STEP = Decimal(50)
PARTIAL_FILL_CHANCE = 0.1
RETRY_AFTER = dt.timedelta(seconds=1)


@dataclass(frozen=True, slots=True)
class Take:
    """A fill a model proposes; `completes`: nothing of the order is left after it."""

    qty: Decimal
    price: Decimal
    completes: bool


class FillModel(Protocol):
    needs_trades: bool
    only_marketable: bool
    """Whether quotes at which nothing could trade are of no interest to it."""
    retry_after: dt.timedelta | None
    """When a partly filled order is looked at again even if no new quote comes."""

    def on_quote(self, order: Order, quote: Quote) -> Take | None: ...

    def on_trade(self, order: Order, trade: Trade) -> Take | None: ...


def buy_stop_limit(stop: Decimal) -> Decimal:
    """A buy stop is sent as a stop-limit; the limit lies this far above the stop."""
    return stop * (_COLLAR_BELOW_50 if stop < _COLLAR_STEP else _COLLAR_ABOVE)


def limit_of(order: Order) -> Decimal | None:
    """The worst price it may trade at; None: any."""
    if order.type is OrderType.STOP and order.side is Side.BUY and order.stop_price is not None:
        return buy_stop_limit(order.stop_price)
    return order.limit_price


def touch(order: Order, quote: Quote) -> Decimal:
    """The price on the far side of the market; 0 when there is none."""
    return quote.ask if order.side is Side.BUY else quote.bid


def is_marketable(order: Order, quote: Quote) -> bool:
    price, limit = touch(order, quote), limit_of(order)
    if price <= 0:
        return False
    return limit is None or (price <= limit if order.side is Side.BUY else price >= limit)


class PaperFills:
    """Alpaca's paper account: marketable orders trade at the far touch without regard to size, one in ten only in part."""

    needs_trades = False
    only_marketable = True
    retry_after: dt.timedelta | None = RETRY_AFTER

    def __init__(self, identity: Identity) -> None:
        self._identity = identity

    def on_quote(self, order: Order, quote: Quote) -> Take | None:
        if not is_marketable(order, quote):
            return None
        price = touch(order, quote)
        whole = order.remaining_at(price)
        part = self._part(order, whole)
        return Take(whole, price, completes=True) if part is None else Take(part, price, completes=False)

    def on_trade(self, order: Order, trade: Trade) -> Take | None:
        return None

    def _part(self, order: Order, whole: Decimal) -> Decimal | None:
        """The part that trades now, or None when all does."""
        order.attempts += 1
        draw = self._identity.uniform("partial fill", order.id, order.attempts)
        if draw >= PARTIAL_FILL_CHANCE or order.time_in_force is TimeInForce.FOK:
            return None
        step = Decimal(1) if is_whole(whole) else QTY_STEP
        if whole < 2 * step:
            return None
        share = Decimal(self._identity.uniform("part", order.id, order.attempts))
        part = (whole * share).quantize(step, ROUND_DOWN)
        return min(max(part, step), whole - step)


class RealisticFills:
    """Displayed sizes, and a place in the queue behind the shares displayed at the price an order joins.

    Each account meets the market alone: what one took from a quote is gone for itself until the next quote.
    """

    needs_trades = True
    only_marketable = False
    retry_after: dt.timedelta | None = None

    def __init__(self) -> None:
        self._taken: dict[tuple[str, str, str], tuple[object, Decimal]] = {}

    def on_quote(self, order: Order, quote: Quote) -> Take | None:
        if not is_marketable(order, quote):
            _queue(order, quote)
            return None
        displayed = Decimal(quote.ask_size if order.side is Side.BUY else quote.bid_size)
        # One that rested is hit at its own price; one that arrives takes the other side's.
        limit = limit_of(order)
        price = limit if order.rested and limit is not None else touch(order, quote)
        left = self._left(order, f"quote {order.side}", quote.at, displayed)
        if order.time_in_force is TimeInForce.FOK and left < order.remaining_at(price):
            return None
        return self._take(order, price, left, (f"quote {order.side}", quote.at))

    def on_trade(self, order: Order, trade: Trade) -> Take | None:
        """A print through a resting limit fills it; one at its price first works off the queue before it."""
        limit = limit_of(order)
        if limit is None or not order.rested or order.awaits_election:
            return None
        beyond = trade.price < limit if order.side is Side.BUY else trade.price > limit
        if not beyond and (trade.price != limit or order.queue_ahead is None):
            return None
        left = self._left(order, "trade", trade.id, Decimal(trade.size))
        if not beyond and order.queue_ahead is not None:
            ahead, order.queue_ahead = order.queue_ahead, max(order.queue_ahead - left, ZERO)
            left -= ahead
        return self._take(order, limit, left, ("trade", trade.id))

    def _left(self, order: Order, what: str, mark: object, size: Decimal) -> Decimal:
        seen, taken = self._taken.get((order.account.key, order.symbol, what), (None, ZERO))
        return size - taken if seen == mark else size

    def _take(self, order: Order, price: Decimal, left: Decimal, of: tuple[str, object]) -> Take | None:
        whole = order.remaining_at(price)
        qty = min(whole, floor_qty(left))
        if qty <= 0:
            return None
        what, mark = of
        key = (order.account.key, order.symbol, what)
        seen, taken = self._taken.get(key, (None, ZERO))
        self._taken[key] = (mark, qty + (taken if seen == mark else ZERO))
        return Take(qty, price, completes=qty == whole)


def _queue(order: Order, quote: Quote) -> None:
    """Where it now stands at its own price: behind what is displayed there, first if it is better than the market."""
    limit = limit_of(order)
    if limit is None:
        return
    order.rested = True
    buys = order.side is Side.BUY
    price, size = (quote.bid, quote.bid_size) if buys else (quote.ask, quote.ask_size)
    if price <= 0 or (limit > price if buys else limit < price):
        order.queue_ahead = ZERO
    elif limit == price:
        displayed = Decimal(size)
        order.queue_ahead = displayed if order.queue_ahead is None else min(order.queue_ahead, displayed)
    else:
        order.queue_ahead = None  # away from the market nobody shows how many wait there

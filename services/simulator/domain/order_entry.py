"""Makes orders out of requests that were found good: ids, expiry, legs, successors."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal
from typing import Any

from services.simulator.domain.account import Account
from services.simulator.domain.account_rules import Terms
from services.simulator.domain.hours import day_for_order, gtc_expiry, works_from
from services.simulator.domain.identity import Identity
from services.simulator.domain.order_request import OrderRequest, ReplaceRequest
from services.simulator.domain.order_rules import take_profit_price
from services.simulator.domain.orders import Intent, Order, OrderClass, OrderType, Side, Status, TimeInForce
from services.simulator.domain.replacement import NewTerms, reserve_price
from services.simulator.domain.triggers import set_trailing_stop

# A closing auction is taken to trade in the last second of the session, an opening one in its first two minutes.
_CLOSING = dt.timedelta(seconds=1)
_OPENING = dt.timedelta(minutes=2)
_Prices = tuple[Decimal | None, Decimal | None]


class OrderEntry:
    def __init__(self, identity: Identity) -> None:
        self._identity = identity

    def order(self, account: Account, request: OrderRequest, terms: Terms, now: dt.datetime) -> Order:
        """The order with its legs, not yet admitted."""
        order = self._blank(request, account, now)
        order.client_order_id = request.client_order_id or order.client_order_id
        order.order_class = request.order_class
        order.intent = terms.intent
        order.qty, order.notional = request.qty, request.notional
        order.limit_price, order.stop_price = request.limit_price, request.stop_price
        order.trail_price, order.trail_percent = request.trail_price, request.trail_percent
        order.reserve_price = terms.reserve_price
        order.notional_shares = terms.notional_shares
        self._add_legs(order, request, now)
        return order

    def successor(self, old: Order, request: ReplaceRequest, terms: NewTerms, now: dt.datetime) -> Order:
        """The order that carries the chain on; it takes over what was filled, the legs and the place in the group."""
        new = self._blank(old, old.account, now, time_in_force=terms.time_in_force)
        new.client_order_id = request.client_order_id or new.client_order_id
        new.status = Status.HELD if old.status is Status.HELD else Status.PENDING_NEW
        new.order_class, new.intent = old.order_class, old.intent
        new.qty, new.limit_price, new.stop_price = terms.qty, terms.limit_price, terms.stop_price
        new.trail_price, new.trail_percent, new.hwm = terms.trail_price, terms.trail_percent, old.hwm
        new.filled_qty, new.filled_value = old.filled_qty, old.filled_value
        new.elected = old.elected
        new.reserve_price = reserve_price(old, terms) if old.intent.opens else None
        new.replaces = old.id
        if new.type is OrderType.TRAILING_STOP and new.hwm is not None:
            set_trailing_stop(new, new.hwm)
        return new

    def _blank(self, like: Order | OrderRequest, account: Account, now: dt.datetime, **changed: Any) -> Order:
        """A new order of the symbol, side, type, time in force and hours of `like`, but for what is `changed`."""
        shape = {name: changed.get(name, getattr(like, name)) for name in ("symbol", "side", "type", "time_in_force")}
        extended = like.extended_hours
        number = account.count("order")
        starts, expires = _span(shape["time_in_force"], now, extended=extended)
        return Order(
            account=account,
            id=self._identity.uuid("order", account.key, number),
            client_order_id=self._identity.uuid("client order id", account.key, number),
            sequence=number,
            **shape,
            intent=Intent.BUY_TO_OPEN if shape["side"] is Side.BUY else Intent.SELL_TO_OPEN,
            created_at=now,
            works_from=starts,
            expires_at=expires,
            extended_hours=extended,
        )

    def _add_legs(self, order: Order, request: OrderRequest, now: dt.datetime) -> None:
        if request.order_class is OrderClass.SIMPLE:
            return
        profit = take_profit_price(request)
        if request.order_class is OrderClass.OCO:
            order.limit_price = profit
        elif profit is not None:
            self._add_leg(order, OrderType.LIMIT, (profit, None), now)
        if request.stop_loss_stop is not None:
            kind = OrderType.STOP if request.stop_loss_limit is None else OrderType.STOP_LIMIT
            self._add_leg(order, kind, (request.stop_loss_limit, request.stop_loss_stop), now)

    def _add_leg(self, parent: Order, kind: OrderType, prices: _Prices, now: dt.datetime) -> None:
        limit, stop = prices
        side = parent.side if parent.order_class is OrderClass.OCO else parent.side.opposite
        leg = self._blank(parent, parent.account, now, side=side, type=kind)
        leg.status = Status.HELD
        leg.order_class = parent.order_class
        leg.intent = Intent.BUY_TO_CLOSE if side is Side.BUY else Intent.SELL_TO_CLOSE
        leg.qty, leg.limit_price, leg.stop_price = parent.qty, limit, stop
        leg.parent = parent
        parent.legs.append(leg)


def take_place(new: Order, old: Order) -> None:
    """Puts the successor where the old order stood in its group."""
    if old.parent is not None:
        new.parent = old.parent
        new.parent.legs = [new if leg is old else leg for leg in old.parent.legs]
    for leg in old.legs:
        leg.parent = new
        leg.qty = new.leaves_qty if new.order_class is OrderClass.OCO else new.qty
    new.legs, old.legs = old.legs, []


def _span(time_in_force: TimeInForce, now: dt.datetime, *, extended: bool) -> tuple[dt.datetime, dt.datetime]:
    """From when an order works and when it expires."""
    starts, day = works_from(now, extended=extended), day_for_order(now, extended=extended)
    if time_in_force is TimeInForce.GTC:
        return starts, gtc_expiry(now)
    if time_in_force is TimeInForce.OPG:
        # Within the session the opening auction is over: it waits for the next one.
        opening = day if now < day.session.open else day_for_order(day.session.close, extended=False)
        return opening.session.open, opening.session.open + _OPENING
    if time_in_force is TimeInForce.CLS:
        return max(now, day.session.close - _CLOSING), day.session.close
    return starts, day.closes(extended=extended)

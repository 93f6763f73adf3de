"""Which orders may be replaced and by what: the checks, and the successor that carries the chain on."""

from __future__ import annotations

import dataclasses
import datetime as dt
from decimal import Decimal

from services.simulator.domain.account_rules import check_buying_power, shares_refusal
from services.simulator.domain.marks import Marks
from services.simulator.domain.numbers import ZERO
from services.simulator.domain.order_request import ReplaceRequest
from services.simulator.domain.order_rules import missing_or_surplus_price, sub_penny
from services.simulator.domain.orders import STOPS, TERMINAL, Order, OrderType, Status, TimeInForce
from services.simulator.domain.rejections import Rejection, not_at_the_exchange_yet, not_unique, unprocessable
from services.simulator.domain.wash_trades import group_class, wash_trade_refusal

_REPLACEABLE = frozenset({Status.NEW, Status.PARTIALLY_FILLED, Status.HELD})


@dataclasses.dataclass(frozen=True, slots=True)
class NewTerms:
    """What the successor will be: the old order's terms with the changes put in."""

    qty: Decimal
    time_in_force: TimeInForce
    limit_price: Decimal | None
    stop_price: Decimal | None
    trail_price: Decimal | None
    trail_percent: Decimal | None


def check_replacement(order: Order, request: ReplaceRequest, marks: Marks, now: dt.datetime) -> NewTerms:
    """Raises the first Rejection that applies."""
    if (refusal := _state(order)) is not None:
        raise refusal
    if request.client_order_id is not None and request.client_order_id in order.account.by_client_order_id:
        raise not_unique()
    if order.qty is None:
        raise unprocessable("notional orders cannot be replaced")
    terms = _terms(order, order.qty, request)
    for refusal in (_prices(order, terms), _change(order, order.qty, terms), _qty(order, order.qty, terms)):
        if refusal is not None:
            raise refusal
    _afford(order, terms, marks, now)
    return terms


def _state(order: Order) -> Rejection | None:
    if order.status is Status.REPLACED:
        return unprocessable("order already replaced")
    if order.status in TERMINAL:
        return unprocessable(f'order is already in "{order.status}" state')
    if order.status in {Status.ACCEPTED, Status.PENDING_NEW}:
        return not_at_the_exchange_yet()
    if order.status not in _REPLACEABLE:
        return unprocessable(f"cannot replace order in {order.status} status")
    return None


def _terms(order: Order, qty: Decimal, request: ReplaceRequest) -> NewTerms:
    if request.trail is not None and order.type is not OrderType.TRAILING_STOP:
        raise unprocessable("only trailing stop orders have a trail")
    if request.stop_price is not None and order.type is OrderType.TRAILING_STOP:
        raise unprocessable("the stop price of a trailing stop order follows the market")
    by_price = order.trail_price is not None
    return NewTerms(
        qty=request.qty or qty,
        time_in_force=request.time_in_force or order.time_in_force,
        limit_price=request.limit_price or order.limit_price,
        stop_price=request.stop_price or order.stop_price,
        trail_price=(request.trail or order.trail_price) if by_price else None,
        trail_percent=None if by_price else (request.trail or order.trail_percent),
    )


def _prices(order: Order, terms: NewTerms) -> Rejection | None:
    stop = None if order.type is OrderType.TRAILING_STOP else terms.stop_price
    trails = (terms.trail_price, terms.trail_percent)
    return (
        missing_or_surplus_price(order.type, terms.limit_price, stop, trails)
        or sub_penny("limit_price", terms.limit_price)
        or sub_penny("stop_price", stop)
    )


def _change(order: Order, qty: Decimal, terms: NewTerms) -> Rejection | None:
    same = NewTerms(
        qty, order.time_in_force, order.limit_price, order.stop_price, order.trail_price, order.trail_percent
    )
    if terms == same:
        return unprocessable("order parameters are not changed")
    if terms.time_in_force not in {TimeInForce.DAY, TimeInForce.GTC} and terms.time_in_force != order.time_in_force:
        return unprocessable(f"order cannot be replaced by a {terms.time_in_force} order")
    if order.is_fractional and terms.time_in_force is not TimeInForce.DAY:
        return unprocessable("fractional orders must be DAY orders")
    return None


def _qty(order: Order, qty: Decimal, terms: NewTerms) -> Rejection | None:
    if terms.qty <= order.filled_qty:
        return unprocessable("qty must be > filled_qty")
    if terms.qty == qty:
        return None
    if order.is_fractional or terms.qty != terms.qty.to_integral_value():
        return unprocessable("qty of fractional orders cannot be replaced")
    return None


def _afford(order: Order, terms: NewTerms, marks: Marks, now: dt.datetime) -> None:
    """The larger of the old and the new order must be covered; the other side's orders still must not meet it."""
    account = order.account
    crossing = wash_trade_refusal(
        order.side, order.type, group_class(order), terms.limit_price, account.open_in(order.symbol)
    )
    if crossing is not None:
        raise crossing
    leaves = terms.qty - order.filled_qty
    if order.intent.opens:
        check_buying_power(account, reserve_price(order, terms) * leaves, order.reservation, marks, now)
        return
    refusal = shares_refusal(account, order.symbol, order.side, leaves, order.ties_up)
    # The legs of a waiting group close a position that is not there yet.
    if refusal is not None and order.status is not Status.HELD:
        raise refusal


def reserve_price(order: Order, terms: NewTerms) -> Decimal:
    """What a share of the successor is taken to cost."""
    if terms.limit_price is not None:
        return terms.limit_price
    if order.type in STOPS and terms.stop_price is not None:
        return terms.stop_price
    return order.reserve_price or ZERO

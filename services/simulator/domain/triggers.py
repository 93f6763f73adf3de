"""When a stop is touched, and how a trailing stop follows the price."""

from __future__ import annotations

from decimal import ROUND_HALF_UP, Decimal

from services.simulator.domain.market import Quote
from services.simulator.domain.numbers import CENT
from services.simulator.domain.orders import Order, OrderType, Side

_HUNDRED = Decimal(100)
_SUB_DOLLAR_STEP = Decimal("0.0001")


def inside(price: Decimal, quote: Quote) -> bool:
    """Stops are elected by trades within the best bid and offer only."""
    return (quote.bid <= 0 or price >= quote.bid) and (quote.ask <= 0 or price <= quote.ask)


def elects(order: Order, price: Decimal) -> bool:
    if order.stop_price is None:
        return False
    return price <= order.stop_price if order.side is Side.SELL else price >= order.stop_price


def trail(order: Order, price: Decimal) -> None:
    """Moves a trailing stop's water mark, and its stop with it; never away from the market."""
    if order.type is not OrderType.TRAILING_STOP:
        return
    if order.hwm is None or (price > order.hwm if order.side is Side.SELL else price < order.hwm):
        order.hwm = price
        set_trailing_stop(order, price)


def set_trailing_stop(order: Order, mark: Decimal) -> None:
    """Puts the stop at its distance from the water mark, on the penny grid."""
    distance = order.trail_price if order.trail_price is not None else mark * (order.trail_percent or 0) / _HUNDRED
    stop = mark - distance if order.side is Side.SELL else mark + distance
    order.stop_price = max(stop, _SUB_DOLLAR_STEP).quantize(CENT if stop >= 1 else _SUB_DOLLAR_STEP, ROUND_HALF_UP)

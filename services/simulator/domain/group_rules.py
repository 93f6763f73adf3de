"""How far the exits of a bracket or OTO must lie from the price of its entry."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal

from services.simulator.domain.marks import Marks
from services.simulator.domain.numbers import CENT
from services.simulator.domain.order_request import OrderRequest
from services.simulator.domain.orders import OrderClass, Side
from services.simulator.domain.rejections import unprocessable


def check_group(request: OrderRequest, marks: Marks, now: dt.datetime) -> None:
    """Raises Rejection when an exit lies on the wrong side of the base price, or on it."""
    if request.order_class in {OrderClass.SIMPLE, OrderClass.OCO}:
        return
    base = request.limit_price or request.stop_price or marks.cost(request.symbol, request.side, now)
    if base is None:
        return
    buys = request.side is Side.BUY
    _check("take_profit.limit_price", request.take_profit_limit, base, above=buys)
    _check("stop_loss.stop_price", request.stop_loss_stop, base, above=not buys)


def _check(name: str, price: Decimal | None, base: Decimal, *, above: bool) -> None:
    if price is None:
        return
    if above and price < base + CENT:
        raise unprocessable(f"{name} must be >= base_price + 0.01")
    if not above and price > base - CENT:
        raise unprocessable(f"{name} must be <= base_price - 0.01")

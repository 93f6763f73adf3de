"""Turns the wish to close a position, whole or in part, into the market order that does it."""

from __future__ import annotations

from decimal import ROUND_DOWN, Decimal

from services.simulator.domain.account import Account
from services.simulator.domain.numbers import floor_qty, is_whole
from services.simulator.domain.order_request import OrderRequest
from services.simulator.domain.orders import OrderType, TimeInForce
from services.simulator.domain.rejections import malformed_value, not_found, unprocessable

_ALL = Decimal(100)


def closing_request(
    account: Account, symbol: str, qty: Decimal | None = None, percentage: Decimal | None = None
) -> OrderRequest:
    """Raises Rejection when there is no such position or the part makes no sense."""
    position = account.positions.get(symbol)
    if position is None:
        raise not_found("position does not exist")
    if qty is not None and percentage is not None:
        raise malformed_value("only one of qty or percentage is accepted")
    if percentage is not None and not 0 < percentage <= _ALL:
        raise malformed_value("percentage must be > 0 and <= 100")
    shares = qty if qty is not None else _share(abs(position.qty), percentage or _ALL)
    if shares <= 0:
        raise unprocessable("the part of the position to close is less than one share")
    return OrderRequest(
        symbol=symbol,
        side=account.closing_side(symbol),
        type=OrderType.MARKET,
        time_in_force=TimeInForce.DAY,
        qty=shares,
    )


def _share(held: Decimal, percentage: Decimal) -> Decimal:
    """A part of a whole position is whole; only a fractional one is cut into fractions."""
    part = held * percentage / _ALL
    return part.to_integral_value(ROUND_DOWN) if is_whole(held) else floor_qty(part)

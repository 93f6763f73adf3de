"""Which orders can exist at all: type against time in force, prices against the penny grid, hours, groups.

Knows the asset and the hour, but no account. The texts are Alpaca's where they are known.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from decimal import Decimal

from services.simulator.domain.hours import Phase, phase_at
from services.simulator.domain.market import Listing
from services.simulator.domain.numbers import decimals, plain
from services.simulator.domain.order_request import OrderRequest
from services.simulator.domain.orders import STOPS, OrderClass, OrderType, Side, TimeInForce
from services.simulator.domain.rejections import Rejection, unprocessable
from shared.sessions import NEW_YORK

Rule = Callable[[OrderRequest], Rejection | None]
_RESTING = frozenset({TimeInForce.DAY, TimeInForce.GTC})
_PENNY_DECIMALS, _SUB_DOLLAR_DECIMALS = 2, 4
_ONE = Decimal(1)
_HUNDRED = Decimal(100)


def check_order(request: OrderRequest, listing: Listing, now: dt.datetime) -> None:
    """Raises the first Rejection that applies."""
    for rule in _RULES:
        if (refusal := rule(request)) is not None:
            raise refusal
    for refusal in (
        _asset(request, listing),
        _auction_window(request.time_in_force, now),
        _immediate_hours(request, now),
    ):
        if refusal is not None:
            raise refusal


def sub_penny(name: str, price: Decimal | None) -> Rejection | None:
    """At a dollar and more whole cents, below it four decimals."""
    allowed = _PENNY_DECIMALS if price is not None and price >= _ONE else _SUB_DOLLAR_DECIMALS
    if price is None or decimals(price) <= allowed:
        return None
    return unprocessable(
        f"invalid {name} {plain(price)}. sub-penny increment does not fulfill minimum pricing criteria"
    )


def missing_or_surplus_price(
    kind: OrderType,
    limit: Decimal | None,
    stop: Decimal | None,
    trails: tuple[Decimal | None, Decimal | None] = (None, None),
) -> Rejection | None:
    """Each type takes exactly its own prices."""
    needs_limit = kind in {OrderType.LIMIT, OrderType.STOP_LIMIT}
    needs_stop = kind in {OrderType.STOP, OrderType.STOP_LIMIT}
    wants_trail = kind is OrderType.TRAILING_STOP
    trails_given = sum(trail is not None for trail in trails)
    if (limit is not None, stop is not None, trails_given) == (needs_limit, needs_stop, int(wants_trail)):
        return None
    return unprocessable(_PRICE_TEXTS[kind])


_PRICE_TEXTS = {
    OrderType.MARKET: "market orders require no stop or limit price",
    OrderType.LIMIT: "limit orders require only limit price",
    OrderType.STOP: "stop orders require only stop price",
    OrderType.STOP_LIMIT: "stop limit orders require both stop and limit price",
    OrderType.TRAILING_STOP: "trailing stop orders must specify one of trail_price or trail_percent",
}


def _prices(request: OrderRequest) -> Rejection | None:
    if request.order_class is OrderClass.OCO:
        return None  # its prices stand in take_profit and stop_loss
    trails = (request.trail_price, request.trail_percent)
    return missing_or_surplus_price(request.type, request.limit_price, request.stop_price, trails)


def _penny_grid(request: OrderRequest) -> Rejection | None:
    return (
        sub_penny("limit_price", request.limit_price)
        or sub_penny("stop_price", request.stop_price)
        or sub_penny("take_profit.limit_price", request.take_profit_limit)
        or sub_penny("stop_loss.stop_price", request.stop_loss_stop)
        or sub_penny("stop_loss.limit_price", request.stop_loss_limit)
    )


def _time_in_force(request: OrderRequest) -> Rejection | None:
    if request.time_in_force in _RESTING:
        return None
    if request.type in STOPS:
        return unprocessable(f"{request.type} orders must be day or gtc orders")
    return None


def _fraction(request: OrderRequest) -> Rejection | None:
    if not request.is_fractional:
        return None
    if request.time_in_force is not TimeInForce.DAY:
        return unprocessable("fractional orders must be DAY orders")
    if request.order_class is not OrderClass.SIMPLE:
        return unprocessable("fractional orders must be simple orders")
    if request.type is OrderType.TRAILING_STOP:
        return unprocessable("fractional orders must not be trailing stop orders")
    if request.notional is not None and request.type is not OrderType.MARKET:
        return unprocessable("notional orders must be market orders")
    return None


def _extended_hours(request: OrderRequest) -> Rejection | None:
    if not request.extended_hours:
        return None
    # GTC joined DAY in 2026; the text of the refusal did not.
    plain_limit = request.type is OrderType.LIMIT and request.time_in_force in _RESTING
    if plain_limit and request.order_class is OrderClass.SIMPLE:
        return None
    return unprocessable("extended hours order must be DAY limit orders")


def _trail(request: OrderRequest) -> Rejection | None:
    if request.type is not OrderType.TRAILING_STOP:
        return None
    if request.order_class is not OrderClass.SIMPLE:
        return unprocessable("trailing stop orders must be simple orders")
    if request.trail_percent is not None and request.trail_percent >= _HUNDRED:
        return unprocessable("trail_percent must be < 100")
    return None


def _intent(request: OrderRequest) -> Rejection | None:
    if request.intent is None or request.intent.value.startswith(request.side.value):
        return None
    return unprocessable(f"position intent mismatch, side: {request.side}, specified: {request.intent}")


def _group(request: OrderRequest) -> Rejection | None:
    has_profit, has_loss = request.take_profit_limit is not None, request.stop_loss_stop is not None
    if request.order_class is OrderClass.SIMPLE:
        if has_profit or has_loss or request.stop_loss_limit is not None:
            return unprocessable("simple orders require no take_profit or stop_loss")
        return None
    if request.stop_loss_limit is not None and not has_loss:
        return unprocessable(f"{request.order_class} orders require stop_loss.stop_price")
    return _legs_given(request, has_profit=has_profit, has_loss=has_loss) or _group_shape(request)


def _legs_given(request: OrderRequest, *, has_profit: bool, has_loss: bool) -> Rejection | None:
    if request.order_class is OrderClass.OTO:
        if has_profit == has_loss:
            return unprocessable("oto orders require one of take_profit or stop_loss")
        return None
    profit_given = has_profit or (request.order_class is OrderClass.OCO and request.limit_price is not None)
    if not profit_given:
        return unprocessable(f"{request.order_class} orders require take_profit.limit_price")
    if not has_loss:
        return unprocessable(f"{request.order_class} orders require stop_loss.stop_price")
    return None


def _group_shape(request: OrderRequest) -> Rejection | None:
    if request.time_in_force not in _RESTING:
        return unprocessable(f"{request.order_class} orders must be day or gtc orders")
    if request.order_class is OrderClass.OCO and request.type is not OrderType.LIMIT:
        return unprocessable("oco orders must be limit orders")
    profit = take_profit_price(request)
    if profit is None or request.stop_loss_stop is None:
        return None
    exit_side = request.side if request.order_class is OrderClass.OCO else request.side.opposite
    above = profit > request.stop_loss_stop
    if profit == request.stop_loss_stop or above is not (exit_side is Side.SELL):
        relation = ">" if exit_side is Side.SELL else "<"
        return unprocessable(f"take_profit.limit_price must be {relation} stop_loss.stop_price")
    return None


def take_profit_price(request: OrderRequest) -> Decimal | None:
    """An OCO may give it as its own limit price."""
    if request.order_class is OrderClass.OCO:
        return request.take_profit_limit or request.limit_price
    return request.take_profit_limit


def _asset(request: OrderRequest, listing: Listing) -> Rejection | None:
    if not listing.tradable:
        return unprocessable(f'asset "{listing.symbol}" is not tradable')
    if request.is_fractional and not listing.fractionable:
        return unprocessable(f'asset "{listing.symbol}" is not fractionable')
    return None


def _auction_window(time_in_force: TimeInForce, now: dt.datetime) -> Rejection | None:
    local = now.astimezone(NEW_YORK).time()
    closed_until = dt.time(19)
    if time_in_force is TimeInForce.OPG and dt.time(9, 28) <= local < closed_until:
        return unprocessable("opg orders are not accepted between 9:28am and 7:00pm ET")
    if time_in_force is TimeInForce.CLS and dt.time(15, 50) <= local < closed_until:
        return unprocessable("cls orders are not accepted between 3:50pm and 7:00pm ET")
    return None


def _immediate_hours(request: OrderRequest, now: dt.datetime) -> Rejection | None:
    immediate = request.time_in_force in {TimeInForce.IOC, TimeInForce.FOK}
    if immediate and phase_at(now) is not Phase.REGULAR:
        return unprocessable(f"{request.time_in_force} orders are only accepted during market hours")
    return None


_RULES: tuple[Rule, ...] = (
    _prices,
    _penny_grid,
    _time_in_force,
    _fraction,
    _extended_hours,
    _trail,
    _intent,
    _group,
)

"""Which orders an account may place: its switches, its shares, its own opposite orders, its buying power."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from decimal import Decimal

from services.simulator.domain.account import Account
from services.simulator.domain.fill_models import buy_stop_limit
from services.simulator.domain.hours import Phase, phase_at
from services.simulator.domain.market import Listing
from services.simulator.domain.marks import Marks
from services.simulator.domain.numbers import ZERO, cents, floor_qty
from services.simulator.domain.order_request import OrderRequest
from services.simulator.domain.orders import Intent, OrderClass, OrderType, Side
from services.simulator.domain.rejections import (
    Rejection,
    insufficient_buying_power,
    insufficient_qty,
    not_allowed,
    unprocessable,
)
from services.simulator.domain.valuation import MARGIN_EQUITY, value
from services.simulator.domain.wash_trades import wash_trade_refusal

_MINIMUM = Decimal(1)
_SHORT_MARKUP = Decimal("1.03")


@dataclass(frozen=True, slots=True)
class Terms:
    """On what terms the order is taken in: what it is for, and what it ties up."""

    intent: Intent
    reserve_price: Decimal | None
    notional_shares: Decimal = ZERO


def check_account(account: Account, request: OrderRequest, listing: Listing, marks: Marks, now: dt.datetime) -> Terms:
    """Raises the first Rejection that applies."""
    intent = intent_of(account, request.symbol, request.side)
    price = share_price(request, marks, now)
    shares = request.qty if request.qty is not None else floor_qty((request.notional or ZERO) / price)
    for refusal in (
        _switches(account, request),
        _intent(request, intent),
        wash_trade_refusal(
            request.side, request.type, request.order_class, request.limit_price, account.open_in(request.symbol)
        ),
        _shares(account, request, intent, shares),
        _stacking(account, request, intent, now),
        _minimum(account, request, price),
    ):
        if refusal is not None:
            raise refusal
    if not intent.opens:
        return Terms(intent, None, shares)
    if intent is Intent.SELL_TO_OPEN:
        price = _short_price(account, request, listing, marks, now)
    cost = request.notional if request.notional is not None else price * shares
    check_buying_power(account, cost, ZERO, marks, now)
    return Terms(intent, price, shares)


def check_buying_power(account: Account, cost: Decimal, freed: Decimal, marks: Marks, now: dt.datetime) -> None:
    """`freed`: what an order that is being replaced ties up already."""
    power = value(account, marks.at(now)).buying_power + freed
    if cost > power:
        raise insufficient_buying_power(cents(power), cents(cost))


def intent_of(account: Account, symbol: str, side: Side) -> Intent:
    held = account.qty(symbol)
    if side is Side.BUY:
        return Intent.BUY_TO_CLOSE if held < 0 else Intent.BUY_TO_OPEN
    return Intent.SELL_TO_CLOSE if held > 0 else Intent.SELL_TO_OPEN


def share_price(request: OrderRequest, marks: Marks, now: dt.datetime) -> Decimal:
    """What a share of it is taken to cost: its own limit, else the market's price."""
    if request.limit_price is not None:
        return request.limit_price
    if request.stop_price is not None:
        return buy_stop_limit(request.stop_price) if request.side is Side.BUY else request.stop_price
    price = marks.cost(request.symbol, request.side, now)
    if not price:
        raise unprocessable(f'asset "{request.symbol}" has no price at this time')
    return price


def shares_refusal(account: Account, symbol: str, side: Side, shares: Decimal, released: Decimal) -> Rejection | None:
    """Whether a closing order asks for more than no other order holds; `released`: held by the one it replaces."""
    existing = abs(account.qty(symbol))
    held = max(account.tied_up(symbol, side) - released, ZERO)
    if shares <= existing - held:
        return None
    return insufficient_qty(symbol, shares, existing, held, [order.id for order in account.waiting(symbol, side)])


def _switches(account: Account, request: OrderRequest) -> Rejection | None:
    if account.configuration.suspend_trade:
        return not_allowed("new orders are rejected by user request")
    if request.is_fractional and not account.configuration.fractional_trading:
        return not_allowed("account is not allowed to trade fractional shares")
    return None


def _intent(request: OrderRequest, inferred: Intent) -> Rejection | None:
    if request.intent in {None, inferred}:
        return None
    return unprocessable(f"position intent mismatch, inferred: {inferred}, specified: {request.intent}")


def _shares(account: Account, request: OrderRequest, intent: Intent, shares: Decimal) -> Rejection | None:
    symbol, side = request.symbol, request.side
    exit_only = request.order_class is OrderClass.OCO
    if not intent.opens:
        return shares_refusal(account, symbol, side, shares, ZERO)
    if exit_only or (intent is Intent.SELL_TO_OPEN and request.is_fractional):
        return insufficient_qty(symbol, shares, abs(account.qty(symbol)), ZERO, [])
    if account.qty(symbol) == 0 and account.waiting(symbol, side.opposite):
        if intent is Intent.SELL_TO_OPEN:
            return not_allowed("cannot open a short sell while a long buy order is open")
        return not_allowed("cannot open a long buy while a short sell order is open")
    return None


def _stacking(account: Account, request: OrderRequest, intent: Intent, now: dt.datetime) -> Rejection | None:
    """Outside regular hours a fractional sell cannot join another sell."""
    if intent is not Intent.SELL_TO_CLOSE or phase_at(now) is Phase.REGULAR:
        return None
    others = account.waiting(request.symbol, Side.SELL)
    by_notional = request.notional is not None or any(order.notional is not None for order in others)
    if others and by_notional:
        return not_allowed("unable to open new notional orders while having open closing position orders")
    return None


def _minimum(account: Account, request: OrderRequest, price: Decimal) -> Rejection | None:
    if request.qty is not None and request.qty == abs(account.qty(request.symbol)):
        return None  # what is left of a position may always go
    cost = request.notional if request.notional is not None else price * (request.qty or ZERO)
    return None if cost >= _MINIMUM else not_allowed("cost basis must be >= minimal amount of order 1")


def _short_price(account: Account, request: OrderRequest, listing: Listing, marks: Marks, now: dt.datetime) -> Decimal:
    """What a share sold short is taken to cost. Raises Rejection when it may not be sold short."""
    valuation = value(account, marks.at(now))
    barred = account.configuration.no_shorting or valuation.multiplier == 1 or valuation.equity < MARGIN_EQUITY
    if barred:
        raise not_allowed("account is not allowed to short")
    if not (listing.shortable and listing.easy_to_borrow):
        raise not_allowed(f'asset "{request.symbol}" cannot be sold short')
    ask = marks.cost(request.symbol, Side.BUY, now) or ZERO
    limit = request.limit_price if request.type in {OrderType.LIMIT, OrderType.STOP_LIMIT} else None
    return max(limit or ZERO, ask * _SHORT_MARKUP)

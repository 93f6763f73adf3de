"""What no order may pass without: each limit is one entry of LIMITS, looks at a proposal and names its objection.

A limit that cannot be computed (a missing number, NaN) objects: money paths fail closed.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from dataclasses import dataclass
from decimal import Decimal, DecimalException

from services.execution.domain.broker import Asset
from services.execution.domain.records import TradingStateName
from shared.contracts.base import Side
from shared.contracts.marketdata import Quote
from shared.sessions import session_at


@dataclass(frozen=True, slots=True)
class Bounds:
    """How far each limit lets an order go."""

    max_position_weight: Decimal = Decimal(1)
    max_order_notional: Decimal = Decimal(250_000)
    max_spread_bps: Decimal = Decimal(50)
    spread_floor: Decimal = Decimal("0.03")
    """A spread of so few dollars is never too wide: one cent on a $1 share is 100 bps and still the tightest there is."""
    max_quote_age_seconds: float = 60
    clock_tolerance_seconds: float = 10
    """A quote may be this far in the future before it counts as wrong."""
    allowed_symbols: frozenset[str] = frozenset()
    """Nothing else is traded; empty allows every symbol."""
    denied_symbols: frozenset[str] = frozenset()
    """Never traded, neither bought nor sold; wins over what is allowed."""


@dataclass(frozen=True, slots=True)
class Proposal:
    """One order as it would be sent, with all that the limits look at. `price` is what it is valued at."""

    symbol: str
    side: Side
    qty: Decimal
    price: Decimal
    held_qty: Decimal
    equity: Decimal
    quote: Quote | None
    asset: Asset | None
    trading: TradingStateName
    now: dt.datetime
    obstacle: str | None = None
    """Why nothing may be placed at all (disarmed), None when it may."""
    foreign_orders: tuple[str, ...] = ()

    @property
    def notional(self) -> Decimal:
        return self.qty * self.price

    @property
    def weight_after(self) -> Decimal:
        change = self.qty if self.side == "buy" else -self.qty
        return (self.held_qty + change) * self.price / self.equity


@dataclass(frozen=True, slots=True)
class Objection:
    """Which limit, what it saw and what it allows. `may_pass`: a later quote can change the answer."""

    limit: str
    detail: str
    may_pass: bool = False


Check = Callable[[Proposal, Bounds], str | None]


@dataclass(frozen=True, slots=True)
class Limit:
    name: str
    check: Check
    may_pass: bool = False


def _trading_state(proposal: Proposal, _bounds: Bounds) -> str | None:
    if proposal.trading == "ACTIVE" or (proposal.trading == "REDUCING" and proposal.side == "sell"):
        return None
    return f"trading is {proposal.trading}"


def _arming(proposal: Proposal, _bounds: Bounds) -> str | None:
    return proposal.obstacle


def _session(proposal: Proposal, _bounds: Bounds) -> str | None:
    return None if session_at(proposal.now) else f"the market is closed at {proposal.now.isoformat()}"


def _asset(proposal: Proposal, _bounds: Bounds) -> str | None:
    if proposal.asset is None:
        return "the broker does not know the symbol"
    return None if proposal.asset.is_tradable else "the broker does not trade it now"


def _denied_symbol(proposal: Proposal, bounds: Bounds) -> str | None:
    return f"{proposal.symbol} is on the deny list" if proposal.symbol in bounds.denied_symbols else None


def _allowed_symbol(proposal: Proposal, bounds: Bounds) -> str | None:
    if not bounds.allowed_symbols or proposal.symbol in bounds.allowed_symbols:
        return None
    return f"{proposal.symbol} is not on the allow list"


def _foreign_orders(proposal: Proposal, _bounds: Bounds) -> str | None:
    if not proposal.foreign_orders:
        return None
    return f"open orders that are not ours: {', '.join(proposal.foreign_orders)}"


def _quote(proposal: Proposal, _bounds: Bounds) -> str | None:
    quote = proposal.quote
    if quote is None:
        return "there is no quote"
    return None if quote.is_two_sided else f"no two-sided quote: bid {quote.bid}, ask {quote.ask}"


def _stale_quote(proposal: Proposal, bounds: Bounds) -> str | None:
    age = _present(proposal.quote).age(proposal.now).total_seconds()
    if age > bounds.max_quote_age_seconds:
        return f"the quote is {age:.1f} s old; at most {bounds.max_quote_age_seconds:g} s"
    if age < -bounds.clock_tolerance_seconds:
        return f"the quote is {-age:.1f} s in the future; at most {bounds.clock_tolerance_seconds:g} s"
    return None


def _spread(proposal: Proposal, bounds: Bounds) -> str | None:
    quote = _present(proposal.quote)
    allowed = widest_spread(quote, bounds)
    if quote.spread <= allowed:
        return None
    return f"the spread is ${quote.spread} ({quote.spread_bps:.1f} bps); at most ${allowed:.4f}"


def _short_sale(proposal: Proposal, _bounds: Bounds) -> str | None:
    if proposal.held_qty < 0:
        return f"{proposal.held_qty} shares are held short; short positions are left to a person"
    if proposal.side == "sell" and proposal.qty > proposal.held_qty:
        return f"selling {proposal.qty} of {proposal.held_qty} held would be a short sale"
    return None


def _order_size(proposal: Proposal, bounds: Bounds) -> str | None:
    if proposal.qty > 0 and proposal.price > 0 and proposal.notional <= bounds.max_order_notional:
        return None
    return f"the order is worth ${proposal.notional:.2f}; more than 0 and at most ${bounds.max_order_notional}"


def _position_size(proposal: Proposal, bounds: Bounds) -> str | None:
    if not proposal.equity > 0:
        return f"the equity is {proposal.equity}; it must be positive"
    if proposal.side == "sell" or proposal.weight_after <= bounds.max_position_weight:
        return None
    return f"the position would be {proposal.weight_after:.4f} of equity; at most {bounds.max_position_weight}"


LIMITS: tuple[Limit, ...] = (
    Limit("trading state", _trading_state),
    Limit("arming", _arming),
    Limit("session", _session),
    Limit("asset", _asset),
    Limit("deny list", _denied_symbol),
    Limit("allow list", _allowed_symbol),
    Limit("foreign orders", _foreign_orders),
    Limit("short sale", _short_sale),
    Limit("quote", _quote, may_pass=True),
    Limit("stale quote", _stale_quote, may_pass=True),
    Limit("spread", _spread, may_pass=True),
    Limit("order notional", _order_size),
    Limit("position size", _position_size),
)


def objection(proposal: Proposal, bounds: Bounds, limits: tuple[Limit, ...] = LIMITS) -> Objection | None:
    """The first limit that objects, None when all let it pass."""
    for limit in limits:
        if (detail := _answer(limit, proposal, bounds)) is not None:
            return Objection(limit.name, detail, limit.may_pass)
    return None


def widest_spread(quote: Quote, bounds: Bounds) -> Decimal:
    """The most dollars between bid and ask at which this symbol is traded."""
    return max(quote.mid * bounds.max_spread_bps / 10_000, bounds.spread_floor)


def _answer(limit: Limit, proposal: Proposal, bounds: Bounds) -> str | None:
    try:
        return limit.check(proposal, bounds)
    except (DecimalException, ArithmeticError, ValueError, TypeError) as error:
        return f"cannot be computed ({type(error).__name__}: {error})"


def _present(quote: Quote | None) -> Quote:
    if quote is None:
        raise ValueError("there is no quote")
    return quote

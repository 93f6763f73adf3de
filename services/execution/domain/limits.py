"""What no order may pass without: each limit is one entry of LIMITS, looks at a proposal and names its objection.

A limit that cannot be computed (a missing number, NaN) objects: money paths fail closed.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from decimal import Decimal, DecimalException

from services.execution.domain import account_limits, market_limits, order_limits
from services.execution.domain.proposal import Bounds, Proposal

__all__ = ["LIMITS", "Bounds", "Limit", "Objection", "Proposal", "objection"]

Check = Callable[[Proposal, Bounds], str | None]
Room = Callable[[Proposal, Bounds], Decimal]


@dataclass(frozen=True, slots=True)
class Objection:
    """Which limit, what it saw and what it allows. `may_pass`: time alone can change the answer.

    `fits`: the shares that it would have let pass, where a smaller order helps.
    """

    limit: str
    detail: str
    may_pass: bool = False
    fits: Decimal | None = None


@dataclass(frozen=True, slots=True)
class Limit:
    name: str
    check: Check
    may_pass: bool = False
    room: Room | None = None
    """The most shares that it lets pass."""


LIMITS: tuple[Limit, ...] = (
    Limit("trading state", order_limits.trading_state),
    Limit("arming", order_limits.arming),
    Limit("session", order_limits.session),
    Limit("equity reading", account_limits.equity_reading, may_pass=True),
    Limit("drawdown", account_limits.drawdown),
    Limit("daily loss", account_limits.daily_loss),
    Limit("asset", order_limits.asset),
    Limit("deny list", order_limits.denied_symbol),
    Limit("allow list", order_limits.allowed_symbol),
    Limit("foreign orders", order_limits.foreign_orders),
    Limit("short sale", order_limits.short_sale),
    Limit("quote", market_limits.quote, may_pass=True),
    Limit("stale quote", market_limits.stale_quote, may_pass=True),
    Limit("spread", market_limits.spread, may_pass=True),
    Limit("order notional", order_limits.order_size, room=order_limits.size_room),
    Limit("position size", order_limits.position_size, room=order_limits.position_room),
    Limit("quote collar", market_limits.beyond_quote),
    Limit("last close", market_limits.last_close),
    Limit("average volume", market_limits.average_volume, room=market_limits.volume_room),
    Limit("open orders", account_limits.open_orders, may_pass=True),
    Limit("daily turnover", account_limits.daily_turnover, room=account_limits.turnover_room),
    Limit("buying power", account_limits.buying_power, may_pass=True, room=account_limits.funds_room),
)


def objection(proposal: Proposal, bounds: Bounds, limits: tuple[Limit, ...] = LIMITS) -> Objection | None:
    """The first limit that objects, None when all let it pass."""
    for limit in limits:
        if (detail := _answer(limit, proposal, bounds)) is not None:
            return Objection(limit.name, detail, limit.may_pass, _room(limit, proposal, bounds))
    return None


def _answer(limit: Limit, proposal: Proposal, bounds: Bounds) -> str | None:
    try:
        return limit.check(proposal, bounds)
    except (DecimalException, ArithmeticError, ValueError, TypeError) as error:
        return f"cannot be computed ({type(error).__name__}: {error})"


def _room(limit: Limit, proposal: Proposal, bounds: Bounds) -> Decimal | None:
    try:
        fits = None if limit.room is None else limit.room(proposal, bounds)
    except (DecimalException, ArithmeticError, ValueError, TypeError):
        return None
    return fits if fits is not None and fits.is_finite() and fits > 0 else None

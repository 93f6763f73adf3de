"""Each limit as people see it: how far it lets an order go, and how the account stands against it now."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from types import MappingProxyType
from typing import Final

from services.execution.domain.broker import Account, Position
from services.execution.domain.exposure import Standing
from services.execution.domain.limits import LIMITS
from services.execution.domain.losses import EquityRecord
from services.execution.domain.proposal import Bounds
from services.execution.domain.records import TradingRecord
from shared.sessions import session_at

_OFF: Final = "off"
_EACH: Final = "looked at for each order"
_UNREAD: Final = "not read yet"


@dataclass(frozen=True, slots=True)
class Picture:
    """What stands behind the readings. `funds` may be spent beside what is open."""

    bounds: Bounds
    trading: TradingRecord
    obstacle: str | None
    worth: EquityRecord | None
    standing: Standing
    account: Account
    positions: Sequence[Position]
    funds: Decimal
    now: dt.datetime


@dataclass(frozen=True, slots=True)
class LimitRow:
    limit: str
    bound: str
    reading: str


def rows(picture: Picture) -> tuple[LimitRow, ...]:
    """One for each limit, in the order in which they are looked at."""
    return tuple(LimitRow(limit.name, *_VIEWS[limit.name](picture)) for limit in LIMITS)


def _trading_state(p: Picture) -> tuple[str, str]:
    because = f": {p.trading.reason}" if p.trading.reason and p.trading.state != "ACTIVE" else ""
    return "ACTIVE; REDUCING lets sells pass", f"{p.trading.state}{because}"


def _session(p: Picture) -> tuple[str, str]:
    return "the exchange is open", "open" if session_at(p.now) else "closed"


def _equity_reading(p: Picture) -> tuple[str, str]:
    bound = f"read today, at most {p.bounds.max_equity_age_seconds:g} s ago"
    return bound, _UNREAD if p.worth is None else f"{(p.now - p.worth.at).total_seconds():.0f} s ago"


def _drawdown(p: Picture) -> tuple[str, str]:
    reading = _UNREAD if p.worth is None else f"{_share(p.worth.drawdown)} below ${p.worth.high_water:,.2f}"
    return _at_most(p.bounds.max_drawdown), reading


def _daily_loss(p: Picture) -> tuple[str, str]:
    if p.worth is None or p.worth.day_base is None:
        return _at_most(p.bounds.max_daily_loss), _UNREAD
    return _at_most(p.bounds.max_daily_loss), f"{_share(p.worth.daily_loss)} below ${p.worth.day_base:,.2f}"


def _deny_list(p: Picture) -> tuple[str, str]:
    return ", ".join(sorted(p.bounds.denied_symbols)) or "nothing", _EACH


def _allow_list(p: Picture) -> tuple[str, str]:
    return ", ".join(sorted(p.bounds.allowed_symbols)) or "every symbol", _EACH


def _spread(p: Picture) -> tuple[str, str]:
    return f"at most {p.bounds.max_spread_bps} bps, or ${p.bounds.spread_floor}", _EACH


def _position_size(p: Picture) -> tuple[str, str]:
    worth = {position.symbol: position.qty * (position.price or Decimal("NaN")) for position in p.positions}
    known = {symbol: value for symbol, value in worth.items() if value.is_finite()}
    bound = f"at most {p.bounds.max_position_weight:.0%} of the equity"
    if not known or p.account.equity <= 0:
        return bound, "nothing is held"
    largest = max(known, key=lambda symbol: known[symbol])
    return bound, f"{largest} {known[largest] / p.account.equity:.1%}"


def _last_close(p: Picture) -> tuple[str, str]:
    moves = f"{p.bounds.close_move_multiple:g} usual moves where that is more"
    return f"{_at_most(p.bounds.max_close_move)} away, or {moves}" if p.bounds.max_close_move else _OFF, _EACH


def _daily_turnover(p: Picture) -> tuple[str, str]:
    bound = _OFF if p.bounds.max_turnover is None else f"at most {p.bounds.max_turnover:g} times the equity"
    times = p.standing.traded / p.account.equity if p.account.equity > 0 else Decimal("NaN")
    return bound, f"${p.standing.traded:,.2f}, {times:.2f} times"


def _volume(p: Picture) -> tuple[str, str]:
    share = p.bounds.max_volume_share
    return _OFF if share is None else f"at most {share:.1%} of a usual day", _EACH


def _at_most(share: Decimal | None) -> str:
    return _OFF if share is None else f"at most {share:.0%}"


def _share(lost: Decimal) -> str:
    return "not known" if lost.is_nan() else f"{lost:.2%}"


_VIEWS: Final[Mapping[str, Callable[[Picture], tuple[str, str]]]] = MappingProxyType(
    {
        "trading state": _trading_state,
        "arming": lambda p: ("mode live is armed", p.obstacle or "nothing in the way"),
        "session": _session,
        "equity reading": _equity_reading,
        "drawdown": _drawdown,
        "daily loss": _daily_loss,
        "asset": lambda _: ("the broker trades it", _EACH),
        "deny list": _deny_list,
        "allow list": _allow_list,
        "foreign orders": lambda _: ("none in the symbol", "looked at when planning"),
        "short sale": lambda _: ("never more than is held", _EACH),
        "quote": lambda _: ("two-sided", _EACH),
        "stale quote": lambda p: (f"at most {p.bounds.max_quote_age_seconds:g} s old", _EACH),
        "spread": _spread,
        "order notional": lambda p: (f"at most ${p.bounds.max_order_notional:,}", _EACH),
        "position size": _position_size,
        "quote collar": lambda p: (f"at most {p.bounds.max_beyond_quote_bps} bps beyond, or one cent", _EACH),
        "last close": _last_close,
        "average volume": _volume,
        "open orders": lambda p: (f"at most {p.bounds.max_open_orders}", str(p.standing.open_orders)),
        "daily turnover": _daily_turnover,
        "buying power": lambda p: ("what is free beside open buys", f"${p.funds:,.2f}"),
    }
)

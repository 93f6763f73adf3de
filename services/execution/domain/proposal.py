"""One order as it would be sent, with everything the limits look at, and how far they let it go."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from decimal import Decimal

from services.execution.domain.broker import Asset
from services.execution.domain.losses import EquityRecord
from services.execution.domain.records import TradingStateName
from services.execution.domain.reference import Reference
from shared.contracts.base import Side
from shared.contracts.marketdata import Quote


@dataclass(frozen=True, slots=True)
class Bounds:
    """How far each limit lets an order go. None: that limit is switched off."""

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
    max_beyond_quote_bps: Decimal = Decimal(100)
    """How far beyond the far side of the quote a price may reach; one cent always may."""
    max_close_move: Decimal | None = Decimal("0.2")
    """How far from the last close a price may be, as a share of it."""
    close_move_multiple: Decimal = Decimal(10)
    """So many usual daily moves of the symbol are allowed where that is more: a threefold fund moves further than a bill."""
    max_close_age_days: int = 7
    """An older close is none: longer than any closure of the exchange."""
    max_open_orders: int = 100
    max_turnover: Decimal | None = Decimal(4)
    """Dollars bought and sold in a day, as a multiple of equity. Out of everything into everything else is 2."""
    max_daily_loss: Decimal | None = Decimal("0.25")
    """Of the equity when the session before ended. A threefold fund loses a tenth on many days, and a third on the worst."""
    max_drawdown: Decimal | None = Decimal("0.5")
    """Of the highest equity."""
    max_equity_age_seconds: float = 900
    """An older reading of the equity is none: no order is worked for longer."""
    sells_go_on: bool = True
    """After such a loss sells are let pass: trading is REDUCING and not HALTED."""
    max_volume_share: Decimal | None = Decimal("0.1")
    """How much of the shares that are usually traded in a day one order may be."""


@dataclass(frozen=True, slots=True)
class Proposal:
    """`price` is what the order is valued at: its limit, or what it would pay."""

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
    reference: Reference | None
    traded: Decimal
    """Dollars of today's orders beside this one, and what is filled of its own."""
    open_orders: int
    """Beside this one."""
    worth: EquityRecord | None
    """The newest reading of the equity."""
    funds: Decimal
    """What may be paid for it; 0 where it is sold."""
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

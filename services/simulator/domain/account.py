"""One account: its cash, positions, orders and what they tie up. Prices come from outside; money moves only by fills and fees."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable
from dataclasses import dataclass, field
from decimal import Decimal

from services.simulator.domain.activities import Activity
from services.simulator.domain.ledger import Ledger
from services.simulator.domain.numbers import ZERO
from services.simulator.domain.orders import Order, Side, Status
from services.simulator.domain.watchlists import Watchlists

DEFAULT_CASH = Decimal(100_000)


@dataclass(slots=True)
class Position:
    """Shares held (negative: short) and what they cost (negative for a short)."""

    symbol: str
    qty: Decimal = ZERO
    cost_basis: Decimal = ZERO

    @property
    def avg_entry_price(self) -> Decimal:
        return self.cost_basis / self.qty

    def add(self, qty: Decimal, price: Decimal) -> None:
        """Trades `qty` (signed) at `price`; crossing zero starts a new position at that price."""
        grows = self.qty == 0 or (self.qty > 0) == (qty > 0)
        if grows:
            self.cost_basis += qty * price
        elif abs(qty) >= abs(self.qty):
            self.cost_basis = (self.qty + qty) * price
        else:
            self.cost_basis *= (self.qty + qty) / self.qty
        self.qty += qty


@dataclass(slots=True)
class Configuration:
    """The account's own switches, as account/configurations shows them."""

    suspend_trade: bool = False
    no_shorting: bool = False
    fractional_trading: bool = True
    max_margin_multiplier: int = 4
    trade_confirm_email: str = "all"
    ptp_no_exception_entry: bool = False
    disable_overnight_trading: bool = False
    max_options_trading_level: int = 3


@dataclass(slots=True, eq=False)
class Account:
    """`key` names it; orders stand in the order of their arrival."""

    key: str
    id: str
    number: str
    created_at: dt.datetime
    starting_cash: Decimal = DEFAULT_CASH
    cash: Decimal = field(init=False)
    positions: dict[str, Position] = field(default_factory=dict)
    orders: dict[str, Order] = field(default_factory=dict)
    by_client_order_id: dict[str, Order] = field(default_factory=dict)
    open_orders: dict[str, Order] = field(default_factory=dict)
    activities: list[Activity] = field(default_factory=list)
    configuration: Configuration = field(default_factory=Configuration)
    watchlists: Watchlists = field(default_factory=Watchlists)
    accrued_fees: dict[str, Decimal] = field(default_factory=dict)
    counters: dict[str, int] = field(default_factory=dict)
    ledger: Ledger = field(init=False)
    _open_by_symbol: dict[str, dict[str, Order]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.cash = self.starting_cash
        self.ledger = Ledger(self.starting_cash)

    def count(self, what: str) -> int:
        """The next number of a series; series do not disturb each other."""
        self.counters[what] = self.counters.get(what, 0) + 1
        return self.counters[what]

    def enter(self, order: Order) -> None:
        self.orders[order.id] = order
        self.by_client_order_id[order.client_order_id] = order
        self.open_orders[order.id] = order
        self._open_by_symbol.setdefault(order.symbol, {})[order.id] = order

    def close(self, order: Order) -> None:
        """Takes a terminal order out of what is open; it stays known for ever."""
        self.open_orders.pop(order.id, None)
        self._open_by_symbol.get(order.symbol, {}).pop(order.id, None)

    def open_in(self, symbol: str) -> Iterable[Order]:
        return self._open_by_symbol.get(symbol, {}).values()

    def qty(self, symbol: str) -> Decimal:
        position = self.positions.get(symbol)
        return ZERO if position is None else position.qty

    def tied_up(self, symbol: str, side: Side) -> Decimal:
        """Shares that open orders of that side would trade; legs that wait hold nothing back."""
        return sum((order.ties_up for order in self.open_in(symbol) if order.side is side), ZERO)

    def closing_side(self, symbol: str) -> Side:
        return Side.SELL if self.qty(symbol) > 0 else Side.BUY

    def available(self, symbol: str) -> Decimal:
        """Shares of the position, signed, that no open order holds."""
        qty = self.qty(symbol)
        held = self.tied_up(symbol, self.closing_side(symbol))
        free = max(abs(qty) - held, ZERO)
        return free if qty > 0 else -free

    def reserved(self) -> Decimal:
        """Buying power that open orders tie up."""
        return sum((order.reservation for order in self.open_orders.values()), ZERO)

    def trade(self, symbol: str, qty: Decimal, price: Decimal, at: dt.datetime) -> Decimal:
        """Books `qty` (signed) at `price`; returns the position's new size, signed."""
        position = self.positions.setdefault(symbol, Position(symbol))
        position.add(qty, price)
        self.cash -= qty * price
        self.ledger.add(at, symbol, qty, -qty * price)
        if position.qty == 0:
            del self.positions[symbol]
        return position.qty

    def pay(self, amount: Decimal, at: dt.datetime) -> None:
        self.cash -= amount
        self.ledger.add(at, None, ZERO, -amount)

    def waiting(self, symbol: str, side: Side) -> list[Order]:
        """Open orders of that side, waiting legs excluded."""
        return [o for o in self.open_in(symbol) if o.side is side and o.status is not Status.HELD]

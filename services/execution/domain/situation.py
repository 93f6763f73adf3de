"""The account and its market at one moment, as a plan is made from it."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal

from services.execution.domain.broker import Account, Asset, Position
from services.execution.domain.exposure import Standing
from services.execution.domain.losses import EquityRecord
from services.execution.domain.records import TradingStateName
from services.execution.domain.reference import Reference
from shared.contracts.marketdata import Quote


@dataclass(frozen=True, slots=True)
class Situation:
    """Symbols without a quote, an asset or daily history are absent. `standing`: our orders of today so far."""

    account: Account
    positions: Mapping[str, Position]
    quotes: Mapping[str, Quote]
    assets: Mapping[str, Asset]
    foreign_orders: Mapping[str, tuple[str, ...]]
    trading: TradingStateName
    now: dt.datetime
    references: Mapping[str, Reference]
    standing: Standing
    worth: EquityRecord | None
    foreign_buys: Decimal = Decimal(0)
    """Dollars that open buys of others tie up."""
    obstacle: str | None = None
    left_alone: Mapping[str, Decimal] = field(default_factory=dict)
    """Shares in the account that are not the portfolio's; the positions and the account are told without them."""

    def held(self, symbol: str) -> Decimal:
        position = self.positions.get(symbol)
        return position.qty if position else Decimal(0)

    def fresh_price(self, symbol: str) -> Decimal | None:
        """The quote's midpoint, None without a two-sided quote."""
        quote = self.quotes.get(symbol)
        return quote.mid if quote is not None and quote.is_two_sided else None

    def value_price(self, symbol: str) -> Decimal | None:
        """What a held share counts for: the midpoint, else the broker's last price."""
        fresh = self.fresh_price(symbol)
        position = self.positions.get(symbol)
        return fresh if fresh is not None or position is None else position.price

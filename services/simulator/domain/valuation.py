"""What an account is worth and may still spend, at given prices."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal

from services.simulator.domain.account import Account, Position
from services.simulator.domain.marks import Mark
from services.simulator.domain.numbers import ZERO, cents

# The intraday margin rule: leverage from this equity on.
MARGIN_EQUITY = Decimal(2000)
_REGT_MULTIPLIER = 2
_MAINTENANCE = Decimal("0.3")


@dataclass(frozen=True, slots=True)
class Valuation:
    """Amounts in whole cents, so that equity is exactly cash plus both market values."""

    cash: Decimal
    long_market_value: Decimal
    short_market_value: Decimal
    multiplier: int
    reserved: Decimal

    @property
    def equity(self) -> Decimal:
        return self.cash + self.long_market_value + self.short_market_value

    @property
    def gross(self) -> Decimal:
        return self.long_market_value - self.short_market_value

    @property
    def initial_margin(self) -> Decimal:
        return cents(self.gross / min(self.multiplier, _REGT_MULTIPLIER))

    @property
    def maintenance_margin(self) -> Decimal:
        return cents(self.gross * _MAINTENANCE)

    @property
    def buying_power(self) -> Decimal:
        return self._power(self.multiplier)

    @property
    def regt_buying_power(self) -> Decimal:
        return self._power(min(self.multiplier, _REGT_MULTIPLIER))

    @property
    def non_marginable_buying_power(self) -> Decimal:
        return max(min(self.cash - self.reserved, self._power(1)), ZERO)

    def _power(self, multiplier: int) -> Decimal:
        return max(self.equity * multiplier - self.gross - self.reserved, ZERO)


def value(account: Account, mark: Mark) -> Valuation:
    worth = [cents(market_value(position, mark)) for position in account.positions.values()]
    cash = cents(account.cash)
    equity = cash + sum(worth, ZERO)
    return Valuation(
        cash=cash,
        long_market_value=sum((amount for amount in worth if amount > 0), ZERO),
        short_market_value=sum((amount for amount in worth if amount < 0), ZERO),
        multiplier=min(account.configuration.max_margin_multiplier, 4) if equity >= MARGIN_EQUITY else 1,
        reserved=cents(account.reserved()),
    )


def market_value(position: Position, mark: Mark) -> Decimal:
    """At the market's price; where it has none, at what was paid."""
    price = mark(position.symbol)
    return position.cost_basis if price is None else position.qty * price

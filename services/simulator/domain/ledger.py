"""Every movement of shares and cash in time order, so that an account can be valued at any instant of its past."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from decimal import Decimal

from services.simulator.domain.numbers import ZERO


@dataclass(frozen=True, slots=True)
class Movement:
    at: dt.datetime
    symbol: str | None
    qty: Decimal
    cash: Decimal


@dataclass(frozen=True, slots=True)
class Holdings:
    """Cash and shares at one instant; closed positions are absent."""

    cash: Decimal
    shares: dict[str, Decimal]


@dataclass(slots=True)
class Ledger:
    opening_cash: Decimal
    movements: list[Movement] = field(default_factory=list)

    def add(self, at: dt.datetime, symbol: str | None, qty: Decimal, cash: Decimal) -> None:
        self.movements.append(Movement(at, symbol, qty, cash))

    def holdings(self, at: dt.datetime) -> Holdings:
        """After all that happened at or before `at`."""
        return next(self.over((at,)))

    def over(self, instants: Sequence[dt.datetime]) -> Iterator[Holdings]:
        """Holdings at each of the instants, which must be in time order."""
        cash, shares, done = self.opening_cash, dict[str, Decimal](), 0
        for at in instants:
            while done < len(self.movements) and self.movements[done].at <= at:
                movement = self.movements[done]
                cash += movement.cash
                if movement.symbol is not None:
                    shares[movement.symbol] = shares.get(movement.symbol, ZERO) + movement.qty
                done += 1
            yield Holdings(cash, {symbol: qty for symbol, qty in shares.items() if qty != 0})

"""What is in the account and is not the portfolio's: taken out of the picture before anything is planned or reported."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from decimal import Decimal

from services.execution.domain.broker import Account, Position

Positions = Mapping[str, Position]
Foreign = Mapping[str, Decimal]


def ours_among(positions: Positions, foreign: Foreign) -> dict[str, Position]:
    """The positions as if the foreign shares were not in them."""
    found = {}
    for symbol, position in positions.items():
        apart = _apart(position, foreign)
        if position.qty != apart:
            free = max(Decimal(0), position.available_qty - apart)
            found[symbol] = replace(position, qty=position.qty - apart, available_qty=free) if apart else position
    return found


def without_worth(account: Account, positions: Positions, foreign: Foreign) -> Account:
    """The account as if the foreign shares were worth nothing, at the broker's own prices as its equity is."""
    worth = sum((_apart(p, foreign) * (p.price or p.average_price) for p in positions.values()), Decimal(0))
    return replace(account, equity=account.equity - worth) if worth else account


def _apart(position: Position, foreign: Foreign) -> Decimal:
    """Never more than is really there."""
    told, held = foreign.get(position.symbol, Decimal(0)), position.qty
    return max(Decimal(0), min(told, held)) if held > 0 else min(Decimal(0), max(told, held))

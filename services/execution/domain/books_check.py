"""Our books against the broker's: which symbols differ, since when, and when a difference is a breach.

A fill shows in the broker's orders, positions and activities at three different moments. What an order says is filled and no
activity tells yet is under way and counts as ours; any other difference must stand still before it is believed.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Final, Literal

ZERO: Final = Decimal(0)
CENT: Final = Decimal("0.01")
CASH: Final = "cash"
"""Stands where a symbol could, for dollars."""
_ROUNDS: Final = 3

Quantities = Mapping[str, Decimal]


@dataclass(frozen=True, slots=True)
class BooksRules:
    """`opening` is whose the positions are that were there before; `patience_seconds` how long a difference must stand still."""

    opening: Literal["foreign", "unassigned"] = "foreign"
    patience_seconds: float = 30.0


@dataclass(frozen=True, slots=True)
class Mismatch:
    """Shares of a symbol (dollars of CASH): ours, what is under way included, and the broker's."""

    symbol: str
    ours: Decimal
    brokers: Decimal

    @property
    def difference(self) -> Decimal:
        return self.brokers - self.ours

    def __str__(self) -> str:
        what = "dollars" if self.symbol == CASH else "shares"
        return f"{self.symbol}: ours {self.ours.normalize():f}, the broker's {self.brokers.normalize():f} {what}"


@dataclass(frozen=True, slots=True)
class Doubt:
    """A mismatch that was seen in so many rounds in a row, first at `since` (seconds of any steady clock)."""

    mismatch: Mismatch
    since: float
    rounds: int = 1

    def is_breach(self, seconds: float, patience_seconds: float) -> bool:
        return self.rounds >= _ROUNDS and seconds - self.since >= patience_seconds


def mismatches(ours: Quantities, under_way: Quantities, brokers: Quantities) -> tuple[Mismatch, ...]:
    found = []
    for symbol in sorted({*ours, *under_way, *brokers}):
        expected = ours.get(symbol, ZERO) + under_way.get(symbol, ZERO)
        told = brokers.get(symbol, ZERO)
        if expected != told:
            found.append(Mismatch(symbol, expected, told))
    return tuple(found)


def cash_mismatch(ours: Decimal, brokers: Decimal) -> Mismatch | None:
    """Less than a cent is none: the broker tells whole cents, and fractions of shares cost fractions of them."""
    return Mismatch(CASH, ours, brokers) if abs(brokers - ours) >= CENT else None


def doubts_after(before: Iterable[Doubt], found: Iterable[Mismatch], seconds: float) -> tuple[Doubt, ...]:
    """A difference that changes is a new one: something is still moving."""
    known = {doubt.mismatch.symbol: doubt for doubt in before}
    after = []
    for mismatch in found:
        old = known.get(mismatch.symbol)
        if old is not None and old.mismatch.difference == mismatch.difference:
            after.append(Doubt(mismatch, old.since, old.rounds + 1))
        else:
            after.append(Doubt(mismatch, seconds))
    return tuple(after)

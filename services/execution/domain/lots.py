"""Lots of one holding, first in, first out: what shares cost, and what was made of them when they went. Exact, long or short.

A lot's cost is signed as its quantity is: dollars paid for shares held, dollars received for shares owed.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from decimal import ROUND_DOWN, ROUND_HALF_EVEN, Decimal
from typing import Final, Literal

from shared.sessions import new_york_date

ZERO: Final = Decimal(0)
SHARE_STEP: Final = Decimal("1e-9")
_COST_STEP: Final = Decimal("1e-12")
Term = Literal["short", "long", "unknown"]


@dataclass(frozen=True, slots=True)
class Lot:
    """`opened_by` names the entry; `is_dated` False: held before the ledger began, nobody told since when."""

    opened: dt.datetime
    qty: Decimal
    cost: Decimal
    opened_by: str
    is_dated: bool = True


@dataclass(frozen=True, slots=True)
class ClosedLot:
    """`qty` is positive. For a lot that was short, `proceeds` came first and `cost_basis` after."""

    opened: dt.datetime
    closed: dt.datetime
    qty: Decimal
    cost_basis: Decimal
    proceeds: Decimal
    opened_by: str
    closed_by: str
    is_dated: bool = True

    @property
    def gain(self) -> Decimal:
        return self.proceeds - self.cost_basis

    @property
    def term(self) -> Term:
        """Long after more than a year, counted in New York dates from the day after it was opened."""
        if not self.is_dated:
            return "unknown"
        return "long" if new_york_date(self.closed) > _a_year_after(new_york_date(self.opened)) else "short"


def traded(
    lots: Sequence[Lot], qty: Decimal, price: Decimal, at: dt.datetime, by: str
) -> tuple[tuple[Lot, ...], tuple[ClosedLot, ...]]:
    """The lots after `qty` (negative: sold) at `price`, and what that closed. What is left over opens a lot of its own."""
    kept, closed, rest = list(lots), list[ClosedLot](), qty
    while rest and kept and _sign(kept[0].qty) != _sign(rest):
        taken, left = _parted(kept[0], min(abs(rest), abs(kept[0].qty)))
        kept[:1] = [left] if left is not None else []
        closed.append(_closed(taken, price, at, by))
        rest += taken.qty
    if rest:
        kept.append(Lot(at, rest, rest * price, by))
    return tuple(kept), tuple(closed)


def taken_out(lots: Sequence[Lot], qty: Decimal) -> tuple[tuple[Lot, ...], tuple[Lot, ...]]:
    """The lots that stay, and the oldest ones that make up `qty` (positive) shares or as many as there are."""
    kept, taken, rest = list(lots), list[Lot](), qty
    while rest > 0 and kept:
        part, left = _parted(kept[0], min(rest, abs(kept[0].qty)))
        kept[:1] = [left] if left is not None else []
        taken.append(part)
        rest -= abs(part.qty)
    return tuple(kept), tuple(taken)


def scaled(lots: Sequence[Lot], qty: Decimal) -> tuple[Lot, ...]:
    """The same lots at the same cost, with `qty` shares in all, as after a split."""
    before, left, orphaned = quantity(lots), qty, ZERO
    found = []
    for lot in lots[:-1]:
        part = (lot.qty * qty / before).quantize(SHARE_STEP, ROUND_DOWN)
        if part == 0:
            orphaned += lot.cost  # too few shares to tell: the next lot bears what they cost
            continue
        found.append(replace(lot, qty=part, cost=lot.cost + orphaned))
        left, orphaned = left - part, ZERO
    return (*found, *(replace(lot, qty=left, cost=lot.cost + orphaned) for lot in lots[-1:]))


def quantity(lots: Iterable[Lot]) -> Decimal:
    return sum((lot.qty for lot in lots), ZERO)


def cost(lots: Iterable[Lot]) -> Decimal:
    return sum((lot.cost for lot in lots), ZERO)


def _parted(lot: Lot, qty: Decimal) -> tuple[Lot, Lot | None]:
    """`qty` (positive) shares of the lot, and the rest of it; their costs add up to the lot's."""
    if qty == abs(lot.qty):
        return lot, None
    part = qty * _sign(lot.qty)
    share = (lot.cost * part / lot.qty).quantize(_COST_STEP, ROUND_HALF_EVEN)
    return replace(lot, qty=part, cost=share), replace(lot, qty=lot.qty - part, cost=lot.cost - share)


def _closed(lot: Lot, price: Decimal, at: dt.datetime, by: str) -> ClosedLot:
    worth, paid = abs(lot.qty) * price, abs(lot.cost)
    basis, proceeds = (paid, worth) if lot.qty > 0 else (worth, paid)
    return ClosedLot(lot.opened, at, abs(lot.qty), basis, proceeds, lot.opened_by, by, lot.is_dated)


def _a_year_after(day: dt.date) -> dt.date:
    try:
        return day.replace(year=day.year + 1)
    except ValueError:  # the 29th of February
        return day.replace(year=day.year + 1, day=28)


def _sign(number: Decimal) -> int:
    return 1 if number > 0 else -1

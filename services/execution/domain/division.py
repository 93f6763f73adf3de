"""How a quantity is divided among those who wanted it: pro rata, to nine decimals, with nothing left over.

One strategy's sell and another's buy of the same symbol meet inside the account; only the difference goes to the market.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import ROUND_DOWN, Decimal
from typing import Final

from shared.contracts.base import Side

ZERO: Final = Decimal(0)
_STEP: Final = Decimal("1e-9")
Shares = Mapping[str, Decimal]
"""Whose, and how many."""


@dataclass(frozen=True, slots=True)
class Crossing:
    """Shares that change hands inside the account."""

    giver: str
    taker: str
    qty: Decimal


@dataclass(frozen=True, slots=True)
class Division:
    """Who wants more of a symbol and who less; what is bought or sold of it is theirs in that proportion."""

    takes: Shares = field(default_factory=dict)
    gives: Shares = field(default_factory=dict)

    def wishes(self, side: Side) -> Shares:
        return self.takes if side == "buy" else self.gives


def division_of(wanted: Shares) -> Division:
    """`wanted` is each one's change: positive to buy, negative to sell."""
    return Division(
        {name: qty for name, qty in wanted.items() if qty > 0},
        {name: -qty for name, qty in wanted.items() if qty < 0},
    )


def crossings(division: Division) -> tuple[Crossing, ...]:
    """What givers hand to takers: as much as both sides have, each one's part pro rata."""
    given, taken = (sum(side.values(), ZERO) for side in (division.gives, division.takes))
    qty = min(given, taken)
    if qty <= 0:
        return ()
    gives, takes = spread(qty, division.gives), spread(qty, division.takes)
    return tuple(_paired(gives, takes))


def spread(qty: Decimal, weights: Shares) -> dict[str, Decimal]:
    """`qty` (not negative) divided by `weights`; the parts sum to it exactly. Nobody's, when nobody has a weight."""
    weights = {name: weight for name, weight in sorted(weights.items()) if weight > 0}
    total = sum(weights.values(), ZERO)
    if total == qty or not weights:
        return dict(weights)  # everybody exactly what he wants: no division may cost him the last digit
    parts = {name: (qty * weight / total).quantize(_STEP, ROUND_DOWN) for name, weight in weights.items()}
    heaviest = max(parts, key=lambda name: (weights[name], name))
    parts[heaviest] += qty - sum(parts.values(), ZERO)
    return parts


def spread_within(qty: Decimal, weights: Shares, held: Shares) -> tuple[dict[str, Decimal], Decimal]:
    """`qty` divided by `weights`, nobody's part above what he holds; what is too much for one is divided among the others.

    The second is what nobody holds.
    """
    found: dict[str, Decimal] = {}
    room, rest = {name: h for name, h in held.items() if h > 0}, qty
    for wishes in (weights, held):
        while rest > 0 and (able := {name: wishes.get(name, ZERO) for name in room if wishes.get(name, ZERO) > 0}):
            for name, part in spread(rest, able).items():
                given = min(part, room[name])
                found[name] = found.get(name, ZERO) + given
                room[name] -= given
                rest -= given
            room = {name: left for name, left in room.items() if left > 0}
    return {name: part for name, part in found.items() if part > 0}, rest


def by_turns(qty: Decimal, *turns: tuple[Shares, Shares]) -> tuple[dict[str, Decimal], Decimal]:
    """`spread_within` one (weights, held) after the other, as long as something is left; no owner stands in two of them."""
    found, rest = dict[str, Decimal](), qty
    for weights, held in turns:
        parts, rest = spread_within(rest, weights, held)
        found |= parts
    return found, rest


def _paired(gives: Shares, takes: Shares) -> list[Crossing]:
    found, wanting = [], dict(takes)
    for giver, given in gives.items():
        left = given
        for taker, wanted in wanting.items():
            qty = min(left, wanted)
            if qty > 0:
                found.append(Crossing(giver, taker, qty))
                wanting[taker] = wanted - qty
                left -= qty
    return found

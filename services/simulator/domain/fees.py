"""What a fill costs beyond its price: nothing, or the regulators' fees, booked once a day and rounded up to the cent."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import ROUND_CEILING, Decimal
from typing import Protocol

from services.simulator.domain.numbers import CENT
from services.simulator.domain.orders import Side

# Schedule of 2026-09-17; per dollar sold, per share sold (with a cap per trade), per share traded.
SEC_RATE = Decimal("20.60") / 1_000_000
TAF_RATE = Decimal("0.000195")
TAF_CAP = Decimal("9.79")
CAT_RATE = Decimal("0.000003")


class FeeSchedule(Protocol):
    """Amounts by name, exact; they are summed over a day before rounding."""

    def of(self, side: Side, qty: Decimal, price: Decimal) -> Mapping[str, Decimal]: ...


class NoFees:
    """As the paper account."""

    def of(self, side: Side, qty: Decimal, price: Decimal) -> Mapping[str, Decimal]:
        return {}


class RegulatoryFees:
    """SEC and TAF on sells, CAT on both sides."""

    def of(self, side: Side, qty: Decimal, price: Decimal) -> Mapping[str, Decimal]:
        cat = {"CAT": CAT_RATE * qty}
        if side is Side.BUY:
            return cat
        return {"SEC": SEC_RATE * qty * price, "TAF": min(TAF_RATE * qty, TAF_CAP), **cat}


def booked(accrued: Decimal) -> Decimal:
    """A day's sum of one fee as it is charged."""
    return accrued.quantize(CENT, ROUND_CEILING)

"""The grids on which prices and quantities live: pennies (hundredths of one below a dollar), whole shares or millionths.

Source: Alpaca's sub-penny and fractional rules. Rounding always goes to the side that commits less money.
"""

from __future__ import annotations

from decimal import ROUND_CEILING, ROUND_FLOOR, Decimal
from typing import Final

CENT: Final = Decimal("0.01")
_SUB_DOLLAR_TICK: Final = Decimal("0.0001")
_SHARE_STEP: Final = Decimal("0.000001")
"""Alpaca takes nine decimals; six keep a $1,000,000 share exact to a dollar and read well."""


def tick(price: Decimal, *, coarse: bool = False) -> Decimal:
    """The smallest price step there. `coarse` asks for cents at any price, after a broker refused a finer one."""
    return CENT if coarse or price >= 1 else _SUB_DOLLAR_TICK


def price_down(price: Decimal, *, coarse: bool = False) -> Decimal:
    step = tick(price, coarse=coarse)
    return (price / step).to_integral_value(ROUND_FLOOR) * step


def price_up(price: Decimal, *, coarse: bool = False) -> Decimal:
    step = tick(price, coarse=coarse)
    return (price / step).to_integral_value(ROUND_CEILING) * step


def shares_down(qty: Decimal, *, whole: bool) -> Decimal:
    """The tradable quantity at or below `qty`."""
    step = Decimal(1) if whole else _SHARE_STEP
    return (qty / step).to_integral_value(ROUND_FLOOR) * step

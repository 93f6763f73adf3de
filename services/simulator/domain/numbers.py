"""Decimals in and out: what a client may send as a number, and how the venue writes one."""

from __future__ import annotations

import re
from decimal import ROUND_DOWN, ROUND_HALF_EVEN, Decimal

CENT = Decimal("0.01")
QTY_STEP = Decimal("0.000000001")
ZERO = Decimal(0)
_NUMBER = re.compile(r"[+-]?(\d{1,40}(\.\d{0,40})?|\.\d{1,40})([eE][+-]?\d{1,2})?", re.ASCII)
_LARGEST_EXPONENT = 14
_SMALLEST_EXPONENT = -30


def plain(value: Decimal) -> str:
    """Without exponent and trailing zeros: "190.5", "0", "-3"."""
    text = format(value, "f")
    if "." in text:
        text = text.rstrip("0").rstrip(".")
    return "0" if text in {"-0", ""} else text


def plain_or_none(value: Decimal | None) -> str | None:
    return None if value is None else plain(value)


def cents(value: Decimal) -> Decimal:
    return value.quantize(CENT, ROUND_HALF_EVEN)


def floor_qty(value: Decimal) -> Decimal:
    """A quantity cut to the nine decimals a fractional share has."""
    return value.quantize(QTY_STEP, ROUND_DOWN)


def decimals(value: Decimal) -> int:
    """How many decimals the value needs: 2 for 1.25 and for 1.250."""
    exponent = value.normalize().as_tuple().exponent
    return max(0, -exponent) if isinstance(exponent, int) else 0


def is_whole(value: Decimal) -> bool:
    return value == value.to_integral_value()


def to_decimal(value: object) -> Decimal | None:
    """A finite, sanely sized number out of a JSON number (already a Decimal) or a string; None for anything else."""
    if isinstance(value, str):
        text = value.strip()
        if _NUMBER.fullmatch(text) is None:
            return None
        number = Decimal(text)
    elif isinstance(value, Decimal):
        number = value
    else:
        return None
    if not number.is_finite():
        return None
    if number != 0 and not _SMALLEST_EXPONENT <= number.adjusted() <= _LARGEST_EXPONENT:
        return None
    return number

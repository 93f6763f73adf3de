"""Numbers as others write them, made exact or refused by name."""

from __future__ import annotations

from decimal import Decimal, InvalidOperation
from typing import Any

_LARGEST = Decimal(10) ** 15
_PLACES = 9


class NotANumberError(ValueError):
    """Names the field, the value and what was expected."""


def exact(field: str, value: Any) -> Decimal:
    """Finite, to nine decimals. Raises NotANumberError naming field, value and expectation."""
    if not isinstance(value, int | float | str | Decimal) or isinstance(value, bool):
        raise NotANumberError(f"{field}: expected a number, got {str(value)[:40]!r}")
    try:
        number = Decimal(str(value))
    except (InvalidOperation, ValueError) as error:  # ValueError: an integer of thousands of digits
        raise NotANumberError(f"{field}: expected a number, got something else") from error
    if not number.is_finite() or abs(number) > _LARGEST:
        raise NotANumberError(f"{field}: expected a finite number, got {str(value)[:40]!r}")
    rounded = round(number, _PLACES)
    return number if number == rounded else rounded

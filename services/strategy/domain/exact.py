"""The one place where floats become Decimal: readings as they are, weights quantised so that they still sum to one."""

from __future__ import annotations

import math
from collections.abc import Mapping
from decimal import ROUND_FLOOR, Decimal
from typing import Final

WEIGHT_STEP: Final = Decimal("0.000000001")
SUM_TOLERANCE: Final = Decimal("0.000000001")
"""How far from 1 weights or shares may sum: the noise of float arithmetic and of thirds written with nine digits."""


class WeightsError(ValueError):
    """Weights that are no allocation; the message names symbol, value and expectation."""


def exact(value: float) -> Decimal:
    """The shortest decimal that reads back as this float. Raises ValueError for NaN and infinities."""
    if not math.isfinite(value):
        raise ValueError(f"expected a finite number, got {value}")
    return Decimal(repr(float(value)))


def exact_weights(weights: Mapping[str, float | Decimal], cash: float | Decimal = 0) -> dict[str, Decimal]:
    """Nine decimals each, without the zeros, summing to exactly 1 less cash; listed order kept.

    Raises WeightsError for NaN, infinite, negative, or a sum (cash included) off 1 by more than SUM_TOLERANCE.
    """
    precise = {symbol: _weight(symbol, value) for symbol, value in weights.items()}
    reserve = _weight("cash", cash).quantize(WEIGHT_STEP)
    held = sum(precise.values(), Decimal(0))
    if abs(held + reserve - 1) > SUM_TOLERANCE:
        raise WeightsError(f"weights: expected a sum of 1, got {(held + reserve).normalize():f}")
    if not held:
        return {}
    scale = (1 - reserve) / held
    return _quantised({symbol: weight * scale for symbol, weight in precise.items()}, 1 - reserve)


def _weight(symbol: str, value: float | Decimal) -> Decimal:
    weight = value if isinstance(value, Decimal) else _finite(symbol, value)
    if not weight.is_finite() or not 0 <= weight <= 1 + SUM_TOLERANCE:
        raise WeightsError(f"weight of {symbol}: expected a number from 0 to 1, got {value}")
    return weight


def _finite(symbol: str, value: float) -> Decimal:
    try:
        return exact(value)
    except (TypeError, ValueError):
        raise WeightsError(f"weight of {symbol}: expected a number from 0 to 1, got {value!r}") from None


def _quantised(weights: Mapping[str, Decimal], total: Decimal) -> dict[str, Decimal]:
    """Largest remainder: all rounded down, the missing steps given where most was cut off, ties in listed order."""
    floors = {symbol: weight.quantize(WEIGHT_STEP, ROUND_FLOOR) for symbol, weight in weights.items()}
    missing = int((total - sum(floors.values(), Decimal(0))) / WEIGHT_STEP)
    by_remainder = sorted(weights, key=lambda symbol: floors[symbol] - weights[symbol])
    for symbol in by_remainder[:missing]:
        floors[symbol] += WEIGHT_STEP
    return {symbol: weight.normalize() for symbol, weight in floors.items() if weight}

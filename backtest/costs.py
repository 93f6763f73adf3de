"""What trading costs beyond the price, for many fills at once: half the simulator's spread, the regulators' fees.

The spread is relative: the simulator's typical width at a symbol's last price, where adjusted prices are real ones.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from backtest.conventions import Costs
from services.simulator.domain.fees import CAT_RATE, SEC_RATE, TAF_CAP, TAF_RATE
from services.simulator.domain.spread import UNITS_PER_DOLLAR, typical_width
from services.strategy.domain.indicators import FloatArray

_CENT_NOISE = 1e-9
_CENTS = 100.0


@dataclass(frozen=True, eq=False, slots=True)
class CostModel:
    """`half_spread` per symbol as a fraction of the price, shape (symbols,)."""

    half_spread: FloatArray
    has_fees: bool

    @property
    def is_free(self) -> bool:
        return not self.has_fees and not self.half_spread.any()

    def spread_cost(self, qty: FloatArray, price: FloatArray) -> FloatArray:
        """Dollars lost to the spread by each trade; `qty` signed."""
        return np.abs(qty) * price * self.half_spread

    def fees(self, qty: FloatArray, price: FloatArray) -> float:
        """One day's fees on fills at these prices: each kind summed, then rounded up to the cent; `qty` signed."""
        if not self.has_fees:
            return 0.0
        sold = np.maximum(-qty, 0.0)
        taf = np.minimum(float(TAF_RATE) * sold, float(TAF_CAP)).sum()
        sec = float(SEC_RATE) * float(np.dot(sold, price))
        cat = float(CAT_RATE) * float(np.abs(qty).sum())
        return _booked(sec) + _booked(float(taf)) + _booked(cat)


def cost_model(costs: Costs, symbols: tuple[str, ...], last_prices: FloatArray) -> CostModel:
    """`last_prices`: each symbol's newest close; NaN where it has none, which trades nothing."""
    if costs is Costs.ZERO:
        return CostModel(np.zeros(len(symbols)), has_fees=False)
    halves = [_half_spread(symbol, price) for symbol, price in zip(symbols, last_prices.tolist(), strict=True)]
    return CostModel(np.array(halves, dtype=np.float64), has_fees=True)


def _half_spread(symbol: str, price: float) -> float:
    if math.isnan(price):
        return 0.0
    units = max(1, round(price * UNITS_PER_DOLLAR))
    return typical_width(symbol, units) / units / 2


def _booked(accrued: float) -> float:
    return math.ceil(accrued * _CENTS - _CENT_NOISE) / _CENTS

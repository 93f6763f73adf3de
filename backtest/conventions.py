"""What a backtest assumes, as parameters: when it fills, in what units, at what cost, by which sizing rules."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum
from typing import Final

from services.execution.domain.plan import PlanRules


class Fill(StrEnum):
    """Decided on the close and traded at that close, or at the next session's open."""

    CLOSE = "close"
    NEXT_OPEN = "next-open"


class Shares(StrEnum):
    FRACTIONAL = "fractional"
    WHOLE = "whole"


class Costs(StrEnum):
    """zero: fills at the price, nothing kept back. honest: far side of the spread, the regulators' fees, live's sizing."""

    ZERO = "zero"
    HONEST = "honest"


IDEAL: Final = PlanRules(
    cash_reserve=Decimal(0), drift_tolerance=Decimal(0), min_notional=Decimal("0.01"), buy_margin_bps=Decimal(0)
)
"""Execution's sizing without its cautions: all of the equity, every difference of a cent."""
AS_LIVE: Final = PlanRules()


@dataclass(frozen=True, slots=True)
class Conventions:
    """`share_step` 0 means shares without a grid: adjusted prices of old days may be millions of dollars a share."""

    fill: Fill = Fill.CLOSE
    costs: Costs = Costs.ZERO
    shares: Shares = Shares.FRACTIONAL
    cash: float = 100_000.0
    fractional_step: float = 0.0

    @property
    def rules(self) -> PlanRules:
        return AS_LIVE if self.costs is Costs.HONEST else IDEAL

    @property
    def share_step(self) -> float:
        return 1.0 if self.shares is Shares.WHOLE else self.fractional_step

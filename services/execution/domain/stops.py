"""When trading must stop by itself, and which state is stricter than another.

ACTIVE ──► REDUCING (sells only) ──► HALTED          back to ACTIVE only by a person
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from types import MappingProxyType
from typing import Final, Literal

from services.execution.domain.losses import EquityRecord
from services.execution.domain.proposal import Bounds
from services.execution.domain.records import TradingStateName
from shared.contracts.control import HaltCause

StopState = Literal["REDUCING", "HALTED"]
_STRICTNESS: Final[Mapping[TradingStateName, int]] = MappingProxyType({"ACTIVE": 0, "REDUCING": 1, "HALTED": 2})


@dataclass(frozen=True, slots=True)
class Breach:
    cause: HaltCause
    detail: str


@dataclass(frozen=True, slots=True)
class WatchRules:
    """Seconds are the venue's. `blind_seconds` 0: not looked at."""

    every_seconds: float = 15
    blind_seconds: float = 240
    loss_state: StopState = "REDUCING"
    blind_state: StopState = "REDUCING"


def is_stricter(state: TradingStateName, than: TradingStateName) -> bool:
    return _STRICTNESS[state] > _STRICTNESS[than]


def counted_anew_by(cause: HaltCause) -> str:
    """What a person must know who lets trading go on after that."""
    if cause == "drawdown":
        return (
            "The drawdown is acknowledged: the highest mark of the equity begins anew at what the account is worth now."
        )
    if cause == "daily loss":
        return (
            "The daily loss is acknowledged: for the rest of the day it is counted from what the account is worth now."
        )
    return ""


def breach_of(reading: EquityRecord, bounds: Bounds) -> Breach | None:
    """The drawdown first: it is the one whose mark a person resets. What cannot be told breaks nothing here, and refuses orders."""
    if _is_over(reading.drawdown, bounds.max_drawdown):
        lost = f"{reading.drawdown:.2%} below the highest mark of ${reading.high_water:.2f}"
        return Breach("drawdown", f"equity ${reading.equity:.2f} is {lost}; at most {bounds.max_drawdown:.0%}")
    if _is_over(reading.daily_loss, bounds.max_daily_loss):
        lost = f"{reading.daily_loss:.2%} below the ${reading.day_base:.2f} of the session before"
        return Breach("daily loss", f"equity ${reading.equity:.2f} is {lost}; at most {bounds.max_daily_loss:.0%}")
    return None


def _is_over(lost: Decimal, most: Decimal | None) -> bool:
    return most is not None and not lost.is_nan() and lost > most

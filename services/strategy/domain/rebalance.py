"""When a strategy returns to its weights: on a calendar, or once they have drifted out of a corridor. Knows no broker.

Between two such days it keeps what it holds, at the weights that the prices have made of it.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Final, Literal, TypeAlias, get_args

from services.strategy.domain.closes import Closes
from services.strategy.domain.undefined import UndefinedDecision

Frequency: TypeAlias = Literal["daily", "weekly", "monthly", "quarterly", "yearly"]
FREQUENCIES: Final[tuple[Frequency, ...]] = get_args(Frequency)

_PERIOD: Final[Mapping[str, Callable[[dt.date], object]]] = {
    "daily": lambda day: day,
    "weekly": lambda day: day.isocalendar()[:2],
    "monthly": lambda day: (day.year, day.month),
    "quarterly": lambda day: (day.year, (day.month - 1) // 3),
    "yearly": lambda day: day.year,
}


@dataclass(frozen=True, slots=True)
class Calendar:
    """In the first session of each period, and whenever it has not been done in the period yet."""

    frequency: Frequency

    def __post_init__(self) -> None:
        if self.frequency not in FREQUENCIES:
            raise ValueError(f"rebalance: expected one of {', '.join(FREQUENCIES)}, got {self.frequency!r}")

    def __str__(self) -> str:
        return self.frequency

    def starts_anew(self, last: dt.date, session: dt.date) -> bool:
        """Whether `session` lies in another period than the last decision."""
        period = _PERIOD[self.frequency]
        return self.frequency == "daily" or period(last) != period(session)


@dataclass(frozen=True, slots=True)
class Corridor:
    """As soon as one weight is further than `width` (a fraction of the strategy: 0.1 is ten points) from its target."""

    width: Decimal

    def __post_init__(self) -> None:
        if not self.width.is_finite() or not 0 < self.width < 1:
            raise ValueError(f"rebalance: corridor: expected a width between 0 and 1, got {self.width}")

    def __str__(self) -> str:
        return f"corridor of {(self.width * 100).normalize():f} %"


Rebalance: TypeAlias = Calendar | Corridor
DAILY: Final = Calendar("daily")


@dataclass(frozen=True, slots=True)
class Held:
    """What a strategy held after its last good decision. Empty weights are cash."""

    weights: Mapping[str, Decimal]
    session: dt.date


def kept(
    rebalance: Rebalance, held: Held | None, target: Mapping[str, Decimal], closes: Closes
) -> dict[str, float] | None:
    """The drifted weights to keep on the newest session, or None where the strategy is to go to `target`.

    Raises UndefinedDecision by name where what is held cannot be valued.
    """
    session = closes.sessions[closes.last]
    if held is None or rebalance == DAILY or any(symbol not in closes.columns for symbol in held.weights):
        return None
    if isinstance(rebalance, Calendar):
        return None if rebalance.starts_anew(held.session, session) else drifted(held, closes)
    now = drifted(held, closes)
    return now if furthest(now, target) <= float(rebalance.width) else None


def drifted(held: Held, closes: Closes) -> dict[str, float]:
    """What the prices since then have made of the weights; cash earns nothing."""
    cash = 1.0 - float(sum(held.weights.values(), Decimal(0)))
    worth = {symbol: float(weight) * _growth(symbol, held.session, closes) for symbol, weight in held.weights.items()}
    total = sum(worth.values()) + cash
    return {symbol: value / total for symbol, value in worth.items()}


def furthest(weights: Mapping[str, float], target: Mapping[str, Decimal]) -> float:
    """The largest distance of one weight from its target, as a fraction of the strategy."""
    symbols = {*weights, *target}
    return max((abs(weights.get(s, 0.0) - float(target.get(s, 0))) for s in symbols), default=0.0)


def _growth(symbol: str, since: dt.date, closes: Closes) -> float:
    then = next((row for row, day in enumerate(closes.sessions) if day == since), None)
    growth = float("nan") if then is None else float(closes.column(symbol)[-1] / closes.column(symbol)[then])
    if growth != growth:  # noqa: PLR0124 - NaN is the one float unequal to itself
        raise UndefinedDecision(
            f"{symbol}: cannot be valued: expected closes of {since} and {closes.sessions[closes.last]}"
        )
    return growth

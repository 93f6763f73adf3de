"""What a gate is: a check of one series in its surroundings, within thresholds, that says what it doubts."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Literal

from shared.contracts.marketdata import GateName
from shared.quality.series import Series

Spoils = Literal["close", "before", "all", "nothing"]


@dataclass(frozen=True, slots=True)
class Thresholds:
    """Where each gate begins to doubt. Moves are logarithms; sigmas are robust deviations of the daily move."""

    recent_sessions: int = 10
    """A close that is off by an ordinary move at most spoils decisions while it is among so many newest ones."""

    stray_rows: int = 5
    stray_gap_sessions: int = 20
    misdated_rows: int = 3
    misdated_weeks: float = 0.5
    ended_sessions: int = 20
    idle_sessions: int = 3
    idle_moves: float = 3.0
    flat_closes: int = 6
    flat_share: float = 0.1
    """A symbol that closes unchanged more often than this is flat by nature (bills)."""
    market_volume: float = 0.3
    market_symbols: int = 8
    half_day_share: float = 0.5
    own_volume: float = 0.15
    own_volume_sigmas: float = 6.0
    split_move: float = 0.6
    split_tolerance: float = 0.03
    split_tolerance_sigmas: float = 1.5
    calm_tolerance_sigmas: float = 3.0
    split_sigmas: float = 15.0
    jump_move: float = 0.2
    jump_sigmas: float = 20.0
    calm_range: float = 0.05
    calm_range_sigmas: float = 5.0
    outlier_move: float = 0.02
    outlier_sigmas: float = 8.0
    outlier_rest: float = 0.25
    """How much of the move may be left after the next close, for it to have come back."""


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What a series alone does not say: the last session that must be there, and each day's volume over the usual one, of the
    median symbol."""

    last_session: dt.date | None = None
    market_volume: Mapping[dt.date, float] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Doubt:
    """`move` is the logarithm of the doubted move, 0 where it is not about one. Not `refuses`: said, and used all the same."""

    gate: GateName
    dates: tuple[dt.date, ...]
    seen: str
    expected: str
    spoils: Spoils = "close"
    refuses: bool = True
    move: float = 0.0
    reach: int | None = None
    """How many sessions it spoils, as in DataFinding."""


Check = Callable[[Series, Surroundings, Thresholds], Iterable[Doubt]]


@dataclass(frozen=True, slots=True)
class Gate:
    name: GateName
    check: Check
    looks_at: Literal["presence", "price"]

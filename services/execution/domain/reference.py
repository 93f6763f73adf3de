"""What the sessions before today say of a symbol: its last close, how it usually moves, how much of it is traded.

Orders are measured against it, so that one wrong quote or one zero too many is noticed.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from decimal import Decimal
from itertools import pairwise
from statistics import fmean
from typing import Annotated, Final

from pydantic import Field

from shared.contracts.base import Price, Symbol, Value
from shared.contracts.marketdata import DailyHistory

SESSIONS: Final = 20
"""A month of trading: long enough to be typical, short enough to be of now."""
_PLACES: Final = Decimal("0.000001")


class Reference(Value):
    """`session` is the day of `close`; volumes are shares a day; `typical_move` is the mean size of a day's change."""

    symbol: Symbol
    session: dt.date
    close: Price
    average_volume: Annotated[Decimal, Field(ge=0, allow_inf_nan=False)]
    typical_move: Annotated[Decimal, Field(ge=0, allow_inf_nan=False)]


def reference_of(history: DailyHistory, volume_seen: Decimal = Decimal(1)) -> Reference:
    """From the newest sessions. `volume_seen` is the share of the market's volume that the history's source sees.

    Raises ValueError where there is no session, or a number is none.
    """
    if not history.dates:
        raise ValueError(f"{history.symbol}: expected daily history, got no session")
    closes, volumes = history.close[-SESSIONS - 1 :], history.volume[-SESSIONS:]
    return Reference(
        symbol=history.symbol,
        session=history.dates[-1],
        close=_exact(closes[-1]),
        average_volume=_exact(fmean(volumes)) / volume_seen,
        typical_move=_exact(_mean_move(closes)),
    )


def _mean_move(closes: Sequence[float]) -> float:
    """0 where there is one close only: then nothing is taken for usual."""
    moves = [abs(later / earlier - 1) for earlier, later in pairwise(closes)]
    return fmean(moves) if moves else 0.0


def _exact(number: float) -> Decimal:
    return Decimal(str(number)).quantize(_PLACES)

"""Builders: a year of one symbol's ordinary days, to be spoiled."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence

import numpy as np

from shared.contracts.marketdata import DailyHistory
from shared.quality import Doubt, Series, Surroundings, examine
from shared.sessions import sessions_between

FIRST = dt.date(2023, 1, 3)
LATE = dt.datetime(2030, 1, 1, tzinfo=dt.UTC)


def a_history(
    symbol: str = "SPY", *, days: int = 250, sigma: float = 0.01, seed: int = 7, source: str = "alpaca"
) -> DailyHistory:
    """A random walk with ordinary days and ordinary volume, on every session from 2023-01-03."""
    rng = np.random.default_rng(seed)
    dates = [session.date for session in sessions_between(FIRST, dt.date(2026, 12, 31))[:days]]
    close = 100 * np.exp(np.cumsum(rng.normal(0, sigma, days)))
    opened = close * np.exp(rng.normal(0, sigma / 3, days))
    return DailyHistory.model_validate(
        {
            "symbol": symbol,
            "source": source,
            "adjustment": "all",
            "fetched_at": LATE,
            "dates": tuple(dates),
            "open": tuple(opened.tolist()),
            "high": tuple((np.maximum(opened, close) * 1.002).tolist()),
            "low": tuple((np.minimum(opened, close) * 0.998).tolist()),
            "close": tuple(close.tolist()),
            "volume": tuple(np.round(1e6 * np.exp(rng.normal(0, 0.3, days))).tolist()),
        }
    )


def with_columns(history: DailyHistory, **columns: Sequence[object]) -> DailyHistory:
    return DailyHistory.model_validate(history.model_dump() | {name: tuple(column) for name, column in columns.items()})


def scaled(history: DailyHistory, rows: slice, factor: float) -> DailyHistory:
    """Prices of some rows times a factor."""
    changed = {}
    for name in ("open", "high", "low", "close"):
        column = list(getattr(history, name))
        column[rows] = [price * factor for price in column[rows]]
        changed[name] = column
    return with_columns(history, **changed)


def with_volume(history: DailyHistory, row: int, shares: float) -> DailyHistory:
    volume = list(history.volume)
    volume[row] = shares
    return with_columns(history, volume=volume)


def without_rows(history: DailyHistory, *rows: int) -> DailyHistory:
    """Negative places count from the end, as everywhere."""
    gone = {row % len(history.dates) for row in rows}
    names = ("dates", "open", "high", "low", "close", "volume")
    kept = {name: [v for row, v in enumerate(getattr(history, name)) if row not in gone] for name in names}
    return with_columns(history, **kept)


def shifted(history: DailyHistory, days: int) -> DailyHistory:
    """Every bar stamped so many calendar days off."""
    return with_columns(history, dates=[day + dt.timedelta(days) for day in history.dates])


def closes_only(history: DailyHistory) -> Series:
    return Series.of(history.symbol, history.dates, history.close)


def second_source(history: DailyHistory, *, volume: float = 1.0) -> DailyHistory:
    """The same, told by the second source with so many times the volume."""
    told = history.model_copy(update={"source": "twelvedata"})
    return with_columns(told, volume=[shares * volume for shares in history.volume])


def doubts_of(history: DailyHistory | Series, around: Surroundings | None = None) -> tuple[Doubt, ...]:
    series = history if isinstance(history, Series) else Series.of_history(history)
    return examine(series, around or Surroundings())

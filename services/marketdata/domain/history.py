"""What daily history must be before anyone looks at it: ordered, without doubles, positive, and over.

A bar of a session that has not closed is not history. What is doubtful is judged by the gates (domain/judging.py).
"""

from __future__ import annotations

import datetime as dt
import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import Literal

from shared.contracts.marketdata import DailyHistory
from shared.quality import Series
from shared.sessions import Session, new_york_date, previous_session, session_on, sessions_between

Adjustment = Literal["raw", "split", "dividend", "all"]
SourceName = Literal["alpaca", "twelvedata"]
SETTLES_AFTER = dt.timedelta(minutes=20)
"""A day's bar may still move this long after the close (late prints; and SIP data is 15 minutes late on the free plan)."""
_PRICES = ("open", "high", "low", "close")


@dataclass(frozen=True, slots=True)
class DailyBar:
    """One row as a source tells it: New York date, dollars, shares."""

    date: dt.date
    open: float
    high: float
    low: float
    close: float
    volume: float


class BadHistoryError(ValueError):
    """The rows cannot be true; names symbol, date, field, value and expectation."""


@dataclass(frozen=True, slots=True)
class CheckedHistory:
    """History that is possible, and the rows it was made of, those on days without a session among them, for the gates."""

    history: DailyHistory
    series: Series


def checked(
    symbol: str, rows: Sequence[DailyBar], *, source: SourceName, adjustment: Adjustment, now: dt.datetime
) -> CheckedHistory:
    """History of the sessions that are over at `now`. Raises BadHistoryError, also when nothing is left."""
    _refuse_disorder(symbol, rows)
    for row in rows:
        _refuse_impossible(symbol, row)
    finished = [row for row in rows if _is_over(row.date, now)]
    kept = [row for row in finished if session_on(row.date) is not None]
    if not kept:
        raise BadHistoryError(f"{symbol}: expected at least one finished session, got none in {len(rows)} rows")
    history = DailyHistory(
        symbol=symbol,
        source=source,
        adjustment=adjustment,
        fetched_at=now,
        dates=tuple(row.date for row in kept),
        open=tuple(row.open for row in kept),
        high=tuple(row.high for row in kept),
        low=tuple(row.low for row in kept),
        close=tuple(row.close for row in kept),
        volume=tuple(row.volume for row in kept),
    )
    return CheckedHistory(history, _series(symbol, finished, now))


def last_finished_session(now: dt.datetime) -> Session:
    """The newest session whose close is not after `now`."""
    today = new_york_date(now)
    session = session_on(today)
    return session if session is not None and session.close <= now else previous_session(today)


def missing_sessions(dates: Sequence[dt.date]) -> tuple[dt.date, ...]:
    """Sessions between the first and the last date that are not among them."""
    if not dates:
        return ()
    present = set(dates)
    return tuple(s.date for s in sessions_between(dates[0], dates[-1]) if s.date not in present)


def refresh_due(fetched_at: dt.datetime, now: dt.datetime, ttl: dt.timedelta) -> str | None:
    """Why history fetched then must be fetched again at `now`, or None while it may be used."""
    if fetched_at > now + SETTLES_AFTER:
        return "it was fetched later than now: the venue's clock was set back"
    settled = last_finished_session(now - SETTLES_AFTER).close + SETTLES_AFTER
    if fetched_at < settled:
        return "a session has closed since it was fetched"
    if now - fetched_at >= ttl:
        return "it is older than its time to live"
    return None


def _is_over(date: dt.date, now: dt.datetime) -> bool:
    session = session_on(date)
    return session.close <= now if session is not None else date < new_york_date(now)


def _refuse_disorder(symbol: str, rows: Sequence[DailyBar]) -> None:
    for earlier, later in pairwise(rows):
        if earlier.date == later.date:
            raise BadHistoryError(f"{symbol} {later.date}: expected one row a day, got two")
        if earlier.date > later.date:
            raise BadHistoryError(f"{symbol} {later.date}: expected rising dates, got it after {earlier.date}")


def _refuse_impossible(symbol: str, row: DailyBar) -> None:
    for field in _PRICES:
        value = getattr(row, field)
        if not math.isfinite(value) or value <= 0:
            raise BadHistoryError(f"{symbol} {row.date} {field}: expected a finite price > 0, got {value}")
    if not math.isfinite(row.volume) or row.volume < 0:
        raise BadHistoryError(f"{symbol} {row.date} volume: expected shares >= 0, got {row.volume}")


def _series(symbol: str, rows: Sequence[DailyBar], now: dt.datetime) -> Series:
    opened, high, low, close, volume = zip(*((r.open, r.high, r.low, r.close, r.volume) for r in rows), strict=True)
    series = Series.of(symbol, [row.date for row in rows], close, days=(opened, high, low), volume=volume)
    return replace(series, fetched_at=now)

"""Trading sessions of the New York exchanges, half days included.

The one place that knows when the market is open. Instants are UTC-aware; a session is named by its New York date.
"""

from __future__ import annotations

import datetime as dt
from bisect import bisect_left, bisect_right
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

import exchange_calendars

if TYPE_CHECKING:
    from exchange_calendars import ExchangeCalendar

NEW_YORK = ZoneInfo("America/New_York")
_REGULAR_HOURS = dt.timedelta(hours=6, minutes=30)
# Wide enough for the oldest recorded history and for years of running without a release.
_FIRST, _LAST = "1998-01-02", "2030-12-31"


@dataclass(frozen=True, slots=True)
class Session:
    """One trading day: `date` in New York, `open` and `close` as UTC instants."""

    date: dt.date
    open: dt.datetime
    close: dt.datetime

    @property
    def is_half_day(self) -> bool:
        return self.close - self.open < _REGULAR_HOURS

    def contains(self, at: dt.datetime) -> bool:
        return self.open <= at < self.close


@lru_cache(maxsize=1)
def _calendar() -> ExchangeCalendar:
    return exchange_calendars.get_calendar("XNYS", start=_FIRST, end=_LAST)


@lru_cache(maxsize=1)
def _table() -> dict[dt.date, Session]:
    schedule = _calendar().schedule
    return {
        day.date(): Session(
            day.date(),
            opens.to_pydatetime().astimezone(dt.UTC),
            closes.to_pydatetime().astimezone(dt.UTC),
        )
        for day, opens, closes in zip(schedule.index, schedule["open"], schedule["close"], strict=True)
    }


@lru_cache(maxsize=1)
def _sorted_sessions() -> tuple[Session, ...]:
    return tuple(_table().values())


def new_york_date(at: dt.datetime) -> dt.date:
    """The calendar date in New York at the instant `at`."""
    if at.tzinfo is None:
        msg = f"an instant needs a time zone, got the naive {at.isoformat()}"
        raise ValueError(msg)
    return at.astimezone(NEW_YORK).date()


def session_on(date: dt.date) -> Session | None:
    """The session of that New York date, or None on weekends and holidays."""
    return _table().get(date)


def sessions_between(first: dt.date, last: dt.date) -> tuple[Session, ...]:
    """All sessions with first <= date <= last, in order."""
    sessions = _sorted_sessions()
    return sessions[bisect_left(sessions, first, key=_date_of) : bisect_right(sessions, last, key=_date_of)]


def _date_of(session: Session) -> dt.date:
    return session.date


def session_at(at: dt.datetime) -> Session | None:
    """The session that is open at `at`, or None when the market is closed."""
    session = session_on(new_york_date(at))
    return session if session is not None and session.contains(at) else None


def next_session(at: dt.datetime) -> Session:
    """The first session that opens after `at`. Raises LookupError past the calendar's end."""
    for session in _from(new_york_date(at)):
        if session.open > at:
            return session
    msg = f"no session is known after {at.isoformat()}; the calendar ends on {_LAST}"
    raise LookupError(msg)


def next_close(at: dt.datetime) -> dt.datetime:
    """The first close after `at`. Raises LookupError past the calendar's end."""
    for session in _from(new_york_date(at)):
        if session.close > at:
            return session.close
    msg = f"no close is known after {at.isoformat()}; the calendar ends on {_LAST}"
    raise LookupError(msg)


def previous_session(date: dt.date) -> Session:
    """The last session before that New York date. Raises LookupError before the calendar's start."""
    probe = date - dt.timedelta(days=1)
    while probe >= dt.date.fromisoformat(_FIRST):
        if (session := session_on(probe)) is not None:
            return session
        probe -= dt.timedelta(days=1)
    msg = f"no session is known before {date.isoformat()}; the calendar starts on {_FIRST}"
    raise LookupError(msg)


def _from(date: dt.date) -> tuple[Session, ...]:
    """Sessions from `date` on; two weeks hold at least one session in every market closure so far."""
    return sessions_between(date, date + dt.timedelta(days=14))

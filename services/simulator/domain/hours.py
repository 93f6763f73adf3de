"""Which part of the trading day an instant lies in, and when an order may work and must expire.

Pre-market from 04:00 New York, after-hours until 20:00 (17:00 on half days); there is no overnight session here.
"""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from enum import StrEnum
from functools import lru_cache

from shared.sessions import NEW_YORK, Session, new_york_date, next_session, session_on

_PRE_MARKET_OPENS = dt.time(4)
_AFTER_HOURS_CLOSE = dt.time(20)
_AFTER_HOURS_CLOSE_HALF_DAY = dt.time(17)
_GTC_LIFE = dt.timedelta(days=90)
_GTC_EXPIRES = dt.time(16, 15)


class Phase(StrEnum):
    PRE_MARKET = "pre-market"
    REGULAR = "regular"
    AFTER_HOURS = "after-hours"
    CLOSED = "closed"


@dataclass(frozen=True, slots=True)
class TradingDay:
    """A session with its extended hours, as UTC instants."""

    session: Session
    extended_open: dt.datetime
    extended_close: dt.datetime

    def phase(self, at: dt.datetime) -> Phase:
        if not self.extended_open <= at < self.extended_close:
            return Phase.CLOSED
        if at < self.session.open:
            return Phase.PRE_MARKET
        return Phase.REGULAR if at < self.session.close else Phase.AFTER_HOURS

    def opens(self, *, extended: bool) -> dt.datetime:
        return self.extended_open if extended else self.session.open

    def closes(self, *, extended: bool) -> dt.datetime:
        return self.extended_close if extended else self.session.close


@lru_cache(maxsize=1024)
def trading_day(date: dt.date) -> TradingDay | None:
    """The trading day of that New York date, or None on weekends and holidays."""
    session = session_on(date)
    if session is None:
        return None
    ends = _AFTER_HOURS_CLOSE_HALF_DAY if session.is_half_day else _AFTER_HOURS_CLOSE
    return TradingDay(session, _new_york(date, _PRE_MARKET_OPENS), _new_york(date, ends))


def phase_at(at: dt.datetime) -> Phase:
    day = trading_day(new_york_date(at))
    return Phase.CLOSED if day is None else day.phase(at)


def day_for_order(at: dt.datetime, *, extended: bool) -> TradingDay:
    """The trading day an order sent at `at` belongs to: today unless today's hours for it are over."""
    today = trading_day(new_york_date(at))
    if today is not None and at < today.closes(extended=extended):
        return today
    coming = trading_day(next_session(at).date)
    if coming is None:
        raise LookupError(f"no session is known after {at.isoformat()}")
    return coming


def works_from(at: dt.datetime, *, extended: bool) -> dt.datetime:
    """When an order sent at `at` reaches the market: at once in its hours, else when they next begin."""
    return max(at, day_for_order(at, extended=extended).opens(extended=extended))


def gtc_expiry(created: dt.datetime) -> dt.datetime:
    return _new_york(new_york_date(created) + _GTC_LIFE, _GTC_EXPIRES)


def _new_york(date: dt.date, time: dt.time) -> dt.datetime:
    return dt.datetime.combine(date, time, NEW_YORK).astimezone(dt.UTC)

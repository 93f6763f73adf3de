"""When a session is to be decided: shortly before its close in New York, half days included. Time is an argument."""

from __future__ import annotations

import datetime as dt

from shared.sessions import Session, new_york_date, previous_session, session_at, session_on


def decision_time(session: Session, before_close: dt.timedelta) -> dt.datetime:
    return max(session.open, session.close - before_close)


def session_due(now: dt.datetime, before_close: dt.timedelta) -> Session | None:
    """The open session whose decision time has come."""
    session = session_at(now)
    return session if session is not None and now >= decision_time(session, before_close) else None


def is_last_call(session: Session, now: dt.datetime, before_close: dt.timedelta) -> bool:
    """Half of the time to the close is gone: decide on what there is, so that the orders still have the other half."""
    return now >= decision_time(session, before_close) + before_close / 2


def session_to_decide(now: dt.datetime) -> Session:
    """The newest session that has opened: today's from its open on, else the one before."""
    today = session_on(new_york_date(now))
    if today is not None and now >= today.open:
        return today
    return previous_session(new_york_date(now))

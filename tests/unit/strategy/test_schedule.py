"""A session is decided N minutes before its close in New York, half days included."""

from __future__ import annotations

import datetime as dt

import pytest

from services.strategy.domain.schedule import decision_time, is_last_call, session_due, session_to_decide
from shared.sessions import session_on

BEFORE = dt.timedelta(minutes=15)


def at(text: str) -> dt.datetime:
    return dt.datetime.fromisoformat(text).replace(tzinfo=dt.UTC)


@pytest.mark.parametrize(
    ("now", "due"),
    [
        ("2024-06-03T19:44:59", None),  # summer: closes 20:00 UTC
        ("2024-06-03T19:45:00", "2024-06-03"),
        ("2024-06-03T19:59:59", "2024-06-03"),
        ("2024-06-03T20:00:00", None),
        ("2024-01-03T19:50:00", None),  # winter: closes 21:00 UTC
        ("2024-01-03T20:45:00", "2024-01-03"),
        ("2024-07-03T16:44:59", None),  # half day: closes 17:00 UTC
        ("2024-07-03T16:45:00", "2024-07-03"),
        ("2024-07-03T19:50:00", None),
        ("2024-07-04T19:50:00", None),  # holiday
        ("2024-06-01T19:50:00", None),  # Saturday
    ],
)
def test_a_session_is_due_from_its_decision_time_until_its_close(now: str, due: str | None) -> None:
    session = session_due(at(now), BEFORE)
    assert (session and session.date.isoformat()) == due


def test_a_decision_time_never_lies_before_the_open() -> None:
    half_day = session_on(dt.date(2024, 7, 3))
    assert half_day is not None
    assert decision_time(half_day, dt.timedelta(minutes=389)) == half_day.open


@pytest.mark.parametrize(
    ("now", "decided"),
    [
        ("2024-06-03T13:29:59", "2024-05-31"),  # Monday before the open: Friday is the newest session
        ("2024-06-03T13:30:00", "2024-06-03"),
        ("2024-06-03T23:00:00", "2024-06-03"),
        ("2024-06-04T03:00:00", "2024-06-03"),  # still Monday evening in New York
        ("2024-06-02T12:00:00", "2024-05-31"),
        ("2024-07-04T15:00:00", "2024-07-03"),
    ],
)
def test_a_run_decides_the_newest_session_that_has_opened(now: str, decided: str) -> None:
    assert session_to_decide(at(now)).date.isoformat() == decided


def test_the_last_call_comes_when_half_of_the_time_to_the_close_is_gone() -> None:
    session = session_on(dt.date(2024, 6, 3))
    assert session is not None
    assert not is_last_call(session, at("2024-06-03T19:52:29"), BEFORE)
    assert is_last_call(session, at("2024-06-03T19:52:30"), BEFORE)

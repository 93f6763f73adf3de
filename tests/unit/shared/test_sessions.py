"""Sessions against LEAN's market-hours database, half days and time zones."""

from __future__ import annotations

import datetime as dt
import json
from pathlib import Path

import pytest

from shared.sessions import (
    NEW_YORK,
    new_york_date,
    next_close,
    next_session,
    previous_session,
    session_at,
    session_on,
    sessions_between,
)


def new_york(text: str) -> dt.datetime:
    return dt.datetime.fromisoformat(text).replace(tzinfo=NEW_YORK)


def test_a_regular_day_runs_from_half_past_nine_to_four_in_new_york() -> None:
    session = session_on(dt.date(2024, 6, 3))
    assert session is not None
    assert (session.open, session.close) == (new_york("2024-06-03T09:30"), new_york("2024-06-03T16:00"))
    assert not session.is_half_day


def test_the_day_before_christmas_closes_at_one() -> None:
    session = session_on(dt.date(2019, 12, 24))
    assert session is not None
    assert session.close == new_york("2019-12-24T13:00")
    assert session.is_half_day


def test_a_range_of_sessions_includes_both_of_its_ends() -> None:
    first, last = dt.date(2024, 5, 31), dt.date(2024, 6, 4)
    assert [s.date.day for s in sessions_between(first, last)] == [31, 3, 4]
    assert [s.date.day for s in sessions_between(dt.date(2024, 6, 1), dt.date(2024, 6, 2))] == []


def test_weekends_and_holidays_have_no_session() -> None:
    assert session_on(dt.date(2024, 6, 1)) is None
    assert session_on(dt.date(2024, 12, 25)) is None


def test_the_close_itself_is_outside_and_the_open_inside() -> None:
    assert session_at(new_york("2024-06-03T09:30")) is not None
    assert session_at(new_york("2024-06-03T16:00")) is None


def test_next_and_previous_jump_over_the_weekend_and_a_clock_change() -> None:
    friday_night = new_york("2024-03-08T20:00")
    assert next_session(friday_night).open == new_york("2024-03-11T09:30")
    assert next_close(friday_night) == new_york("2024-03-11T16:00")
    assert previous_session(dt.date(2024, 3, 11)).date == dt.date(2024, 3, 8)


def test_a_late_evening_in_utc_belongs_to_the_new_york_day() -> None:
    assert new_york_date(dt.datetime(2024, 6, 4, 1, 0, tzinfo=dt.UTC)) == dt.date(2024, 6, 3)


def test_an_instant_without_a_zone_is_refused() -> None:
    with pytest.raises(ValueError, match="needs a time zone"):
        new_york_date(dt.datetime(2024, 6, 3, 12))  # noqa: DTZ001 - the fault under test


@pytest.mark.data
def test_holidays_and_early_closes_agree_with_lean(market_data_dir: Path) -> None:
    hours = json.loads((market_data_dir / "lean" / "market-hours-database.json").read_text())["entries"][
        "Equity-usa-[*]"
    ]
    span = (dt.date(2005, 1, 1), dt.date(2024, 12, 31))
    holidays = {_date(text) for text in hours["holidays"]}
    early = {_date(text) for text in hours["earlyCloses"]}
    ours = {s.date: s for s in sessions_between(*span)}
    assert not [d for d in holidays if d in ours]
    days = (span[0] + dt.timedelta(days=n) for n in range((span[1] - span[0]).days + 1))
    missing = [d for d in days if d.weekday() < 5 and d not in ours and d not in holidays]
    assert missing == []
    assert sorted(d for d, s in ours.items() if s.is_half_day) == sorted(
        d for d in early if span[0] <= d <= span[1] and d in ours
    )


def _date(text: str) -> dt.date:
    month, day, year = (int(part) for part in text.split("/"))
    return dt.date(year, month, day)

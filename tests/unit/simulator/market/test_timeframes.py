"""Which timeframes there are, and where their spans begin."""

from __future__ import annotations

import datetime as dt

import pytest

from services.simulator.domain.prices_timeframe import timeframe_of

AT = dt.datetime(
    2026, 3, 11, 15, 47, 12, tzinfo=dt.UTC
)  # a Wednesday, 11:47 in New York, just after the clocks changed


@pytest.mark.parametrize(
    ("text", "start"),
    [
        ("1Min", "2026-03-11T15:47"),
        ("5T", "2026-03-11T15:45"),
        ("59Min", "2026-03-11T14:49"),
        ("1Hour", "2026-03-11T15:00"),
        ("4H", "2026-03-11T12:00"),
        ("23Hour", "2026-03-11T04:00"),
        ("1Day", "2026-03-11T04:00"),
        ("1D", "2026-03-11T04:00"),
        ("1Week", "2026-03-09T04:00"),
        ("1W", "2026-03-09T04:00"),
        ("1Month", "2026-03-01T05:00"),
        ("3M", "2026-01-01T05:00"),
        ("12Month", "2026-01-01T05:00"),
    ],
)
def test_a_span_begins_on_the_new_york_clock_and_calendar(text: str, start: str) -> None:
    timeframe = timeframe_of(text)
    assert timeframe is not None
    assert timeframe.start_of(AT) == dt.datetime.fromisoformat(start).replace(tzinfo=dt.UTC)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "0Min",
        "60Min",
        "24Hour",
        "2Day",
        "2Week",
        "5Month",
        "13Month",
        "1min",
        "Min",
        "01Min",
        "1 Min",
        "1Year",
        "-1Min",
    ],
)
def test_no_other_timeframe_exists(text: str) -> None:
    assert timeframe_of(text) is None

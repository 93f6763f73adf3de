"""What daily history must be, and when it must be fetched again."""

from __future__ import annotations

import datetime as dt
from dataclasses import replace
from typing import Any

import pytest

from services.marketdata.domain.history import (
    BadHistoryError,
    CheckedHistory,
    DailyBar,
    checked,
    last_finished_session,
    missing_sessions,
    refresh_due,
)
from services.marketdata.domain.judging import Judge
from shared.sessions import sessions_between

MONDAY = dt.date(2024, 6, 3)
DURING = dt.datetime(2024, 6, 5, 15, 0, tzinfo=dt.UTC)  # Wednesday, 11:00 in New York
AFTER = dt.datetime(2024, 6, 5, 20, 30, tzinfo=dt.UTC)  # 16:30, settled
DAY = dt.timedelta(days=1)


def a_row(date: dt.date, close: float = 100.0, **given: Any) -> DailyBar:
    return replace(DailyBar(date, 99.0, 101.0, 98.0, close, 1e6), **given)


def week(*, until: int = 5) -> list[DailyBar]:
    return [a_row(MONDAY + n * DAY, 100.0 + n) for n in range(until)]


def check(rows: list[DailyBar], now: dt.datetime = AFTER) -> CheckedHistory:
    return checked("SPY", rows, source="alpaca", adjustment="all", now=now)


def doubts(found: CheckedHistory, now: dt.datetime = AFTER) -> list[tuple[str, tuple[dt.date, ...], bool]]:
    return [(d.gate, d.dates, d.refuses) for d in Judge().doubts({"SPY": found}, now)["SPY"]]


def test_rows_become_parallel_columns_that_say_where_they_came_from() -> None:
    history = check(week(until=3)).history
    assert history.dates == (MONDAY, MONDAY + DAY, MONDAY + 2 * DAY)
    assert history.close == (100.0, 101.0, 102.0)
    assert (history.source, history.adjustment, history.fetched_at) == ("alpaca", "all", AFTER)


def test_a_bar_of_todays_unfinished_session_is_not_history() -> None:
    assert check(week(until=3), DURING).history.dates[-1] == MONDAY + DAY


def test_todays_bar_is_history_once_the_session_has_closed() -> None:
    assert check(week(until=3), AFTER).history.dates[-1] == MONDAY + 2 * DAY


def test_a_half_day_closes_at_one_in_new_york() -> None:
    half_day = dt.date(2024, 11, 29)
    rows = [a_row(dt.date(2024, 11, 27)), a_row(half_day)]
    assert check(rows, dt.datetime(2024, 11, 29, 17, 59, tzinfo=dt.UTC)).history.dates[-1] < half_day
    assert check(rows, dt.datetime(2024, 11, 29, 18, 0, tzinfo=dt.UTC)).history.dates[-1] == half_day


def test_bars_from_the_future_are_not_history() -> None:
    assert len(check(week(until=5), AFTER).history.dates) == 3


@pytest.mark.parametrize("now", [DURING, AFTER])
def test_a_history_without_any_finished_session_is_refused(now: dt.datetime) -> None:
    with pytest.raises(BadHistoryError, match="SPY: expected at least one finished session, got none in 1 rows"):
        check([a_row(MONDAY + 3 * DAY)], now)
    with pytest.raises(BadHistoryError, match="none in 0 rows"):
        check([], now)


@pytest.mark.parametrize("field", ["open", "high", "low", "close"])
@pytest.mark.parametrize("value", [0.0, -1.0, float("nan"), float("inf")])
def test_a_price_that_is_not_finite_and_positive_is_refused_with_its_place(field: str, value: float) -> None:
    rows = [*week(until=2), a_row(MONDAY + 2 * DAY, **{field: value})]
    with pytest.raises(BadHistoryError, match=rf"SPY 2024-06-05 {field}: expected a finite price > 0, got"):
        check(rows)


@pytest.mark.parametrize("volume", [-1.0, float("nan")])
def test_a_volume_that_is_not_a_number_of_shares_is_refused(volume: float) -> None:
    with pytest.raises(BadHistoryError, match="volume: expected shares >= 0"):
        check([a_row(MONDAY, volume=volume)])


def test_two_rows_of_one_day_are_refused() -> None:
    with pytest.raises(BadHistoryError, match="2024-06-03: expected one row a day, got two"):
        check([a_row(MONDAY), a_row(MONDAY, 101.0)])


def test_falling_dates_are_refused() -> None:
    with pytest.raises(BadHistoryError, match="expected rising dates, got it after 2024-06-04"):
        check([a_row(MONDAY + DAY), a_row(MONDAY)])


def test_gaps_are_named_and_not_filled() -> None:
    found = check([a_row(MONDAY), a_row(MONDAY + 2 * DAY)])
    assert len(found.history.dates) == 2
    assert doubts(found) == [("missing session", (MONDAY + DAY,), True)]


def test_a_history_that_ends_too_early_says_so_once_the_last_bar_must_have_settled() -> None:
    settled = AFTER + dt.timedelta(minutes=1)
    assert doubts(check(week(until=2), settled), settled) == [("stale price", (MONDAY + 2 * DAY,), True)]
    early = AFTER - dt.timedelta(minutes=11)
    assert doubts(check(week(until=2), early), early) == []


def test_rows_on_days_without_a_session_are_left_out_and_named() -> None:
    found = check([a_row(MONDAY - 2 * DAY), *week(until=3)])
    assert found.history.dates[0] == MONDAY
    assert doubts(found) == [("wrong time zone", (MONDAY - 2 * DAY,), False)]


def test_a_symbol_fetched_alone_is_judged_by_how_full_the_feed_was_before() -> None:
    """As a backfill of one symbol, after a fetch of all of them found a day cut off."""
    dates = [s.date for s in sessions_between(dt.date(2024, 4, 1), MONDAY + DAY)]
    rows = [a_row(day, 100.0 + n % 3, volume=9e4 if day == MONDAY else 1e6) for n, day in enumerate(dates)]
    judge, many = Judge(), {f"S{n}": check(rows) for n in range(9)}
    expected = [("partial bar", (MONDAY,))]
    assert [(d.gate, d.dates) for d in judge.doubts(many, DURING)["S3"]] == expected
    assert [(d.gate, d.dates) for d in judge.doubts({"SPY": many["S0"]}, DURING)["SPY"]] == expected
    alone = Judge().doubts({"SPY": many["S0"]}, DURING)["SPY"]
    assert [(d.gate, d.dates) for d in alone if d.refuses] == []


def test_how_full_one_feed_was_says_nothing_of_another() -> None:
    dates = [s.date for s in sessions_between(dt.date(2024, 4, 1), MONDAY + DAY)]
    cut_off = [a_row(day, 100.0 + n % 3, volume=9e4 if day == MONDAY else 1e6) for n, day in enumerate(dates)]
    whole = [a_row(day, 100.0 + n % 3) for n, day in enumerate(dates)]
    judge = Judge()
    judge.doubts({f"S{n}": check(cut_off) for n in range(9)}, DURING)
    other = checked("SPY", whole, source="twelvedata", adjustment="all", now=DURING)
    assert [d for d in judge.doubts({"SPY": other}, DURING)["SPY"] if d.refuses] == []


def test_weekends_and_holidays_are_no_gaps() -> None:
    assert missing_sessions([dt.date(2024, 7, 3), dt.date(2024, 7, 5), dt.date(2024, 7, 8)]) == ()
    assert missing_sessions([]) == ()


def test_the_last_finished_session_is_yesterdays_until_the_close() -> None:
    assert last_finished_session(DURING).date == MONDAY + DAY
    assert last_finished_session(AFTER).date == MONDAY + 2 * DAY


LONG = dt.timedelta(hours=100)


def test_fresh_history_need_not_be_fetched_again() -> None:
    assert refresh_due(DURING, DURING + dt.timedelta(hours=1), LONG) is None


def test_history_is_due_once_a_later_session_has_closed_and_settled() -> None:
    close = dt.datetime(2024, 6, 5, 20, 0, tzinfo=dt.UTC)
    assert refresh_due(DURING, close + dt.timedelta(minutes=19), LONG) is None
    assert "has closed" in str(refresh_due(DURING, close + dt.timedelta(minutes=20), LONG))
    assert "has closed" in str(refresh_due(close + dt.timedelta(minutes=1), close + dt.timedelta(minutes=21), LONG))
    assert refresh_due(close + dt.timedelta(minutes=21), close + dt.timedelta(hours=12), LONG) is None


def test_history_over_its_time_to_live_is_due_also_on_a_weekend() -> None:
    saturday = dt.datetime(2024, 6, 8, 15, tzinfo=dt.UTC)
    assert "time to live" in str(refresh_due(saturday, saturday + dt.timedelta(hours=12), dt.timedelta(hours=12)))


def test_history_from_the_future_is_due_because_the_venues_clock_was_set_back() -> None:
    assert "set back" in str(refresh_due(AFTER, AFTER - 30 * DAY, LONG))

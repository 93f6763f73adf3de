"""Each gate: what it names, and what it lets pass."""

from __future__ import annotations

import datetime as dt

import pytest

from shared.contracts.marketdata import DailyHistory
from shared.quality import GATES, Series, Surroundings, market_volume
from shared.sessions import session_on
from tests.unit.shared.quality.histories import (
    a_history,
    closes_only,
    doubts_of,
    scaled,
    shifted,
    with_columns,
    with_volume,
    without_rows,
)

ROW = 120


def told(
    history: DailyHistory | Series, around: Surroundings | None = None
) -> list[tuple[str, tuple[dt.date, ...], bool]]:
    return [(doubt.gate, doubt.dates, doubt.refuses) for doubt in doubts_of(history, around)]


def test_an_ordinary_year_passes_every_gate() -> None:
    history = a_history()
    assert told(history, Surroundings(history.dates[-1], dict.fromkeys(history.dates, 1.0))) == []
    assert told(closes_only(history)) == []


def test_sessions_without_a_row_are_named_half_days_too() -> None:
    history = a_history()
    half_day = history.dates.index(dt.date(2023, 11, 24))
    assert told(without_rows(history, ROW, half_day)) == [
        ("missing session", (history.dates[ROW], dt.date(2023, 11, 24)), True)
    ]


def test_weekends_and_holidays_are_not_missed() -> None:
    assert "missing session" not in [gate for gate, _, _ in told(a_history(days=500))]


def test_a_lone_row_long_before_the_rest_is_a_stray() -> None:
    history = without_rows(a_history(), *range(1, 60))
    assert told(history) == [("stray row", history.dates[:1], True)]


def test_a_price_without_a_trade_that_is_far_from_the_last_close_is_stale() -> None:
    moved = with_volume(scaled(a_history(), slice(ROW, ROW + 1), 0.95), ROW, 0)
    assert told(moved) == [("stale price", (moved.dates[ROW],), True)]


def idle_for(sessions: int) -> DailyHistory:
    """So many sessions on which the last close is told again without a trade."""
    history = a_history()
    for row in range(ROW, ROW + sessions):
        history = with_volume(scaled(history, slice(row, row + 1), history.close[ROW - 1] / history.close[row]), row, 0)
    return history


def test_the_last_close_may_stand_in_for_three_sessions_without_a_trade_and_no_more() -> None:
    dates = a_history().dates
    assert told(idle_for(3)) == [("stale price", dates[ROW : ROW + 3], False)]
    assert told(idle_for(4)) == [
        ("stale price", dates[ROW + 3 : ROW + 4], True),
        ("stale price", dates[ROW : ROW + 3], False),
    ]


def test_a_symbol_whose_source_knows_no_volume_at_all_is_not_stale_for_it() -> None:
    history = a_history()
    assert told(with_columns(history, volume=[0.0] * len(history.dates))) == []


def test_the_same_close_again_and_again_is_stale_where_no_volume_speaks_for_it() -> None:
    history = a_history()
    close = list(history.close)
    close[ROW : ROW + 7] = [close[ROW]] * 7
    repeated = with_columns(history, close=close, open=close, high=close, low=close)
    dates = history.dates[ROW + 1 : ROW + 7]
    assert told(closes_only(repeated)) == [("stale price", dates, True)]
    assert told(repeated) == [("stale price", dates, False)]


def test_bills_that_close_unchanged_every_other_day_are_not_stale() -> None:
    history = a_history()
    close = [round(91.4 + 0.01 * (row // 7 % 3), 2) for row in range(len(history.dates))]
    assert told(Series.of("BIL", history.dates, close)) == []


def test_a_history_that_ends_before_the_last_finished_session_is_stale_since() -> None:
    history = a_history()
    assert told(without_rows(history, -1, -2), Surroundings(history.dates[-1])) == [
        ("stale price", history.dates[-2:], True)
    ]


def test_a_row_of_a_weekend_after_it_hides_no_missing_end() -> None:
    history = a_history(days=242)
    monday, saturday = history.dates[-1], dt.date(2023, 12, 16)
    stray = with_columns(history, dates=(*history.dates[:-1], saturday))
    assert ("stale price", (monday,), True) in told(stray, Surroundings(monday))


def test_a_history_that_ended_a_month_ago_is_no_more_and_that_is_only_said() -> None:
    history = a_history()
    ended = without_rows(history, *range(-21, 0))
    assert told(ended, Surroundings(history.dates[-1])) == [("stale price", history.dates[-21:], False)]
    assert told(ended, Surroundings(history.dates[-2])) == [("stale price", history.dates[-21:-1], True)]


@pytest.mark.parametrize("day", [dt.date(2023, 11, 24), dt.date(2023, 11, 27)])
def test_a_bar_fetched_before_its_session_was_over_is_partial_on_half_days_at_one(day: dt.date) -> None:
    session = session_on(day)
    assert session is not None
    history = a_history()
    until = without_rows(history, *range(history.dates.index(day) + 1, len(history.dates)))
    early, after = session.close - dt.timedelta(minutes=1), session.close
    assert told(until.model_copy(update={"fetched_at": early})) == [("partial bar", (day,), True)]
    assert told(until.model_copy(update={"fetched_at": after})) == []


def test_a_day_on_which_the_whole_feed_traded_too_little_is_partial_for_every_symbol() -> None:
    many = [with_volume(a_history(seed=seed), ROW, 90_000) for seed in range(9)]
    day = many[0].dates[ROW]
    around = Surroundings(market_volume=market_volume(map(Series.of_history, many)))
    assert [told(history, around) for history in many] == [[("partial bar", (day,), True)]] * 9


def test_the_feeds_volume_is_not_told_by_a_few_symbols() -> None:
    assert market_volume([Series.of_history(a_history(seed=seed)) for seed in range(7)]) == {}


def test_a_half_day_may_be_half_as_full() -> None:
    half_day, day = dt.date(2023, 11, 24), dt.date(2023, 11, 27)
    around = Surroundings(market_volume={half_day: 0.2, day: 0.2})
    assert told(a_history(), around) == [("partial bar", (day,), True)]


def test_one_symbols_thin_day_alone_is_said_and_no_more() -> None:
    history = a_history()
    assert told(with_volume(history, ROW, 20_000)) == [("partial bar", (history.dates[ROW],), False)]


WHOLE = (2, 3, 4, 5, 8, 10, 12, 15, 20, 25, 30, 40, 50, 100)


@pytest.mark.parametrize("factor", [*WHOLE, *(1 / factor for factor in WHOLE)])
def test_a_split_that_was_not_applied_spoils_what_is_before_it(factor: float) -> None:
    history = scaled(a_history(), slice(0, ROW), factor)
    for known in (history, closes_only(history)):
        (doubt,) = doubts_of(known)
        assert (doubt.gate, doubt.dates, doubt.spoils) == ("unapplied split", (history.dates[ROW],), "before")
        assert ("1 for" in doubt.expected) == (factor < 1)


def test_a_split_of_today_is_seen_at_once() -> None:
    history = scaled(a_history(), slice(0, -1), 2)
    assert [(d.gate, d.dates) for d in doubts_of(history)] == [("unapplied split", history.dates[-1:])]


def test_a_wild_day_that_halves_a_wild_symbol_is_no_split() -> None:
    """As UVIX on 2024-08-05: near a factor, but traded all the way."""
    wild = scaled(a_history(sigma=0.05), slice(0, ROW), 2)
    high = list(wild.high)
    high[ROW] = wild.close[ROW] * 1.9
    assert told(with_columns(wild, high=high)) == []


def test_closes_alone_cannot_tell_a_split_from_a_wild_symbols_day() -> None:
    assert told(closes_only(scaled(a_history(sigma=0.07), slice(0, ROW), 2))) == []


def test_a_spin_off_is_an_unexplained_jump() -> None:
    """As EXC on 2022-02-02: no split's factor, overnight, on a calm day."""
    history = scaled(a_history(), slice(0, ROW), 1 / 0.74)
    assert told(history) == [("unexplained jump", (history.dates[ROW],), True)]
    assert told(closes_only(history)) == [("unexplained jump", (history.dates[ROW],), False)]


def test_a_close_that_leaves_and_comes_back_is_an_outlier() -> None:
    history = scaled(a_history(), slice(ROW, ROW + 1), 1.15)
    assert told(history) == [("outlier", (history.dates[ROW],), True)]


def test_a_stormy_month_is_no_row_of_outliers() -> None:
    history = a_history()
    close = list(history.close)
    for row in range(100, 125):
        close[row] *= 1.08 if row % 2 else 1.0
    assert told(Series.of("SPY", history.dates, close)) == []


@pytest.mark.parametrize("days", [-1, 1])
def test_bars_stamped_a_day_off_are_told_by_the_calendar_and_spoil_everything(days: int) -> None:
    doubts = doubts_of(shifted(a_history(), days))
    assert (doubts[0].gate, doubts[0].spoils, doubts[0].refuses) == ("wrong time zone", "all", True)


def test_one_row_on_a_sunday_spoils_nothing() -> None:
    history = a_history()
    sunday = dt.date(2023, 6, 4)
    place = sum(day < sunday for day in history.dates)
    columns = {
        name: [*getattr(history, name)[:place], getattr(history, name)[place], *getattr(history, name)[place:]]
        for name in ("open", "high", "low", "close", "volume")
    }
    dates = [*history.dates[:place], sunday, *history.dates[place:]]
    assert told(with_columns(history, dates=dates, **columns)) == [("wrong time zone", (sunday,), False)]


def test_what_presence_doubts_is_no_evidence_for_price() -> None:
    """A stale close that seems to leave and come back is one finding, not two."""
    history = with_volume(scaled(a_history(), slice(ROW, ROW + 1), 1.15), ROW, 0)
    assert [gate for gate, _, _ in told(history)] == ["stale price"]


def test_every_gate_bears_an_empty_and_a_short_history() -> None:
    short = a_history(days=1)
    for gate in GATES:
        assert gate.name
    assert told(short) == []
    assert told(Series.of("SPY", (), ())) == []


def test_prices_that_move_for_days_without_any_volume_are_of_a_source_that_does_not_tell_it() -> None:
    history = a_history()
    volume = [0.0 if row < 100 else shares for row, shares in enumerate(history.volume)]
    assert told(with_columns(history, volume=volume)) == []


def test_a_day_of_which_one_trade_is_known_is_no_proof_of_a_calm_one() -> None:
    """A wild symbol's day that halved it, told by its close alone."""
    wild = scaled(a_history(sigma=0.07), slice(0, ROW), 2)
    flat = with_columns(wild, open=wild.close, high=wild.close, low=wild.close)
    assert told(flat) == []

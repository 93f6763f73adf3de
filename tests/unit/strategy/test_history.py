"""Histories and prices become one table; what is missing, stale or odd stays missing and is named."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal

import numpy as np
import pytest

from services.strategy.domain.history import Found, Inputs, PriceRules, assemble, sources_told
from shared.contracts.marketdata import DailyHistory, DataFinding, Quote
from shared.sessions import Session, session_on, sessions_between

RULES = PriceRules(dt.timedelta(minutes=10), Decimal(200))
MONDAY = dt.date(2024, 6, 3)
EARLIER = ("2024-05-29", "2024-05-30", "2024-05-31")
IN_SESSION = dt.datetime(2024, 6, 3, 19, 45, tzinfo=dt.UTC)
EVENING = dt.datetime(2024, 6, 3, 21, 0, tzinfo=dt.UTC)


def monday() -> Session:
    session = session_on(MONDAY)
    assert session is not None
    return session


def a_history(days: tuple[str, ...] = EARLIER, closes: tuple[float, ...] = (), **changes: object) -> DailyHistory:
    column = closes or tuple(100.0 + n for n in range(len(days)))
    return DailyHistory.model_validate(
        {
            "symbol": "SPY",
            "source": "alpaca",
            "adjustment": "all",
            "fetched_at": IN_SESSION,
            "dates": tuple(dt.date.fromisoformat(day) for day in days),
            **dict.fromkeys(("open", "high", "low", "close", "volume"), column),
            **changes,
        }
    )


def a_quote(bid: str | None = "103.9", ask: str | None = "104.1", at: dt.datetime = IN_SESSION) -> Quote:
    return Quote(
        symbol="SPY",
        at=at,
        bid=None if bid is None else Decimal(bid),
        bid_size=100,
        ask=None if ask is None else Decimal(ask),
        ask_size=100,
    )


def table(
    history: DailyHistory | None, quote: Quote | None = None, *, now: dt.datetime = IN_SESSION, fault: str = ""
) -> Inputs:
    return assemble({"SPY": Found(history, quote, fault)}, monday(), now, RULES)


def test_the_newest_price_stands_in_for_todays_close_and_says_so() -> None:
    inputs = table(a_history(), a_quote())
    assert inputs.closes.sessions[-1] == MONDAY
    assert inputs.closes.column("SPY").tolist() == [100.0, 101.0, 102.0, 104.0]
    used = inputs.used["SPY"]
    assert (used.source, used.adjustment, used.last_session) == ("alpaca", "all", dt.date(2024, 5, 31))
    assert (used.today_price, used.today_price_at) == (Decimal("104.0"), IN_SESSION)
    assert inputs.notes == {}


def test_after_the_close_the_official_close_is_used_and_no_price() -> None:
    inputs = table(a_history((*EARLIER, "2024-06-03"), fetched_at=EVENING), a_quote(), now=EVENING)
    assert inputs.closes.column("SPY")[-1] == 103.0
    assert inputs.used["SPY"].today_price is None
    assert inputs.used["SPY"].last_session == MONDAY


def test_a_bar_of_an_unfinished_session_is_no_close() -> None:
    inputs = table(a_history((*EARLIER, "2024-06-03")), a_quote())
    assert inputs.closes.column("SPY")[-1] == 104.0


def test_a_bar_that_was_fetched_before_its_close_is_none_afterwards_either() -> None:
    """A cache that was filled in the session, and a run in the evening."""
    inputs = table(a_history((*EARLIER, "2024-06-03"), fetched_at=IN_SESSION), None, now=EVENING)
    assert np.isnan(inputs.closes.column("SPY")[-1])
    refused = inputs.closes.refused["SPY"][MONDAY]
    assert refused == "partial bar: fetched at 2024-06-03 19:45 UTC, expected after the close at 20:00 UTC"


def test_rows_after_the_decided_session_are_not_seen() -> None:
    inputs = table(a_history((*EARLIER, "2024-06-03", "2024-06-04")), now=EVENING)
    assert len(inputs.closes) == 4
    assert inputs.used["SPY"].last_session == MONDAY


MINUTE = dt.timedelta(minutes=1)


@pytest.mark.parametrize(
    ("quote", "now", "why"),
    [
        (None, IN_SESSION, "no quote"),
        (a_quote(at=IN_SESSION - 11 * MINUTE), IN_SESSION, "the quote was 660 s old, at most 600 s expected"),
        (a_quote(at=IN_SESSION - dt.timedelta(days=3)), IN_SESSION, "outside the session"),
        (a_quote(at=EVENING), EVENING, "outside the session"),
        (a_quote(at=EVENING - 75 * MINUTE), EVENING, "the quote was 900 s old"),
        (a_quote(bid=None), IN_SESSION, "expected bid and ask, got bid None and ask 104.1"),
        (a_quote(ask=None), IN_SESSION, "expected bid and ask"),
        (a_quote(bid="105", ask="104"), IN_SESSION, "expected bid and ask, got bid 105 and ask 104"),
        (a_quote(bid="100", ask="110"), IN_SESSION, "the spread is 952 bps, at most 200 bps expected"),
    ],
)
def test_a_price_that_is_no_price_leaves_today_undefined_and_says_why(
    quote: Quote | None, now: dt.datetime, why: str
) -> None:
    inputs = table(a_history(), quote, now=now)
    assert np.isnan(inputs.closes.column("SPY")[-1])
    assert inputs.used["SPY"].today_price is None
    (note,) = inputs.notes["SPY"]
    assert note.startswith("no close of 2024-06-03 and no price in its place: ")
    assert why in note


def test_a_quote_of_the_last_minutes_still_stands_in_after_the_close() -> None:
    """Until the feed has the official close."""
    inputs = table(a_history(), a_quote(at=monday().close - MINUTE), now=EVENING)
    assert inputs.closes.column("SPY")[-1] == 104.0


def test_a_session_the_feed_left_out_is_a_gap_and_is_named() -> None:
    inputs = table(a_history(("2024-05-28", "2024-05-29", "2024-05-31"), (1.0, 2.0, 4.0)), a_quote())
    np.testing.assert_array_equal(inputs.closes.column("SPY"), [1.0, 2.0, np.nan, 4.0, 104.0])
    assert inputs.notes["SPY"] == ("no close on: 2024-05-30",)


def test_a_row_on_a_day_that_is_no_session_is_left_out_and_named() -> None:
    inputs = table(a_history(("2024-05-30", "2024-05-31", "2024-06-01"), (1.0, 2.0, 9.0)), a_quote())
    assert inputs.closes.column("SPY").tolist() == [1.0, 2.0, 104.0]
    assert inputs.notes["SPY"] == ("left out, no session of the exchange: 2024-06-01",)


def test_many_gaps_are_told_by_the_newest_three() -> None:
    inputs = table(a_history(("2024-05-01", "2024-05-31")), a_quote())
    assert inputs.notes["SPY"] == ("no close on: 2024-05-28, 2024-05-29, 2024-05-30 and 17 earlier",)


@pytest.mark.parametrize(
    ("history", "fault", "note"),
    [
        (None, "", "no daily history"),
        (a_history(()), "", "no daily history"),
        (None, "daily history cannot be read: close: 'x'", "daily history cannot be read: close: 'x'"),
        (
            a_history(adjustment="split"),
            "",
            "expected closes adjusted for splits and dividends, got adjustment 'split'",
        ),
        (a_history(("2024-06-10",)), "", "begins on 2024-06-10, after the decided session 2024-06-03"),
    ],
)
def test_a_history_that_cannot_be_used_leaves_the_symbol_without_a_column(
    history: DailyHistory | None, fault: str, note: str
) -> None:
    inputs = table(history, a_quote(), fault=fault)
    assert inputs.closes.symbols == frozenset()
    assert len(inputs.closes) == 1
    assert note in inputs.notes["SPY"][0]
    assert inputs.used == {}


def test_symbols_are_aligned_on_the_sessions_of_the_longest_history() -> None:
    young = a_history(("2024-05-31",), (7.0,), symbol="OKLO")
    found = {"SPY": Found(a_history(), a_quote()), "OKLO": Found(young)}
    inputs = assemble(found, monday(), IN_SESSION, RULES)
    np.testing.assert_array_equal(inputs.closes.column("OKLO"), [np.nan, np.nan, 7.0, np.nan])
    assert inputs.notes["OKLO"] == ("no close of 2024-06-03 and no price in its place: no quote",)


def a_finding(gate: str = "stale price", *days: str, **more: object) -> DataFinding:
    given = {"symbol": "SPY", "gate": gate, "dates": tuple(dt.date.fromisoformat(day) for day in days)}
    told = {"spoils": "close", "verdict": "refused", "seen": "s", "expected": "e"}
    return DataFinding.model_validate(given | told | more)


def test_a_refused_close_is_missing_and_the_table_knows_why() -> None:
    inputs = table(a_history(findings=(a_finding("stale price", "2024-05-30"),)), a_quote())
    np.testing.assert_array_equal(inputs.closes.column("SPY"), [100.0, np.nan, 102.0, 104.0])
    assert inputs.closes.refused == {"SPY": {dt.date(2024, 5, 30): "stale price: s, expected e"}}
    assert inputs.notes["SPY"] == ("stale price 2024-05-30: s, expected e (refused)",)


@pytest.mark.parametrize("verdict", ["repaired", "confirmed", "accepted", "noted"])
def test_a_close_that_is_not_refused_is_used(verdict: str) -> None:
    inputs = table(a_history(findings=(a_finding("outlier", "2024-05-30", verdict=verdict),)), a_quote())
    assert inputs.closes.column("SPY").tolist() == [100.0, 101.0, 102.0, 104.0]
    assert inputs.closes.refused == {}
    assert len(inputs.notes.get("SPY", ())) == (verdict != "noted")


def test_what_stands_before_an_unapplied_split_is_missing() -> None:
    finding = a_finding("unapplied split", "2024-05-31", spoils="before")
    inputs = table(a_history(findings=(finding,)), a_quote())
    np.testing.assert_array_equal(inputs.closes.column("SPY"), [np.nan, np.nan, 102.0, 104.0])
    assert set(inputs.closes.refused["SPY"]) == {dt.date(2024, 5, 29), dt.date(2024, 5, 30)}


def test_a_small_doubt_spoils_decisions_while_it_is_recent() -> None:
    """Ten sessions: after that an ordinary move's error weighs less than doing nothing for months."""
    days = tuple(str(s.date) for s in sessions_between(dt.date(2024, 5, 1), dt.date(2024, 5, 31)))
    sessions = [*days, "2024-06-03"]
    for place, missing in ((-10, 1), (-11, 0)):
        finding = a_finding("partial bar", sessions[place], reach=10)
        column = table(a_history(days, findings=(finding,)), a_quote()).closes.column("SPY")
        assert np.isnan(column).sum() == missing


def test_a_split_of_today_is_seen_in_todays_price_before_any_history_knows_it() -> None:
    days = tuple(str(s.date) for s in sessions_between(dt.date(2024, 1, 2), dt.date(2024, 5, 31)))
    closes = tuple(400.0 + (n % 5) for n in range(len(days)))
    inputs = table(a_history(days, closes), a_quote("100.9", "101.1"))
    assert np.isnan(inputs.closes.column("SPY")[:-1]).all()
    assert inputs.closes.column("SPY")[-1] == 101.0
    assert "unapplied split 2024-06-03" in inputs.closes.refused["SPY"][dt.date(2024, 5, 31)]
    assert "4 for 1" in inputs.notes["SPY"][-1]
    ordinary = table(a_history(days, closes), a_quote("379.9", "380.1"))
    assert ordinary.closes.refused == {}


def test_sources_are_told_in_one_sentence_for_all_that_agree() -> None:
    inputs = assemble(
        {
            "SPY": Found(a_history(), a_quote()),
            "BIL": Found(a_history(symbol="BIL"), a_quote()),
            "OKLO": Found(a_history(symbol="OKLO", source="twelvedata")),
        },
        monday(),
        IN_SESSION,
        RULES,
    )
    assert sources_told(inputs.used.values()) == (
        "SPY, BIL: alpaca, adjustment all, closes up to 2024-05-31, today's price in the place of today's close",
        "OKLO: twelvedata, adjustment all, closes up to 2024-05-31",
    )


@pytest.mark.parametrize(
    ("day", "more", "is_told"),
    [
        ("2024-05-30", {}, True),
        ("2024-05-30", {"reach": 10}, True),
        ("2024-05-10", {"reach": 10}, False),
        ("2024-05-10", {"verdict": "repaired"}, True),
        ("2023-05-10", {"verdict": "repaired"}, False),
        ("2024-05-10", {"spoils": "before"}, True),
    ],
)
def test_findings_of_long_ago_and_those_that_count_no_more_are_not_told_again(
    *, day: str, more: dict[str, object], is_told: bool
) -> None:
    notes = table(a_history(findings=(a_finding("stale price", day, **more),)), a_quote()).notes.get("SPY", ())
    assert any(note.startswith("stale price") for note in notes) == is_told


def test_a_session_without_a_close_is_refused_also_where_no_gate_has_told_of_it() -> None:
    """A history that has grown old since it was judged, and today's price that is not there: a ranking must not pass them over."""
    inputs = table(a_history(("2024-05-28", "2024-05-30")), a_quote(bid=None))
    refused = inputs.closes.refused["SPY"]
    assert set(refused) == {dt.date(2024, 5, 29), dt.date(2024, 5, 31), MONDAY}
    assert refused[dt.date(2024, 5, 31)] == "no close of that session"
    assert refused[MONDAY].endswith("expected bid and ask, got bid None and ask 104.1")
    assert table(a_history(("2024-05-30", "2024-05-31")), a_quote()).closes.refused == {}


@pytest.mark.parametrize(("last", "is_refused"), [("2024-05-06", True), ("2024-05-03", False)])
def test_what_has_had_no_close_for_a_month_has_ended_and_is_as_if_never_listed(last: str, *, is_refused: bool) -> None:
    refused = table(a_history(("2024-05-01", last))).closes.refused
    assert (MONDAY in refused.get("SPY", {})) == is_refused

"""The feed's table: every state, every signal, and the silence that is normal."""

from __future__ import annotations

import datetime as dt
from dataclasses import replace
from typing import get_args

import pytest

from services.marketdata.domain.feed import (
    TABLE,
    Arrived,
    Event,
    Feed,
    ImpossibleSignalError,
    Lost,
    Moment,
    Opened,
    Patience,
    Polled,
    PollFailed,
    Refused,
    Signal,
    State,
    Step,
    Ticked,
    _next,
    announcement,
    begin,
    step,
)
from shared.contracts.marketdata import FeedState

IN_SESSION = dt.datetime(2024, 6, 3, 15, 0, tzinfo=dt.UTC)
AT_NIGHT = dt.datetime(2024, 6, 3, 2, 0, tzinfo=dt.UTC)
HALF_DAY_AFTERNOON = dt.datetime(2024, 11, 29, 18, 30, tzinfo=dt.UTC)  # 13:30, half an hour after the close
PATIENCE = Patience(mute=20, outage=5, calm=10, failed_polls=2)
STATES: tuple[State, ...] = ("starting", "lost", *get_args(FeedState))


def at(seconds: float, venue: dt.datetime = IN_SESSION) -> Moment:
    """`seconds` after the beginning, on both clocks."""
    return Moment(seconds, venue + dt.timedelta(seconds=seconds))


def told(*story: tuple[Event, float], venue: dt.datetime = IN_SESSION) -> Step:
    """The last step of a story of (event, seconds)."""
    last = Step(begin(at(0, venue)))
    for event, seconds in story:
        last = step(last.feed, event, at(seconds, venue), PATIENCE)
    return last


def in_state(state: State) -> Feed:
    return replace(begin(at(0)), state=state, lost_since=None)


UP = ((Opened(), 1.0), (Arrived(), 2.0))
MUTE = (*UP, (Ticked(), 22.0))
DEGRADED = (*MUTE, (Polled(brought_news=True), 23.0))


def test_nothing_is_said_before_anything_is_known() -> None:
    assert announcement(begin(at(0)), None) is None


def test_a_connected_stream_is_up() -> None:
    assert told(*UP).feed.state == "up"


def test_silence_in_session_is_mute() -> None:
    assert told(*UP, (Ticked(), 21.9)).feed.state == "up"
    assert told(*MUTE).feed.state == "mute"


@pytest.mark.parametrize("venue", [AT_NIGHT, HALF_DAY_AFTERNOON])
def test_silence_outside_sessions_is_normal(venue: dt.datetime) -> None:
    assert told((Opened(), 1), *((Ticked(), n * 100.0) for n in range(1, 10)), venue=venue).feed.state == "up"


def test_silence_is_counted_from_the_opening_of_the_session() -> None:
    opening = dt.datetime(2024, 6, 3, 13, 30, tzinfo=dt.UTC)
    before = opening - dt.timedelta(seconds=100)
    story: list[tuple[Event, float]] = [(Opened(), 0.0), *((Ticked(), float(n)) for n in range(1, 119))]
    assert told(*story, venue=before).feed.state == "up"
    assert told(*story, (Ticked(), 120.0), venue=before).feed.state == "mute"


def test_a_venue_whose_clock_stands_still_is_not_mute() -> None:
    feed = told(*UP).feed
    assert step(feed, Ticked(), Moment(1000.0, at(2).venue), PATIENCE).feed.state == "up"


def test_a_venue_whose_clock_runs_fast_is_not_mute_after_a_blink() -> None:
    feed = told(*UP).feed
    assert step(feed, Ticked(), Moment(2.5, at(1000).venue), PATIENCE).feed.state == "up"


def test_a_mute_stream_is_degraded_and_reconnected_when_rest_has_newer_quotes() -> None:
    last = told(*DEGRADED)
    assert (last.feed.state, last.reconnect) == ("degraded", True)
    assert "silent for 20 s" in last.feed.detail


def test_a_quiet_market_is_not_a_mute_stream() -> None:
    last = told(*MUTE, (Polled(brought_news=False), 23.0))
    assert (last.feed.state, last.reconnect) == ("up", False)
    assert told(*MUTE, (Polled(brought_news=False), 23.0), (Ticked(), 30.0)).feed.state == "up"


def test_a_degraded_stream_that_stays_silent_is_reconnected_again_and_again() -> None:
    assert not told(*DEGRADED, (Opened(), 25.0), (Ticked(), 30.0)).reconnect
    again = told(*DEGRADED, (Opened(), 25.0), (Ticked(), 45.0))
    assert (again.feed.state, again.reconnect) == ("degraded", True)
    assert not step(again.feed, Ticked(), at(46.0), PATIENCE).reconnect


def test_data_makes_a_degraded_stream_recovered_and_calm_makes_it_up() -> None:
    recovered = told(*DEGRADED, (Arrived(), 30.0)).feed
    assert (recovered.state, recovered.needs_polling) == ("recovered", False)
    assert step(recovered, Ticked(), at(39.0), PATIENCE).feed.state == "recovered"
    steady = step(recovered, Arrived(), at(39.0), PATIENCE).feed
    assert step(steady, Ticked(), at(40.0), PATIENCE).feed.state == "up"


def test_a_reopened_socket_proves_nothing_in_session_and_all_that_can_be_proven_outside() -> None:
    lost = (*UP, (Lost("closed"), 3.0), (Ticked(), 8.0), (Polled(brought_news=True), 9.0))
    assert told(*lost, (Opened(), 10.0)).feed.state == "degraded"
    assert told(*lost, (Opened(), 10.0), venue=AT_NIGHT).feed.state == "recovered"


def test_a_short_outage_is_not_worth_a_word() -> None:
    story: tuple[tuple[Event, float], ...] = (*UP, (Lost("closed"), 3.0), (Ticked(), 7.9))
    assert told(*story).feed.state == "up"
    assert told(*story, (Opened(), 8.0), (Ticked(), 12.0)).feed.state == "up"


def test_an_outage_asks_rest_before_anything_is_said() -> None:
    lost = told(*UP, (Lost("closed with code 1006"), 3.0), (Ticked(), 8.0)).feed
    assert (lost.state, lost.needs_polling, announcement(lost, "up")) == ("lost", True, None)
    degraded = step(lost, Polled(brought_news=False), at(9), PATIENCE).feed
    assert degraded.state == "degraded"
    assert "closed with code 1006" in degraded.detail


def test_neither_stream_nor_rest_is_down_after_several_failed_polls() -> None:
    lost = (*UP, (Lost("closed"), 3.0), (Ticked(), 8.0), (PollFailed("status 500"), 9.0))
    assert told(*lost).feed.state == "lost"
    down = told(*lost, (PollFailed("status 500"), 10.0)).feed
    assert down.state == "down"
    assert "closed" in down.detail
    assert "status 500" in down.detail
    assert step(down, Polled(brought_news=True), at(11), PATIENCE).feed.state == "degraded"
    assert step(down, Arrived(), at(11), PATIENCE).feed.state == "recovered"


def test_one_answered_poll_forgives_the_failed_ones() -> None:
    one = told(*DEGRADED, (PollFailed("429"), 24.0), (Polled(brought_news=True), 25.0), (PollFailed("429"), 26.0))
    assert one.feed.state == "degraded"


def test_a_refusal_for_good_asks_rest_at_once_and_keeps_its_reason() -> None:
    refused = told((Refused(402, "auth failed", for_good=True), 1.0), (Lost("closed"), 1.1)).feed
    assert (refused.state, refused.needs_polling) == ("lost", True)
    assert "402 auth failed" in step(refused, Polled(brought_news=True), at(2), PATIENCE).feed.detail


def test_a_refusal_that_may_pass_is_waited_out() -> None:
    assert told(*UP, (Refused(406, "connection limit exceeded", for_good=False), 3.0)).feed.state == "up"


def test_a_stream_that_never_connects_is_noticed() -> None:
    assert told((Ticked(), 4.9)).feed.state == "starting"
    assert told((Ticked(), 5.0)).feed.state == "lost"


def test_late_answers_of_polls_do_not_disturb_a_stream_that_delivers() -> None:
    for event in (Polled(brought_news=True), Polled(brought_news=False), PollFailed("x"), PollFailed("x")):
        assert step(in_state("up"), event, at(1), PATIENCE).feed.state == "up"


def test_a_state_is_said_once() -> None:
    feed = told(*DEGRADED).feed
    assert announcement(feed, "up") == "degraded"
    assert announcement(feed, "degraded") is None


def test_the_table_answers_every_signal_in_every_state_but_calm() -> None:
    assert set(TABLE) == set(STATES)
    always = set(get_args(Signal)) - {"calm"}
    assert all(always <= set(row) for row in TABLE.values())
    assert {state for row in TABLE.values() for state in row.values()} <= set(STATES)


def test_what_is_not_in_the_table_raises() -> None:
    with pytest.raises(ImpossibleSignalError, match="calm cannot come in state down"):
        _next("down", "calm")


def test_every_published_state_but_up_is_reached_only_through_evidence() -> None:
    """Nothing but data or an open connection makes a feed up or recovered; nothing but an answer of REST degrades it."""
    for state, row in TABLE.items():
        assert row["poll_failed"] in {state, "down"}
        assert row["outage"] in {state, "lost"}
        assert {signal for signal, to in row.items() if to == "degraded" and to != state} <= {"polled", "polled_quiet"}

"""What follows from what is heard: quotes taken, states told once, symbols polled that the stream does not bring."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import pytest

from services.marketdata.domain.desk import Desk, Effects, Observation, RestQuotes, Subscribed, Wanted
from services.marketdata.domain.feed import Lost, Moment, Opened, Patience, PollFailed, Refused
from services.marketdata.domain.minute_bars import ObservedBar
from services.marketdata.domain.quotes import ObservedQuote, QuoteBook
from shared.contracts.alerts import AlertRaised
from shared.contracts.marketdata import FeedStateChanged

START = dt.datetime(2024, 6, 3, 15, 0, tzinfo=dt.UTC)
BOTH = frozenset({"SPY", "QQQ"})


class Watched:
    """A desk on a clock of its own, and everything that followed so far."""

    def __init__(self, **given: Any) -> None:
        self.desk = Desk(QuoteBook(), "iex", Patience(mute=20, outage=5, calm=10, failed_polls=1), **given)
        self.all: list[Effects] = []

    def hear(self, seconds: float, *heard: Observation) -> Effects:
        effects = self.desk.hear(heard, Moment(seconds, START + dt.timedelta(seconds=seconds)))
        self.all.append(effects)
        return effects

    @property
    def states(self) -> list[str]:
        return [fact.state for effects in self.all for fact in effects.facts if isinstance(fact, FeedStateChanged)]

    @property
    def alerts(self) -> list[AlertRaised]:
        return [fact for effects in self.all for fact in effects.facts if isinstance(fact, AlertRaised)]


def a_quote(seconds: float = 0, **given: Any) -> ObservedQuote:
    at = START + dt.timedelta(seconds=seconds)
    return replace(ObservedQuote("SPY", at, 10.0, 1, 10.1, 1), **given)


def served(**given: Any) -> Watched:
    """A desk whose stream is open, follows both symbols and delivers."""
    watched = Watched(**given)
    watched.hear(0, Wanted(BOTH), Opened(), Subscribed(BOTH))
    watched.hear(1, RestQuotes(BOTH, ()), a_quote(1))
    return watched


def answered(*quotes: ObservedQuote, asked: Sequence[str] = ("SPY", "QQQ")) -> RestQuotes:
    return RestQuotes(frozenset(asked), quotes)


def test_nothing_is_said_or_polled_while_nothing_is_wanted() -> None:
    watched = Watched()
    watched.hear(1000, PollFailed("late"), Lost("nobody asked"))
    assert (watched.desk.feed, watched.states, watched.desk.symbols_to_poll) == (None, [], frozenset())


def test_wanted_symbols_are_followed_and_their_first_quotes_asked_for_at_once() -> None:
    watched = Watched()
    assert watched.hear(0, Wanted(BOTH)).follow == BOTH
    assert watched.desk.symbols_to_poll == BOTH


def test_a_stream_that_delivers_needs_no_polling() -> None:
    assert served().desk.symbols_to_poll == frozenset()


def test_a_newly_wanted_symbol_is_asked_for_once_even_when_the_stream_follows_it() -> None:
    watched, more = served(), BOTH | {"TLT"}
    watched.hear(2, Wanted(more), Subscribed(more))
    assert watched.desk.symbols_to_poll == {"TLT"}
    watched.hear(3, answered(asked=["TLT"]))
    assert watched.desk.symbols_to_poll == frozenset()


def test_symbols_the_stream_does_not_follow_are_polled() -> None:
    watched, more = served(), BOTH | {"TLT"}
    watched.hear(2, Wanted(more), Refused(405, "symbol limit exceeded", for_good=False), answered(asked=["TLT"]))
    assert watched.desk.symbols_to_poll == {"TLT"}
    assert watched.desk.feed is not None
    assert watched.desk.feed.state == "up"


def test_a_plans_symbol_limit_leaves_the_rest_to_polling() -> None:
    watched = Watched(stream_limit=1)
    assert watched.hear(0, Wanted(BOTH)).follow == {"QQQ"}
    watched.hear(1, Subscribed(frozenset({"QQQ"})), answered())
    assert watched.desk.symbols_to_poll == {"SPY"}


def test_a_symbol_nobody_wants_any_more_is_not_polled() -> None:
    watched = Watched()
    watched.hear(0, Wanted(BOTH))
    assert watched.hear(1, Wanted(frozenset({"SPY"}))).follow == {"SPY"}
    assert watched.desk.symbols_to_poll == {"SPY"}


def test_quotes_and_bars_are_handed_on_and_refusals_named() -> None:
    bar = ObservedBar("SPY", START, 10, 10, 10, 10, 5)
    effects = served().hear(2, a_quote(2), a_quote(2, bid=11.0), bar, replace(bar, close=None))
    assert [quote.at for quote in effects.quotes] == [START + dt.timedelta(seconds=2)]
    assert len(effects.bars) == 1
    assert [refusal.reason for refusal in effects.refusals] == ["crossed", "not_a_number"]


def test_even_refused_data_is_a_sign_of_life() -> None:
    watched = served()
    for seconds in range(2, 60, 5):
        watched.hear(seconds, a_quote(seconds, bid=float("nan")))
    assert watched.states == ["up"]


def test_a_quote_from_rest_is_no_sign_of_life_of_the_stream() -> None:
    watched = served()
    for seconds in range(2, 30, 5):
        watched.hear(seconds, answered(a_quote(seconds, source="rest")))
    assert watched.states[:2] == ["up", "mute"]


def test_a_mute_stream_goes_to_rest_and_back_and_people_are_told_of_both() -> None:
    watched = served()
    watched.hear(22)
    assert watched.desk.symbols_to_poll == BOTH
    effects = watched.hear(23, answered(a_quote(22.5, source="rest")))
    assert effects.reconnect
    assert [quote.source for quote in effects.quotes] == ["rest"]
    watched.hear(25, Lost("closed by us"), Opened(), Subscribed(BOTH))
    watched.hear(26, a_quote(26))
    watched.hear(31, a_quote(31))
    watched.hear(37, a_quote(37))
    assert watched.states == ["up", "mute", "degraded", "recovered", "up"]
    assert [alert.severity for alert in watched.alerts] == ["warning", "info"]
    assert watched.desk.symbols_to_poll == frozenset()


def test_when_neither_delivers_a_person_is_told_what_to_do() -> None:
    watched = served()
    watched.hear(2, Lost("closed with code 1006"))
    watched.hear(8)
    watched.hear(9, PollFailed("status 500"))
    watched.hear(10, PollFailed("status 500"))
    assert watched.states == ["up", "down"]
    (alert,) = watched.alerts
    assert alert.severity == "critical"
    assert "closed with code 1006" in alert.detail
    assert "status 500" in alert.detail
    assert alert.what_to_do


def test_a_refusal_is_told_once_for_each_code() -> None:
    watched = Watched()
    watched.hear(0, Wanted(BOTH))
    for seconds in range(1, 4):
        watched.hear(seconds, Refused(406, "connection limit exceeded", for_good=False))
    watched.hear(4, Refused(402, "auth failed", for_good=True))
    assert [(a.severity, a.detail) for a in watched.alerts] == [
        ("warning", "406 connection limit exceeded"),
        ("critical", "402 auth failed"),
    ]
    assert sum(len(effects.stream_refusals) for effects in watched.all) == 4
    assert watched.desk.symbols_to_poll == BOTH


@pytest.mark.parametrize("state", ["up", "mute"])
def test_ordinary_states_wake_nobody(state: str) -> None:
    watched = served()
    watched.hear(22)
    assert state in watched.states
    assert watched.alerts == []

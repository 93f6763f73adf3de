"""Which quotes are taken, and the name of every refusal."""

from __future__ import annotations

import datetime as dt
from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest

from services.marketdata.domain.quotes import ObservedQuote, QuoteBook, Refusal
from shared.contracts.marketdata import Quote

NOW = dt.datetime(2024, 6, 3, 15, 0, tzinfo=dt.UTC)


def observed(seconds: float = 0, **given: Any) -> ObservedQuote:
    quote = ObservedQuote("SPY", NOW + dt.timedelta(seconds=seconds), 100.1, 200, 100.12, 300)
    return replace(quote, **given)


def taken(book: QuoteBook, quote: ObservedQuote) -> Quote:
    answer = book.take(quote, NOW)
    assert isinstance(answer, Quote), answer
    return answer


def refusal(book: QuoteBook, quote: ObservedQuote) -> Refusal:
    answer = book.take(quote, NOW)
    assert isinstance(answer, Refusal), answer
    return answer


def test_prices_become_exact_decimals() -> None:
    quote = taken(QuoteBook(), observed(bid=0.1 + 0.2, ask="0.31"))
    assert (quote.bid, quote.ask) == (Decimal("0.3"), Decimal("0.31"))
    assert (quote.bid_size, quote.ask_size) == (200, 300)


def test_a_newer_quote_replaces_an_older_one() -> None:
    book = QuoteBook()
    taken(book, observed(0))
    newer = taken(book, observed(1, bid=100.2, ask=100.3))
    assert book.newest("SPY") == newer


def test_an_older_quote_is_dropped_and_changes_nothing() -> None:
    book = QuoteBook()
    newest = taken(book, observed(1))
    assert refusal(book, observed(0)).reason == "older"
    assert book.newest("SPY") == newest


def test_the_same_quote_again_is_a_duplicate_whoever_brings_it() -> None:
    book = QuoteBook()
    taken(book, observed())
    assert refusal(book, observed(source="rest")).reason == "duplicate"


def test_another_quote_of_the_same_instant_is_taken_in_order_of_arrival() -> None:
    book = QuoteBook()
    taken(book, observed())
    assert taken(book, observed(bid_size=100)).bid_size == 100


def test_symbols_do_not_disturb_each_other() -> None:
    book = QuoteBook()
    taken(book, observed(5))
    assert taken(book, observed(0, symbol="TQQQ")).symbol == "TQQQ"


@pytest.mark.parametrize(("side", "missing"), [("bid", "ask"), ("ask", "bid")])
def test_a_price_of_zero_is_an_absent_side(side: str, missing: str) -> None:
    quote = taken(QuoteBook(), observed(**{missing: 0}))
    assert getattr(quote, missing) is None
    assert getattr(quote, side) is not None


@pytest.mark.parametrize(
    ("given", "reason", "names"),
    [
        ({"at": None}, "no_time", "t:"),
        ({"at": dt.datetime(2024, 6, 3, 15)}, "no_time", "t:"),  # noqa: DTZ001 - the naive instant is the point
        ({"at": NOW + dt.timedelta(minutes=6)}, "ahead", "at:"),
        ({"bid": float("nan")}, "not_a_number", "bp:"),
        ({"ask": float("inf")}, "not_a_number", "ap:"),
        ({"ask": "cheap"}, "not_a_number", "ap:"),
        ({"bid": None}, "not_a_number", "bp:"),
        ({"bid": True}, "not_a_number", "bp:"),
        ({"bid": [1]}, "not_a_number", "bp:"),
        ({"ask": 1e300}, "not_a_number", "ap:"),
        ({"bid": -0.01}, "negative", "bp:"),
        ({"ask": "-5"}, "negative", "ap:"),
        ({"bid": 0, "ask": 0.0}, "no_side", "bp, ap:"),
        ({"bid": 100.13}, "crossed", "bp, ap:"),
        ({"bid_size": -1}, "bad_size", "bs:"),
        ({"ask_size": "many"}, "bad_size", "as:"),
        ({"bid_size": None}, "bad_size", "bs:"),
        ({"symbol": "spy"}, "malformed", "symbol:"),
        ({"symbol": None}, "malformed", "symbol:"),
        ({"symbol": 5}, "malformed", "symbol:"),
        ({"symbol": "../../etc"}, "malformed", "symbol:"),
    ],
)
def test_what_cannot_be_true_is_refused_by_name(given: dict[str, Any], reason: str, names: str) -> None:
    book = QuoteBook()
    answer = refusal(book, observed(**given))
    assert answer.reason == reason
    assert names in answer.detail
    assert "expected" in answer.detail or "should" in answer.detail or "valid" in answer.detail
    assert book.newest("SPY") is None


def test_a_locked_market_is_not_a_crossed_one() -> None:
    assert taken(QuoteBook(), observed(bid=100.12)).spread == 0


def test_a_venue_whose_clock_was_set_back_starts_afresh() -> None:
    left_behind = taken(QuoteBook(ahead=None), observed(3600))
    book = QuoteBook([left_behind], ahead=None)
    assert taken(book, observed(0)).at == NOW


def test_a_venue_whose_clock_jumps_may_be_ahead_of_what_we_believe() -> None:
    assert taken(QuoteBook(ahead=None), observed(86_400)).at > NOW

"""Quotes as they were a moment ago, which the hash of newest quotes has forgotten."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from services.execution.adapters.quotes_seen import QuotesSeen
from shared.bus import BusUnavailableError
from shared.contracts.marketdata import Quote
from tests.unit.execution.builders import NOW, a_quote, seconds


class Tape:
    """The Quotes port, told what to answer."""

    def __init__(self) -> None:
        self.newest: dict[str, Quote] = {}
        self.is_away = False

    def latest(self, symbols: Sequence[str]) -> Mapping[str, Quote]:
        if self.is_away:
            raise BusUnavailableError("away")
        return {symbol: self.newest[symbol] for symbol in symbols if symbol in self.newest}

    def want(self, symbols: Sequence[str]) -> None:
        raise AssertionError("only looks")


def test_what_stood_before_a_fill_is_found_after_the_quote_has_moved() -> None:
    tape = Tape()
    seen, before = QuotesSeen(tape, 60), a_quote(at=NOW)
    tape.newest["SPY"] = before
    assert seen.fresh({"SPY", "TLT"}, NOW) == {"SPY": before}
    tape.newest["SPY"] = a_quote(bid="100.05", at=NOW + seconds(2))
    seen.fresh(("SPY",), NOW + seconds(2))
    assert seen.as_of("SPY", NOW + seconds(1)) == before
    assert seen.as_of("SPY", NOW + seconds(3)) == tape.newest["SPY"]
    assert seen.as_of("SPY", NOW - seconds(1)) is None, "nothing was seen so early"
    assert seen.as_of("TLT", NOW) is None


def test_a_stale_quote_prices_nothing_and_an_outage_is_an_absence() -> None:
    tape = Tape()
    seen = QuotesSeen(tape, 60)
    tape.newest["SPY"] = a_quote(at=NOW)
    assert seen.fresh(("SPY",), NOW + seconds(61)) == {}
    assert seen.as_of("SPY", NOW + seconds(61)) is None
    tape.is_away = True
    assert seen.fresh(("SPY",), NOW) == {}
    assert seen.as_of("SPY", NOW) == tape.newest["SPY"], "what was seen before it stands"


def test_only_so_many_are_remembered() -> None:
    tape = Tape()
    seen = QuotesSeen(tape, 3600)
    for second in range(100):
        tape.newest["SPY"] = a_quote(at=NOW + seconds(second))
        seen.fresh(("SPY",), NOW + seconds(second))
    assert seen.as_of("SPY", NOW + seconds(10)) is None
    assert seen.as_of("SPY", NOW + seconds(68)) is not None

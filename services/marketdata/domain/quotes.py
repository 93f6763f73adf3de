"""Which quotes are taken: the newest of each symbol, and none that cannot be true.

Knows nothing of where quotes come from; every refusal has a name that metrics and people can count.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Literal

from pydantic import ValidationError

from services.marketdata.domain.wire_numbers import exact
from shared.contracts import faults_in
from shared.contracts.marketdata import Quote

QuoteOrigin = Literal["stream", "rest"]
RefusalReason = Literal[
    "no_time", "ahead", "not_a_number", "negative", "no_side", "crossed", "bad_size", "malformed", "older", "duplicate"
]


@dataclass(frozen=True, slots=True)
class ObservedQuote:
    """A quote as the wire says it, before any judgement; a price of 0 is the wire's way to say that the side is absent."""

    symbol: Any
    at: dt.datetime | None
    bid: Any
    bid_size: Any
    ask: Any
    ask_size: Any
    source: QuoteOrigin = "stream"


@dataclass(frozen=True, slots=True)
class Refusal:
    """Why something observed was not taken; `detail` names field, value and expectation."""

    symbol: str
    reason: RefusalReason
    detail: str


class _RefusedError(ValueError):
    def __init__(self, reason: RefusalReason, detail: str) -> None:
        super().__init__(detail)
        self.reason = reason


class QuoteBook:
    """The newest quote of each symbol.

    `ahead` is how far a quote may be ahead of now; None where the venue's clock may jump. A newest quote that is further
    ahead than `rewind` is what a venue left behind whose clock was set back: anything may replace it.
    """

    def __init__(
        self,
        newest: Iterable[Quote] = (),
        *,
        ahead: dt.timedelta | None = dt.timedelta(minutes=5),
        rewind: dt.timedelta = dt.timedelta(minutes=5),
    ) -> None:
        self._newest = {quote.symbol: quote for quote in newest}
        self._ahead = ahead
        self._rewind = rewind

    def newest(self, symbol: str) -> Quote | None:
        return self._newest.get(symbol)

    def take(self, observed: ObservedQuote, now: dt.datetime) -> Quote | Refusal:
        """The quote when it is now the newest of its symbol, else why not."""
        try:
            quote = quote_of(observed)
            self._refuse_from_the_future(quote, now)
            self._refuse_what_is_not_newer(quote, now)
        except _RefusedError as refused:
            return Refusal(str(observed.symbol)[:16], refused.reason, str(refused))
        self._newest[quote.symbol] = quote
        return quote

    def _refuse_from_the_future(self, quote: Quote, now: dt.datetime) -> None:
        if self._ahead is not None and quote.at > now + self._ahead:
            raise _RefusedError("ahead", f"at: expected at most {now + self._ahead}, got {quote.at}")

    def _refuse_what_is_not_newer(self, quote: Quote, now: dt.datetime) -> None:
        newest = self._newest.get(quote.symbol)
        if newest is None or newest.at > now + self._rewind or quote.at > newest.at:
            return
        if quote.at < newest.at:
            raise _RefusedError("older", f"at: expected later than {newest.at}, got {quote.at}")
        if _content(quote) == _content(newest):
            raise _RefusedError("duplicate", f"the same quote of {quote.at} was taken before")


def quote_of(observed: ObservedQuote) -> Quote:
    """Raises _RefusedError, which names field, value and expectation."""
    if observed.at is None or observed.at.tzinfo is None:
        raise _RefusedError("no_time", f"t: expected an instant with a time zone, got {observed.at!r}")
    bid, ask = _price("bp", observed.bid), _price("ap", observed.ask)
    if bid is None and ask is None:
        raise _RefusedError("no_side", "bp, ap: expected at least one price, got 0 for both")
    if bid is not None and ask is not None and bid > ask:
        raise _RefusedError("crossed", f"bp, ap: expected bid <= ask, got {bid} > {ask}")
    try:
        return Quote(
            symbol=observed.symbol,
            at=observed.at,
            bid=bid,
            bid_size=_size("bs", observed.bid_size),
            ask=ask,
            ask_size=_size("as", observed.ask_size),
            source=observed.source,
        )
    except ValidationError as error:
        raise _RefusedError("malformed", faults_in(error)) from error


def _price(field: str, value: Any) -> Decimal | None:
    """None for 0, which means that the side is absent."""
    price = _number(field, value)
    if price < 0:
        raise _RefusedError("negative", f"{field}: expected a price > 0 or 0 for none, got {value!r}")
    return price or None


def _number(field: str, value: Any) -> Decimal:
    try:
        return exact(field, value)
    except ValueError as error:
        raise _RefusedError("not_a_number", str(error)) from error


def _size(field: str, value: Any) -> int:
    """Whole shares; a fraction is cut off."""
    try:
        size = exact(field, value)
    except ValueError as error:
        raise _RefusedError("bad_size", str(error)) from error
    if size < 0:
        raise _RefusedError("bad_size", f"{field}: expected a size >= 0, got {value!r}")
    return int(size)


def _content(quote: Quote) -> tuple[object, ...]:
    return quote.bid, quote.bid_size, quote.ask, quote.ask_size

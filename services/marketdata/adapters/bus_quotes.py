"""Quotes on the bus: one fact a batch, and the newest of each symbol beside it. Works on any Bus, the twin included."""

from __future__ import annotations

import datetime as dt
import uuid
from collections.abc import Mapping, Sequence

from pydantic import ValidationError

from shared.bus import Bus, Outcome, Publication, Put
from shared.contracts import streams
from shared.contracts.marketdata import Quote, QuotesObserved


class BusQuotes:
    def __init__(self, bus: Bus) -> None:
        self._bus = bus

    def put_quotes(self, quotes: Sequence[Quote], at: dt.datetime) -> None:
        fact = QuotesObserved(correlation_id=uuid.uuid4().hex, at=at, quotes=tuple(quotes))
        newest = {quote.symbol: quote for quote in quotes}
        puts = tuple(Put(streams.LATEST_QUOTES, name, quote.model_dump_json()) for name, quote in newest.items())
        self._bus.commit(Outcome((Publication(streams.QUOTES, fact),), puts))

    def latest(self) -> Mapping[str, Quote]:
        found = {name: _read(text) for name, text in self._bus.get_all(streams.LATEST_QUOTES).items()}
        return {name: quote for name, quote in found.items() if quote is not None}

    def latest_of(self, symbol: str) -> Quote | None:
        return _read(self._bus.get(streams.LATEST_QUOTES, symbol))


def _read(text: str | None) -> Quote | None:
    """What another version or a stranger wrote is as good as absent; the next quote replaces it."""
    try:
        return None if text is None else Quote.model_validate_json(text)
    except ValidationError:
        return None

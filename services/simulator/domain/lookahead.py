"""The coming quotes and trades of watched symbols, read from the market in spans rather than anew for every glance.

A market is a pure function of time, so that its next minute may be read before it has come.
"""

from __future__ import annotations

import datetime as dt
import heapq
from bisect import bisect_right
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from services.simulator.domain.market import Market, Quote, Trade

Event = Quote | Trade
_SPAN = dt.timedelta(minutes=1)
# Longer jumps are streamed: a week of quotes of many symbols does not belong into memory.
_LONG = dt.timedelta(minutes=5)


@dataclass(frozen=True, slots=True)
class _Span:
    """All events with start < at <= end."""

    start: dt.datetime
    end: dt.datetime
    events: tuple[Event, ...]

    def between(self, after: dt.datetime, until: dt.datetime) -> tuple[Event, ...]:
        first = bisect_right(self.events, after, key=instant_of)
        if first == len(self.events) or self.events[first].at > until:
            return ()
        return self.events[first : bisect_right(self.events, until, lo=first, key=instant_of)]


class Lookahead:
    def __init__(self, market: Market) -> None:
        self._market = market
        self._spans: dict[tuple[str, bool], _Span] = {}

    def events(self, watched: Iterable[tuple[str, bool]], after: dt.datetime, until: dt.datetime) -> Iterator[Event]:
        """Of each (symbol, whether its trades are needed): after < at <= until, in time order, quotes before trades."""
        if until <= after:
            return iter(())
        if until - after > _LONG:
            streams = [self._stream(symbol, after, until, trades=trades) for symbol, trades in watched]
        else:
            found = (self._covering(key, after, until).between(after, until) for key in watched)
            streams = [iter(events) for events in found if events]
        return streams[0] if len(streams) == 1 else heapq.merge(*streams, key=instant_of)

    def _covering(self, key: tuple[str, bool], after: dt.datetime, until: dt.datetime) -> _Span:
        span = self._spans.get(key)
        if span is None or not span.start <= after <= until <= span.end:
            symbol, trades = key
            end = max(until, after + _SPAN)
            span = self._spans[key] = _Span(after, end, tuple(self._stream(symbol, after, end, trades=trades)))
        return span

    def _stream(self, symbol: str, after: dt.datetime, until: dt.datetime, *, trades: bool) -> Iterator[Event]:
        quotes: Iterator[Event] = iter(self._market.quotes(symbol, after, until))
        if not trades:
            return quotes
        return heapq.merge(quotes, iter(self._market.trades(symbol, after, until)), key=instant_of)


def instant_of(event: Event) -> dt.datetime:
    return event.at

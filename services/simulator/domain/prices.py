"""A market told from tapes: answers every question of `Market` for whoever can bring a session's tape and its days.

Knows nothing of files or of how prices are drawn. Outside a session the last quote stands, with its own timestamp.
"""

from __future__ import annotations

import datetime as dt
from bisect import bisect_left, bisect_right
from collections.abc import Iterator, Sequence
from functools import lru_cache
from typing import Protocol

from services.simulator.domain.intraday import Tape
from services.simulator.domain.intraday_bars import DayTable, MinuteTable, day_so_far, minutes_of
from services.simulator.domain.market import Bar, Listing, Quote, Trade
from shared.sessions import new_york_date, session_on

ADJUSTMENTS = ("raw", "split", "dividend", "all")
# A session of one symbol takes about 0.8 MB; this many serve every symbol of the generated universe today and before.
_TAPES_KEPT = 200
_DAY = dt.timedelta(days=1)


class TapeSource(Protocol):
    """Where tapes and days come from. Unknown symbols raise KeyError."""

    def listings(self) -> Sequence[Listing]:
        """Every symbol, sorted."""

    def dates(self, symbol: str) -> Sequence[dt.date]:
        """The sessions that have a tape, ascending."""

    def tape(self, symbol: str, date: dt.date) -> Tape:
        """The tape of one of those sessions."""

    def days(self, symbol: str, adjustment: str, now: dt.datetime) -> DayTable:
        """Daily bars of at least every session closed at `now`; later rows are ignored."""


class TapedMarket:
    """`Market` over a `TapeSource`."""

    def __init__(self, source: TapeSource) -> None:
        self._source = source
        self._listings = tuple(source.listings())
        self._tape = lru_cache(maxsize=_TAPES_KEPT)(source.tape)
        self._minutes = lru_cache(maxsize=_TAPES_KEPT)(self._minute_table)

    def listings(self) -> Sequence[Listing]:
        return self._listings

    def quote(self, symbol: str, at: dt.datetime) -> Quote | None:
        for tape in self._tapes_back_from(symbol, at):
            if count := tape.quotes_until(at):
                return tape.quote_number(count - 1)
        return None

    def trade(self, symbol: str, at: dt.datetime) -> Trade | None:
        for tape in self._tapes_back_from(symbol, at):
            if count := tape.trades_until(at):
                return tape.trade_number(count - 1)
        return None

    def quotes(self, symbol: str, after: dt.datetime, until: dt.datetime) -> Iterator[Quote]:
        for date in self._dates_between(symbol, after, until):
            yield from self._tape(symbol, date).quotes_between(after, until)

    def trades(self, symbol: str, after: dt.datetime, until: dt.datetime) -> Iterator[Trade]:
        for date in self._dates_between(symbol, after, until):
            yield from self._tape(symbol, date).trades_between(after, until)

    def daily_bars(
        self, symbol: str, first: dt.date, last: dt.date, adjustment: str, now: dt.datetime
    ) -> Sequence[Bar]:
        if adjustment not in ADJUSTMENTS:
            raise ValueError(f"adjustment: expected one of {', '.join(ADJUSTMENTS)}, got {adjustment!r}")
        today = new_york_date(now)
        session = session_on(today)
        complete = today if session is None or session.close <= now else today - _DAY
        bars = list(self._source.days(symbol, adjustment, now).bars_between(first, min(last, complete)))
        if complete < today and first <= today <= last and (so_far := self._so_far(symbol, now)) is not None:
            bars.append(so_far)
        return bars

    def minute_bars(self, symbol: str, start: dt.datetime, end: dt.datetime, now: dt.datetime) -> Sequence[Bar]:
        dates = self._dates_between(symbol, start, min(end, now))
        return [bar for date in dates for bar in self._minutes(symbol, date).bars_between(start, end, now)]

    def _so_far(self, symbol: str, now: dt.datetime) -> Bar | None:
        session = session_on(new_york_date(now))
        if session is None or session.date not in self._dates_between(symbol, now, now):
            return None
        return day_so_far(self._tape(symbol, session.date), session.open, min(now, session.close))

    def _minute_table(self, symbol: str, date: dt.date) -> MinuteTable:
        return minutes_of(self._tape(symbol, date))

    def _tapes_back_from(self, symbol: str, at: dt.datetime) -> Iterator[Tape]:
        dates = self._source.dates(symbol)
        for index in range(bisect_right(dates, new_york_date(at)) - 1, -1, -1):
            yield self._tape(symbol, dates[index])

    def _dates_between(self, symbol: str, first: dt.datetime, last: dt.datetime) -> Sequence[dt.date]:
        dates = self._source.dates(symbol)
        return dates[bisect_left(dates, new_york_date(first)) : bisect_right(dates, new_york_date(last))]

"""What the market is at any virtual instant: the seam between where prices come from and what uses them.

A market is a pure function of (data or seed, symbol, instant): asking twice gives the same answer, asking about the past
after the clock has moved on gives the same answer, and nothing here reads a clock.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Protocol


@dataclass(frozen=True, slots=True)
class Listing:
    """One tradable asset, as the assets endpoint tells it."""

    symbol: str
    name: str
    exchange: str = "ARCA"
    fractionable: bool = True
    shortable: bool = True
    easy_to_borrow: bool = True
    tradable: bool = True


@dataclass(frozen=True, slots=True)
class Quote:
    """Best bid and offer at `at`; sizes in shares. A price of 0 means that side is absent."""

    symbol: str
    at: dt.datetime
    bid: Decimal
    bid_size: int
    ask: Decimal
    ask_size: int


@dataclass(frozen=True, slots=True)
class Trade:
    """One print on the tape; size in shares."""

    symbol: str
    at: dt.datetime
    price: Decimal
    size: int
    id: int


@dataclass(frozen=True, slots=True)
class Bar:
    """Open, high, low, close and volume of the span that starts at `at` (a day: 00:00 New York, in UTC)."""

    symbol: str
    at: dt.datetime
    open: Decimal
    high: Decimal
    low: Decimal
    close: Decimal
    volume: int
    trade_count: int
    vwap: Decimal


class Market(Protocol):
    """Prices of every listed symbol. Unknown symbols raise KeyError; no data at that time is None or empty."""

    def listings(self) -> Sequence[Listing]:
        """Every symbol this market lists, sorted by symbol."""

    def quote(self, symbol: str, at: dt.datetime) -> Quote | None:
        """The newest quote at or before `at`."""

    def trade(self, symbol: str, at: dt.datetime) -> Trade | None:
        """The newest trade at or before `at`."""

    def quotes(self, symbol: str, after: dt.datetime, until: dt.datetime) -> Iterator[Quote]:
        """Quotes with after < at <= until, in time order."""

    def trades(self, symbol: str, after: dt.datetime, until: dt.datetime) -> Iterator[Trade]:
        """Trades with after < at <= until, in time order."""

    def daily_bars(
        self, symbol: str, first: dt.date, last: dt.date, adjustment: str, now: dt.datetime
    ) -> Sequence[Bar]:
        """Daily bars of the New York dates first..last as known at `now`: today's bar holds what has traded so far.

        `adjustment` is raw, split, dividend or all.
        """

    def minute_bars(self, symbol: str, start: dt.datetime, end: dt.datetime, now: dt.datetime) -> Sequence[Bar]:
        """One-minute bars with start <= at <= end that are closed at `now`."""

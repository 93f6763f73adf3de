"""One session of one symbol, tick by tick, as columns: what is looked up when somebody asks for a quote or a trade.

Prices are whole 1/10,000 dollars, times milliseconds after midnight New York (no session crosses a clock change), sizes
shares. Where the ticks come from (recorded, or drawn) is no matter here.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from services.simulator.domain.market import Quote, Trade
from shared.sessions import NEW_YORK

Column = NDArray[np.int64]
_MILLISECOND = dt.timedelta(milliseconds=1)
# Trade ids are unique within a symbol: the session's ordinal and the print's place in it.
_IDS_PER_SESSION = 1_000_000


@lru_cache(maxsize=200_000)
def dollars(units: int) -> Decimal:
    """1/10,000 dollars as Decimal dollars, in cents where that is exact."""
    return Decimal(units // 100).scaleb(-2) if units % 100 == 0 else Decimal(units).scaleb(-4)


@lru_cache(maxsize=4096)
def midnight(date: dt.date) -> dt.datetime:
    """00:00 New York of that date, in UTC: what Alpaca stamps a daily bar with."""
    return dt.datetime.combine(date, dt.time(), NEW_YORK).astimezone(dt.UTC)


def milliseconds_into(date: dt.date, at: dt.datetime) -> int:
    """Whole milliseconds from that date's midnight in New York to `at`; negative before it."""
    return (at - midnight(date)) // _MILLISECOND


@dataclass(frozen=True, slots=True, eq=False)
class Tape:
    """Quotes and trades of one session; all columns of one kind have one length and stand in time order."""

    symbol: str
    date: dt.date
    quote_ms: Column
    bid: Column
    bid_size: Column
    ask: Column
    ask_size: Column
    trade_ms: Column
    price: Column
    size: Column

    def quotes_until(self, at: dt.datetime) -> int:
        """How many quotes stand at or before `at`."""
        return int(self.quote_ms.searchsorted(milliseconds_into(self.date, at), side="right"))

    def trades_until(self, at: dt.datetime) -> int:
        """How many trades stand at or before `at`."""
        return int(self.trade_ms.searchsorted(milliseconds_into(self.date, at), side="right"))

    def quote_number(self, index: int) -> Quote:
        return Quote(
            self.symbol,
            self._at(self.quote_ms, index),
            dollars(int(self.bid[index])),
            int(self.bid_size[index]),
            dollars(int(self.ask[index])),
            int(self.ask_size[index]),
        )

    def trade_number(self, index: int) -> Trade:
        return Trade(
            self.symbol,
            self._at(self.trade_ms, index),
            dollars(int(self.price[index])),
            int(self.size[index]),
            self.date.toordinal() * _IDS_PER_SESSION + index,
        )

    def quotes_between(self, after: dt.datetime, until: dt.datetime) -> Iterator[Quote]:
        return map(self.quote_number, range(self.quotes_until(after), self.quotes_until(until)))

    def trades_between(self, after: dt.datetime, until: dt.datetime) -> Iterator[Trade]:
        return map(self.trade_number, range(self.trades_until(after), self.trades_until(until)))

    def _at(self, column: Column, index: int) -> dt.datetime:
        return midnight(self.date) + int(column[index]) * _MILLISECOND

"""The newest quotes, and what was seen of them a moment ago: a fill is told after it happened, when its quote is gone."""

from __future__ import annotations

import datetime as dt
from collections import defaultdict, deque
from collections.abc import Collection, Mapping
from typing import Final

from services.execution.domain import costs
from services.execution.ports import Quotes
from shared.bus import BusUnavailableError
from shared.contracts.marketdata import Quote

_REMEMBERED: Final = 32


class QuotesSeen:
    """Remembers the newest few quotes of each symbol it was asked for. An outage is an absence of quotes."""

    def __init__(self, quotes: Quotes, max_age_seconds: float) -> None:
        self._quotes = quotes
        self._max_age = max_age_seconds
        self._seen: defaultdict[str, deque[Quote]] = defaultdict(lambda: deque(maxlen=_REMEMBERED))

    def fresh(self, symbols: Collection[str], now: dt.datetime) -> Mapping[str, Quote]:
        """The newest quote of each symbol, where it is young enough to price with."""
        if not symbols:
            return {}
        try:
            found = self._quotes.latest(sorted(symbols))
        except BusUnavailableError:
            return {}
        for symbol, quote in found.items():
            seen = self._seen[symbol]
            if not seen or seen[-1] != quote:
                seen.append(quote)
        return {symbol: q for symbol, q in found.items() if q.age(now).total_seconds() <= self._max_age}

    def as_of(self, symbol: str, at: dt.datetime) -> Quote | None:
        """The two-sided quote that stood at that instant, as far as it was seen and was not too old then."""
        return costs.as_of(self._seen[symbol], at, self._max_age)

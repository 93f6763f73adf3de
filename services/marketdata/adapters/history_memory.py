"""A source of daily bars in memory: the twin of Alpaca's and of TwelveData's."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence

from services.marketdata.domain.history import Adjustment, DailyBar, SourceName
from services.marketdata.ports import Fetched, SourceUnavailableError
from shared.sessions import new_york_date


class MemoryHistory:
    """`outage` set to a reason makes it fail; `faults` are symbols it cannot read."""

    def __init__(self, name: SourceName = "alpaca", rows: Mapping[str, Sequence[DailyBar]] | None = None) -> None:
        self._name = name
        self.rows = dict(rows or {})
        self.faults: dict[str, str] = {}
        self.outage: str | None = None
        self.asked: list[tuple[str, ...]] = []

    @property
    def name(self) -> SourceName:
        return self._name

    def daily(self, symbols: Sequence[str], first: dt.date, now: dt.datetime, adjustment: Adjustment) -> Fetched:
        self.asked.append(tuple(symbols))
        if self.outage is not None:
            raise SourceUnavailableError(f"{self._name}: {self.outage}")
        last = new_york_date(now)
        kept = {s: [row for row in self.rows[s] if first <= row.date <= last] for s in symbols if s in self.rows}
        return Fetched(
            {symbol: rows for symbol, rows in kept.items() if rows},
            {symbol: fault for symbol, fault in self.faults.items() if symbol in symbols},
        )

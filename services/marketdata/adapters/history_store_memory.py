"""The cache's in-memory twin."""

from __future__ import annotations

import datetime as dt
import time
from collections.abc import Callable, Sequence

from services.marketdata.domain.history import Adjustment
from shared.contracts.marketdata import DailyHistory


class MemoryHistories:
    """`monotonic` measures the time to live."""

    def __init__(self, monotonic: Callable[[], float] = time.monotonic) -> None:
        self._monotonic = monotonic
        self._kept: dict[tuple[str, str], tuple[float, DailyHistory]] = {}

    def put(self, history: DailyHistory, ttl: dt.timedelta) -> None:
        self._kept[history.symbol, history.adjustment] = (self._monotonic() + ttl.total_seconds(), history)

    def get(self, symbol: str, adjustment: Adjustment) -> DailyHistory | None:
        until, history = self._kept.get((symbol, adjustment), (0.0, None))
        return history if self._monotonic() < until else None

    def present(self, symbols: Sequence[str], adjustment: Adjustment) -> frozenset[str]:
        return frozenset(symbol for symbol in symbols if self.get(symbol, adjustment) is not None)

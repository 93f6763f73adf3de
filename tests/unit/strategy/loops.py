"""Indicators by plain loops over lists: the independent side of the differential tests. Uses nothing of the service."""

from __future__ import annotations

import math
import statistics
from dataclasses import dataclass


class NotKnownError(Exception):
    pass


@dataclass
class History:
    """Indicators by plain loops over lists, each day known from the closes up to it."""

    closes: dict[str, list[float]]

    def __post_init__(self) -> None:
        self._rsi: dict[tuple[str, int], list[float]] = {}

    def known(self, value: float) -> float:
        if math.isnan(value):
            raise NotKnownError
        return value

    def reaching(self, day: int, back: int) -> None:
        if day < back:
            raise NotKnownError

    def close(self, symbol: str, day: int) -> float:
        return self.known(self.closes[symbol][day])

    def sma(self, symbol: str, window: int, day: int) -> float:
        self.reaching(day, window - 1)
        return self.known(math.fsum(self.closes[symbol][day - window + 1 : day + 1]) / window)

    def cumulative(self, symbol: str, window: int, day: int) -> float:
        self.reaching(day, window)
        return self.known((self.closes[symbol][day] / self.closes[symbol][day - window] - 1) * 100)

    def mean_return(self, symbol: str, window: int, day: int) -> float:
        return self.known(statistics.fmean(self.returns(symbol, window, day)))

    def stdev_return(self, symbol: str, window: int, day: int) -> float:
        return self.known(statistics.stdev(self.returns(symbol, window, day)))

    def returns(self, symbol: str, window: int, day: int) -> list[float]:
        self.reaching(day, window)
        closes = self.closes[symbol]
        found = [(closes[d] / closes[d - 1] - 1) * 100 for d in range(day - window + 1, day + 1)]
        self.known(math.fsum(found))
        return found

    def rsi(self, symbol: str, window: int, day: int) -> float:
        if (symbol, window) not in self._rsi:
            self._rsi[symbol, window] = self._wilder(symbol, window)
        return self.known(self._rsi[symbol, window][day])

    def _wilder(self, symbol: str, window: int) -> list[float]:
        return wilder(self.closes[symbol], window)


def wilder(closes: list[float], window: int) -> list[float]:
    """RSI, begun anew after every gap."""
    values = [math.nan] * len(closes)
    seen, gain, loss = 0, 0.0, 0.0
    for day, close in enumerate(closes):
        if math.isnan(close):
            seen, gain, loss = 0, 0.0, 0.0
            continue
        seen += 1
        if seen == 1:
            continue
        up, down = max(close - closes[day - 1], 0.0), max(closes[day - 1] - close, 0.0)
        if seen - 1 <= window:
            gain, loss = gain + up / window, loss + down / window
        else:
            gain, loss = gain + (up - gain) / window, loss + (down - loss) / window
        if seen > window and gain + loss:
            values[day] = 100 - 100 / (1 + gain / loss) if loss else 100.0
    return values

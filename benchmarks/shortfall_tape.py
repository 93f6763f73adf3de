"""One session of recorded quotes and trades on an even grid of bars: what was knowable at each instant, what happened in between.

    instant k ──────── bar k ──────── instant k+1        the quote of instant k+1 is the last one of bar k

Prices are whole ten-thousandths of a dollar, as LEAN stores them. Knows nothing of orders.
"""

from __future__ import annotations

import datetime as dt
import zipfile
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from zoneinfo import ZoneInfo

from shared.contracts.marketdata import Quote

_NEW_YORK = ZoneInfo("America/New_York")
_OPEN_MS, _CLOSE_MS = 34_200_000, 57_600_000
_PER_DOLLAR = 10_000
CENT = 100
NEVER_BELOW, NEVER_ABOVE = 1 << 60, -1
"""The lowest and the highest price of a bar in which nothing traded: no limit is reached by them."""


@dataclass(frozen=True)
class Recording:
    """Where one session lies below the folder of LEAN data: resolution/symbol/day_{quote,trade}.zip."""

    symbol: str
    day: dt.date
    resolution: str

    @property
    def name(self) -> str:
        return f"{self.symbol} {self.day} by {self.resolution}"

    @property
    def bar_seconds(self) -> int:
        return {"second": 1, "minute": 60}[self.resolution]

    def path(self, folder: Path, kind: str) -> Path:
        return folder / self.resolution / self.symbol.lower() / f"{self.day:%Y%m%d}_{kind}.zip"


@dataclass(frozen=True)
class Tape:
    """`bid` .. `ask_size` at each instant; the other lists say how far prices went within each bar. Sizes in shares."""

    symbol: str
    begin: dt.datetime
    bar_seconds: int
    bid: list[int]
    bid_size: list[int]
    ask: list[int]
    ask_size: list[int]
    bid_high: list[int]
    ask_low: list[int]
    trade_low: list[int]
    trade_high: list[int]
    volume: list[int]

    def __len__(self) -> int:
        """How many bars; there is one instant more."""
        return len(self.volume)

    def at(self, instant: int) -> dt.datetime:
        return self.begin + dt.timedelta(seconds=instant * self.bar_seconds)

    def double_mid(self, instant: int) -> int:
        """Twice the midpoint, so that it stays a whole number."""
        return self.bid[instant] + self.ask[instant]

    def quote(self, instant: int) -> Quote:
        return Quote(
            symbol=self.symbol,
            at=self.at(instant),
            bid=dollars(self.bid[instant]),
            bid_size=self.bid_size[instant],
            ask=dollars(self.ask[instant]),
            ask_size=self.ask_size[instant],
        )


def dollars(price: int) -> Decimal:
    return Decimal(price) / _PER_DOLLAR


def price(amount: Decimal) -> int:
    """Ten-thousandths of a dollar. Raises ValueError for finer ones."""
    found = amount * _PER_DOLLAR
    if found != int(found):
        raise ValueError(f"price: expected at most four decimals, got {amount}")
    return int(found)


def load(folder: Path, recording: Recording) -> Tape:
    """Raises FileNotFoundError where it is missing, ValueError where a row is not as LEAN writes it."""
    quotes = _rows(recording.path(folder, "quote"), 11)
    trades = _rows(recording.path(folder, "trade"), 6)
    begin = dt.datetime.combine(recording.day, dt.time(9, 30), _NEW_YORK).astimezone(dt.UTC)
    return _on_grid(recording, begin, quotes, trades)


def _rows(path: Path, columns: int) -> dict[int, list[int]]:
    """By milliseconds after midnight, New York."""
    with zipfile.ZipFile(path) as archive:
        lines = archive.read(archive.namelist()[0]).decode().split()
    rows: dict[int, list[int]] = {}
    for line in lines:
        cells = [int(float(cell)) if cell else -1 for cell in line.split(",")]
        if len(cells) != columns:
            raise ValueError(f"{path}: expected {columns} columns, got {line!r}")
        if _OPEN_MS <= cells[0] < _CLOSE_MS and min(cells) >= 0:
            rows[cells[0]] = cells[1:]
    if not rows:
        raise ValueError(f"{path}: expected rows between 9:30 and 16:00 New York, got none")
    return rows


def _on_grid(
    recording: Recording, begin: dt.datetime, quotes: dict[int, list[int]], trades: dict[int, list[int]]
) -> Tape:
    """A bar without a quote keeps the one before; before the first quote of the day its opening stands."""
    step = 1000 * recording.bar_seconds
    first = quotes[min(quotes)]
    bid, bid_size, ask, ask_size = [first[0]], [first[4]], [first[5]], [first[9]]
    bid_high, ask_low, trade_low, trade_high, volume = [], [], [], [], list[int]()
    for start in range(_OPEN_MS, _CLOSE_MS, step):
        row = quotes.get(start)
        bid_high.append(row[1] if row else bid[-1])
        ask_low.append(row[7] if row else ask[-1])
        bid.append(row[3] if row else bid[-1])
        bid_size.append(row[4] if row else bid_size[-1])
        ask.append(row[8] if row else ask[-1])
        ask_size.append(row[9] if row else ask_size[-1])
        _open, high, low, _close, shares = trades.get(start, (0, NEVER_ABOVE, NEVER_BELOW, 0, 0))
        trade_high.append(high)
        trade_low.append(low)
        volume.append(shares)
    return Tape(
        symbol=recording.symbol,
        begin=begin,
        bar_seconds=recording.bar_seconds,
        bid=bid,
        bid_size=bid_size,
        ask=ask,
        ask_size=ask_size,
        bid_high=bid_high,
        ask_low=ask_low,
        trade_low=trade_low,
        trade_high=trade_high,
        volume=volume,
    )

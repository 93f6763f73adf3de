"""Readers of the recorded files, one per layout: text in, checked numbers out. A wrong file is named with its line and field.

Layouts as ../shared/data/README.md and LEAN's readme describe them; LEAN's prices are 1/10,000 dollars already.
"""

from __future__ import annotations

import datetime as dt
import gzip
import math
import zipfile
import zlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import NoReturn

import numpy as np

from services.simulator.domain.intraday_recorded import Rows
from services.simulator.domain.prices_recorded import DayRow
from services.simulator.domain.spread import UNITS_PER_DOLLAR
from shared.sessions import NEW_YORK, session_on

PRICES = ("Open", "High", "Low", "Close")
DAILY_FIELDS = ("Date", *PRICES, "Adj Close", "Volume")
MINUTE_FIELDS = ("Datetime", *PRICES, "Volume")
TRADE_FIELDS = ("Time", *PRICES, "Volume")
LEAN_DAILY_FIELDS = ("DateTime", *PRICES, "Volume")
_QUOTE_SIDE = ("Open", "High", "Low", "Close", "Size")
QUOTE_FIELDS = ("Time", *(f"{side} {name}" for side in ("Bid", "Ask") for name in _QUOTE_SIDE))
_MIDNIGHTS = (" 04:00:00+00:00", " 05:00:00+00:00")
_DAY_MS = 86_400_000
_LARGEST_PRICE = 1e15  # adjusted closes of volatility funds reach hundreds of billions


class RecordedDataError(ValueError):
    """A recorded file is not what it says: which file, line and field, the value, and what was expected."""


@dataclass(slots=True)
class Line:
    """One line of a file, cut into fields."""

    file: Path
    number: int
    fields: Sequence[str]

    def refuse(self, field: str, value: object, expected: str) -> NoReturn:
        raise RecordedDataError(f"{self.file}, line {self.number}, {field}: expected {expected}, got {value!r}")

    def price(self, place: int, field: str) -> float:
        value = self._number(place, field, "a price above 0")
        if not 0 < value < _LARGEST_PRICE:
            self.refuse(field, self.fields[place], "a price above 0")
        return value

    def volume(self, place: int) -> int:
        if (text := self.fields[place]).isdecimal():
            return int(text)
        value = self._number(place, "Volume", "a number of shares, 0 or more")
        if not 0 <= value < _LARGEST_PRICE:
            self.refuse("Volume", self.fields[place], "a number of shares, 0 or more")
        return int(value)

    def prices(self, first: int) -> tuple[float, float, float, float]:
        """Open, high, low and close from the place `first` on, in order and within one another."""
        try:
            o, h, l, c = map(float, self.fields[first : first + 4])  # noqa: E741 - one bar
        except ValueError:
            o = h = l = c = math.nan  # noqa: E741 - named below
        if not (0 < l <= o <= h < _LARGEST_PRICE and l <= c <= h):
            self._refuse_prices(first)
        return o, h, l, c

    def _refuse_prices(self, first: int) -> NoReturn:
        o, h, l, c = (self.price(first + offset, field) for offset, field in enumerate(PRICES))  # noqa: E741 - one bar
        self.refuse("High/Low", (h, l), f"a range around open {o} and close {c}")

    def trading_date(self, text: str, field: str) -> dt.date:
        date, trading = _session_date(text)
        if date is None:
            self.refuse(field, text, "a date as YYYY-MM-DD")
        if not trading:
            self.refuse(field, text, "the date of a trading session")
        return date

    def _number(self, place: int, field: str, expected: str) -> float:
        try:
            value = float(self.fields[place])
        except ValueError:
            self.refuse(field, self.fields[place], expected)
        if not math.isfinite(value):
            self.refuse(field, self.fields[place], expected)
        return value


@lru_cache(maxsize=20_000)
def _session_date(text: str) -> tuple[dt.date | None, bool]:
    """The date, and whether it is a session's."""
    try:
        date = dt.date.fromisoformat(text)
    except ValueError:
        return None, False
    return date, session_on(date) is not None


@dataclass(frozen=True, slots=True)
class MinuteLine:
    """One row of minute prices, in 1/10,000 dollars; `ms` after midnight New York."""

    date: dt.date
    ms: int
    prices: tuple[int, int, int, int]
    volume: int
    number: int


def daily_rows(file: Path) -> dict[dt.date, DayRow]:
    """`daily_ohlcv/SYM.csv`: one row a session, stamped 00:00 New York, ascending."""
    lines = list(_lines(file, _text(file), DAILY_FIELDS))
    return _rows(lines, "ohlcv", _midnight_stamp, unit=1)


def lean_daily(file: Path) -> dict[dt.date, DayRow]:
    """`lean/daily/sym.zip`: rows of YYYYMMDD 00:00, prices in 1/10,000 dollars, volume; ascending."""
    lines = list(_lines(file, _unzipped(file), LEAN_DAILY_FIELDS, header=False))
    return _rows(lines, "lean", _lean_stamp, unit=UNITS_PER_DOLLAR)


def _rows(lines: list[Line], source: str, dated: Callable[[Line], dt.date], unit: int) -> dict[dt.date, DayRow]:
    rows: dict[dt.date, DayRow] = {}
    last = dt.date.min
    for line in lines:
        date = dated(line)
        if date <= last:
            line.refuse("Date", line.fields[0], f"a date after {last}")
        last = date
        o, h, l, c = line.prices(1)  # noqa: E741 - one bar
        rows[date] = DayRow(o / unit, h / unit, l / unit, c / unit, line.volume(len(line.fields) - 1), source)
    return rows


def _midnight_stamp(line: Line) -> dt.date:
    stamp = line.fields[0]
    if stamp[10:] not in _MIDNIGHTS:
        line.refuse("Date", stamp, "00:00 New York as YYYY-MM-DD 04:00:00+00:00 or 05:00:00+00:00")
    return line.trading_date(stamp[:10], "Date")


def _lean_stamp(line: Line) -> dt.date:
    day = line.fields[0][:8]
    return line.trading_date(f"{day[:4]}-{day[4:6]}-{day[6:]}", "DateTime")


def minute_lines(file: Path) -> Iterator[MinuteLine | int]:
    """`intraday_1min/SYM.csv`: a row a minute in any order; the number of a line that has no prices, where one has none."""
    for line in _lines(file, _text(file), MINUTE_FIELDS, more=True):
        if not any(line.fields[1:5]):
            yield line.number
            continue
        at = _instant(line)
        session = session_on(at.date())
        if session is None:
            line.refuse("Datetime", line.fields[0], "a minute of a trading session")
        units = tuple(round(price * UNITS_PER_DOLLAR) for price in line.prices(1))
        ms = (at.hour * 60 + at.minute) * 60_000
        yield MinuteLine(session.date, ms, (units[0], units[1], units[2], units[3]), line.volume(5), line.number)


def adjusted_closes(file: Path) -> dict[str, dict[dt.date, float]]:
    """`daily_close/*.csv.gz`: a date and a column of adjusted closes per symbol, blank before the listing."""
    content = _text(file).splitlines()
    header = content[0].split(",") if content else []
    if len(header) < 2 or header[0] != "date" or len(set(header)) != len(header):  # noqa: PLR2004 - a date and a symbol
        Line(file, 1, header).refuse("header", ",".join(header), "'date' and different symbols")
    lines = list(_lines(file, "\n".join(content), tuple(header)))
    dates = _ascending_dates(lines)
    columns = list(zip(*(line.fields for line in lines), strict=True))[1:]
    return {
        symbol: _column(lines, dates, column, (place, symbol))
        for place, (symbol, column) in enumerate(zip(header[1:], columns, strict=True), start=1)
    }


def _ascending_dates(lines: list[Line]) -> list[dt.date]:
    dates: list[dt.date] = []
    for line in lines:
        date = line.trading_date(line.fields[0], "date")
        if dates and date <= dates[-1]:
            line.refuse("date", line.fields[0], f"a date after {dates[-1]}")
        dates.append(date)
    return dates


def _column(
    lines: list[Line], dates: list[dt.date], column: Sequence[str], at: tuple[int, str]
) -> dict[dt.date, float]:
    """The closes of one symbol by date; one by one only where something is wrong, to name it."""
    try:
        closes = {date: float(text) for date, text in zip(dates, column, strict=True) if text}
        plausible = all(0 < close < _LARGEST_PRICE for close in closes.values())
    except ValueError:
        plausible = False
    if plausible:
        return closes
    return {date: line.price(*at) for date, line in zip(dates, lines, strict=True) if line.fields[at[0]]}


def lean_ticks(file: Path, fields: tuple[str, ...]) -> Rows:
    """`lean/second|minute/sym/DATE_quote|trade.zip`: whole numbers, one row per span, ascending; shape (n, len(fields))."""
    content = _unzipped(file)
    cells = content.replace("\n", ",").rstrip(",").split(",")
    try:
        rows = np.array(cells, dtype=np.int64).reshape(-1, len(fields))
    except (ValueError, OverflowError):
        _refuse_first_bad(file, content, fields)
    bad = _implausible(rows)
    if bad is not None:
        place, column, expected = bad
        Line(file, place + 1, []).refuse(fields[column], int(rows[place, column]), expected)
    return rows


def _implausible(rows: Rows) -> tuple[int, int, str] | None:
    """Row, column and expectation of the first thing that cannot be."""
    ms, prices = rows[:, 0], [column for column in range(1, rows.shape[1]) if column % 5]
    checks = [
        ((np.diff(ms, prepend=-1) <= 0) | (ms >= _DAY_MS), 0, "milliseconds of the day, later than the row before"),
        *((rows[:, column] <= 0, column, "a price above 0, or shares") for column in prices),
    ]
    for first in range(1, rows.shape[1] - 3, 5):
        o, h, l, c = (rows[:, first + offset] for offset in range(4))  # noqa: E741 - one bar
        checks.append(
            ((h < np.maximum(o, c)) | (l > np.minimum(o, c)), first + 1, "a high and a low around open and close")
        )
    found = [(int(np.argmax(wrong)), column, expected) for wrong, column, expected in checks if wrong.any()]
    return min(found, default=None)


def _refuse_first_bad(file: Path, content: str, fields: tuple[str, ...]) -> NoReturn:
    for line in _lines(file, content, fields, header=False):
        for name, cell in zip(fields, line.fields, strict=True):
            if not cell.strip().lstrip("-").isdigit():
                line.refuse(name, cell, "a whole number")
    raise RecordedDataError(f"{file}: expected {len(fields)} whole numbers a line ({', '.join(fields)})")


def _lines(
    file: Path, content: str, fields: tuple[str, ...], *, header: bool = True, more: bool = False
) -> Iterator[Line]:
    """Lines after the header, each with as many fields as the header has (at least `fields`; exactly, unless `more`)."""
    lines = content.splitlines()
    width = len(fields)
    if header:
        named = lines[0].split(",") if lines else []
        if tuple(named[:width]) != fields or (len(named) > width and not more):
            Line(file, 1, named).refuse("header", ",".join(named), ",".join(fields))
        width = len(named)
    if len(lines) <= header:
        raise RecordedDataError(f"{file}: expected at least one line of {', '.join(fields)}, got none")
    for number, text in enumerate(lines[header:], start=1 + header):
        line = Line(file, number, text.split(","))
        if len(line.fields) != width:
            line.refuse("number of fields", len(line.fields), str(width))
        yield line


def _instant(line: Line) -> dt.datetime:
    """The first field as a New York wall time."""
    try:
        at = dt.datetime.fromisoformat(line.fields[0])
    except ValueError:
        line.refuse("Datetime", line.fields[0], "an ISO date and time with its offset")
    if at.tzinfo is None or at.second or at.microsecond:
        line.refuse("Datetime", line.fields[0], "a whole minute with its offset")
    return at.astimezone(NEW_YORK)


def _text(file: Path) -> str:
    try:
        raw = file.read_bytes()
        return (gzip.decompress(raw) if file.suffix == ".gz" else raw).decode()
    except UnicodeDecodeError as error:
        raise RecordedDataError(f"{file}: expected UTF-8 text, got byte {error.object[error.start]:#x}") from None
    except (OSError, EOFError, zlib.error) as error:
        raise RecordedDataError(f"{file}: expected a readable file, got {error}") from None


def _unzipped(file: Path) -> str:
    try:
        with zipfile.ZipFile(file) as archive:
            names = archive.namelist()
            if len(names) != 1:
                raise RecordedDataError(f"{file}: expected a zip of one CSV file, got {len(names)}")
            return archive.read(names[0]).decode()
    except (zipfile.BadZipFile, OSError, EOFError, zlib.error, UnicodeDecodeError) as error:
        raise RecordedDataError(f"{file}: expected a zip of one CSV file, got {error}") from None

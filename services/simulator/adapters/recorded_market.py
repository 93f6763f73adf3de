"""The recorded market of a data directory (laid out as ../shared/data): read whole at start, every oddity said or refused.

What is left out, each time with a finding: a first row long before the rest (a stray), daily rows without volume (a repeated
last price: nobody traded), minute rows without prices (dividend marks), a minute told twice with the same prices.
"""

from __future__ import annotations

import datetime as dt
import gc
import re
from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np

from services.simulator.adapters.recorded_files import (
    QUOTE_FIELDS,
    TRADE_FIELDS,
    MinuteLine,
    RecordedDataError,
    adjusted_closes,
    daily_rows,
    lean_daily,
    lean_ticks,
    minute_lines,
)
from services.simulator.domain.intraday_recorded import Rows, TickRows
from services.simulator.domain.prices import TapedMarket
from services.simulator.domain.prices_recorded import DayRow, RecordedSource, Recordings
from shared.sessions import session_on, sessions_between

_STRAY_GAP = dt.timedelta(days=90)
_SYMBOL = re.compile(r"[A-Z][A-Z0-9.]{0,9}")
_TICK_FILE = re.compile(r"(\d{8})_quote\.zip")
_SPANS_MS = {"minute": 60_000, "second": 1000}  # seconds come last and win where both were recorded

Days = dict[str, dict[dt.date, DayRow]]


def recorded_market(directory: Path, seed: int) -> TapedMarket:
    """The market of that directory. Raises RecordedDataError naming file, line, field, value and expectation."""
    return TapedMarket(RecordedSource(recordings_in(directory), seed))


def recordings_in(directory: Path) -> Recordings:
    """Everything recorded in that directory, checked and cleaned."""
    if not directory.is_dir():
        raise RecordedDataError(f"{directory}: expected a directory of recorded market data, found none")
    findings: list[str] = []
    with _without_collector():
        recordings = Recordings(
            days=_days(directory, findings),
            adjusted=_adjusted(directory),
            minutes=_minutes(directory, findings),
            ticks=_ticks(directory),
            findings=findings,
        )
    if not recordings.symbols():
        raise RecordedDataError(
            f"{directory}: expected daily_ohlcv/*.csv, daily_close/*.csv.gz, intraday_1min/*.csv or lean/, found none"
        )
    return recordings


@contextmanager
def _without_collector() -> Iterator[None]:
    """Loading makes a hundred thousand small tuples and no garbage: searching them for some costs a third of its time."""
    collecting = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if collecting:
            gc.enable()


def _days(directory: Path, findings: list[str]) -> Days:
    days: Days = defaultdict(dict)
    for file in sorted(directory.glob("lean/daily/*.zip")):
        days[_symbol(file)].update(lean_daily(file))
    for file in sorted(directory.glob("daily_ohlcv/*.csv")):
        symbol = _symbol(file)
        days[symbol].update(_cleaned(symbol, daily_rows(file), findings))
    return dict(days)


def _cleaned(symbol: str, rows: dict[dt.date, DayRow], findings: list[str]) -> dict[dt.date, DayRow]:
    dates = list(rows)
    while len(dates) > 1 and dates[1] - dates[0] > _STRAY_GAP:
        findings.append(f"{symbol}: the row of {dates[0]} stands alone, {dates[1]} comes next; left out")
        dates = dates[1:]
    traded = {date: rows[date] for date in dates if rows[date].volume}
    if len(traded) < len(dates):
        findings.append(f"{symbol}: {len(dates) - len(traded)} sessions without volume; left out, nobody traded")
    missing = len(sessions_between(dates[0], dates[-1])) - len(dates)
    if missing:
        findings.append(f"{symbol}: {missing} sessions between {dates[0]} and {dates[-1]} were not recorded")
    return traded


def _adjusted(directory: Path) -> dict[str, dict[dt.date, float]]:
    """Adjusted closes of all files; where two have a day of a symbol, the file that sorts first is believed."""
    merged: dict[str, dict[dt.date, float]] = {}
    for file in sorted(directory.glob("daily_close/*.csv.gz"), reverse=True):
        for symbol, closes in adjusted_closes(file).items():
            merged.setdefault(symbol, {}).update(closes)
    return {symbol: dict(sorted(closes.items())) for symbol, closes in merged.items() if closes}


def _minutes(directory: Path, findings: list[str]) -> dict[tuple[str, dt.date], Rows]:
    found: dict[tuple[str, dt.date], Rows] = {}
    for file in sorted(directory.glob("intraday_1min/*.csv")):
        symbol = _symbol(file)
        for date, minutes in _by_date(file, symbol, findings).items():
            rows = [[line.ms, *line.prices, line.volume] for _, line in sorted(minutes.items())]
            found[symbol, date] = np.array(rows, dtype=np.int64)
    return found


def _by_date(file: Path, symbol: str, findings: list[str]) -> dict[dt.date, dict[int, MinuteLine]]:
    dates: dict[dt.date, dict[int, MinuteLine]] = defaultdict(dict)
    blank = repeated = 0
    for line in minute_lines(file):
        if isinstance(line, int):
            blank += 1
            continue
        known = dates[line.date].setdefault(line.ms, line)
        repeated += known is not line
        dates[line.date][line.ms] = _the_fuller(file, known, line)
    for number, what in ((blank, "minute rows without prices"), (repeated, "repeated minute rows")):
        if number:
            findings.append(f"{symbol}: {number} {what}; left out")
    return dates


def _the_fuller(file: Path, one: MinuteLine, other: MinuteLine) -> MinuteLine:
    if one.prices != other.prices:
        raise RecordedDataError(
            f"{file}, line {other.number}, Open/High/Low/Close: expected the prices of line {one.number}, which is the "
            f"same minute, {one.prices}, got {other.prices}"
        )
    return max(one, other, key=lambda line: line.volume)


def _ticks(directory: Path) -> dict[tuple[str, dt.date], TickRows]:
    found: dict[tuple[str, dt.date], TickRows] = {}
    for resolution, span in _SPANS_MS.items():
        for quotes in sorted(directory.glob(f"lean/{resolution}/*/*_quote.zip")):
            trades = quotes.with_name(quotes.name.replace("_quote", "_trade"))
            if not trades.is_file():
                raise RecordedDataError(f"{trades}: expected the trades that belong to {quotes.name}, found none")
            key = (_symbol(quotes.parent), _date_of(quotes))
            found[key] = TickRows(span, lean_ticks(quotes, QUOTE_FIELDS), lean_ticks(trades, TRADE_FIELDS))
    return found


def _date_of(file: Path) -> dt.date:
    named = _TICK_FILE.fullmatch(file.name)
    try:
        date = dt.datetime.strptime(named[1] if named else "", "%Y%m%d").replace(tzinfo=dt.UTC).date()
    except ValueError:
        raise RecordedDataError(f"{file}: expected a name like 20131007_quote.zip") from None
    if session_on(date) is None:
        raise RecordedDataError(f"{file}: expected the date of a trading session in the name, got {date}")
    return date


def _symbol(file: Path) -> str:
    symbol = file.stem.upper()
    if not _SYMBOL.fullmatch(symbol):
        raise RecordedDataError(f"{file}: expected a symbol as its name, got {file.stem!r}")
    return symbol

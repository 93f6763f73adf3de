"""Recorded prices from files as single series with all their columns, for the gates of data quality. Repairs nothing."""

from __future__ import annotations

import datetime as dt
from collections.abc import Container, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from itertools import groupby, pairwise
from operator import attrgetter
from pathlib import Path

import numpy as np
import pandas as pd
from pydantic import ValidationError

from backtest.history import HistoryError, columns_of, dated_frame, numbers_of, traded_names, with_symbols
from services.strategy.domain.closes import Closes
from services.strategy.domain.indicators import FloatArray
from shared.contracts import faults_in
from shared.contracts.marketdata import DailyHistory, DataFinding
from shared.quality import Series, Surroundings, examine, market_volume, settled, unknown_closes

_DAY = ("open", "high", "low")


def read_series(path: Path) -> tuple[Series, ...]:
    """A folder of OHLCV files, one such file (`SPY.csv`), or a table of closes, wide or long; symbols as traded. Raises HistoryError."""
    many = _of_folder(path) if path.is_dir() else _of_table(path)
    traded = traded_names(series.symbol for series in many)
    return tuple(replace(series, symbol=traded[series.symbol]) for series in many)


def _of_folder(folder: Path) -> list[Series]:
    inner = folder / "daily_ohlcv"
    files = sorted((inner if inner.is_dir() else folder).glob("*.csv"))
    if not files:
        raise HistoryError(f"{folder}: expected files such as SPY.csv with Date, Open and Close, found none")
    return [_of_one_symbol(file.stem.upper(), _rising(file), file) for file in files]


def _of_table(path: Path) -> list[Series]:
    frame = _rising(path)
    names = _names(frame)
    if {"symbol", "close"} <= set(names):
        long = with_symbols(frame, names["symbol"], path).groupby(names["symbol"], sort=True)
        return [_of_one_symbol(str(symbol), part, path) for symbol, part in long]
    if "close" in names:
        return [_of_one_symbol(path.name.split(".")[0].upper(), frame, path)]
    return list(_of_wide(frame, path))


def _rising(path: Path) -> pd.DataFrame:
    """Its rows in the order of their dates, however it was written."""
    return dated_frame(path).sort_values("date", kind="stable").set_index("date")


def as_history(series: Series, source: str) -> DailyHistory:
    """As marketdata would keep it: where only closes are known the day is flat, and its volume not a number.

    Raises HistoryError for what can be none, such as a column that is no symbol.
    """
    flat = tuple(series.close.tolist())
    columns = {
        name: flat if (column := getattr(series, name)) is None else tuple(column.tolist()) for name in (*_DAY, "close")
    }
    volume = (float("nan"),) * len(series) if series.volume is None else tuple(series.volume.tolist())
    given = {
        "symbol": series.symbol,
        "source": source,
        "adjustment": "all",
        "fetched_at": dt.datetime.max.replace(tzinfo=dt.UTC),
        "dates": series.dates,
        **columns,
        "volume": volume,
    }
    try:
        return DailyHistory.model_validate(given)
    except ValidationError as error:
        raise HistoryError(f"{series.symbol}: {faults_in(error)}") from error


def checked_series(
    many: Sequence[Series], second: Mapping[str, Series], symbols: Container[str] | None = None
) -> list[DataFinding]:
    """What the gates say of them, each beside the second source's series of the same symbol where there is one.

    `symbols`: of these alone; how full the feed was is told by all of them.
    """
    last = max((series.dates[-1] for series in many if len(series)), default=None)
    around = Surroundings(last, market_volume(many))
    findings: list[DataFinding] = []
    for series in many:
        if len(series) and (symbols is None or series.symbol in symbols):
            other = second.get(series.symbol)
            theirs = as_history(other, "twelvedata") if other is not None and len(other) else None
            findings += settled(as_history(series, "alpaca"), examine(series, around), theirs, around).findings
    return findings


def without_refused(closes: Closes, findings: Iterable[DataFinding], row: int) -> Closes:
    """The table as it stood on that row's evening, without the closes that are refused for a decision on it."""
    until, session, by_symbol = closes.until(row), closes.sessions[row], attrgetter("symbol")
    columns, refused = dict(until.columns), dict[str, Mapping[dt.date, str]]()
    place = {day: number for number, day in enumerate(until.sessions)}
    for symbol, told in groupby(sorted(findings, key=by_symbol), key=by_symbol):
        unknown = {d: why for d, why in unknown_closes(until.sessions, tuple(told), session).items() if d in place}
        if unknown and symbol in columns:
            column = columns[symbol].copy()
            column[[place[day] for day in unknown]] = np.nan
            columns[symbol], refused[symbol] = column, unknown
    return replace(until, columns=columns, refused=refused)


def _names(frame: pd.DataFrame) -> Mapping[str, str]:
    return {str(name).strip().lower(): name for name in frame.columns}


def _of_one_symbol(symbol: str, frame: pd.DataFrame, path: Path) -> Series:
    names = _names(frame)
    if "close" not in names:
        raise HistoryError(f"{path}: expected a column close, got {', '.join(map(str, frame.columns))}")
    with _named(path):
        told = {n: numbers_of(frame[names[n]], f"{symbol} {n}") for n in (*_DAY, "close", "volume") if n in names}
    there = ~np.isnan(told["close"])
    columns = {name: column[there] for name, column in told.items()}
    is_whole = all(name in columns and bool(np.all(columns[name] > 0)) for name in _DAY)
    return _series(
        symbol,
        frame.index[there].tolist(),
        columns["close"],
        path,
        days=(columns["open"], columns["high"], columns["low"]) if is_whole else None,
        volume=columns.get("volume"),
    )


def _of_wide(frame: pd.DataFrame, path: Path) -> Iterator[Series]:
    with _named(path):
        columns = columns_of(frame)
    for symbol, close in columns.items():
        there = ~np.isnan(close)
        yield _series(symbol, frame.index[there].tolist(), close[there], path)


@contextmanager
def _named(path: Path) -> Iterator[None]:
    try:
        yield
    except ValueError as error:
        raise HistoryError(f"{path}: {error}") from error


def _series(
    symbol: str,
    dates: list[dt.date],
    close: FloatArray,
    path: Path,
    *,
    days: tuple[FloatArray, FloatArray, FloatArray] | None = None,
    volume: FloatArray | None = None,
) -> Series:
    for earlier, later in pairwise(dates):
        if earlier >= later:
            raise HistoryError(f"{path}: {symbol}: expected rising dates, got {later} after {earlier}")
    bad = np.flatnonzero(~(np.isfinite(close) & (close > 0)))
    if bad.size:
        raise HistoryError(f"{path}: {symbol} on {dates[bad[0]]}: expected a close > 0, got {close[bad[0]]}")
    return Series.of(symbol, dates, close, days=days, volume=volume)

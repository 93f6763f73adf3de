"""Recorded prices from files as single series with all their columns, for the gates of data quality. Repairs nothing."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from itertools import groupby, pairwise
from pathlib import Path

import numpy as np
import pandas as pd

from backtest.history import HistoryError, dated_frame
from services.strategy.domain.closes import Closes
from shared.contracts.marketdata import DailyHistory, DataFinding
from shared.quality import Series, Surroundings, examine, market_volume, settled, unknown_closes

_DAY = ("open", "high", "low")


def read_series(path: Path) -> tuple[Series, ...]:
    """By symbol: a folder of OHLCV files, one such file (`SPY.csv`), or a table of closes, wide or long. Raises HistoryError."""
    if path.is_dir():
        inner = path / "daily_ohlcv"
        files = sorted((inner if inner.is_dir() else path).glob("*.csv"))
        if not files:
            raise HistoryError(f"{path}: expected files such as SPY.csv with Date, Open and Close, found none")
        return tuple(_of_one_symbol(file.stem.upper(), dated_frame(file), file) for file in files)
    frame = dated_frame(path)
    names = _names(frame)
    if {"symbol", "close"} <= set(names):
        return tuple(_of_one_symbol(str(s), part, path) for s, part in frame.groupby(names["symbol"], sort=True))
    if "close" in names:
        return (_of_one_symbol(path.name.split(".")[0].upper(), frame, path),)
    return tuple(_of_wide(frame, path))


def as_history(series: Series, source: str) -> DailyHistory:
    """As marketdata would keep it: where only closes are known the day is flat, and its volume not a number."""
    flat = tuple(series.close.tolist())
    columns = {
        name: flat if (column := getattr(series, name)) is None else tuple(column.tolist()) for name in (*_DAY, "close")
    }
    volume = (float("nan"),) * len(series) if series.volume is None else tuple(series.volume.tolist())
    return DailyHistory.model_validate(
        {
            "symbol": series.symbol,
            "source": source,
            "adjustment": "all",
            "fetched_at": dt.datetime.max.replace(tzinfo=dt.UTC),
            "dates": series.dates,
            **columns,
            "volume": volume,
        }
    )


def checked_series(many: Sequence[Series], second: Mapping[str, Series]) -> list[DataFinding]:
    """What the gates say of them, each beside the second source's series of the same symbol where there is one."""
    last = max((series.dates[-1] for series in many if len(series)), default=None)
    around = Surroundings(last, market_volume(many))
    findings: list[DataFinding] = []
    for series in many:
        other = second.get(series.symbol)
        theirs = None if other is None else as_history(other, "twelvedata")
        if len(series):
            doubts = examine(series, around)
            findings += settled(as_history(series, "alpaca"), doubts, theirs, around).findings
    return findings


def without_refused(closes: Closes, findings: Iterable[DataFinding], row: int) -> Closes:
    """The table as it stood on that row's evening, without the closes that are refused for a decision on it."""
    until, session = closes.until(row), closes.sessions[row]
    columns, refused = dict(until.columns), dict[str, Mapping[dt.date, str]]()
    place = {day: number for number, day in enumerate(until.sessions)}
    for symbol, told in groupby(sorted(findings, key=_symbol_of), key=_symbol_of):
        unknown = {d: why for d, why in unknown_closes(until.sessions, tuple(told), session).items() if d in place}
        if unknown and symbol in columns:
            column = columns[symbol].copy()
            column[[place[day] for day in unknown]] = np.nan
            columns[symbol], refused[symbol] = column, unknown
    return replace(until, columns=columns, refused=refused)


def _symbol_of(finding: DataFinding) -> str:
    """As Alpaca writes it."""
    return finding.symbol.replace("/", ".")


def _names(frame: pd.DataFrame) -> Mapping[str, str]:
    return {str(name).strip().lower(): name for name in frame.columns}


def _of_one_symbol(symbol: str, frame: pd.DataFrame, path: Path) -> Series:
    names = _names(frame)
    if "close" not in names:
        raise HistoryError(f"{path}: expected a column close, got {', '.join(map(str, frame.columns))}")
    frame = frame.dropna(subset=[names["close"]])
    columns = {name: _numbers(frame[names[name]], name, path) for name in (*_DAY, "close", "volume") if name in names}
    is_whole = all(name in columns and bool(np.all(columns[name] > 0)) for name in _DAY)
    return _series(
        symbol,
        list(frame["date"]),
        columns["close"],
        path,
        days=(columns["open"], columns["high"], columns["low"]) if is_whole else None,
        volume=columns.get("volume"),
    )


def _of_wide(frame: pd.DataFrame, path: Path) -> Iterator[Series]:
    for name in frame.columns.drop("date"):
        column = frame[["date", name]].dropna()
        yield _series(str(name).strip(), list(column["date"]), _numbers(column[name], name, path), path)


def _numbers(column: pd.Series, name: object, path: Path) -> np.ndarray[tuple[int, ...], np.dtype[np.float64]]:
    try:
        return column.to_numpy(np.float64)
    except (TypeError, ValueError) as error:
        raise HistoryError(f"{path}: {name}: expected numbers, got {error}") from None


def _series(
    symbol: str,
    dates: list[dt.date],
    close: np.ndarray[tuple[int, ...], np.dtype[np.float64]],
    path: Path,
    *,
    days: tuple[np.ndarray, np.ndarray, np.ndarray] | None = None,
    volume: np.ndarray | None = None,
) -> Series:
    for earlier, later in pairwise(dates):
        if earlier >= later:
            raise HistoryError(f"{path}: {symbol}: expected rising dates, got {later} after {earlier}")
    bad = np.flatnonzero(~(np.isfinite(close) & (close > 0)))
    if bad.size:
        raise HistoryError(f"{path}: {symbol} on {dates[bad[0]]}: expected a close > 0, got {close[bad[0]]}")
    return Series.of(symbol, dates, close, days=days, volume=volume)

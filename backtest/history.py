"""Recorded prices from files as tables: wide or long closes, CSV or Parquet, or a folder of OHLCV files. Decides nothing.

What a file leaves out stays missing; what cannot be a price is refused with file, symbol, date and value.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Final

import numpy as np
import pandas as pd

from services.strategy.domain.closes import Closes
from services.strategy.domain.indicators import FloatArray
from services.strategy.domain.proxies import with_stand_ins
from shared.sessions import NEW_YORK, session_on, sessions_between

_DATE_NAMES: Final = ("date", "datetime", "timestamp", "time", "session", "day")
_SHOWN: Final = 3


class HistoryError(ValueError):
    """Prices that cannot be read; names the file, what was found and what was expected."""


@dataclass(frozen=True, eq=False)
class History:
    """Closes, and opens of the same adjustment where the source has them; `notes` say what is odd about the data."""

    closes: Closes
    opens: Mapping[str, FloatArray] = field(default_factory=dict)
    notes: tuple[str, ...] = ()

    @classmethod
    def of(cls, closes: Closes, opens: Mapping[str, FloatArray] | None = None) -> History:
        """With the stand-ins for re-used tickers filled in and flagged, as live."""
        filled = with_stand_ins(closes)
        notes = [f"{symbol}: {text}" for symbol, text in filled.stand_ins.items() if symbol not in closes.stand_ins]
        return cls(filled, opens or {}, (*notes, *_off_calendar(closes.sessions), *_left_out(closes.sessions)))

    def spelled_as_traded(self) -> History:
        """BRK.B where the file writes BRK/B: what strategies and brokers call it."""
        closes, opens = (
            {symbol.replace("/", "."): column for symbol, column in columns.items()}
            for columns in (self.closes.columns, self.opens)
        )
        return replace(self, closes=replace(self.closes, columns=closes), opens=opens)


def read_closes(path: Path) -> History:
    """Wide (`date,SPY,...`) or long (`symbol,date,close`), CSV (compressed too) or Parquet. Raises HistoryError."""
    frame = dated_frame(path)
    names = {str(name).strip().lower(): name for name in frame.columns}
    if {"symbol", "close"} <= set(names):
        return _tables(_pivoted(frame, names, "close", path), _opens_of_long(frame, names, path), path)
    return _tables(frame.set_index("date"), None, path)


def read_folder(folder: Path) -> History:
    """One OHLCV file per symbol (`SPY.csv`: Date, Open, Close, perhaps Adj Close, by which opens are adjusted alike).

    A feed's files, so its rows are put on the exchange's sessions as live: one left out is a gap, a stray day is dropped.
    """
    inner = folder / "daily_ohlcv"
    files = sorted((inner if inner.is_dir() else folder).glob("*.csv"))
    if not files:
        raise HistoryError(f"{folder}: expected files such as SPY.csv with Date, Open and Close, found none")
    closes, opens = {}, {}
    for file in files:
        frame = dated_frame(file)
        names = {str(name).strip().lower(): name for name in frame.columns}
        for needed in ("open", "close"):
            if needed not in names:
                raise HistoryError(f"{file}: expected a column {needed}, got {', '.join(map(str, frame.columns))}")
        frame = frame.set_index("date")
        adjusted = frame[names.get("adj close", names["close"])]
        closes[file.stem.upper()] = adjusted
        opens[file.stem.upper()] = frame[names["open"]] * (adjusted / frame[names["close"]])
    return _tables(_on_sessions(pd.DataFrame(closes)), pd.DataFrame(opens), folder)


def _on_sessions(frame: pd.DataFrame) -> pd.DataFrame:
    sessions = [session.date for session in sessions_between(min(frame.index), max(frame.index))]
    return frame.reindex(sessions)


def dated_frame(path: Path) -> pd.DataFrame:
    """A table from CSV or Parquet, with New York dates in a column named date. Raises HistoryError."""
    return _with_date_column(_frame_of(path), path)


def _frame_of(path: Path) -> pd.DataFrame:
    if not path.is_file():
        raise HistoryError(f"{path}: expected a file of closes, there is none")
    try:
        return pd.read_parquet(path) if path.suffix in {".parquet", ".pq"} else pd.read_csv(path)
    except ImportError:
        raise HistoryError(
            f"{path}: reading Parquet needs pyarrow, which is not installed; CSV needs nothing"
        ) from None
    except (ValueError, OSError) as error:
        raise HistoryError(f"{path}: expected CSV or Parquet, got {error}") from error


def _with_date_column(frame: pd.DataFrame, path: Path) -> pd.DataFrame:
    """The frame with New York dates in a column named date."""
    found = next((c for c in frame.columns if str(c).strip().lower() in _DATE_NAMES), None)
    if found is None:
        frame = frame.reset_index()
        found = frame.columns[0]
    try:
        dates = _new_york_dates(frame[found])
    except (ValueError, TypeError) as error:
        raise HistoryError(f"{path}: column {found}: expected dates such as 2024-12-31, got {error}") from error
    return frame.drop(columns=[found]).assign(date=dates)


def _new_york_dates(values: pd.Series) -> list[dt.date]:
    """Stamps with a zone are instants, those without are dates already."""
    text = values.astype(str)
    if text.str.contains(r"\d\d:\d\d.*(?:[+-]\d\d:?\d\d|Z)$", regex=True).any():
        return [stamp.date() for stamp in pd.to_datetime(text, utc=True).dt.tz_convert(NEW_YORK)]
    return [stamp.date() for stamp in pd.to_datetime(text)]


def _pivoted(frame: pd.DataFrame, names: Mapping[str, str], value: str, path: Path) -> pd.DataFrame:
    symbol = names["symbol"]
    twice = frame[frame.duplicated([symbol, "date"])]
    if len(twice):
        first = twice.iloc[0]
        raise HistoryError(f"{path}: {first[symbol]} on {first['date']}: expected one close, got two")
    return frame.pivot_table(index="date", columns=symbol, values=names[value], aggfunc="last", dropna=False)


def _opens_of_long(frame: pd.DataFrame, names: Mapping[str, str], path: Path) -> pd.DataFrame | None:
    return _pivoted(frame, names, "open", path) if "open" in names else None


def _tables(closes: pd.DataFrame, opens: pd.DataFrame | None, path: Path) -> History:
    closes = closes.sort_index()
    if closes.index.has_duplicates:
        raise HistoryError(
            f"{path}: {closes.index[closes.index.duplicated()][0]}: expected each date once, got it twice"
        )
    if closes.empty:
        raise HistoryError(f"{path}: expected at least one row of closes, got none")
    days = list(closes.index)
    try:
        table = Closes.of(days, {str(s).strip(): _numbers(closes[s], s) for s in closes.columns})
    except ValueError as error:
        raise HistoryError(f"{path}: {error}") from error
    if opens is None:
        return History.of(table)
    aligned = opens.reindex(days)
    return History.of(table, {str(s).strip(): _positive(_numbers(aligned[s], s)) for s in aligned.columns})


def _numbers(column: pd.Series, symbol: object) -> FloatArray:
    try:
        return column.to_numpy(np.float64)
    except (TypeError, ValueError) as error:
        raise ValueError(f"{symbol}: expected numbers, got {error}") from None


def _positive(column: FloatArray) -> FloatArray:
    """A feed writes 0 for an open that it has not."""
    return np.where(column > 0, column, np.nan)


def _left_out(days: Sequence[dt.date]) -> Iterable[str]:
    """Indicators take the rows given for sessions that follow each other."""
    given = set(days)
    missing = [s.date for s in sessions_between(days[0], days[-1]) if s.date not in given]
    if missing:
        yield f"sessions of the exchange without a row: {_listed(missing)}"


def _listed(days: Sequence[dt.date]) -> str:
    more = f" and {len(days) - _SHOWN} more" if len(days) > _SHOWN else ""
    return f"{', '.join(map(str, days[:_SHOWN]))}{more}"


def _off_calendar(days: Sequence[dt.date]) -> Iterable[str]:
    strays = [day for day in days if session_on(day) is None]
    if strays:
        yield f"no session of the exchange, used as one: {_listed(strays)}"

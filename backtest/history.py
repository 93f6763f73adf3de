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

from backtest.session_dates import sessions_of
from backtest.stand_in_opens import stand_in_opens
from services.strategy.domain.closes import Closes
from services.strategy.domain.indicators import FloatArray
from services.strategy.domain.proxies import with_stand_ins
from services.strategy.domain.symphony.symphony import symbol_of
from shared.sessions import session_on, sessions_between

_DATE_NAMES: Final = ("date", "datetime", "timestamp", "time", "session", "day")
_NO_NUMBER: Final = ("", "nan", "NaN", "NAN", "NA", "N/A", "n/a", "#N/A", "<NA>", "null", "NULL", "None")
_NAMELESS: Final = "Unnamed: "
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
        return cls(
            filled,
            stand_in_opens(closes, filled, opens or {}),
            (*notes, *_off_calendar(closes.sessions), *_left_out(closes.sessions)),
        )

    def spelled_as_traded(self) -> History:
        """BRK.B where the file writes BRK/B: what strategies and brokers call it. Raises HistoryError."""
        traded = traded_names(self.closes.columns)
        closes, opens = (
            {traded[symbol]: column for symbol, column in columns.items()}
            for columns in (self.closes.columns, self.opens)
        )
        return replace(self, closes=replace(self.closes, columns=closes), opens=opens)


def traded_names(symbols: Iterable[str]) -> dict[str, str]:
    """How the file spells a symbol -> how it is traded. Raises HistoryError where two spellings are one symbol."""
    written: dict[str, str] = {}
    for symbol in symbols:
        traded = traded_name(symbol)
        if traded in written:
            raise HistoryError(f"{traded}: expected one column of closes, got {written[traded]} and {symbol}")
        written[traded] = symbol
    return {symbol: traded for traded, symbol in written.items()}


def traded_name(symbol: str) -> str:
    """As it stands where it is no ticker at all."""
    try:
        return symbol_of(symbol)
    except ValueError:
        return symbol.replace("/", ".")


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
        return pd.read_parquet(path) if path.suffix in {".parquet", ".pq"} else _csv(path)
    except ImportError:
        raise HistoryError(
            f"{path}: reading Parquet needs pyarrow, which is not installed; CSV needs nothing"
        ) from None
    except (ValueError, OSError, EOFError) as error:
        told = str(error) if isinstance(error, HistoryError) else f"{path}: expected CSV or Parquet, got {error}"
        raise HistoryError(" ".join(told.split())) from error


def _csv(path: Path) -> pd.DataFrame:
    """A symbol may be NA, which elsewhere means that there is no number."""
    header = pd.read_csv(path, header=None, nrows=1, dtype=str, keep_default_na=False, encoding="utf-8-sig")
    names = [str(name) for name in header.iloc[0]]
    twice = next((name for name in names if name and names.count(name) > 1), None)
    if twice is not None:
        raise HistoryError(f"{path}: {twice}: expected one column of that name, got {names.count(twice)}")
    blank = {n or f"{_NAMELESS}{place}": _NO_NUMBER for place, n in enumerate(names) if n.strip().lower() != "symbol"}
    return pd.read_csv(path, keep_default_na=False, na_values=blank, low_memory=False, encoding="utf-8-sig")


def _with_date_column(frame: pd.DataFrame, path: Path) -> pd.DataFrame:
    """The frame with New York dates in a column named date."""
    named = [c for c in frame.columns if str(c).strip().lower() in _DATE_NAMES]
    if not named and not isinstance(frame.index, pd.RangeIndex):
        frame = frame.reset_index()
        named = [frame.columns[0]]
    # A frame written with an index that has no name.
    found = next(iter([*named, *(c for c in frame.columns[:1] if str(c).startswith(_NAMELESS))]), None)
    if found is None:
        raise HistoryError(f"{path}: expected a column date, got {', '.join(map(str, frame.columns))}")
    try:
        dates = sessions_of(frame[found])
    except ValueError as error:
        raise HistoryError(f"{path}: column {found}: {error}") from error
    return pd.concat([pd.Series(dates, frame.index, name="date"), frame.drop(columns=[found])], axis=1)


def with_symbols(frame: pd.DataFrame, symbol: str, path: Path) -> pd.DataFrame:
    """A long table with its symbols in capitals. Raises HistoryError."""
    frame = frame.assign(**{symbol: frame[symbol].astype(str).str.strip().str.upper()})
    if (frame[symbol] == "").any():
        raise HistoryError(f"{path}: column {symbol}: expected a symbol in every row, got an empty one")
    return frame


def _pivoted(frame: pd.DataFrame, names: Mapping[str, str], value: str, path: Path) -> pd.DataFrame:
    symbol = names["symbol"]
    frame = with_symbols(frame, symbol, path)
    twice = frame[frame.duplicated([symbol, "date"])]
    if len(twice):
        first = twice.iloc[0]
        raise HistoryError(f"{path}: {first[symbol]} on {first['date']}: expected one close, got two")
    return frame.pivot_table(index="date", columns=symbol, values=names[value], aggfunc="last", dropna=False)


def _opens_of_long(frame: pd.DataFrame, names: Mapping[str, str], path: Path) -> pd.DataFrame | None:
    return _pivoted(frame, names, "open", path) if "open" in names else None


def _tables(closes: pd.DataFrame, opens: pd.DataFrame | None, path: Path) -> History:
    closes = closes.sort_index()
    if closes.empty:
        raise HistoryError(f"{path}: expected at least one row of closes, got none")
    try:
        columns = columns_of(closes)
        _require_single(closes.index)
        table = Closes.of(list(closes.index), columns)
        aligned = {} if opens is None else columns_of(opens.reindex(closes.index))
    except ValueError as error:
        raise HistoryError(f"{path}: {error}") from error
    return History.of(table, {symbol: _positive(column) for symbol, column in aligned.items()})


def _require_single(days: pd.Index) -> None:
    if days.has_duplicates:
        raise ValueError(f"{days[days.duplicated()][0]}: expected each date once, got it twice")


def columns_of(frame: pd.DataFrame) -> dict[str, FloatArray]:
    """By symbols in capitals; a column without a name and without a number, which a trailing comma makes, is none.

    Raises ValueError.
    """
    columns: dict[str, FloatArray] = {}
    for place, name in enumerate(frame.columns):
        symbol, column = str(name).strip().upper(), frame.iloc[:, place]
        if str(name).startswith(_NAMELESS) and column.isna().all():
            continue
        if symbol in columns:
            raise ValueError(f"{symbol}: expected one column of closes, got two")
        columns[symbol] = numbers_of(column, symbol)
    return columns


def numbers_of(column: pd.Series, symbol: str) -> FloatArray:
    """NaN where there is nothing. Raises ValueError naming the row's index."""
    numbers = pd.to_numeric(column, errors="coerce")
    odd = column[numbers.isna() & column.notna() & (column.astype(str).str.strip() != "")]
    if len(odd):
        raise ValueError(f"{symbol}: on {odd.index[0]}: expected a number, got {odd.iloc[0]!r}")
    return numbers.to_numpy(np.float64, na_value=np.nan)


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

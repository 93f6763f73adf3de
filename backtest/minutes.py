"""Recorded minute bars: what a symbol cost at an instant of a session, on the scale of its adjusted daily closes."""

from __future__ import annotations

import datetime as dt
from bisect import bisect_right
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import pandas as pd

from backtest.history import HistoryError
from shared.sessions import Session

_A_MINUTE: Final = dt.timedelta(minutes=1)
MAX_AGE: Final = dt.timedelta(minutes=10)
"""As live: an older price does not stand in for the close."""


@dataclass(frozen=True, slots=True)
class MinuteBars:
    """One symbol's bars by their ends, in order: a bar that began at 15:44 is known at 15:45."""

    ends: tuple[dt.datetime, ...]
    closes: tuple[float, ...]

    def price(self, at: dt.datetime, since: dt.datetime) -> float | None:
        """The newest close at `at`, not older than MAX_AGE and not from before `since`."""
        place = bisect_right(self.ends, at) - 1
        if place < 0 or self.ends[place] <= since or at - self.ends[place] > MAX_AGE:
            return None
        return self.closes[place]


def adjusted_price(bars: MinuteBars, session: Session, at: dt.datetime, close: float) -> float | None:
    """The price at `at` times (the session's adjusted close / its last minute's); None where either minute is missing."""
    then, last = bars.price(at, session.open), bars.price(session.close, session.open)
    return None if then is None or last is None else close * then / last


def read_minutes(folder: Path) -> Mapping[str, MinuteBars]:
    """`SPY.csv` with Datetime (with its zone) and Close, one file a symbol. Raises HistoryError."""
    inner = folder / "intraday_1min"
    files = sorted((inner if inner.is_dir() else folder).glob("*.csv"))
    if not files:
        raise HistoryError(f"{folder}: expected files of minute bars such as SPY.csv, found none")
    return {file.stem.upper(): _read(file) for file in files}


def _read(file: Path) -> MinuteBars:
    try:
        return _bars(pd.read_csv(file, encoding="utf-8-sig", low_memory=False), file)
    except HistoryError:
        raise
    except (ValueError, OSError) as error:
        raise HistoryError(f"{file}: expected minute bars as CSV, got {' '.join(str(error).split())}") from error


def _bars(frame: pd.DataFrame, file: Path) -> MinuteBars:
    names = {str(name).strip().lower(): name for name in frame.columns}
    stamp = next((names[name] for name in ("datetime", "timestamp", "time", "date") if name in names), None)
    if stamp is None or "close" not in names:
        raise HistoryError(f"{file}: expected columns Datetime and Close, got {', '.join(map(str, frame.columns))}")
    if not frame[stamp].astype(str).str.contains(r"(?:[+-]\d\d:?\d\d|Z)$", regex=True).all():
        raise HistoryError(f"{file}: {stamp}: expected instants with a zone such as 2019-12-20 15:44:00-05:00")
    known = pd.Series(frame[names["close"]].to_numpy(float), index=pd.to_datetime(frame[stamp], utc=True))
    known = known[known > 0].sort_index()
    known = known[~known.index.duplicated(keep="last")]
    ends = tuple(instant.to_pydatetime() + _A_MINUTE for instant in known.index)
    return MinuteBars(ends, tuple(known.tolist()))

"""The market of recorded data: which record tells a session, and daily bars adjusted as of any instant.

A session is told by recorded ticks; else by recorded minutes; else by a path through its daily bar (intraday_path.py); else
not at all: then nothing traded that day, and the last known quote keeps its own time.

Daily bars. `raw` and `split` are the recorded ones (the files are split-adjusted). `dividend` and `all` scale a day's four
prices so that its close is the adjusted close (prices_adjusted.py). A session of which only the adjusted close is known
is a bar of that one price with no volume: it serves indicators, and nothing can trade on it.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import lru_cache
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from services.simulator.domain.generator_universe import listing_of
from services.simulator.domain.intraday import Tape, midnight
from services.simulator.domain.intraday_bars import DayTable, day_so_far
from services.simulator.domain.intraday_path import DayShape, bridge, tape_along, trade_count
from services.simulator.domain.intraday_recorded import Rows, TickRows, tape_of_minutes, tape_of_ticks
from services.simulator.domain.market import Listing
from services.simulator.domain.prices_adjusted import Ratios, ratios
from services.simulator.domain.prices_stream import stream
from services.simulator.domain.spread import UNITS_PER_DOLLAR
from shared.sessions import Session, new_york_date, previous_session, session_on

_ADJUSTED_DECIMALS = 6
# A daily bar whose close is further off the session's own prints is on another scale (adjusted for later dividends).
_SAME_SCALE = 0.015
# A low under half of open and close, or a high over twice both, is a print that was not meant.
_ERRONEOUS = 2
_ADJUSTED = ("dividend", "all")


class DayRow(NamedTuple):
    """One recorded daily bar, in dollars, and which recording it is from."""

    open: float
    high: float
    low: float
    close: float
    volume: int
    source: str


@dataclass(frozen=True, slots=True)
class Recordings:
    """Everything that was recorded, checked and cleaned. `findings` says what was left out and why."""

    days: Mapping[str, Mapping[dt.date, DayRow]] = field(default_factory=dict)
    adjusted: Mapping[str, Mapping[dt.date, float]] = field(default_factory=dict)
    minutes: Mapping[tuple[str, dt.date], Rows] = field(default_factory=dict)
    ticks: Mapping[tuple[str, dt.date], TickRows] = field(default_factory=dict)
    findings: Sequence[str] = ()

    def symbols(self) -> Sequence[str]:
        """Every symbol of which anything was recorded, sorted."""
        within = {symbol for symbol, _ in (*self.minutes, *self.ticks)}
        return sorted(within | set(self.days) | set(self.adjusted))


class RecordedSource:
    """`TapeSource` of recordings; `seed` draws what was not recorded: the way through a daily bar, and quote sizes."""

    def __init__(self, recordings: Recordings, seed: int) -> None:
        self._recordings = recordings
        self._seed = seed
        self._symbols = tuple(recordings.symbols())
        self.dates = lru_cache(maxsize=None)(self._session_dates)
        self._rows = lru_cache(maxsize=None)(self._day_rows)
        self._raw = lru_cache(maxsize=None)(self._raw_days)
        self._ratios = lru_cache(maxsize=None)(self._known_ratios)
        self._unscaled = lru_cache(maxsize=None)(self._adjusted_days)

    def listings(self) -> Sequence[Listing]:
        return [listing_of(symbol) for symbol in self._symbols]

    def tape(self, symbol: str, date: dt.date) -> Tape:
        known, key = self._recordings, (symbol, date)
        rng = stream(self._seed, "recorded", symbol, date.isoformat())
        if key in known.ticks:
            return tape_of_ticks(symbol, date, known.ticks[key])
        if key in known.minutes:
            return tape_of_minutes(symbol, date, known.minutes[key], rng)
        return _tape_through(symbol, _session(date), known.days[symbol][date], rng)

    def days(self, symbol: str, adjustment: str, now: dt.datetime) -> DayTable:
        if adjustment not in _ADJUSTED:
            return self._raw(symbol)
        table = self._unscaled(symbol)
        return _scaled(table, 1.0 / self._newest_ratio(symbol, now)) if len(table.day) else table

    def _session_dates(self, symbol: str) -> tuple[dt.date, ...]:
        if symbol not in self._symbols:
            raise KeyError(symbol)
        known = self._recordings
        within = {date for name, date in (*known.minutes, *known.ticks) if name == symbol}
        return tuple(sorted(within | set(known.days.get(symbol, {}))))

    def _newest_ratio(self, symbol: str, now: dt.datetime) -> float:
        today = new_york_date(now)
        session, known = session_on(today), self._ratios(symbol)
        if session is not None and session.close <= now:
            return known.at(today.toordinal())
        last = previous_session(today).date.toordinal()
        trading = session is not None and session.open <= now and today in self._rows(symbol)
        return known.while_trading(today.toordinal(), last) if trading else known.at(last)

    def _day_rows(self, symbol: str) -> dict[dt.date, DayRow]:
        """Recorded daily bars, and bars of the sessions' own prints where there is none on their scale."""
        rows = dict(self._recordings.days.get(symbol, {}))
        for date in self.dates(symbol):
            printed = self._printed_day(symbol, date)
            if printed is not None and not _same_scale(rows.get(date), printed):
                rows[date] = printed
        return dict(sorted(rows.items()))

    def _printed_day(self, symbol: str, date: dt.date) -> DayRow | None:
        known, key = self._recordings, (symbol, date)
        if key not in known.ticks and key not in known.minutes:
            return None
        session = _session(date)
        bar = day_so_far(self.tape(symbol, date), session.open, session.close - dt.timedelta(milliseconds=1))
        if bar is None:
            return None
        source = "ticks" if key in known.ticks else "minutes"
        return DayRow(float(bar.open), float(bar.high), float(bar.low), float(bar.close), bar.volume, source)

    def _raw_days(self, symbol: str) -> DayTable:
        return _table(symbol, self._rows(symbol))

    def _known_ratios(self, symbol: str) -> Ratios:
        rows, adjusted = self._rows(symbol), self._recordings.adjusted.get(symbol, {})
        both = [date for date in rows if date in adjusted]
        return ratios(
            np.array([date.toordinal() for date in both], dtype=np.int64),
            np.array([adjusted[date] for date in both]),
            np.array([rows[date].close for date in both]),
            [rows[date].source for date in both],
        )

    def _adjusted_days(self, symbol: str) -> DayTable:
        """Adjusted bars before they are put on today's scale."""
        rows, adjusted = self._rows(symbol), self._recordings.adjusted.get(symbol, {})
        known = self._ratios(symbol)
        merged = {date: DayRow(close, close, close, close, 0, "adjusted") for date, close in adjusted.items()}
        merged |= {date: _times(row, known.at(date.toordinal())) for date, row in rows.items()}
        return _table(symbol, dict(sorted(merged.items())), _ADJUSTED_DECIMALS)


def _session(date: dt.date) -> Session:
    session = session_on(date)
    if session is None:
        raise ValueError(f"date: expected a trading session, got {date}")
    return session


def _same_scale(recorded: DayRow | None, printed: DayRow) -> bool:
    return recorded is not None and abs(recorded.close / printed.close - 1) <= _SAME_SCALE


def _tape_through(symbol: str, session: Session, row: DayRow, rng: np.random.Generator) -> Tape:
    prices = (round(price * UNITS_PER_DOLLAR) for price in (row.open, row.high, row.low, row.close))
    opens, high, low, close = prices
    low, high = _believable(opens, close, low, high)
    day = DayShape(opens, high, low, close, row.volume)
    seconds = int((session.close - session.open).total_seconds())
    path = bridge(day, rng.standard_normal(seconds), rng)
    first_ms = int((session.open - midnight(session.date)).total_seconds()) * 1000
    return tape_along(path, day, rng, symbol=symbol, date=session.date, first_ms=first_ms)


def _believable(opens: int, close: int, low: int, high: int) -> tuple[int, int]:
    """Low and high without erroneous prints (SMR at 0.13 on 2024-06-03): the day's path does not go there."""
    lower, upper = min(opens, close), max(opens, close)
    return (low if low * _ERRONEOUS >= lower else lower), (high if high <= upper * _ERRONEOUS else upper)


def _times(row: DayRow, ratio: float) -> DayRow:
    return DayRow(row.open * ratio, row.high * ratio, row.low * ratio, row.close * ratio, row.volume, row.source)


def _table(symbol: str, rows: Mapping[dt.date, DayRow], decimals: int = 4) -> DayTable:
    def column(name: str) -> NDArray[np.float64]:
        return np.array([getattr(row, name) for row in rows.values()], dtype=np.float64)

    volume = np.array([row.volume for row in rows.values()], dtype=np.int64)
    trades = [trade_count(row.volume, 23_400) if row.volume else 0 for row in rows.values()]
    return DayTable(
        symbol=symbol,
        day=np.array([date.toordinal() for date in rows], dtype=np.int64),
        open=column("open"),
        high=column("high"),
        low=column("low"),
        close=column("close"),
        volume=volume,
        trades=np.array(trades, dtype=np.int64),
        decimals=decimals,
    )


def _scaled(table: DayTable, by: float) -> DayTable:
    return replace(table, open=table.open * by, high=table.high * by, low=table.low * by, close=table.close * by)

"""A table of daily closes: sessions x symbols, NaN where a symbol has none. Where they came from it does not know."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from itertools import pairwise

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike

from services.strategy.domain.indicators import FloatArray


class UnknownSymbolError(LookupError):
    """A symbol for which the table has no column at all."""


@dataclass(frozen=True, eq=False)
class Closes:
    """`sessions` rise; every column has one close per session, adjusted, positive, or NaN.

    `stand_ins` says in words which closes of a symbol are not its own (domain/proxies.py); nothing else may be in their place.
    `refused` says of a missing close why it is: a session that a symbol had, and whose close nobody knows. One that a symbol
    never had (it was not listed) is not among them.
    """

    sessions: tuple[dt.date, ...]
    columns: Mapping[str, FloatArray]
    stand_ins: Mapping[str, str] = field(default_factory=dict)
    refused: Mapping[str, Mapping[dt.date, str]] = field(default_factory=dict)

    @classmethod
    def of(cls, sessions: Sequence[dt.date], columns: Mapping[str, ArrayLike]) -> Closes:
        """Raises ValueError naming the symbol, session and value that cannot be a close."""
        days = tuple(sessions)
        _require_rising(days)
        return cls(days, {symbol: _checked(symbol, column, days) for symbol, column in columns.items()})

    @classmethod
    def of_frame(cls, frame: pd.DataFrame) -> Closes:
        """Columns are symbols, the index is dates."""
        days = [stamp.date() for stamp in pd.to_datetime(frame.index)]
        return cls.of(days, {str(symbol): frame[symbol].to_numpy(np.float64) for symbol in frame.columns})

    def __len__(self) -> int:
        return len(self.sessions)

    @property
    def last(self) -> int:
        """The newest row. Raises ValueError for an empty table: nothing can be decided without a day."""
        if not self.sessions:
            raise ValueError("closes: expected at least one session, got none")
        return len(self.sessions) - 1

    @cached_property
    def symbols(self) -> frozenset[str]:
        return frozenset(self.columns)

    def column(self, symbol: str) -> FloatArray:
        try:
            return self.columns[symbol]
        except KeyError:
            raise UnknownSymbolError(f"{symbol}: no closes at all; the table has {len(self.columns)} symbols") from None

    def has_any(self, symbol: str) -> bool:
        """Whether there is one close of it at all."""
        column = self.columns.get(symbol)
        return column is not None and not bool(np.isnan(column).all())

    def until(self, row: int) -> Closes:
        """The table as it stood on that row's evening."""
        columns = {s: column[: row + 1] for s, column in self.columns.items()}
        return Closes(self.sessions[: row + 1], columns, self.stand_ins, self.refused)

    def restricted_to(self, symbols: Sequence[str]) -> Closes:
        """Only these columns; those the table does not have stay missing."""
        columns = {s: self.columns[s] for s in symbols if s in self.columns}
        stand_ins = {s: text for s, text in self.stand_ins.items() if s in columns}
        refused = {s: days for s, days in self.refused.items() if s in columns}
        return Closes(self.sessions, columns, stand_ins, refused)

    def refusals(self, symbols: Iterable[str], row: int, count: int) -> dict[dt.date, str]:
        """Date -> symbol and why, of the refused closes of these symbols among the `count` rows that end with `row`."""
        since, until = self.sessions[max(0, row - count + 1)], self.sessions[row]
        told = ((symbol, self.refused.get(symbol, {})) for symbol in symbols)
        return {day: f"{s} {day}: {why}" for s, days in told for day, why in days.items() if since <= day <= until}


def _require_rising(days: tuple[dt.date, ...]) -> None:
    for earlier, later in pairwise(days):
        if earlier >= later:
            raise ValueError(f"sessions: expected rising dates, got {later} after {earlier}")


def _checked(symbol: str, column: ArrayLike, days: tuple[dt.date, ...]) -> FloatArray:
    closes = np.array(column, dtype=np.float64)
    if closes.shape != (len(days),):
        raise ValueError(f"{symbol}: expected {len(days)} closes, one a session, got shape {closes.shape}")
    bad = np.flatnonzero(~np.isnan(closes) & ~((closes > 0) & np.isfinite(closes)))
    if bad.size:
        raise ValueError(f"{symbol}: close on {days[bad[0]]}: expected a positive number, got {closes[bad[0]]}")
    closes.flags.writeable = False
    return closes

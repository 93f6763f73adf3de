"""Closes that another symbol's returns stand in for, by explicit rules and always flagged; live and historical alike."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Final

import numpy as np

from services.strategy.domain.closes import Closes
from services.strategy.domain.indicators import FloatArray

_START = 100.0


@dataclass(frozen=True, slots=True)
class Proxy:
    """Before `until`, and before its own first close, `symbol` moves by `factor` times the daily return of `source`."""

    symbol: str
    source: str
    factor: Decimal
    until: dt.date

    def __str__(self) -> str:
        return f"{self.factor} x the daily return of {self.source}"


PROXIES: Final = (Proxy("FNGU", "FNGO", Decimal("1.5"), dt.date(2025, 2, 1)),)
"""FNGU: the ticker was given to a new note in February 2025, so that its own history does not reach back further."""


def with_sources(symbols: Iterable[str]) -> tuple[str, ...]:
    """The symbols and, after them, those whose returns may have to stand in for one of them."""
    wanted = dict.fromkeys(symbols)
    return tuple(wanted | {proxy.source: None for proxy in PROXIES if proxy.symbol in wanted})


def with_stand_ins(closes: Closes) -> Closes:
    """The table with every rule applied and flagged. A close of the symbol's own is never replaced."""
    columns, stand_ins, refused = dict(closes.columns), dict(closes.stand_ins), dict(closes.refused)
    for proxy in PROXIES:
        column = _filled(proxy, closes)
        if column is not None:
            columns[proxy.symbol] = column
            stand_ins[proxy.symbol] = _flag(proxy, closes, column)
            if unknown := _refused_with_its_source(proxy, closes, column):
                refused[proxy.symbol] = unknown
    return Closes(closes.sessions, columns, stand_ins, refused)


def _refused_with_its_source(proxy: Proxy, closes: Closes, column: FloatArray) -> Mapping[dt.date, str]:
    """What cannot stand in because the source's own close is refused."""
    missing = {closes.sessions[row] for row in np.flatnonzero(np.isnan(column))}
    theirs = closes.refused.get(proxy.source, {})
    inherited = {day: f"{proxy.source}: {why}" for day, why in theirs.items() if day in missing}
    return inherited | dict(closes.refused.get(proxy.symbol, {}))


def _filled(proxy: Proxy, closes: Closes) -> FloatArray | None:
    """The symbol's column with its missing beginning filled; None where the rule changes nothing."""
    source, own = closes.columns.get(proxy.source), closes.columns.get(proxy.symbol)
    if source is None:
        return None
    column = np.full(len(closes), np.nan) if own is None else own.copy()
    there = np.flatnonzero(~np.isnan(column))
    first_own = int(there[0]) if there.size else len(closes)
    end = min(first_own, sum(day < proxy.until for day in closes.sessions))
    path = _path(source[: min(end + 1, len(closes))], float(proxy.factor))
    if not np.any(~np.isnan(path[:end])):
        return None
    joins = end == first_own < len(path) and not np.isnan(path[end])
    column[:end] = path[:end] * (column[end] / path[end] if joins else 1.0)
    column.flags.writeable = False
    return column


def _path(source: FloatArray, factor: float) -> FloatArray:
    """What the multiplied returns make of 100; begun anew after a gap of the source."""
    path: list[float] = []
    before = np.nan
    for close in source.tolist():
        if close != close:  # noqa: PLR0124 - NaN is the one float unequal to itself
            path.append(np.nan)
        elif before != before:  # noqa: PLR0124 - the same
            path.append(_START)
        else:
            worth = path[-1] * (1.0 + factor * (close / before - 1.0))
            path.append(worth if worth > 0 else np.nan)  # what lost everything has no price
        before = close
    return np.array(path, dtype=np.float64)


def _flag(proxy: Proxy, closes: Closes, column: FloatArray) -> str:
    own = closes.columns.get(proxy.symbol)
    added = np.flatnonzero(~np.isnan(column) & (True if own is None else np.isnan(own)))
    first, last = closes.sessions[int(added[0])], closes.sessions[int(added[-1])]
    return f"{proxy} stands in for its closes from {first} to {last}"

"""Daily histories and today's prices become one table of closes; what is missing, stale or odd stays missing and is named.

Rows are the exchange's sessions, so that a session a feed left out is a gap and not a shorter history. The decided
session's own close is the history's when it has one, else today's newest price stands in while the session is young
enough to have one; an old, one-sided or wide price does not.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from decimal import Decimal

import numpy as np

from services.strategy.domain.closes import Closes
from services.strategy.domain.indicators import FloatArray
from shared.contracts.marketdata import DailyHistory, Quote
from shared.contracts.strategy import InputUsed
from shared.sessions import Session, sessions_between

_ADJUSTMENT = "all"


@dataclass(frozen=True, slots=True)
class PriceRules:
    """When a quote may stand in for today's close."""

    max_age: dt.timedelta
    max_spread_bps: Decimal


@dataclass(frozen=True, slots=True)
class Found:
    """What the outside knows of one symbol; None where it knows nothing, and `fault` where that could not be read."""

    history: DailyHistory | None
    quote: Quote | None = None
    fault: str = ""


@dataclass(frozen=True, slots=True)
class Inputs:
    """The table, where each symbol's closes came from, and in words what is missing or odd about a symbol."""

    closes: Closes
    used: Mapping[str, InputUsed]
    notes: Mapping[str, tuple[str, ...]]


def assemble(found: Mapping[str, Found], session: Session, now: dt.datetime, rules: PriceRules) -> Inputs:
    """The table whose newest row is `session`; it has a column for every symbol with a usable history."""
    usable = {s: f.history for s, f in found.items() if f.history is not None and not _refusal(f, session)}
    first = min((h.dates[0] for h in usable.values()), default=session.date)
    days = [s.date for s in sessions_between(min(first, session.date), session.date)]
    place = {day: row for row, day in enumerate(days)}
    columns: dict[str, FloatArray] = {}
    used: dict[str, InputUsed] = {}
    notes: dict[str, tuple[str, ...]] = {}
    for symbol, known in found.items():
        history = usable.get(symbol)
        if history is None:
            notes[symbol] = (_refusal(known, session),)
            continue
        column = _aligned(history, place)
        if now < session.close:
            column[-1] = np.nan  # a bar of an unfinished session is no close
        price, note = (None, "") if not np.isnan(column[-1]) else _today(known.quote, session, now, rules)
        if price is not None:
            column[-1] = float(price)
        columns[symbol] = column
        used[symbol] = _input_used(history, known.quote if price is not None else None, price, session)
        notes[symbol] = tuple(filter(None, (_off_calendar(history, place, session), _gaps(column, days), note)))
    return Inputs(Closes.of(days, columns), used, {symbol: texts for symbol, texts in notes.items() if texts})


def _refusal(found: Found, session: Session) -> str:
    """Why its history cannot be used at all; empty when it can."""
    if found.fault:
        return found.fault
    if found.history is None or not found.history.dates:
        return "no daily history"
    if found.history.adjustment != _ADJUSTMENT:
        return (
            f"history: expected closes adjusted for splits and dividends, got adjustment {found.history.adjustment!r}"
        )
    if found.history.dates[0] > session.date:
        return f"history: begins on {found.history.dates[0]}, after the decided session {session.date}"
    return ""


def _aligned(history: DailyHistory, place: Mapping[dt.date, int]) -> FloatArray:
    column = np.full(len(place), np.nan)
    for day, close in zip(history.dates, history.close, strict=True):
        row = place.get(day)
        if row is not None:
            column[row] = close
    return column


def _today(quote: Quote | None, session: Session, now: dt.datetime, rules: PriceRules) -> tuple[Decimal | None, str]:
    """The price that stands in for the session's close, or why there is none."""
    why = _why_no_price(quote, session, now, rules)
    if quote is None or why:
        return None, f"no close of {session.date} and no price in its place: {why}"
    return quote.mid, ""


def _why_no_price(quote: Quote | None, session: Session, now: dt.datetime, rules: PriceRules) -> str:
    if quote is None:
        return "no quote"
    if not session.open <= quote.at <= session.close:
        return f"the newest quote is of {quote.at:%Y-%m-%d %H:%M:%S} UTC, outside the session"
    age = min(now, session.close) - quote.at
    if age > rules.max_age:
        return f"the quote was {age.total_seconds():.0f} s old, at most {rules.max_age.total_seconds():.0f} s expected"
    if not quote.is_two_sided:
        return f"expected bid and ask, got bid {quote.bid} and ask {quote.ask}"
    if quote.spread_bps > rules.max_spread_bps:
        return f"the spread is {quote.spread_bps:.0f} bps, at most {rules.max_spread_bps} bps expected"
    return ""


def _input_used(history: DailyHistory, quote: Quote | None, price: Decimal | None, session: Session) -> InputUsed:
    return InputUsed(
        symbol=history.symbol,
        source=history.source,
        adjustment=history.adjustment,
        last_session=max(day for day in history.dates if day <= session.date),
        today_price=price,
        today_price_at=None if quote is None else quote.at,
    )


def _off_calendar(history: DailyHistory, place: Mapping[dt.date, int], session: Session) -> str:
    """Rows on days that are no session (a feed's stray rows) are not used."""
    return _listed(
        "left out, no session of the exchange", (d for d in history.dates if d <= session.date and d not in place)
    )


def _gaps(column: FloatArray, days: list[dt.date]) -> str:
    """Sessions without a close after the first one; today is told apart."""
    there = np.flatnonzero(~np.isnan(column))
    if not there.size:
        return ""
    missing = np.flatnonzero(np.isnan(column[there[0] : -1])) + there[0]
    return _listed("no close on", (days[row] for row in missing))


def _listed(what: str, days: Iterable[dt.date]) -> str:
    texts = [day.isoformat() for day in days]
    if not texts:
        return ""
    more = f" and {len(texts) - 3} earlier" if len(texts) > 3 else ""  # noqa: PLR2004 - the newest three tell enough
    return f"{what}: {', '.join(texts[-3:])}{more}"

"""Daily histories and today's prices become one table of closes; what is missing, stale or odd stays missing and is named.

Rows are the exchange's sessions, so that a session a feed left out is a gap and not a shorter history. The decided
session's own close is the history's when it has one, else today's newest price stands in while the session is young
enough to have one; an old, one-sided or wide price does not. Closes that the gates of data quality refuse are missing too,
and it is known why.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Container, Iterable, Mapping
from dataclasses import dataclass, replace
from decimal import Decimal

import numpy as np

from services.strategy.domain.closes import Closes
from services.strategy.domain.indicators import FloatArray
from shared.contracts.marketdata import DailyHistory, DataFinding, Quote
from shared.contracts.strategy import InputUsed
from shared.quality import UNAPPLIED_SPLIT, UNFINISHED, Series, examine, unknown_closes
from shared.sessions import Session, sessions_between

_ADJUSTMENT = "all"
_ROWS_FOR_A_GATE = 90
_ENDED_SESSIONS = 20
_LONG_AGO = dt.timedelta(days=366)
"""What most indicators look back is less; older repairs stand in the inputs only."""


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
    table = _Table(days, {day: row for row, day in enumerate(days)}, session, now, rules)
    told = {symbol: _told(known, usable[symbol], table) for symbol, known in found.items() if symbol in usable}
    closes = Closes.of(days, {symbol: one.column for symbol, one in told.items()})
    refused = {symbol: one.refused for symbol, one in told.items() if one.refused}
    used = {symbol: one.used for symbol, one in told.items()}
    notes = {s: told[s].notes if s in told else (_refusal(known, session),) for s, known in found.items()}
    return Inputs(replace(closes, refused=refused), used, {s: texts for s, texts in notes.items() if texts})


@dataclass(frozen=True, slots=True)
class _Table:
    """What is decided, on which rows, and when."""

    days: list[dt.date]
    place: Mapping[dt.date, int]
    session: Session
    now: dt.datetime
    rules: PriceRules


@dataclass(frozen=True, slots=True)
class _Told:
    """One symbol's closes, and all that is to be said of them."""

    column: FloatArray
    refused: Mapping[dt.date, str]
    used: InputUsed
    notes: tuple[str, ...]


def _told(known: Found, history: DailyHistory, table: _Table) -> _Told:
    session = table.session
    unknown = {**unknown_closes(history.dates, history.findings, session.date), **_unfinished_bar(history)}
    column = _aligned(history, table.place, unknown)
    if table.now < session.close:
        column[-1] = np.nan  # a bar of an unfinished session is no close
    has_close = not np.isnan(column[-1])
    price, note = (None, "") if has_close else _today(known.quote, session, table.now, table.rules)
    if price is not None:
        column[-1] = float(price)
        unknown.pop(session.date, None)
        if doubt := _step_of_today(history, session, float(price)):
            unknown |= dict.fromkeys((day for day in history.dates if day < session.date), doubt)
            column[:-1] = np.nan
            note = f"every close before {session.date} is refused: {doubt}"
    gaps = _gaps(column, table.days, unknown)
    unknown = {**_unexplained(column, table.days, note), **unknown}
    used = _input_used(history, known.quote if price is not None else None, price, session)
    notes = (*_findings(history, session), _off_calendar(history, table.place, session), gaps, note)
    return _Told(column, unknown, used, tuple(filter(None, notes)))


def _unexplained(column: FloatArray, days: list[dt.date], of_today: str) -> Mapping[dt.date, str]:
    """Sessions that it had and whose close is not there: since the history was judged, or before there were gates.

    What has had none for a month has ended, and is missing as what was never listed is.
    """
    there = np.flatnonzero(~np.isnan(column))
    if not there.size:
        return {}
    end = len(days) if len(days) - int(there[-1]) <= _ENDED_SESSIONS else int(there[-1])
    missing = [days[row] for row in range(int(there[0]), end) if np.isnan(column[row])]
    return {day: of_today if of_today and day == days[-1] else "no close of that session" for day in missing}


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


def _aligned(history: DailyHistory, place: Mapping[dt.date, int], unknown: Container[dt.date]) -> FloatArray:
    column = np.full(len(place), np.nan)
    for day, close in zip(history.dates, history.close, strict=True):
        row = place.get(day)
        if row is not None and day not in unknown:
            column[row] = close
    return column


def _unfinished_bar(history: DailyHistory) -> Mapping[dt.date, str]:
    """Its newest bar where that was fetched before its session was over, whenever it is decided on."""
    newest = replace(Series.of(history.symbol, history.dates[-1:], history.close[-1:]), fetched_at=history.fetched_at)
    doubts = examine(newest, gates=(UNFINISHED,))
    return {day: f"{doubt.gate}: {doubt.seen}, expected {doubt.expected}" for doubt in doubts for day in doubt.dates}


def _step_of_today(history: DailyHistory, session: Session, price: float) -> str:
    """A split of today that the history, fetched before it, does not know yet: what the gate says of today's price."""
    rows = sum(day < session.date for day in history.dates)
    first = max(0, rows - _ROWS_FOR_A_GATE)
    dates, closes = history.dates[first:rows], history.close[first:rows]
    series = Series.of(history.symbol, (*dates, session.date), (*closes, price))
    doubts = examine(series, gates=(UNAPPLIED_SPLIT,))
    return next(
        (f"{d.gate} {session.date}: {d.seen}, expected {d.expected}" for d in doubts if session.date in d.dates), ""
    )


def _findings(history: DailyHistory, session: Session) -> tuple[str, ...]:
    """What the gates saw in it, but for what was only noted, is long ago, or counts no more."""
    return tuple(str(finding) for finding in history.findings if _is_worth_telling(finding, session))


def _is_worth_telling(finding: DataFinding, session: Session) -> bool:
    if finding.verdict == "noted" or session.date - finding.dates[-1] > _LONG_AGO:
        return False
    return (
        finding.verdict != "refused"
        or bool(unknown_closes(finding.dates, (finding,), session.date))
        or (finding.spoils in {"before", "all"})
    )


def _today(quote: Quote | None, session: Session, now: dt.datetime, rules: PriceRules) -> tuple[Decimal | None, str]:
    """The price that stands in for the session's close, or why there is none."""
    why = why_no_price(quote, session, now, rules)
    if quote is None or why:
        return None, f"no close of {session.date} and no price in its place: {why}"
    return quote.mid, ""


def why_no_price(quote: Quote | None, session: Session, now: dt.datetime, rules: PriceRules) -> str:
    """Empty where the quote may stand in for the session's close."""
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
        repaired=tuple(sorted({d for f in history.findings if f.verdict == "repaired" for d in f.dates})),
        repaired_from=next((f.repaired_from for f in history.findings if f.repaired_from), ""),
    )


def _off_calendar(history: DailyHistory, place: Mapping[dt.date, int], session: Session) -> str:
    """Rows on days that are no session (a feed's stray rows) are not used."""
    return _listed(
        "left out, no session of the exchange", (d for d in history.dates if d <= session.date and d not in place)
    )


def _gaps(column: FloatArray, days: list[dt.date], told: Container[dt.date]) -> str:
    """Sessions without a close after the first one that no gate has told of; today is told apart."""
    there = np.flatnonzero(~np.isnan(column))
    if not there.size:
        return ""
    missing = np.flatnonzero(np.isnan(column[there[0] : -1])) + there[0]
    return _listed("no close on", (days[row] for row in missing if days[row] not in told))


def sources_told(used: Iterable[InputUsed]) -> tuple[str, ...]:
    """Where closes come from, how they are adjusted and up to which session, as one sentence for all that agree in it."""
    alike: dict[str, list[str]] = {}
    for one in used:
        today = "" if one.today_price is None else ", today's price in the place of today's close"
        origin = f"{one.source}, adjustment {one.adjustment}, closes up to {one.last_session}{today}"
        alike.setdefault(origin, []).append(one.symbol)
    return tuple(f"{', '.join(symbols)}: {origin}" for origin, symbols in alike.items())


def _listed(what: str, days: Iterable[dt.date]) -> str:
    texts = [day.isoformat() for day in days]
    if not texts:
        return ""
    more = f" and {len(texts) - 3} earlier" if len(texts) > 3 else ""  # noqa: PLR2004 - the newest three tell enough
    return f"{what}: {', '.join(texts[-3:])}{more}"

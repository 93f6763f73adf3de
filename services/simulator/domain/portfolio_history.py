"""The value of an account over time: its holdings at each instant at that instant's prices.

Points stand at the beginning of their window and hold the value at its end, never later than now.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum

from services.simulator.domain.account import Account
from services.simulator.domain.hours import TradingDay, trading_day
from services.simulator.domain.ledger import Holdings
from services.simulator.domain.marks import Marks
from services.simulator.domain.numbers import ZERO, cents
from shared.sessions import new_york_date, previous_session, sessions_between


class Reporting(StrEnum):
    MARKET_HOURS = "market_hours"
    EXTENDED_HOURS = "extended_hours"
    CONTINUOUS = "continuous"


@dataclass(frozen=True, slots=True)
class Window:
    """What is asked for. `step` None: one point a day."""

    start: dt.datetime
    end: dt.datetime
    step: dt.timedelta | None
    reporting: Reporting = Reporting.MARKET_HOURS
    resets_daily: bool = True


@dataclass(frozen=True, slots=True)
class History:
    """Parallel lists; `profit_loss_pct` is None where its base is zero."""

    timestamps: list[int]
    equity: list[Decimal]
    profit_loss: list[Decimal]
    profit_loss_pct: list[Decimal | None]
    base_value: Decimal
    base_value_asof: dt.date


@dataclass(frozen=True, slots=True)
class _Point:
    stamp: dt.datetime
    valued_at: dt.datetime
    date: dt.date


def portfolio_history(account: Account, window: Window, marks: Marks, now: dt.datetime) -> History:
    points = _points(window, now)
    base_date = previous_session(new_york_date(window.start)).date
    base_at = _close(base_date)
    instants = [base_at, *(point.valued_at for point in points)]
    worth = [_worth(holdings, marks, at) for holdings, at in zip(account.ledger.over(instants), instants, strict=True)]
    base, equity = worth[0], worth[1:]
    bases = _bases(points, equity, base, resets=window.resets_daily and window.step is not None)
    gains = [value - start for value, start in zip(equity, bases, strict=True)]
    return History(
        timestamps=[int(point.stamp.timestamp()) for point in points],
        equity=equity,
        profit_loss=gains,
        profit_loss_pct=[round(gain / start, 6) if start else None for gain, start in zip(gains, bases, strict=True)],
        base_value=base,
        base_value_asof=base_date,
    )


def _bases(points: Sequence[_Point], equity: Sequence[Decimal], base: Decimal, *, resets: bool) -> list[Decimal]:
    """What each point's profit is counted from: the day before's last value, or the one base for all."""
    bases: list[Decimal] = []
    current, last, date = base, base, points[0].date if points else None
    for point, value in zip(points, equity, strict=True):
        if resets and point.date != date:
            current, date = last, point.date
        bases.append(current)
        last = value
    return bases


def _points(window: Window, now: dt.datetime) -> list[_Point]:
    end = min(window.end, now)
    if window.step is None:
        return [
            _Point(day.session.open, min(day.session.close, now), day.session.date)
            for day in _days(window.start, end)
            if day.session.open <= end
        ]
    if window.reporting is Reporting.CONTINUOUS:
        return _steps(window.start, end, window.step, now)
    extended = window.reporting is Reporting.EXTENDED_HOURS
    return [
        point
        for day in _days(window.start, end)
        for point in _steps(day.opens(extended=extended), min(day.closes(extended=extended), end), window.step, now)
    ]


def _steps(start: dt.datetime, end: dt.datetime, step: dt.timedelta, now: dt.datetime) -> list[_Point]:
    count = max(0, -((start - end) // step))
    stamps = (start + step * index for index in range(count))
    return [_Point(stamp, min(stamp + step, now), new_york_date(stamp)) for stamp in stamps]


def _days(start: dt.datetime, end: dt.datetime) -> list[TradingDay]:
    days = (trading_day(session.date) for session in sessions_between(new_york_date(start), new_york_date(end)))
    return [day for day in days if day is not None]


def _close(date: dt.date) -> dt.datetime:
    day = trading_day(date)
    if day is None:
        raise LookupError(f"{date} is no session")
    return day.session.close


def _worth(holdings: Holdings, marks: Marks, at: dt.datetime) -> Decimal:
    """Shares without a price at that time count as nothing that can be named; they are left out."""
    shares = (qty * (marks.last(symbol, at) or ZERO) for symbol, qty in holdings.shares.items())
    return cents(holdings.cash + sum(shares, ZERO))

"""Reads what span of the portfolio history is asked for, with the defaults that Alpaca describes."""

from __future__ import annotations

import datetime as dt
import re

from services.simulator.adapters import requests
from services.simulator.domain import rejections
from services.simulator.domain.order_request import shown
from services.simulator.domain.portfolio_history import Reporting, Window
from shared.sessions import NEW_YORK, new_york_date

_PERIOD = re.compile(r"([1-9]\d{0,3})([DWMA])", re.ASCII)
_DAYS = {"D": 1, "W": 7, "M": 31, "A": 366}
_STEPS = {
    "1Min": dt.timedelta(minutes=1),
    "5Min": dt.timedelta(minutes=5),
    "15Min": dt.timedelta(minutes=15),
    "1H": dt.timedelta(hours=1),
    "1D": None,
}
_WEEK, _MONTH = dt.timedelta(days=7), dt.timedelta(days=31)
_LONGEST = dt.timedelta(days=366 * 10)


def history_window(query: requests.Query, now: dt.datetime) -> tuple[Window, str]:
    """The window and the name of its timeframe. Raises Rejection."""
    start, end = requests.instant(query, "start"), _end(query)
    period = query.get("period", "")
    if start is not None and end is not None and period:
        raise rejections.unprocessable("only two of start, end and period can be specified at the same time")
    end, start = _span(start, end, period, now)
    timeframe = query.get("timeframe", "") or _default_timeframe(end - start)
    if timeframe not in _STEPS:
        raise rejections.unprocessable(f"timeframe must be one of {', '.join(_STEPS)}, got {shown(timeframe)}")
    step = _STEPS[timeframe]
    if step is not None and end - start > _MONTH:
        raise rejections.unprocessable("more than 30 days can only be queried with timeframe 1D")
    reset = query.get("pnl_reset", "")
    if reset not in {"", "per_day", "no_reset"}:
        raise rejections.unprocessable(f"pnl_reset must be per_day or no_reset, got {shown(reset)}")
    return Window(start, end, step, _reporting(query), resets_daily=reset != "no_reset"), timeframe


def _span(
    start: dt.datetime | None, end: dt.datetime | None, period: str, now: dt.datetime
) -> tuple[dt.datetime, dt.datetime]:
    """(end, start), the start on midnight of its New York day unless it was given."""
    length = _length(period or "1M")
    if start is None:
        last = min(end or now, now)
        first = new_york_date(last) - length + dt.timedelta(days=1)
        return last, dt.datetime.combine(first, dt.time(), NEW_YORK).astimezone(dt.UTC)
    if end is None:
        end = start + length if period else now
    if not dt.timedelta(0) <= end - start <= _LONGEST:
        raise rejections.unprocessable("end must not be before start, nor more than ten years after it")
    return end, start


def _end(query: requests.Query) -> dt.datetime | None:
    end, date = requests.instant(query, "end"), requests.date(query, "date_end")
    if end is not None or date is None:
        return end
    return dt.datetime.combine(date, dt.time(23, 59), NEW_YORK).astimezone(dt.UTC)


def _length(period: str) -> dt.timedelta:
    matched = _PERIOD.fullmatch(period)
    if matched is None:
        raise rejections.unprocessable(f"period must be a number and D, W, M or A, got {shown(period)}")
    length = dt.timedelta(days=int(matched[1]) * _DAYS[matched[2]])
    if length > _LONGEST:
        raise rejections.unprocessable(f"period must be at most ten years, got {shown(period)}")
    return length


def _default_timeframe(length: dt.timedelta) -> str:
    if length < _WEEK:
        return "1Min"
    return "15Min" if length < dt.timedelta(days=30) else "1D"


def _reporting(query: requests.Query) -> Reporting:
    given = query.get("intraday_reporting", "")
    if not given and requests.flag(query, "extended_hours"):
        return Reporting.EXTENDED_HOURS
    try:
        return Reporting(given or Reporting.MARKET_HOURS)
    except ValueError:
        raise rejections.unprocessable(
            f"intraday_reporting must be one of {', '.join(Reporting)}, got {shown(given)}"
        ) from None

"""Alpaca's words for quotes and bars, read tolerantly: what is missing stays missing and is judged by the domain."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from typing import Any, Literal

from services.marketdata.adapters.alpaca_rest import instant
from services.marketdata.domain.history import DailyBar
from services.marketdata.domain.minute_bars import ObservedBar
from services.marketdata.domain.quotes import ObservedQuote
from shared.sessions import new_york_date


class MalformedRowError(ValueError):
    """Names the field, the value and what was expected."""


def quote(symbol: Any, raw: Mapping[str, Any], source: Literal["stream", "rest"]) -> ObservedQuote:
    """Sizes are shares since 2025-11-03; a price of 0 is an absent side."""
    get = raw.get
    return ObservedQuote(symbol, instant(get("t")), get("bp"), get("bs"), get("ap"), get("as"), source)


def minute_bar(symbol: Any, raw: Mapping[str, Any]) -> ObservedBar:
    get = raw.get
    return ObservedBar(symbol, instant(get("t")), get("o"), get("h"), get("l"), get("c"), get("v"))


def daily_bar(raw: Any) -> DailyBar:
    """Raises MalformedRowError naming the field. A daily bar's `t` is midnight in New York."""
    if not isinstance(raw, Mapping):
        raise MalformedRowError(f"expected an object, got {str(raw)[:40]!r}")
    at = instant(raw.get("t"))
    if at is None:
        raise MalformedRowError(f"t: expected an instant with a time zone, got {str(raw.get('t'))[:40]!r}")
    return day(new_york_date(at), raw.get("o"), raw.get("h"), raw.get("l"), raw.get("c"), raw.get("v"))


def day(date: dt.date, *values: Any) -> DailyBar:
    """A row from open, high, low, close, volume. Raises MalformedRowError naming the field."""
    names = ("open", "high", "low", "close", "volume")
    return DailyBar(date, *(_number(name, value) for name, value in zip(names, values, strict=True)))


def _number(field: str, value: Any) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        raise MalformedRowError(f"{field}: expected a number, got {str(value)[:40]!r}")
    try:
        return float(value)
    except (ValueError, OverflowError):
        raise MalformedRowError(f"{field}: expected a number, got {str(value)[:40]!r}") from None

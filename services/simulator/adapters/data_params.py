"""Query parameters of the market-data API, checked: what is wrong with one is said in Alpaca's words, as a 400."""

from __future__ import annotations

import base64
import binascii
import datetime as dt
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass

from services.simulator.domain.intraday import midnight
from services.simulator.domain.prices_timeframe import Timeframe, timeframe_of
from shared.sessions import new_york_date

HISTORICAL_FEEDS = ("sip", "iex", "boats", "otc")
LATEST_FEEDS = (*HISTORICAL_FEEDS, "delayed_sip", "overnight")
_ADJUSTMENTS = ("raw", "split", "dividend", "spin-off", "all")
_SYMBOL = re.compile(r"[A-Z][A-Z0-9./-]{0,14}")
_DATE = re.compile(r"\d{4}-\d{2}-\d{2}")
_INSTANT = re.compile(r"\d{4}-\d{2}-\d{2}[Tt ]\d{2}:\d{2}(:\d{2}(\.\d+)?)?([Zz]|[+-]\d{2}:?\d{2})")
_YEARS = range(1900, 2101)
_MOST_SYMBOLS = 2000
_MOST_POINTS = 10_000
_DEFAULT_POINTS = 1000
_TO_THE_END = dt.timedelta(days=1) - dt.timedelta(microseconds=1)

Params = Mapping[str, str]


class BadParameter(ValueError):  # noqa: N818 - an answer to a client, not a failure of ours
    """One parameter cannot be used; the message is what the client is told."""


@dataclass(frozen=True, slots=True)
class Place:
    """Where a page ended: the last symbol, the time of its last point, and how many points of that time were told."""

    symbol: str
    at: dt.datetime
    told: int


@dataclass(frozen=True, slots=True)
class Range:
    """The parameters that every history shares."""

    start: dt.datetime
    end: dt.datetime
    limit: int
    newest_first: bool
    feed: str
    currency: str | None
    place: Place | None


def symbols_in(params: Params) -> list[str]:
    """The wanted symbols, sorted, each once."""
    text = params.get("symbols", "")
    names = {name.strip() for name in text.split(",")} - {""}
    if not names:
        raise BadParameter("symbols is required")
    if len(names) > _MOST_SYMBOLS:
        raise BadParameter(f"too many symbols: {len(names)}, at most {_MOST_SYMBOLS}")
    return sorted(symbol_in(name) for name in names)


def symbol_in(name: str) -> str:
    if not _SYMBOL.fullmatch(name):
        raise BadParameter(f"invalid symbol: {name}")
    return name


def range_in(params: Params, now: dt.datetime) -> Range:
    """start (default: today's midnight in New York) to end (default: now), and how the answer is cut."""
    start = _instant(params, "start", end_of_day=False) or midnight(new_york_date(now))
    end = _instant(params, "end", end_of_day=True) or max(now, start)
    if end < start:
        raise BadParameter("end should not be before start")
    _as_of(params)
    return Range(
        start=start,
        end=end,
        limit=_limit(params),
        newest_first=_one_of(params, "sort", ("asc", "desc"), "asc") == "desc",
        feed=feed_in(params, HISTORICAL_FEEDS),
        currency=currency_in(params),
        place=_place(params),
    )


def feed_in(params: Params, feeds: tuple[str, ...]) -> str:
    return _one_of(params, "feed", feeds, "sip")


def currency_in(params: Params) -> str | None:
    """The currency to name in the answer, if one was asked for; only dollars are quoted here."""
    currency = params.get("currency")
    if currency and currency != "USD":
        raise BadParameter(f"invalid currency: {currency}")
    return currency or None


def timeframe_in(params: Params) -> Timeframe:
    text = params.get("timeframe", "")
    timeframe = timeframe_of(text)
    if timeframe is None:
        raise BadParameter(f"invalid timeframe: {text}" if text else "timeframe is required")
    return timeframe


def adjustment_in(params: Params) -> str:
    """What the market calls it: recorded adjusted closes hold dividends, splits and spin-offs at once."""
    text = params.get("adjustment") or "raw"
    wanted = set(text.split(","))
    if not wanted <= set(_ADJUSTMENTS):
        raise BadParameter(f"invalid adjustment: {text}")
    if "all" in wanted or {"split", "dividend"} <= wanted:
        return "all"
    return next((name for name in ("dividend", "split") if name in wanted), "raw")


def token_of(place: Place) -> str:
    """The page token that says where a page ended."""
    return base64.b64encode(json.dumps([place.symbol, place.at.isoformat(), place.told]).encode()).decode()


def _place(params: Params) -> Place | None:
    token = params.get("page_token")
    if not token:
        return None
    try:
        symbol, at, told = json.loads(base64.b64decode(token, validate=True))
        place = Place(symbol_in(symbol), dt.datetime.fromisoformat(at), int(told))
    except (binascii.Error, ValueError, TypeError, OverflowError):
        raise BadParameter("invalid page_token") from None
    if place.at.tzinfo is None or place.at.year not in _YEARS or not 0 < place.told <= _MOST_POINTS:
        raise BadParameter("invalid page_token")
    return place


def _instant(params: Params, name: str, *, end_of_day: bool) -> dt.datetime | None:
    """RFC 3339 or a date: the whole day in New York."""
    text = params.get(name, "")
    if not text:
        return None
    try:
        if _DATE.fullmatch(text):
            date = dt.date.fromisoformat(text)
            if date.year in _YEARS:
                return midnight(date) + (_TO_THE_END if end_of_day else dt.timedelta())
        elif _INSTANT.fullmatch(text):
            at = dt.datetime.fromisoformat(text.upper())
            if at.year in _YEARS:
                return at.astimezone(dt.UTC)
    except ValueError:
        pass
    raise BadParameter(f"invalid {name}: {text}")


def _as_of(params: Params) -> None:
    text = params.get("asof", "-")
    try:
        if text not in {"-", ""}:
            dt.date.fromisoformat(text)
    except ValueError:
        raise BadParameter(f"invalid asof: {text}") from None


def _limit(params: Params) -> int:
    text = params.get("limit", "")
    if not text:
        return _DEFAULT_POINTS
    if not text.isascii() or not text.isdigit() or not 1 <= int(text[:9]) <= _MOST_POINTS:
        raise BadParameter(f"invalid limit: {text}")
    return int(text)


def _one_of(params: Params, name: str, allowed: tuple[str, ...], default: str) -> str:
    value = params.get(name) or default
    if value not in allowed:
        raise BadParameter(f"invalid {name}: {value}")
    return value

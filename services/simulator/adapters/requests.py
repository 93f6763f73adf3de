"""Reads query parameters and JSON bodies of the trading API; whatever is wrong becomes a Rejection that names it."""

from __future__ import annotations

import datetime as dt
import json
import re
from collections.abc import Mapping
from decimal import Decimal, InvalidOperation
from enum import StrEnum
from typing import Any, TypeVar

from fastapi import Request

from services.simulator.domain import rejections
from services.simulator.domain.order_request import shown

Query = Mapping[str, str]
_E = TypeVar("_E", bound=StrEnum)
_TRUE, _FALSE = frozenset({"true", "t", "1", "yes"}), frozenset({"false", "f", "0", "no", ""})
_MAX_BODY = 1_000_000
_INTEGER = re.compile(r"[+-]?\d{1,18}", re.ASCII)
_FRACTION = re.compile(r"(\.\d{6})\d+")
_YEARS = range(1970, 2101)


async def json_body(request: Request) -> Any:
    """The decoded body, numbers as Decimal; an empty body is an empty object."""
    raw = await request.body()
    if len(raw) > _MAX_BODY:
        raise rejections.malformed_body(f"request body must be at most {_MAX_BODY} bytes")
    if not raw.strip():
        return {}
    try:
        return json.loads(raw, parse_float=Decimal, parse_int=Decimal, parse_constant=_refuse_constant)
    except (ValueError, RecursionError, InvalidOperation):
        raise rejections.malformed_body("request body format is invalid: expected JSON") from None


async def object_body(request: Request) -> dict[str, Any]:
    body = await json_body(request)
    if not isinstance(body, dict):
        raise rejections.malformed_body(f"request body must be a JSON object, got {shown(body)}")
    return body


def flag(query: Query, name: str) -> bool:
    text = query.get(name, "").lower()
    if text in _TRUE:
        return True
    if text in _FALSE:
        return False
    raise rejections.malformed_value(f"{name} must be true or false, got {shown(text)}")


def integer(query: Query, name: str, default: int, low: int, high: int) -> int:
    text = query.get(name, "")
    if not text:
        return default
    if not _INTEGER.fullmatch(text) or not low <= int(text) <= high:
        raise rejections.malformed_value(f"{name} must be an integer from {low} to {high}, got {shown(text)}")
    return int(text)


def word(query: Query, name: str, kind: type[_E]) -> _E | None:
    text = query.get(name, "")
    if not text:
        return None
    try:
        return kind(text.lower())
    except ValueError:
        choices = ", ".join(kind)
        raise rejections.malformed_value(f"{name} must be one of {choices}, got {shown(text)}") from None


def words(query: Query, name: str) -> frozenset[str] | None:
    """A comma-separated list; None when it is absent or empty."""
    found = frozenset(part.strip() for part in query.get(name, "").split(",")) - {""}
    return found or None


def instant(query: Query, name: str) -> dt.datetime | None:
    """RFC 3339 or a date; without a zone it is UTC."""
    text = query.get(name, "").strip()
    if not text:
        return None
    try:
        # A plus sign that was not escaped has become a space.
        found = dt.datetime.fromisoformat(_FRACTION.sub(r"\1", re.sub(r" (\d{2}:?\d{2})$", r"+\1", text)))
        utc = (found if found.tzinfo is not None else found.replace(tzinfo=dt.UTC)).astimezone(dt.UTC)
    except (ValueError, OverflowError):
        utc = None
    if utc is None or utc.year not in _YEARS:
        raise rejections.malformed_value(f"{name} must be an RFC 3339 instant or a date, got {shown(text)}")
    return utc


def date(query: Query, name: str) -> dt.date | None:
    """A date, or the date of an instant as it is written."""
    text = query.get(name, "").strip()
    if not text:
        return None
    try:
        found = dt.date.fromisoformat(text[:10]) if instant(query, name) is not None else None
    except ValueError:
        found = None
    if found is None:
        raise rejections.malformed_value(f"{name} must be a date, got {shown(text)}")
    return found


def _refuse_constant(name: str) -> Any:
    raise ValueError(f"{name} is no JSON number")

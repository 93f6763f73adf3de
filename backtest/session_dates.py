"""Dates as files write them, as New York sessions. What could be read in two ways is refused with its value."""

from __future__ import annotations

import datetime as dt
import re
from typing import Any, Final

import pandas as pd

from shared.sessions import NEW_YORK

_FORMATS: Final = (
    (re.compile(r"\d{4}/\d{1,2}/\d{1,2}"), "%Y/%m/%d"),
    (re.compile(r"\d{1,2}/\d{1,2}/\d{4}"), "%m/%d/%Y"),
    (re.compile(r"\d{1,2}\.\d{1,2}\.\d{4}"), "%d.%m.%Y"),
)
"""Beside ISO: with slashes as Americans write them, with dots as Europeans do."""
_MIDNIGHT: Final = dt.time()


def sessions_of(values: pd.Series) -> list[dt.date]:
    """Raises ValueError for the first value that is no date."""
    places, different = pd.factorize(values, use_na_sentinel=False)
    dates = [_session(value) for value in different]
    return [dates[place] for place in places]


def _session(value: Any) -> dt.date:
    if pd.isna(value) or str(value).strip() == "":
        raise ValueError("expected dates such as 2024-12-31, got an empty one")
    if isinstance(value, dt.datetime):
        return _of_stamp(value)
    if isinstance(value, dt.date):
        return value
    return _of_text(str(value).strip())


def _of_text(text: str) -> dt.date:
    form = next((form for pattern, form in _FORMATS if pattern.fullmatch(text)), None)
    try:
        return _of_stamp(dt.datetime.strptime(text, form) if form else dt.datetime.fromisoformat(text))  # noqa: DTZ007 - a date
    except ValueError:
        raise ValueError(f"expected dates such as 2024-12-31, got {text!r}") from None


def _of_stamp(stamp: dt.datetime) -> dt.date:
    """Midnight with a zone is how tables write that zone's date, 00:00 UTC too; at any other hour it is an instant."""
    if stamp.tzinfo is None or stamp.time() == _MIDNIGHT:
        return stamp.date()
    return stamp.astimezone(NEW_YORK).date()

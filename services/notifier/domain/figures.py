"""Numbers and instants as people read them in a mail: plain ASCII, so that a terminal shows them as they are."""

from __future__ import annotations

import datetime as dt
from decimal import ROUND_HALF_EVEN, Decimal
from zoneinfo import ZoneInfo

NEW_YORK = ZoneInfo("America/New_York")


def dollars(amount: Decimal) -> str:
    """-1234.5 -> "-$1,234.50"."""
    cents = amount.quantize(Decimal("0.01"), ROUND_HALF_EVEN)
    return f"{'-' if cents < 0 else ''}${abs(cents):,.2f}"


def whole_dollars(amount: Decimal) -> str:
    return f"{'-' if amount < 0 else ''}${abs(amount):,.0f}"


def price(value: Decimal | None) -> str:
    """Cents, or four decimals where cents are not enough."""
    if value is None:
        return "-"
    is_whole_cents = value == value.quantize(Decimal("0.01"))
    return f"{value:,.2f}" if is_whole_cents else f"{value:,.4f}"


def shares(qty: Decimal) -> str:
    text = f"{qty:,.9f}"
    return text.rstrip("0").rstrip(".")


def percent(fraction: Decimal, places: int = 1) -> str:
    """0.125 -> "12.5%"."""
    return f"{fraction * 100:.{places}f}%"


def points(fraction: Decimal) -> str:
    """A difference of weights in percentage points, signed: 0.004 -> "+0.40"."""
    return f"{fraction * 100:+.2f}"


def bps(value: Decimal | None) -> str:
    return "-" if value is None else f"{value:+.1f} bps"


def plain(value: Decimal | None) -> str:
    """An indicator's value, four decimals at most; what is not known says so."""
    if value is None:
        return "unknown"
    text = f"{value:,.4f}".rstrip("0").rstrip(".")
    return "0" if text in {"-0", ""} else text


def duration(seconds: float) -> str:
    if seconds < 60:  # noqa: PLR2004 - a minute
        return f"{seconds:.1f} s"
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours} h {minutes} min" if hours else f"{minutes} min {rest} s"


def instant(at: dt.datetime) -> str:
    """In exchange time: "Mon 3 Jun 2024, 15:44:02 New York"."""
    local = at.astimezone(NEW_YORK)
    return f"{local:%a} {local.day} {local:%b %Y, %H:%M:%S} New York"


def day(date: dt.date) -> str:
    return f"{date:%a} {date.day} {date:%b %Y}"


def count(number: int, what: str) -> str:
    """(1, "order") -> "1 order"; (3, "order") -> "3 orders"."""
    return f"{number} {what}" if number == 1 else f"{number} {what}s"

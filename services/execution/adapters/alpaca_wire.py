"""Alpaca's JSON into execution's words, tolerantly: unknown statuses are UNRECOGNISED, extra fields ignored, numbers exact.

What is needed and missing or senseless raises UnreadableAnswerError; nothing plausible stands in for it.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from decimal import Decimal, InvalidOperation
from typing import Any

from services.execution.domain.broker import (
    Account,
    Activity,
    Asset,
    BrokerOrder,
    BrokerUpdate,
    Fill,
    Payment,
    Position,
    Status,
)
from shared.contracts.base import Side

Raw = Mapping[str, Any]
_SIDES: Mapping[Any, Side] = {"buy": "buy", "sell": "sell", "sell_short": "sell"}
_SHARES = ("us_equity", "", None)


class UnreadableAnswerError(ValueError):
    """The broker said something, and it cannot be understood: names field, value and what was expected."""

    def __init__(self, field: str, expected: str, got: Any) -> None:
        super().__init__(f"{field}: expected {expected}, got {str(got)[:80]!r}")


def raw_object(value: Any, what: str) -> Raw:
    if not isinstance(value, Mapping):
        raise UnreadableAnswerError(what, "a JSON object", value)
    return value


def raw_list(value: Any, what: str) -> list[Any]:
    if not isinstance(value, list):
        raise UnreadableAnswerError(what, "a JSON list", value)
    return value


def is_about_shares(raw: Any) -> bool:
    """False for what is surely an order of another kind (options, crypto, several legs), which we never place."""
    return not isinstance(raw, Mapping) or (
        raw.get("asset_class") in _SHARES and raw.get("order_class") != "mleg" and raw.get("symbol") != ""
    )


def order_of(value: Any) -> BrokerOrder:
    raw = raw_object(value, "order")
    return BrokerOrder(
        id=_text(raw, "id"),
        client_order_id=_text(raw, "client_order_id"),
        symbol=_text(raw, "symbol"),
        side=_side(raw),
        qty=_optional_number(raw, "qty"),
        filled_qty=_number(raw, "filled_qty"),
        filled_avg_price=_optional_number(raw, "filled_avg_price"),
        status=_status(raw),
        limit_price=_optional_number(raw, "limit_price"),
        submitted_at=_first_instant(raw, "submitted_at", "created_at", "updated_at"),
        replaced_by=raw.get("replaced_by") or None,
        replaces=raw.get("replaces") or None,
    )


def update_of(value: Any) -> BrokerUpdate:
    """The `data` of a trade_updates frame."""
    raw = raw_object(value, "trade update")
    return BrokerUpdate(
        event=_text(raw, "event"),
        at=_first_instant(raw, "timestamp", "at"),
        order=order_of(raw.get("order")),
        execution_id=raw.get("execution_id") or None,
        qty=_optional_number(raw, "qty"),
        price=_optional_number(raw, "price"),
        position_qty=_optional_number(raw, "position_qty"),
    )


def fill_of(value: Any) -> Fill:
    """A FILL activity. Its id is "<time>::<execution id>"."""
    raw = raw_object(value, "activity")
    return Fill(
        execution_id=_text(raw, "id").rpartition("::")[2],
        order_id=_text(raw, "order_id"),
        symbol=_text(raw, "symbol"),
        side=_side(raw),
        qty=_number(raw, "qty"),
        price=_number(raw, "price"),
        at=_first_instant(raw, "transaction_time"),
    )


def activity_of(value: Any) -> Activity:
    """Any activity: a FILL as an execution, everything else as money, none of it where none is told."""
    raw = raw_object(value, "activity")
    if raw.get("activity_type") == "FILL":
        return fill_of(raw)
    return Payment(
        id=_text(raw, "id"),
        type=_text(raw, "activity_type"),
        amount=_optional_number(raw, "net_amount") or Decimal(0),
        at=_booked_at(raw),
        symbol=raw.get("symbol") or None,
        description=str(raw.get("description") or raw.get("activity_sub_type") or ""),
    )


def is_taken_back(raw: Any) -> bool:
    """An activity that the broker has cancelled: it never happened."""
    return isinstance(raw, Mapping) and raw.get("status") == "canceled"


def _booked_at(raw: Raw) -> dt.datetime:
    """When it was booked, else the day it belongs to, which may be told without a time."""
    if raw.get("created_at"):
        return _instant("created_at", raw["created_at"])
    day = raw.get("date")
    return _instant("date", f"{day}T00:00:00Z" if isinstance(day, str) and len(day) == len("2026-01-31") else day)


def account_of(value: Any) -> Account:
    """Any blocking flag, or a status other than ACTIVE, counts as blocked."""
    raw = raw_object(value, "account")
    status = _text(raw, "status")
    flags = ("trading_blocked", "account_blocked", "trade_suspended_by_user")
    return Account(
        number=_text(raw, "account_number"),
        status=status,
        equity=_number(raw, "equity"),
        cash=_number(raw, "cash"),
        buying_power=_number(raw, "buying_power"),
        last_equity=_optional_number(raw, "last_equity"),
        is_blocked=status != "ACTIVE" or any(raw.get(flag) not in (False, None) for flag in flags),
    )


def position_of(value: Any) -> Position:
    """`available_qty` is all of it where the broker does not say: selling more than is free is refused there anyway."""
    raw = raw_object(value, "position")
    qty = _signed(raw, _number(raw, "qty"))
    available = _optional_number(raw, "qty_available")
    return Position(
        symbol=_text(raw, "symbol"),
        qty=qty,
        available_qty=qty if available is None else _signed(raw, available),
        average_price=_number(raw, "avg_entry_price"),
        price=_optional_number(raw, "current_price"),
        is_share=raw.get("asset_class") in _SHARES,
    )


def asset_of(value: Any) -> Asset:
    """Not told means no: neither tradable nor in fractions."""
    raw = raw_object(value, "asset")
    return Asset(
        symbol=_text(raw, "symbol"),
        is_tradable=raw.get("tradable") is True and raw.get("status", "active") == "active",
        is_fractionable=raw.get("fractionable") is True,
    )


def asset_or_none(value: Any) -> Asset | None:
    """None for a row of a list that cannot be read."""
    try:
        return asset_of(value)
    except UnreadableAnswerError:
        return None


def exact(number: Decimal) -> str:
    """As Alpaca writes numbers: all digits, no exponent, no trailing zeros."""
    return format(number.normalize(), "f")


def _text(raw: Raw, field: str) -> str:
    value = raw.get(field)
    if not isinstance(value, str) or not value:
        raise UnreadableAnswerError(field, "a text", value)
    return value


def _number(raw: Raw, field: str) -> Decimal:
    number = _optional_number(raw, field)
    if number is None:
        raise UnreadableAnswerError(field, "a number", None)
    return number


def _optional_number(raw: Raw, field: str) -> Decimal | None:
    value = raw.get(field)
    if value is None or value == "":
        return None
    if isinstance(value, bool) or not isinstance(value, str | int | float | Decimal):
        raise UnreadableAnswerError(field, "a number", value)
    try:
        number = Decimal(str(value))
    except InvalidOperation:
        raise UnreadableAnswerError(field, "a number", value) from None
    if not number.is_finite():
        raise UnreadableAnswerError(field, "a finite number", value)
    return number


def _signed(raw: Raw, qty: Decimal) -> Decimal:
    return -abs(qty) if raw.get("side") == "short" else qty


def _side(raw: Raw) -> Side:
    side = _SIDES.get(raw.get("side"))
    if side is None:
        raise UnreadableAnswerError("side", "buy or sell", raw.get("side"))
    return side


def _status(raw: Raw) -> Status:
    told = _text(raw, "status")
    try:
        return Status(told)
    except ValueError:
        return Status.UNRECOGNISED


def _first_instant(raw: Raw, *fields: str) -> dt.datetime:
    for field in fields:
        if raw.get(field):
            return _instant(field, raw[field])
    raise UnreadableAnswerError(fields[0], "an instant", None)


def _instant(field: str, value: Any) -> dt.datetime:
    """RFC 3339 with up to nine fraction digits; what lies below a microsecond is cut off."""
    try:
        instant = dt.datetime.fromisoformat(value)
        if instant.tzinfo is None:
            raise UnreadableAnswerError(field, "an instant with a time zone", value)
        return instant.astimezone(dt.UTC)
    except (TypeError, ValueError, OverflowError) as error:
        if isinstance(error, UnreadableAnswerError):
            raise
        raise UnreadableAnswerError(field, "an RFC 3339 instant", value) from None

"""The JSON shapes of Alpaca's trading API: numbers as strings, instants with nanoseconds, absent things as null."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from decimal import Decimal
from typing import Any

from services.simulator.domain.activities import Activity, Fill
from services.simulator.domain.identity import asset_id
from services.simulator.domain.market import Listing
from services.simulator.domain.numbers import plain, plain_or_none
from services.simulator.domain.orders import Order, OrderClass
from services.simulator.domain.trade_events import TradeEvent
from shared.sessions import NEW_YORK

Json = dict[str, Any]
_ASSET_CLASS = "us_equity"
_MARGIN_LONG, _MARGIN_SHORT, _MAINTENANCE = "30", "30", 30


def instant(at: dt.datetime) -> str:
    """UTC with nine fraction digits; the last three are always zero here."""
    # isoformat, not strftime: a listing of 500 orders formats thousands of these.
    return at.astimezone(dt.UTC).replace(tzinfo=None).isoformat(timespec="microseconds") + "000Z"


def instant_or_none(at: dt.datetime | None) -> str | None:
    return None if at is None else instant(at)


def new_york_instant(at: dt.datetime, *, fraction: bool) -> str:
    """With the offset of New York, as the clock tells time."""
    local = at.astimezone(NEW_YORK)
    offset = local.strftime("%z")
    digits = f".{local.microsecond:06d}000" if fraction else ""
    return f"{local:%Y-%m-%dT%H:%M:%S}{digits}{offset[:3]}:{offset[3:]}"


def order_json(order: Order, *, legs: bool) -> Json:
    """`legs`: whether the legs of a group stand under it."""
    shown = [order_json(leg, legs=False) for leg in order.legs] if legs and order.legs else None
    return {
        "id": order.id,
        "client_order_id": order.client_order_id,
        "created_at": instant(order.created_at),
        "updated_at": instant(order.updated_at),
        "submitted_at": instant(order.submitted_at),
        "filled_at": instant_or_none(order.filled_at),
        "expired_at": instant_or_none(order.expired_at),
        **({} if order.expires_at is None else {"expires_at": instant(order.expires_at)}),
        "canceled_at": instant_or_none(order.canceled_at),
        "failed_at": instant_or_none(order.failed_at),
        "replaced_at": instant_or_none(order.replaced_at),
        "replaced_by": order.replaced_by,
        "replaces": order.replaces,
        "asset_id": asset_id(order.symbol),
        "symbol": order.symbol,
        "asset_class": _ASSET_CLASS,
        "notional": plain_or_none(order.notional),
        "qty": plain_or_none(order.qty),
        "filled_qty": plain(order.filled_qty),
        "filled_avg_price": plain_or_none(order.filled_avg_price),
        "order_class": "" if order.order_class is OrderClass.SIMPLE else str(order.order_class),
        "order_type": str(order.type),
        "type": str(order.type),
        "side": str(order.side),
        "position_intent": str(order.intent),
        "time_in_force": str(order.time_in_force),
        "limit_price": plain_or_none(order.limit_price),
        "stop_price": plain_or_none(order.stop_price),
        "status": str(order.status),
        "extended_hours": order.extended_hours,
        "legs": shown,
        "trail_percent": plain_or_none(order.trail_percent),
        "trail_price": plain_or_none(order.trail_price),
        "hwm": plain_or_none(order.hwm),
        "subtag": None,
        "source": None,
    }


def event_json(event: TradeEvent, account_id: str) -> Json:
    """The `data` of a trade_updates message; price and qty are of this execution alone."""
    order = {
        **order_json(event.order, legs=True),
        "cancel_requested_at": instant_or_none(event.order.cancel_requested_at),
    }
    data: Json = {
        "event": event.event,
        "event_id": f"{event.number:026d}",
        "at": instant(event.at),
        "timestamp": instant(event.at),
        "account_id": account_id,
        "execution_id": event.id,
        "order": order,
    }
    if event.execution is not None:
        data["price"] = plain(event.execution.price)
        data["qty"] = plain(event.execution.qty)
        data["position_qty"] = plain(event.execution.position_qty)
    return data


def asset_json(listing: Listing) -> Json:
    attributes = ["fractional_eh_enabled", "has_options"] if listing.fractionable else ["has_options"]
    return {
        "id": asset_id(listing.symbol),
        "class": _ASSET_CLASS,
        "exchange": listing.exchange,
        "symbol": listing.symbol,
        "name": listing.name,
        "status": "active",
        "tradable": listing.tradable,
        "marginable": True,
        "shortable": listing.shortable,
        "easy_to_borrow": listing.easy_to_borrow,
        "borrow_status": "easy_to_borrow" if listing.easy_to_borrow else "hard_to_borrow",
        "fractionable": listing.fractionable,
        "maintenance_margin_requirement": _MAINTENANCE,
        "margin_requirement_long": _MARGIN_LONG,
        "margin_requirement_short": _MARGIN_SHORT,
        "attributes": attributes,
    }


def activity_json(activity: Activity) -> Json:
    if isinstance(activity, Fill):
        return {
            "id": activity.id,
            "activity_type": activity.type,
            "transaction_time": instant(activity.at),
            "type": "fill" if activity.order_status == "filled" else "partial_fill",
            "price": plain(activity.price),
            "qty": plain(activity.qty),
            "side": str(activity.side),
            "symbol": activity.symbol,
            "leaves_qty": plain(activity.leaves_qty),
            "order_id": activity.order_id,
            "cum_qty": plain(activity.cum_qty),
            "order_status": str(activity.order_status),
        }
    return {
        "id": activity.id,
        "activity_type": activity.type,
        "date": activity.date.isoformat(),
        "created_at": instant(activity.at),
        "net_amount": plain(activity.net_amount),
        "description": activity.description,
        "status": "executed",
        "currency": "USD",
    }


def numbers(values: Sequence[Decimal]) -> list[float]:
    """The one place of the trading API that has JSON numbers: portfolio history."""
    return [float(value) for value in values]

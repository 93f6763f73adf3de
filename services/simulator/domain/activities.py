"""What happened to an account's money and shares, as account/activities tells it."""

from __future__ import annotations

import datetime as dt
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from decimal import Decimal

from services.simulator.domain.orders import Side, Status
from shared.sessions import NEW_YORK

TRADE_ACTIVITY = "FILL"


@dataclass(frozen=True, slots=True)
class Fill:
    """One execution: `qty` and `price` of it alone, `cum_qty` and `leaves_qty` of the order after it."""

    id: str
    at: dt.datetime
    order_id: str
    symbol: str
    side: Side
    qty: Decimal
    price: Decimal
    cum_qty: Decimal
    leaves_qty: Decimal
    order_status: Status
    type: str = TRADE_ACTIVITY


@dataclass(frozen=True, slots=True)
class Fee:
    """One day's fee of one kind; `net_amount` is negative."""

    id: str
    at: dt.datetime
    date: dt.date
    net_amount: Decimal
    description: str
    type: str = "FEE"


Activity = Fill | Fee


@dataclass(frozen=True, slots=True)
class ActivityFilter:
    """Which activities to tell; `after` and `until` are exclusive, `page_token` is the last id already told."""

    types: Collection[str] | None = None
    after: dt.datetime | None = None
    until: dt.datetime | None = None
    order_id: str | None = None
    ascending: bool = False
    page_size: int = 100
    page_token: str | None = None

    def keeps(self, activity: Activity) -> bool:
        return (
            (self.types is None or activity.type in self.types)
            and (self.after is None or activity.at > self.after)
            and (self.until is None or activity.at < self.until)
            and (self.order_id is None or (isinstance(activity, Fill) and activity.order_id == self.order_id))
        )


def activity_id(at: dt.datetime, unique: str) -> str:
    """YYYYMMDDHHMMSSmmm of New York, two colons, a uuid."""
    local = at.astimezone(NEW_YORK)
    return f"{local:%Y%m%d%H%M%S}{local.microsecond // 1000:03d}::{unique}"


def select(activities: Sequence[Activity], wanted: ActivityFilter) -> list[Activity]:
    """One page. A page token that names no activity gives an empty page."""
    ordered = activities if wanted.ascending else list(reversed(activities))
    kept = [activity for activity in ordered if wanted.keeps(activity)]
    return kept[_start(kept, wanted.page_token) :][: wanted.page_size]


def _start(kept: Sequence[Activity], token: str | None) -> int:
    if token is None:
        return 0
    return next((index + 1 for index, activity in enumerate(kept) if activity.id == token), len(kept))

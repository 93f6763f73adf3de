"""What each smart order has traded and still has open today, as durable records: what limits over a whole day add up.

One record a smart order, so that a child that replaces another one is never counted beside it.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable
from dataclasses import dataclass
from decimal import ROUND_CEILING, Decimal
from typing import Final

from services.execution.domain.order_state import Child, SmartOrder
from shared.contracts.base import Money, Side, Value
from shared.sessions import new_york_date

_CENT: Final = Decimal("0.01")
_UNKNOWN: Final = Decimal("NaN")


class Exposure(Value):
    """`spent`: dollars filled; `open`: dollars that may still fill, None where nobody can say how many."""

    order_id: str
    plan_id: str
    date: dt.date
    side: Side
    spent: Money
    open: Money | None
    is_open: bool


@dataclass(frozen=True, slots=True)
class Standing:
    """How the account's orders of today stand beside the one that is judged. NaN where it cannot be told."""

    traded: Decimal = Decimal(0)
    """Dollars bought and sold, what is open counted as filled."""
    open_orders: int = 0
    open_buys: Decimal = Decimal(0)


def exposure_of(order: SmartOrder) -> Exposure:
    """Money is rounded up to the cent: rather too much than too little."""
    live = [child for child in order.children if child.open_qty > 0]
    worth = [_open_worth(child, order) for child in live]
    known = [value for value in worth if value is not None]
    return Exposure(
        order_id=order.order_id,
        plan_id=order.plan_id,
        date=new_york_date(order.started_at),
        side=order.side,
        spent=_cents(order.paid),
        open=_cents(sum(known, Decimal(0))) if len(known) == len(worth) else None,
        is_open=bool(live),
    )


def standing_of(exposures: Iterable[Exposure], today: dt.date) -> Standing:
    """Day orders do not outlive their session: of other days nothing counts."""
    ours = [exposure for exposure in exposures if exposure.date == today]
    return Standing(
        traded=sum((e.spent + open_dollars(e) for e in ours), Decimal(0)),
        open_orders=sum(e.is_open for e in ours),
        open_buys=sum((open_dollars(e) for e in ours if e.side == "buy"), Decimal(0)),
    )


def committed_to(plan_id: str, exposures: Iterable[Exposure]) -> Decimal:
    """Dollars that the buys of a plan have spent or may still spend."""
    buys = (e for e in exposures if e.plan_id == plan_id and e.side == "buy")
    return sum((e.spent + open_dollars(e) for e in buys), Decimal(0))


def open_dollars(exposure: Exposure) -> Decimal:
    return _UNKNOWN if exposure.open is None else exposure.open


def _open_worth(child: Child, order: SmartOrder) -> Decimal | None:
    price = child.limit_price or child.ask or child.bid or order.arrival_mid
    return None if price is None else child.open_qty * price


def _cents(dollars: Decimal) -> Decimal:
    return dollars.quantize(_CENT, ROUND_CEILING)

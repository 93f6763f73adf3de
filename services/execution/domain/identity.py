"""Names that follow from what they name, so that a repetition after a crash has the same name and does nothing twice."""

from __future__ import annotations

import datetime as dt
import hashlib
from typing import Final

from shared.contracts.base import Side

MAX_CLIENT_ORDER_ID: Final = 128


def plan_id(session: dt.date, trigger: str) -> str:
    """One plan per trigger (the message that asked for it)."""
    return f"{session:%Y%m%d}-{hashlib.sha256(trigger.encode()).hexdigest()[:10]}"


def order_id(plan: str, symbol: str, side: Side) -> str:
    """A smart order: one per plan, symbol and side. RQ and Redis allow no slash in it."""
    return f"{plan}-{symbol.replace('/', '_')}-{side}"


def plan_named_in(client_order_id: str) -> str:
    """The plan whose order has this name; says nothing about whether there is such a plan."""
    return "-".join(client_order_id.split("-", 2)[:2])


def client_order_id(order: str, rung: str, attempt: int) -> str:
    """What the broker knows a child by; unique for ever. `attempt` counts the children of one smart order from 1.

    Raises ValueError above the broker's 128 characters.
    """
    name = f"{order}-{rung}-{attempt}"
    if len(name) > MAX_CLIENT_ORDER_ID:
        raise ValueError(
            f"client order id: expected at most {MAX_CLIENT_ORDER_ID} characters, got {len(name)} in {name!r}"
        )
    return name

"""Builders of ledger entries."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from decimal import Decimal
from typing import Literal

from services.execution.domain.ledger_entries import (
    Accepted,
    Adopted,
    Executed,
    Found,
    Opened,
    Paid,
    Wanted,
    WantedLine,
)
from shared.contracts.base import Side

MONDAY = dt.datetime(2024, 6, 3, 14, 0, tzinfo=dt.UTC)


def at(minutes: float) -> dt.datetime:
    return MONDAY + dt.timedelta(minutes=minutes)


def opened(
    cash: str = "100000", owner: Literal["foreign", "unassigned"] = "foreign", **held: tuple[str, str]
) -> Opened:
    """`held`: symbol -> (shares, average price)."""
    positions = tuple(
        Found(symbol=symbol, qty=Decimal(qty), average_price=Decimal(price)) for symbol, (qty, price) in held.items()
    )
    return Opened(id="opened", at=MONDAY, cash=Decimal(cash), positions=positions, owner=owner)


def wanted(
    minute: float,
    plan: str,
    lines: Mapping[str, tuple[str, str]],
    *,
    silent: tuple[str, ...] = (),
    crosses: bool = True,
    **by_strategy: Mapping[str, str],
) -> Wanted:
    """`lines`: symbol -> (shares wanted, price); `by_strategy`: strategy -> symbol -> weight."""
    return Wanted(
        id=f"wanted-{plan}",
        at=at(minute),
        plan_id=plan,
        lines=tuple(
            WantedLine(symbol=symbol, target_qty=Decimal(qty), price=Decimal(price), crosses=crosses)
            for symbol, (qty, price) in lines.items()
        ),
        by_strategy={name: {s: Decimal(w) for s, w in weights.items()} for name, weights in by_strategy.items()},
        silent=silent,
    )


def executed(
    minute: float,
    side: Side,
    qty: str,
    symbol: str,
    price: str,
    *,
    plan: str | None = None,
    name: str | None = None,
    order: str = "order",
) -> Executed:
    return Executed(
        id=name or f"{side}-{symbol}-{minute}",
        at=at(minute),
        order_id=order,
        client_order_id=None if plan is None else f"{plan}-{symbol}-{side}-mid-1",
        plan_id=plan,
        symbol=symbol,
        side=side,
        qty=Decimal(qty),
        price=Decimal(price),
    )


def paid(
    minute: float,
    kind: str,
    category: Literal["fee", "income", "deposit", "other"],
    amount: str,
    symbol: str | None = None,
) -> Paid:
    return Paid(
        id=f"{kind}-{minute}", at=at(minute), type=kind, category=category, amount=Decimal(amount), symbol=symbol
    )


def accepted(
    minute: float, symbol: str, qty: str, price: str = "10", how: Literal["difference", "scaled"] = "difference"
) -> Accepted:
    return Accepted(
        id=f"accepted-{symbol}-{minute}",
        at=at(minute),
        symbol=symbol,
        qty=Decimal(qty),
        price=Decimal(price),
        how=how,
        reason="a test",
    )


def adopted(minute: float, symbol: str) -> Adopted:
    return Adopted(id=f"adopted-{symbol}-{minute}", at=at(minute), symbol=symbol, reason="a test")

"""What a person's decision about the books comes to: entries, under the decision's id, so that deciding twice decides once."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from decimal import Decimal

from services.execution.adapters.books_report import Decision
from services.execution.domain.books_check import CASH, Mismatch
from services.execution.domain.broker import Position
from services.execution.domain.ledger_entries import Accepted, Adopted, Entry, Paid


def adopted(decision: Decision, foreign: Mapping[str, Decimal], at: dt.datetime) -> tuple[Entry, ...]:
    """Others' shares become the portfolio's."""
    return tuple(
        Adopted(id=f"adopted:{decision.id}:{symbol}", at=at, symbol=symbol, reason=decision.reason)
        for symbol in sorted(foreign)
        if foreign[symbol] > 0 and (not decision.symbols or symbol in decision.symbols)
    )


def accepted(
    decision: Decision, found: Sequence[Mismatch], positions: Mapping[str, Position], at: dt.datetime
) -> tuple[Entry, ...]:
    """The broker is right where it differs."""
    about = [m for m in found if not decision.symbols or m.symbol in decision.symbols]
    return tuple(
        _cash(decision, mismatch, at)
        if mismatch.symbol == CASH
        else _shares(decision, mismatch, positions.get(mismatch.symbol), at)
        for mismatch in about
    )


def _cash(decision: Decision, mismatch: Mismatch, at: dt.datetime) -> Paid:
    return Paid(
        id=f"accepted:{decision.id}:{CASH}",
        at=at,
        type="ACCEPTED",
        category="other",
        amount=mismatch.difference,
        description=decision.reason,
    )


def _shares(decision: Decision, mismatch: Mismatch, position: Position | None, at: dt.datetime) -> Accepted:
    return Accepted(
        id=f"accepted:{decision.id}:{mismatch.symbol}",
        at=at,
        symbol=mismatch.symbol,
        qty=mismatch.brokers,
        price=Decimal(0) if position is None else abs(position.average_price),
        how="scaled" if decision.what == "accept as split" else "difference",
        reason=decision.reason,
    )

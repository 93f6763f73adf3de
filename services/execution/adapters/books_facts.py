"""What the books tell people, and the halt that a breach asks for."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Sequence
from decimal import Decimal
from typing import Final

from services.execution.domain.alerts import alert
from services.execution.domain.books_check import Mismatch
from services.execution.domain.ledger_entries import Accepted, Entry, Executed, Opened
from shared.bus import Outcome, Publication
from shared.contracts import streams
from shared.contracts.alerts import AlertRaised
from shared.contracts.control import HaltRequested

_ALERTS: Final = streams.alerts_of("execution")
_LONGEST: Final = 480


def opened_alert(opened: Opened) -> list[Publication]:
    """Positions that were there before: whose they are, and how to change that."""
    held = ", ".join(f"{_shares(found.qty)} {found.symbol}" for found in opened.positions)
    if opened.owner == "foreign":
        title, do = "Positions that are not ours are left alone", "`alchemiser reconcile --adopt all` hands them over."
    else:
        title, do = "The books begin with what the account holds", "It is traded as the portfolio's own."
    return _said(alert("books-opened", opened.at, "warning", title, held, do=do))


def foreign_trades(entries: Iterable[Entry]) -> list[Publication]:
    """One alert for each order of somebody else that was executed."""
    orders: dict[str, list[Executed]] = {}
    for entry in entries:
        if isinstance(entry, Executed) and entry.plan_id is None:
            orders.setdefault(entry.order_id, []).append(entry)
    found = []
    for order_id, executions in orders.items():
        first, qty = executions[0], sum((e.qty for e in executions), Decimal(0))
        detail = (
            f"{first.side} {_shares(qty)} {first.symbol} at {first.price}, order {first.client_order_id or order_id}"
        )
        title = f"Shares were traded that we did not order: {first.side} {first.symbol}"
        do = "If that was not you, look at the account and change its keys. What was bought is left alone."
        found.append(
            Publication(_ALERTS, alert(f"foreign-trade-{order_id}", first.at, "warning", title, detail, do=do))
        )
    return found


def breach(name: str, breaches: Sequence[Mismatch], now: dt.datetime) -> Outcome:
    """Trading stops: who does not know what is held must not trade it."""
    lines = "; ".join(str(mismatch) for mismatch in breaches)
    halt = HaltRequested(
        id=name,
        correlation_id=name,
        at=now,
        origin="schedule",
        reason=f"the books differ from the broker's positions: {lines}"[:_LONGEST],
    )
    do = "Find out why; `alchemiser reconcile --accept SYMBOL --reason WHY` takes the broker's word, then `alchemiser resume`."
    told = alert(f"{name}#alert", now, "critical", "The books differ from the broker's positions", lines, do=do)
    return Outcome((Publication(streams.CONTROL, halt), Publication(_ALERTS, told)))


def cash_gap_alert(name: str, mismatch: Mismatch, now: dt.datetime) -> Outcome:
    title = "The broker's cash is not what the books say"
    do = "If you know why: `alchemiser reconcile --accept cash --reason WHY`. Trading goes on."
    return Outcome((Publication(_ALERTS, alert(name, now, "warning", title, str(mismatch), do=do)),))


def decided_alert(name: str, entries: Sequence[Entry], reason: str, now: dt.datetime) -> list[Publication]:
    lines = ", ".join(_decided(entry) for entry in entries)
    return _said(alert(f"{name}#decided", now, "info", "The books were corrected by a person", f"{lines} ({reason})"))


def _decided(entry: Entry) -> str:
    symbol = getattr(entry, "symbol", None) or "cash"
    return f"{symbol} {entry.kind}" + (f" as {_shares(entry.qty)}" if isinstance(entry, Accepted) else "")


def _said(told: AlertRaised) -> list[Publication]:
    return [Publication(_ALERTS, told)]


def _shares(qty: Decimal) -> str:
    return f"{qty.normalize():f}"

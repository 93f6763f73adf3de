"""A report of reconciliation as people read it: what differed, and what was done about it, line by line."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from decimal import Decimal
from typing import Final

from pydantic import AwareDatetime, BaseModel

from services.execution.adapters.books_report import BooksReport
from services.execution.adapters.reconciliation import Difference, ReconciliationReport
from services.execution.domain.books_check import Doubt
from services.execution.domain.broker import BrokerOrder
from services.execution.domain.ledger_entries import Accepted, Adopted, Entry, Executed, Paid

_DONE: Final[Mapping[str, str]] = {
    "unsettled intent": "settled",
    "missed fill": "told to the desk, booked",
    "missed end": "told to the desk",
    "unrecognised status": "not taken for an end",
}


class FindingView(BaseModel):
    """`what` it is about, `subject` which one."""

    what: str
    subject: str
    differed: str
    done: str


class CashView(BaseModel):
    ours: Decimal
    brokers: Decimal


class ReconciliationView(BaseModel):
    """`waiting_for` says why there are no books yet; `cash` is None in a round that did not look at it."""

    at: AwareDatetime
    is_clean: bool
    orders: int
    booked: int
    findings: tuple[FindingView, ...]
    differences: tuple[str, ...]
    foreign_orders: tuple[str, ...]
    foreign_positions: dict[str, Decimal]
    unresolved: tuple[str, ...]
    cash: CashView | None
    waiting_for: str


def reconciliation_view(report: ReconciliationReport) -> ReconciliationView:
    books = report.books or BooksReport(waiting_for="nobody keeps books here")
    return ReconciliationView(
        at=report.at,
        is_clean=report.is_clean,
        orders=report.orders,
        booked=len(books.booked),
        findings=tuple(_findings(report, books)),
        differences=tuple(f"{d.kind}: {d.client_order_id} {d.symbol}: {d.detail}" for d in report.differences),
        foreign_orders=tuple(f"{order.side} {order.symbol} ({order.client_order_id})" for order in report.foreign),
        foreign_positions=dict(books.foreign),
        unresolved=report.unresolved,
        cash=None if books.cash is None else CashView(ours=books.cash[0], brokers=books.cash[1]),
        waiting_for=books.waiting_for,
    )


def _findings(report: ReconciliationReport, books: BooksReport) -> Iterator[FindingView]:
    yield from (_of_difference(difference) for difference in report.differences)
    for name in report.unresolved:
        yield _finding("order in doubt", name, "nobody knows yet whether the broker has it", "asked for again")
    yield from (_of_foreign_order(order) for order in report.foreign)
    yield from (found for entry in books.booked if (found := _of_booked(entry)) is not None)
    for symbol, qty in books.under_way.items():
        yield _finding("fill under way", symbol, f"{_shown(qty)} filled, no activity yet", "booked when it is told")
    halting = {breach.symbol for breach in books.breaches}
    yield from (_of_doubt(doubt, is_breach=doubt.mismatch.symbol in halting) for doubt in books.doubts)
    yield from (_of_decision(entry) for entry in books.decided)
    for symbol, qty in books.foreign.items():
        yield _finding("foreign position", symbol, f"{_shown(qty)} shares are not the portfolio's", "left alone")
    if books.waiting_for:
        yield _finding("books", "account", "not opened yet", books.waiting_for)


def _of_difference(difference: Difference) -> FindingView:
    return _finding(difference.kind, difference.client_order_id, difference.detail, _DONE[difference.kind])


def _of_foreign_order(order: BrokerOrder) -> FindingView:
    qty = "?" if order.qty is None else _shown(order.qty)
    return _finding("foreign order", order.client_order_id, f"{order.side} {qty} {order.symbol} is open", "left alone")


def _of_booked(entry: Entry) -> FindingView | None:
    """Executions of our own are what is expected; they are only counted."""
    if isinstance(entry, Paid):
        what = f"{entry.type} {_shown(entry.amount)} dollars{f' of {entry.symbol}' if entry.symbol else ''}"
        return _finding("payment", entry.id, what, f"booked as {entry.category}")
    if isinstance(entry, Executed) and entry.plan_id is None:
        what = f"{entry.side} {_shown(entry.qty)} {entry.symbol} at {_shown(entry.price)}"
        return _finding("foreign trade", entry.client_order_id or entry.order_id, what, "booked as foreign")
    return None


def _of_doubt(doubt: Doubt, *, is_breach: bool) -> FindingView:
    mismatch = doubt.mismatch
    differed = f"ours {_shown(mismatch.ours)}, the broker's {_shown(mismatch.brokers)}"
    watched = f"looked at again; seen {doubt.rounds} times"
    return _finding("difference", mismatch.symbol, differed, "trading is halted" if is_breach else watched)


def _of_decision(entry: Entry) -> FindingView:
    match entry:
        case Accepted(symbol=symbol, qty=qty, how=how):
            return _finding("decision", symbol, f"the broker's {_shown(qty)} shares", f"accepted, {how}")
        case Adopted(symbol=symbol):
            return _finding("decision", symbol, "foreign shares", "handed to the portfolio")
        case Paid(amount=amount):
            return _finding("decision", "cash", f"{_shown(amount)} dollars", "accepted")
        case _:
            raise TypeError(f"expected a decision, got {entry.kind}")


def _finding(what: str, subject: str, differed: str, done: str) -> FindingView:
    return FindingView(what=what, subject=subject, differed=differed, done=done)


def _shown(number: Decimal) -> str:
    return f"{number.normalize():f}"

"""What happens to an order, step by step, and what each step does to the account, the book, its group and the tape."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable

from services.simulator.domain import order_groups
from services.simulator.domain.account import Account
from services.simulator.domain.activities import Fee, Fill, activity_id
from services.simulator.domain.agenda import Agenda
from services.simulator.domain.book import Book
from services.simulator.domain.fees import FeeSchedule, booked
from services.simulator.domain.fill_models import Take
from services.simulator.domain.hours import day_for_order
from services.simulator.domain.identity import Identity
from services.simulator.domain.numbers import ZERO
from services.simulator.domain.orders import Order, Status
from services.simulator.domain.trade_events import Execution, Tape
from shared.sessions import new_york_date


class Lifecycle:
    """`offer` is what shows a newly routed order to the market; the matching sets it."""

    def __init__(self, identity: Identity, book: Book, agenda: Agenda, tape: Tape, fees: FeeSchedule) -> None:
        self.book = book
        self.agenda = agenda
        self._identity = identity
        self._tape = tape
        self._fees = fees
        self.offer: Callable[[Order, dt.datetime], None] = lambda _order, _at: None

    def admit(self, order: Order, at: dt.datetime) -> None:
        """Takes it in: pending_new in its hours, accepted (queued) outside them, held for a leg."""
        order.account.enter(order)
        if order.expires_at is not None:
            self.agenda.add(order.expires_at, lambda due: self.expire(order, due))
        if order.status is Status.HELD:
            self._tape.emit("held", order, at)
            return
        if order.works_from > at:
            order.move(Status.ACCEPTED, at)
            self.agenda.add(order.works_from, lambda due: self.route(order, due))
        self._tape.emit(str(order.status), order, at)

    def route(self, order: Order, at: dt.datetime) -> None:
        """Sends it to the market and offers it the prevailing quote."""
        if order.status not in {Status.PENDING_NEW, Status.ACCEPTED, Status.HELD}:
            return
        order.move(Status.NEW, at)
        if order.filled_qty > 0:  # it carries on a chain that was partly filled
            order.move(Status.PARTIALLY_FILLED, at)
        self._tape.emit("new", order, at)
        self.book.add(order)
        self.offer(order, at)
        order_groups.after_routing(self, order, at)

    def watch(self, order: Order, at: dt.datetime) -> None:
        """A held stop leg looks at the market for its trigger; it is not there yet."""
        self.book.add(order)
        self.offer(order, at)

    def elect(self, order: Order, at: dt.datetime) -> None:
        """Its stop was touched: from now on it is a market or limit order."""
        order.elected = True
        self.book.changed(order)
        if order.status is Status.HELD:
            order_groups.before_election(self, order, at)
            order.move(Status.NEW, at)
            self._tape.emit("new", order, at)

    def fill(self, order: Order, take: Take, at: dt.datetime) -> None:
        account = order.account
        position = account.trade(order.symbol, order.side.sign * take.qty, take.price, at)
        order.add_fill(take.qty, take.price, at, completes=take.completes)
        execution = Execution(take.qty, take.price, position)
        unique = self._tape.emit("fill" if take.completes else "partial_fill", order, at, execution)
        account.activities.append(_activity(order, take, at, unique))
        self._accrue_fees(order, take, at)
        if take.completes:
            self._leave(order)
            order_groups.after_completion(self, order, at)
        else:
            order_groups.after_part(order)

    def request_cancel(self, order: Order, at: dt.datetime) -> None:
        order.move(Status.PENDING_CANCEL, at)
        order.cancel_requested_at = at
        self._tape.emit("pending_cancel", order, at)

    def cancel(self, order: Order, at: dt.datetime) -> None:
        self._end(order, Status.CANCELED, at)

    def expire(self, order: Order, at: dt.datetime) -> None:
        if order.is_open:
            self._end(order, Status.EXPIRED, at)

    def reject(self, order: Order, at: dt.datetime) -> None:
        self._end(order, Status.REJECTED, at)

    def request_replace(self, order: Order, at: dt.datetime) -> None:
        order.move(Status.PENDING_REPLACE, at)
        self._tape.emit("pending_replace", order, at)

    def refuse_replace(self, order: Order, at: dt.datetime) -> None:
        self._tape.emit("order_replace_rejected", order, at)

    def replace(self, order: Order, by: Order, at: dt.datetime) -> None:
        order.move(Status.REPLACED, at)
        order.replaced_at = at
        order.replaced_by = by.id
        self._leave(order)
        self._tape.emit("replaced", order, at)

    def _end(self, order: Order, status: Status, at: dt.datetime) -> None:
        order.move(status, at)
        if status is Status.CANCELED:
            order.canceled_at = at
        elif status is Status.EXPIRED:
            order.expired_at = at
        else:
            order.failed_at = at
        self._leave(order)
        self._tape.emit(str(status), order, at)
        order_groups.after_end(self, order, at)

    def _leave(self, order: Order) -> None:
        self.book.remove(order)
        order.account.close(order)

    def _accrue_fees(self, order: Order, take: Take, at: dt.datetime) -> None:
        account = order.account
        amounts = self._fees.of(order.side, take.qty, take.price)
        if amounts and not account.accrued_fees:
            closes = day_for_order(at, extended=True).extended_close
            self.agenda.add(closes, lambda due: self._book_fees(account, due))
        for name, amount in amounts.items():
            account.accrued_fees[name] = account.accrued_fees.get(name, ZERO) + amount

    def _book_fees(self, account: Account, at: dt.datetime) -> None:
        for name, accrued in account.accrued_fees.items():
            amount = booked(accrued)
            account.pay(amount, at)
            unique = self._identity.uuid("fee", account.key, account.count("fee"))
            date = new_york_date(at)
            account.activities.append(Fee(activity_id(at, unique), at, date, -amount, f"{name} fee of {date}"))
        account.accrued_fees.clear()


def _activity(order: Order, take: Take, at: dt.datetime, unique: str) -> Fill:
    return Fill(
        id=activity_id(at, unique),
        at=at,
        order_id=order.id,
        symbol=order.symbol,
        side=order.side,
        qty=take.qty,
        price=take.price,
        cum_qty=order.filled_qty,
        leaves_qty=ZERO if take.completes else order.leaves_qty,
        order_status=order.status,
    )

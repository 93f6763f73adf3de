"""Keeps the account's books: the broker's activities become entries, once each; the books are held against its positions and cash.

Only activities are booked, never what the desk heard: they are what the broker settles by, to the cent, and they also tell
what was missed, what was done by others, fees and dividends. What an order says is filled and no activity tells yet is under way.
"""

from __future__ import annotations

import datetime as dt
import threading
import time
import uuid
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import Final

from services.execution.adapters.activity_entries import entry_of, name_of
from services.execution.adapters.books_decisions import accepted, adopted
from services.execution.adapters.books_facts import (
    breach,
    cash_gap_alert,
    decided_alert,
    foreign_trades,
    opened_alert,
)
from services.execution.adapters.books_report import BooksReport, Decision
from services.execution.adapters.desk_book import Book
from services.execution.adapters.ledger_store import LedgerStore, marking
from services.execution.adapters.open_books import OpenBooks
from services.execution.domain import books_check, records
from services.execution.domain.books_check import CASH, BooksRules, Doubt, Mismatch
from services.execution.domain.broker import Account, Activity, BrokerOrder, Fill, Position
from services.execution.domain.ledger_entries import Entry, Executed, Found, Opened, Paid
from services.execution.domain.records import PlanRecord
from services.execution.ports import Broker, BrokerUnavailableError, Journal
from shared.bus import Bus, BusUnavailableError, Change, Outcome
from shared.clock import Clock
from shared.contracts.strategy import FOREIGN
from shared.sessions import new_york_date

_SKEW: Final = Opened.reach
"""So far apart the broker's clock and ours may be, and so late an activity may be told, without being missed."""
_LATE: Final = dt.timedelta(minutes=1)
"""How late an activity may be told after a later one. What comes later still puts the books in doubt, and then days are read:
a page holds a hundred, and a busy quarter of an hour is many pages."""
_ONE_BY_ONE: Final = 2
_THOROUGH: Final = dt.timedelta(days=8)


@dataclass(frozen=True, slots=True)
class BooksPorts:
    broker: Broker
    journal: Journal
    bus: Bus
    book: Book
    clock: Clock
    monotonic: Callable[[], float] = time.monotonic


@dataclass(frozen=True, slots=True)
class _Told:
    """The broker's positions and account, of one round."""

    positions: Mapping[str, Position]
    account: Account


class Bookkeeper:
    """One per process, safe from any thread: one at a time books. `account` is the account's number."""

    def __init__(self, ports: BooksPorts, rules: BooksRules, account: str) -> None:
        self._ports = ports
        self._rules = rules
        self._store = LedgerStore(ports.bus)
        self.books = OpenBooks(ports.bus, account)
        self._doubts: tuple[Doubt, ...] = ()
        self._thorough_on: dt.date | None = None
        self._turn = threading.RLock()
        self.last_prices: Mapping[str, Decimal] = {}
        """The broker's, of the last whole round."""

    def left_alone(self, held: Mapping[str, Decimal], cash: Decimal) -> Mapping[str, Decimal]:
        """Of the shares that the account holds now, those that are not the portfolio's. Raises BrokerUnavailableError.

        What others traded a moment ago must not be taken for ours by the plan that asks: the activities are asked for
        wherever the books do not explain every share and the cash to the cent.
        """
        with self._turn:
            self.books.catch_up(self._ports.clock.now())
            if self.is_open and (self._doubts or not self._explains(held, cash)):
                self._book({})
            return self.foreign()

    def _explains(self, held: Mapping[str, Decimal], cash: Decimal) -> bool:
        known, booked = self.books.look(lambda ledger: (ledger.quantities(), ledger.cash))
        return known == held and books_check.cash_mismatch(booked, cash) is None

    def foreign(self) -> Mapping[str, Decimal]:
        """The same as the books know it. Raises BrokerUnavailableError."""
        foreign = self.books.look(lambda ledger: None if ledger.opened is None else ledger.holdings(FOREIGN))
        if foreign is None:
            raise BrokerUnavailableError("the account's books are not open yet")
        return foreign

    def remembering(self, plan: PlanRecord) -> tuple[Change, ...]:
        """What to commit with a plan."""
        return self._store.remembering(plan)

    def marks(self) -> Mapping[dt.date, Mapping[str, Decimal]]:
        """The prices at which each day last stood."""
        return self._store.marks()

    @property
    def is_open(self) -> bool:
        return self.books.look(lambda ledger: ledger.opened is not None)

    @property
    def is_in_doubt(self) -> bool:
        return bool(self._doubts)

    def round(
        self, orders: Mapping[str, BrokerOrder], *, whole: bool = True, decision: Decision | None = None
    ) -> BooksReport:
        """Book what is new; when `whole`, hold the books against the broker's. Raises BrokerUnavailableError.

        `orders` are by the broker's id, as it told them just now.
        """
        with self._turn:
            report = self._round(orders, whole=whole, decision=decision)
            with suppress(
                BusUnavailableError
            ):  # what was written just now is read again, so that planning need not wait for it
                self.books.catch_up(self._ports.clock.now())
            return report

    def _round(self, orders: Mapping[str, BrokerOrder], *, whole: bool, decision: Decision | None) -> BooksReport:
        self.books.catch_up(self._ports.clock.now())
        if self.books.ledger.opened is None and (why := self._open(orders)):
            return BooksReport(waiting_for=why)
        # Positions first: what they contain is then told by the activities, but for what is late.
        told = self._ask() if whole else None
        booked = self._book(orders)
        if told is None:
            return BooksReport(booked=booked, doubts=self._doubts, foreign=self.foreign())
        under_way = self._under_way(orders)
        found = self._mismatches(told, under_way)
        decided = () if decision is None else self._decide(decision, found, told)
        if decided:
            found = self._mismatches(told, under_way)
        return self._judged(told, found, under_way, BooksReport(booked=booked, decided=decided))

    def _open(self, orders: Mapping[str, BrokerOrder]) -> str:
        """Why the books cannot be opened yet; empty when they are."""
        ports, now = self._ports, self._ports.clock.now()
        live = any(not o.status.is_terminal and ports.journal.knows(o.client_order_id) for o in orders.values())
        if live or ports.book.active_plan() is not None:
            return "they are opened when no order of ours is open"
        known = self._told_since(now - _SKEW)
        told = self._ask()
        if self._told_since(now - _SKEW) != known:
            return "they are opened when the account stands still"
        positions = tuple(
            Found(symbol=p.symbol, qty=p.qty, average_price=p.average_price) for p in told.positions.values()
        )
        entry = Opened(
            id=f"opened:{uuid.uuid4().hex}",
            at=now,
            cash=told.account.cash,
            positions=positions,
            # Who upgrades has positions that are the portfolio's own, of before there were books.
            owner="unassigned" if ports.bus.get_all(records.PLANS) else self._rules.opening,
            known=frozenset(known),
        )
        self.books.write([entry], begins=True, telling=opened_alert(entry) if positions else ())
        return ""

    def _told_since(self, after: dt.datetime) -> set[str]:
        return {name_of(activity) for activity in self._ports.broker.activities_since(after)}

    def _ask(self) -> _Told:
        positions = {p.symbol: p for p in self._ports.broker.positions() if p.is_share}
        account = self._ports.broker.account()
        prices = {symbol: p.price for symbol, p in positions.items() if p.price is not None}
        if prices != self.last_prices:
            self._ports.bus.commit(Outcome(changes=(marking(new_york_date(self._ports.clock.now()), prices),)))
            self.last_prices = prices
        return _Told(positions, account)

    def _book(self, orders: Mapping[str, BrokerOrder]) -> tuple[Entry, ...]:
        opened, ports = self.books.ledger.opened, self._ports
        if opened is None:
            return ()
        earliest = opened.at - _SKEW
        fresh = [
            activity
            for activity in ports.broker.activities_since(max(earliest, self._look_back()))
            if activity.at >= earliest and not self.books.has(name := name_of(activity)) and name not in opened.known
        ]
        orders = self._with_those_of(fresh, orders)
        found = (entry_of(activity, orders, ports.broker, ports.journal) for activity in fresh)
        entries = tuple(entry for entry in found if entry is not None)
        if entries:
            self.books.write(entries, telling=foreign_trades(entries))
        return entries

    def _with_those_of(
        self, activities: Sequence[Activity], orders: Mapping[str, BrokerOrder]
    ) -> Mapping[str, BrokerOrder]:
        """Orders that filled since they were listed are listed once more, where asking for each alone would take more questions."""
        missing = [a for a in activities if isinstance(a, Fill) and a.order_id not in orders]
        if len({fill.order_id for fill in missing}) <= _ONE_BY_ONE:
            return orders
        since = min(fill.at for fill in missing) - _SKEW
        return {**orders, **{order.id: order for order in self._ports.broker.orders_since(since)}}

    def _look_back(self) -> dt.datetime:
        """A little before what was booked last; days, once a day and whenever something is in doubt."""
        now = self._ports.clock.now()
        if self._doubts or self._thorough_on != now.date():
            self._thorough_on = now.date()
            return now - _THOROUGH
        newest = next((e for e in reversed(self.books.entries()) if isinstance(e, Executed | Paid | Opened)), None)
        if newest is None:
            return now - _SKEW
        return newest.at - (_SKEW if isinstance(newest, Opened) else _LATE)

    def _under_way(self, orders: Mapping[str, BrokerOrder]) -> dict[str, Decimal]:
        """Shares that orders say are filled and no activity has told yet. A replaced order's count stands in its successor."""
        opened, booked = self.books.ledger.opened, self.books.ledger.executed_of
        found: dict[str, Decimal] = {}
        for order in orders.values():
            if opened is None or order.submitted_at < opened.at or order.replaces or order.replaced_by:
                continue
            late = order.filled_qty - booked.get(order.id, Decimal(0))
            if late > 0:
                found[order.symbol] = found.get(order.symbol, Decimal(0)) + (late if order.side == "buy" else -late)
        return found

    def _mismatches(self, told: _Told, under_way: Mapping[str, Decimal]) -> tuple[Mismatch, ...]:
        brokers = {symbol: position.qty for symbol, position in told.positions.items()}
        found = books_check.mismatches(self.books.ledger.quantities(), under_way, brokers)
        cash = None if under_way else books_check.cash_mismatch(self.books.ledger.cash, told.account.cash)
        return found if cash is None else (*found, cash)

    def _judged(
        self, told: _Told, found: tuple[Mismatch, ...], under_way: Mapping[str, Decimal], report: BooksReport
    ) -> BooksReport:
        seconds = self._ports.monotonic()
        self._doubts = books_check.doubts_after(self._doubts, found, seconds)
        certain = [d.mismatch for d in self._doubts if d.is_breach(seconds, self._rules.patience_seconds)]
        breaches = tuple(mismatch for mismatch in certain if mismatch.symbol != CASH)
        now = self._ports.clock.now()
        if breaches:
            self._halt(breaches, now)
        for mismatch in certain:
            if mismatch.symbol == CASH:
                name = f"cash-{self.books.name}-{mismatch.difference}"
                self._ports.bus.commit(cash_gap_alert(name, mismatch, now), once=name)
        return replace(
            report,
            doubts=self._doubts,
            breaches=breaches,
            under_way=under_way,
            foreign=self.foreign(),
            cash=(self.books.ledger.cash, told.account.cash),
        )

    def _halt(self, breaches: tuple[Mismatch, ...], now: dt.datetime) -> None:
        """As long as it stands, however often somebody resumes without having settled it."""
        trading = self._ports.book.trading()
        if trading.state != "HALTED":
            since = trading.since.isoformat() if trading.since else "start"
            name = f"breach-{self.books.name}-{breaches[0].symbol}-{breaches[0].difference}-{since}"
            self._ports.bus.commit(breach(name, breaches, now), once=name)

    def _decide(self, decision: Decision, found: Sequence[Mismatch], told: _Told) -> tuple[Entry, ...]:
        now = self._ports.clock.now()
        at = max(now, self.books.entries()[-1].at)
        if decision.what == "adopt":
            entries = adopted(decision, self.foreign(), at)
        else:
            entries = accepted(decision, found, told.positions, at)
        if entries:
            self.books.write(entries, telling=decided_alert(decision.id, entries, decision.reason, now))
        return entries

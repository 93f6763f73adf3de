"""The Broker port in memory, for tests, chaos runs and replays: Alpaca's rules that matter to orders, and answers by script.

Nothing fills by itself: `fill` and `end` say what the market does. Shares of a sell are held and money of a buy is reserved.
"""

from __future__ import annotations

import dataclasses
import datetime as dt
import itertools
import threading
import uuid
from collections import defaultdict, deque
from collections.abc import Callable, Iterable, Sequence
from decimal import Decimal
from typing import TypeVar

from services.execution.adapters.memory_orders import begun, exchanged, filled
from services.execution.adapters.memory_rules import (
    STATE,
    Call,
    Scripted,
    irreplaceable,
    malformed,
    no,
    outcome_in,
    unaffordable,
)
from services.execution.domain.broker import (
    Account,
    Acknowledged,
    Activity,
    Asset,
    BrokerOrder,
    BrokerUpdate,
    CancelOutcome,
    CancelRequested,
    Fill,
    OrderRequest,
    Payment,
    PlaceOutcome,
    Position,
    Rejected,
    RejectKind,
    Status,
    Unknown,
)
from services.execution.ports import BrokerUnavailableError
from shared.contracts.base import Side

_T = TypeVar("_T")
_NO_ID = uuid.UUID(int=0)


class MemoryBroker:
    """`now` stamps orders and updates; `on_update` hears every update, in order, as the socket would."""

    def __init__(
        self,
        now: Callable[[], dt.datetime],
        *,
        cash: Decimal = Decimal(100_000),
        assets: Iterable[Asset] = (),
        number: str = "PA3MEMORY",
        on_update: Callable[[BrokerUpdate], None] = lambda _update: None,
    ) -> None:
        self._now = now
        self._number = number
        self._on_update = on_update
        self._lock = threading.RLock()
        self._ids = itertools.count(1)
        self._assets = {asset.symbol: asset for asset in assets}
        self._scripts: defaultdict[Call, deque[Scripted]] = defaultdict(deque)
        self._orders: dict[str, BrokerOrder] = {}
        self._held: dict[str, Position] = {}
        self._fills: list[Fill] = []
        self._payments: list[Payment] = []
        self.cash = cash
        self.last_equity: Decimal | None = None
        """None: what the account is worth when it is first asked about."""
        self.holds_cancels = False
        """True: a cancel stays pending_cancel until `end` is called."""
        self.calls: list[tuple[str, str]] = []
        """Every action that was asked for: (call, client order id or order id)."""

    def script(
        self, call: Call, answer: Rejected | Unknown | BrokerUnavailableError, *, takes_effect: bool = False
    ) -> None:
        """Queue an answer: the next such call gets it."""
        self._scripts[call].append(Scripted(answer, takes_effect))

    def hold(self, symbol: str, qty: Decimal, price: Decimal) -> None:
        """Begin with this position."""
        self._held[symbol] = Position(symbol, qty, qty, price, price)

    def account(self) -> Account:
        self._question()
        worth = sum((p.qty * (p.price or p.average_price) for p in self._held.values()), Decimal(0))
        equity = self.cash + worth
        self.last_equity = equity if self.last_equity is None else self.last_equity
        return Account(
            self._number,
            "ACTIVE",
            equity,
            self.cash,
            self.cash - self._reserved(),
            is_blocked=False,
            last_equity=self.last_equity,
        )

    def positions(self) -> Sequence[Position]:
        self._question()
        return tuple(
            dataclasses.replace(position, available_qty=position.qty - self._selling(position.symbol))
            for position in self._held.values()
        )

    def asset(self, symbol: str) -> Asset | None:
        self._question()
        return self._assets.get(symbol)

    def assets(self) -> Sequence[Asset]:
        self._question()
        return tuple(asset for asset in self._assets.values() if asset.is_tradable)

    def order(self, order_id: str) -> BrokerOrder | None:
        self._question()
        return self._orders.get(order_id)

    def order_by_client_id(self, client_order_id: str) -> BrokerOrder | None:
        self._question()
        return self._named(client_order_id)

    def open_orders(self) -> Sequence[BrokerOrder]:
        self._question()
        return tuple(order for order in reversed(self._orders.values()) if not order.status.is_terminal)

    def orders_since(self, after: dt.datetime, symbols: Sequence[str] = ()) -> Sequence[BrokerOrder]:
        self._question()
        found = (order for order in self._orders.values() if order.submitted_at > after)
        return tuple(order for order in found if not symbols or order.symbol in symbols)

    def fills_since(self, after: dt.datetime) -> Sequence[Fill]:
        self._question()
        return tuple(fill for fill in self._fills if fill.at > after)

    def activities_since(self, after: dt.datetime) -> Sequence[Activity]:
        self._question()
        everything: list[Activity] = [*self._fills, *self._payments]
        return tuple(sorted((each for each in everything if each.at > after), key=lambda each: each.at))

    def place(self, request: OrderRequest) -> PlaceOutcome:
        return self._act("place", request.client_order_id, lambda: self._accept(request))

    def replace(self, order_id: str, *, client_order_id: str, qty: Decimal, limit_price: Decimal) -> PlaceOutcome:
        return self._act(
            "replace", client_order_id, lambda: self._exchange(order_id, client_order_id, qty, limit_price)
        )

    def cancel(self, order_id: str) -> CancelOutcome:
        return self._act("cancel", order_id, lambda: self._request_cancel(order_id))

    def fill(self, client_order_id: str, qty: Decimal, price: Decimal, *, tell: bool = True) -> Fill:
        """The market takes `qty` at `price`. `tell` False: the update is lost."""
        with self._lock:
            order = filled(self._must(client_order_id), qty, price)
            fill = Fill(self._id("execution"), order.id, order.symbol, order.side, qty, price, self._now())
            self._fills.append(fill)
            self._book(order.symbol, order.side, qty, price)
            event = "fill" if order.status is Status.FILLED else "partial_fill"
            update = BrokerUpdate(event, fill.at, order, fill.execution_id, qty, price, self._qty(order.symbol))
            self._put(order, update, tell=tell)
            return fill

    def pay(self, kind: str, amount: Decimal, symbol: str | None = None) -> Payment:
        """Money comes, or goes when negative: a dividend, a fee, a deposit."""
        with self._lock:
            payment = Payment(self._id("payment"), kind, amount, self._now(), symbol)
            self._payments.append(payment)
            self.cash += amount
            return payment

    def end(self, client_order_id: str, status: Status, *, tell: bool = True) -> None:
        """The order ends (or changes) without another fill: canceled, expired, rejected, done for the day."""
        with self._lock:
            order = dataclasses.replace(self._must(client_order_id), status=status)
            self._put(order, self._told(status.value, order), tell=tell)

    def _act(self, call: Call, name: str, act: Callable[[], _T]) -> _T | Rejected | Unknown:
        with self._lock:
            self.calls.append((call, name))
            scripted = self._next(call)
            if scripted is None:
                return act()
            if scripted.takes_effect:
                act()
            return outcome_in(scripted)

    def _accept(self, request: OrderRequest) -> PlaceOutcome:
        refused = self._objection(request)
        if refused is not None:
            return refused
        order = begun(request, self._id("order"), self._now())
        self._put(order, self._told("new", order))
        return Acknowledged(order)

    def _objection(self, request: OrderRequest) -> Rejected | None:
        if self._named(request.client_order_id) is not None:
            return no(RejectKind.DUPLICATE_CLIENT_ID, 422, 40010001, "client_order_id must be unique")
        shares, cash = self._qty(request.symbol) - self._selling(request.symbol), self.cash - self._reserved()
        return malformed(request, self._assets.get(request.symbol)) or unaffordable(request, shares, cash)

    def _exchange(self, order_id: str, client_order_id: str, qty: Decimal, limit_price: Decimal) -> PlaceOutcome:
        old = self._orders.get(order_id)
        if old is None:
            return no(RejectKind.NOT_FOUND, 404, 40410000, f"order not found for {order_id}")
        if self._named(client_order_id) is not None:
            return no(RejectKind.DUPLICATE_CLIENT_ID, 422, 40010001, "client_order_id must be unique")
        refused = irreplaceable(old, qty)
        if refused is not None:
            return refused
        order = dataclasses.replace(old, client_order_id=client_order_id, qty=qty, limit_price=limit_price)
        gone, new = exchanged(old, order, self._id("order"), self._now())
        self._put(gone, self._told("replaced", gone))
        self._put(new, self._told("new", new))
        return Acknowledged(new)

    def _request_cancel(self, order_id: str) -> CancelOutcome:
        order = self._orders.get(order_id)
        if order is None:
            return no(RejectKind.NOT_FOUND, 404, 40410000, f"order not found for {order_id}")
        if order.status.is_terminal:
            return no(RejectKind.NOT_CANCELABLE, 422, STATE, f'order is already in "{order.status.value}" state')
        pending = dataclasses.replace(order, status=Status.PENDING_CANCEL)
        self._put(pending, self._told("pending_cancel", pending))
        if not self.holds_cancels:
            self.end(order.client_order_id, Status.CANCELED)
        return CancelRequested()

    def _put(self, order: BrokerOrder, update: BrokerUpdate, *, tell: bool = True) -> None:
        self._orders[order.id] = order
        if tell:
            self._on_update(update)

    def _told(self, event: str, order: BrokerOrder) -> BrokerUpdate:
        return BrokerUpdate(event, self._now(), order, self._id("event"), position_qty=self._qty(order.symbol))

    def _book(self, symbol: str, side: Side, qty: Decimal, price: Decimal) -> None:
        change = qty if side == "buy" else -qty
        self.cash -= change * price
        held = self._held.get(symbol, Position(symbol, Decimal(0), Decimal(0), price, price))
        after = held.qty + change
        if after == 0:
            self._held.pop(symbol, None)
            return
        cost = held.qty * held.average_price + change * price
        average = cost / after if side == "buy" else held.average_price
        self._held[symbol] = Position(symbol, after, after, average, price)

    def _question(self) -> None:
        scripted = self._next("question")
        if scripted is not None:
            assert isinstance(scripted.answer, BrokerUnavailableError)  # noqa: S101 - questions have no other bad answer
            raise scripted.answer

    def _next(self, call: Call) -> Scripted | None:
        return self._scripts[call].popleft() if self._scripts[call] else None

    def _named(self, client_order_id: str) -> BrokerOrder | None:
        return next((o for o in self._orders.values() if o.client_order_id == client_order_id), None)

    def _must(self, client_order_id: str) -> BrokerOrder:
        order = self._named(client_order_id)
        if order is None or order.status.is_terminal:
            raise LookupError(f"{client_order_id}: expected a live order, got {order}")
        return order

    def _qty(self, symbol: str) -> Decimal:
        return self._held[symbol].qty if symbol in self._held else Decimal(0)

    def _live(self, side: Side) -> Iterable[tuple[BrokerOrder, Decimal]]:
        for order in self._orders.values():
            if order.side == side and not order.status.is_terminal and order.qty is not None:
                yield order, order.qty - order.filled_qty

    def _selling(self, symbol: str) -> Decimal:
        return sum((rest for order, rest in self._live("sell") if order.symbol == symbol), Decimal(0))

    def _reserved(self) -> Decimal:
        return sum((rest * (order.limit_price or Decimal(0)) for order, rest in self._live("buy")), Decimal(0))

    def _id(self, what: str) -> str:
        return str(uuid.uuid5(_NO_ID, f"{what}-{next(self._ids)}"))

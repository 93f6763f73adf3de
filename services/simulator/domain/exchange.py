"""The venue as a whole: accounts that place, replace and cancel orders, and time that goes on.

Knows no wire and no clock: every call brings the instant, which never goes back. Refusals are raised as Rejection.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Mapping
from decimal import Decimal

from services.simulator.domain.account import DEFAULT_CASH, Account
from services.simulator.domain.account_rules import check_account
from services.simulator.domain.agenda import Agenda
from services.simulator.domain.book import Book
from services.simulator.domain.calls import Call, Cancelled, Configured, Fate, Halted, Replaced, Submitted, Switch
from services.simulator.domain.fees import FeeSchedule
from services.simulator.domain.fill_models import FillModel, Take, limit_of, touch
from services.simulator.domain.group_rules import check_group
from services.simulator.domain.identity import Identity, asset_id
from services.simulator.domain.lifecycle import Lifecycle
from services.simulator.domain.market import Listing, Market
from services.simulator.domain.marks import Marks
from services.simulator.domain.matching import Matching
from services.simulator.domain.order_entry import OrderEntry, take_place
from services.simulator.domain.order_request import OrderRequest, ReplaceRequest
from services.simulator.domain.order_rules import check_order
from services.simulator.domain.orders import TERMINAL, Order, Status
from services.simulator.domain.rejections import halted, not_found, not_unique, unprocessable
from services.simulator.domain.replacement import check_replacement
from services.simulator.domain.trade_events import Tape, TradeEvent


class Exchange:
    def __init__(
        self,
        market: Market,
        *,
        identity: Identity,
        model: FillModel,
        fees: FeeSchedule,
        start: dt.datetime,
        starting_cash: Decimal = DEFAULT_CASH,
    ) -> None:
        self.market = market
        self.marks = Marks(market)
        self.accounts: dict[str, Account] = {}
        self.listings: dict[str, Listing] = {listing.symbol: listing for listing in market.listings()}
        self._by_asset_id = {asset_id(symbol): listing for symbol, listing in self.listings.items()}
        self._identity = identity
        self._start = start
        self._starting_cash = starting_cash
        self._tape = Tape(identity)
        self._entry = OrderEntry(identity)
        self._lifecycle = Lifecycle(identity, Book(), Agenda(), self._tape, fees)
        self._matching = Matching(market, model, self._lifecycle, start)
        self.on_call: Callable[[Call], None] = lambda _call: None
        """Hears of everything a client did that was not refused."""

    @property
    def now(self) -> dt.datetime:
        return self._matching.now

    def advance(self, now: dt.datetime) -> None:
        """Everything that happens until `now`."""
        self._matching.advance(now)

    def drain_events(self) -> list[TradeEvent]:
        return self._tape.drain()

    def account(self, key: str) -> Account:
        """The account of that name; a new name opens one."""
        account = self.accounts.get(key)
        if account is None:
            account = Account(
                key=key,
                id=self._identity.uuid("account", key),
                number=self._identity.account_number(key),
                created_at=self._start,
                starting_cash=self._starting_cash,
            )
            self.accounts[key] = account
        return account

    def listing(self, symbol_or_id: str) -> Listing | None:
        return self.listings.get(symbol_or_id.upper()) or self._by_asset_id.get(symbol_or_id.lower())

    def submit(self, account: Account, request: OrderRequest, now: dt.datetime) -> Order:
        """Takes the order in, or raises Rejection. Returns it as acknowledged, before the market has answered."""
        self.advance(now)
        if request.client_order_id is not None and request.client_order_id in account.by_client_order_id:
            raise not_unique()
        listing = self.listings.get(request.symbol)
        if listing is None:
            raise unprocessable(f'asset "{request.symbol}" not found')
        if request.symbol in self._matching.halted:
            raise halted(request.symbol)
        check_order(request, listing, now)
        check_group(request, self.marks, now)
        terms = check_account(account, request, listing, self.marks, now)
        order = self._entry.order(account, request, terms, now)
        for admitted in (order, *order.legs):
            self._lifecycle.admit(admitted, now)
        acknowledged = order.snapshot()
        if order.status is Status.PENDING_NEW:
            self._lifecycle.route(order, now)
        self.on_call(Submitted(account.key, now, request))
        return acknowledged

    def configure(self, account: Account, changes: Mapping[str, Switch], now: dt.datetime) -> None:
        self.advance(now)
        for name, value in changes.items():
            setattr(account.configuration, name, value)
        self.on_call(Configured(account.key, now, dict(changes)))

    def halt(self, symbol: str, now: dt.datetime, *, is_halted: bool) -> None:
        """From now on nothing trades in it and new orders are refused; or again they are not. Open orders stay and may be cancelled."""
        self.advance(now)
        if symbol not in self.listings:
            raise unprocessable(f'asset "{symbol}" not found')
        if is_halted:
            self._matching.halted.add(symbol)
        else:
            self._matching.resume(symbol, now)
        self.on_call(Halted(symbol, now, is_halted))

    @property
    def halts(self) -> tuple[str, ...]:
        return tuple(sorted(self._matching.halted))

    def order(self, account: Account, order_id: str) -> Order:
        order = account.orders.get(order_id.lower())
        if order is None:
            raise not_found(f"order not found for {order_id}")
        return order

    def cancel(self, account: Account, order_id: str, now: dt.datetime, fate: Fate = Fate.HONOURED) -> None:
        self.advance(now)
        order = self.order(account, order_id)
        if order.status in TERMINAL or order.status in {Status.PENDING_CANCEL, Status.PENDING_REPLACE}:
            raise unprocessable(f'order is already in "{order.status}" state')
        self._lifecycle.request_cancel(order, now)
        overtaken = fate is Fate.FILLED and self._fill_whole(order, now)
        if not overtaken and fate is not Fate.STUCK:
            self._lifecycle.cancel(order, now)
        self.on_call(Cancelled(account.key, now, order.id, fate))

    def replace(
        self, account: Account, order_id: str, request: ReplaceRequest, now: dt.datetime, fate: Fate = Fate.HONOURED
    ) -> Order:
        """Returns the successor as acknowledged, or raises Rejection."""
        self.advance(now)
        acknowledged = self._replace(self.order(account, order_id), request, now, fate)
        self.on_call(Replaced(account.key, now, order_id, request, fate))
        return acknowledged

    def _replace(self, old: Order, request: ReplaceRequest, now: dt.datetime, fate: Fate) -> Order:
        terms = check_replacement(old, request, self.marks, now)
        new = self._entry.successor(old, request, terms, now)
        watched = old.status is Status.HELD and old in self._lifecycle.book
        self._lifecycle.request_replace(old, now)
        if fate is Fate.FILLED and self._fill_whole(old, now):
            return self._too_late(old, new, now)
        take_place(new, old)
        self._lifecycle.replace(old, new, now)
        self._lifecycle.admit(new, now)
        acknowledged = new.snapshot()
        if watched:
            self._lifecycle.watch(new, now)
        elif new.status is Status.PENDING_NEW:
            self._lifecycle.route(new, now)
        return acknowledged

    def _too_late(self, old: Order, new: Order, now: dt.datetime) -> Order:
        self._lifecycle.admit(new, now)
        acknowledged = new.snapshot()
        self._lifecycle.refuse_replace(old, now)
        self._lifecycle.reject(new, now)
        return acknowledged

    def _fill_whole(self, order: Order, now: dt.datetime) -> bool:
        """Fills what is left as if a trade had overtaken a request; False when there is no price for it."""
        quote = self._matching.prevailing(order.symbol, now)
        price = limit_of(order) or (touch(order, quote) if quote is not None else None)
        price = price or self.marks.last(order.symbol, now)
        if not price:
            return False
        self._lifecycle.fill(order, Take(order.remaining_at(price), price, completes=True), now)
        return True

"""Brings the orders at the market and its quotes and trades together, in the order of virtual time.

Only symbols with orders at the market are looked at. Everything is stamped with the instant of the quote or trade that
caused it, however late it is noticed.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from decimal import Decimal
from itertools import groupby

from services.simulator.domain.fill_models import FillModel
from services.simulator.domain.hours import Phase, phase_at, trading_day
from services.simulator.domain.lifecycle import Lifecycle
from services.simulator.domain.lookahead import Event, Lookahead, instant_of
from services.simulator.domain.market import Market, Quote, Trade
from services.simulator.domain.orders import Order, OrderType, Side, Status, TimeInForce
from services.simulator.domain.triggers import elects, inside, trail
from shared.sessions import new_york_date

_MATCHABLE = frozenset({Status.NEW, Status.PARTIALLY_FILLED})
_IMMEDIATE = frozenset({TimeInForce.IOC, TimeInForce.FOK})


class Matching:
    """`now` is how far the market has been looked through."""

    def __init__(self, market: Market, model: FillModel, lifecycle: Lifecycle, start: dt.datetime) -> None:
        self._market = market
        self._model = model
        self._lifecycle = lifecycle
        self._book = lifecycle.book
        self._agenda = lifecycle.agenda
        self._lookahead = Lookahead(market)
        self._watched: list[tuple[str, bool]] = []
        self._watched_at = -1
        self.now = start
        self.halted: set[str] = set()
        """Symbols in which nothing trades."""
        lifecycle.offer = self.offer

    def advance(self, to: dt.datetime) -> None:
        """Everything that happens after `now` and until `to`."""
        while self.now < to or self._is_due(to):
            due = self._agenda.next_at()
            end = to if due is None else min(due, to)
            self._look_through(max(end, self.now))
            self._agenda.run_due(self.now)

    def offer(self, order: Order, at: dt.datetime) -> None:
        """Shows the order the prevailing quote; what an immediate order leaves is canceled."""
        if order.type is OrderType.TRAILING_STOP and order.hwm is None:
            self._start_trail(order, at)
        quote = self.prevailing(order.symbol, at)
        if quote is not None:
            self._try(order, quote, at, phase_at(at))
        if order.time_in_force in _IMMEDIATE and order.status in _MATCHABLE:
            self._lifecycle.cancel(order, at)

    def resume(self, symbol: str, at: dt.datetime) -> None:
        """What rested through a halt is shown the quote of now."""
        self.halted.discard(symbol)
        for order in self._book.orders(symbol):
            self.offer(order, at)

    def prevailing(self, symbol: str, at: dt.datetime) -> Quote | None:
        """The newest quote of the current trading day; yesterday's is no market."""
        quote = self._market.quote(symbol, at)
        day = trading_day(new_york_date(at))
        return quote if quote is not None and day is not None and quote.at >= day.extended_open else None

    def _is_due(self, to: dt.datetime) -> bool:
        due = self._agenda.next_at()
        return due is not None and due <= to

    def _look_through(self, end: dt.datetime) -> None:
        """Up to `end`, or less far when the agenda gets something earlier or other symbols have to be watched."""
        version = self._book.version
        for at, events in groupby(self._events(end), key=instant_of):
            phase = phase_at(at)
            for event in events:
                self._show(event, phase)
            self.now = at
            due = self._agenda.next_at()
            if self._book.version != version or (due is not None and due < end):
                return
        self.now = end

    def _events(self, end: dt.datetime) -> Iterator[Event]:
        if self._watched_at != self._book.revision:
            self._watched = [(symbol, self._needs_trades(symbol)) for symbol in self._book.symbols()]
            self._watched_at = self._book.revision
        return self._lookahead.events(self._watched, self.now, end)

    def _needs_trades(self, symbol: str) -> bool:
        return self._model.needs_trades or any(order.awaits_election for order in self._book.orders(symbol))

    def _show(self, event: Event, phase: Phase) -> None:
        if isinstance(event, Quote):
            if self._model.only_marketable and not self._book.reach(event.symbol).covers(event):
                return
            for order in self._book.orders(event.symbol):
                self._try(order, event, event.at, phase)
            return
        for order in self._book.orders(event.symbol):
            self._react(order, event, phase)

    def _react(self, order: Order, trade: Trade, phase: Phase) -> None:
        if not self._may_trade(order, phase):
            return
        if order.awaits_election:
            self._watch(order, trade)
            return
        take = self._model.on_trade(order, trade) if order.status in _MATCHABLE else None
        if take is not None:
            self._lifecycle.fill(order, take, trade.at)

    def _watch(self, order: Order, trade: Trade) -> None:
        quote = self.prevailing(order.symbol, trade.at)
        if quote is not None and not inside(trade.price, quote):
            return
        trail(order, trade.price)
        if not elects(order, trade.price):
            return
        self._lifecycle.elect(order, trade.at)
        if quote is not None:
            self._try(order, quote, trade.at, Phase.REGULAR)

    def _try(self, order: Order, quote: Quote, at: dt.datetime, phase: Phase) -> None:
        if order.status not in _MATCHABLE or order.awaits_election or not self._may_trade(order, phase):
            return
        take = self._model.on_quote(order, quote)
        if take is None:
            return
        self._lifecycle.fill(order, take, at)
        if order.is_open and self._model.retry_after is not None and order.time_in_force not in _IMMEDIATE:
            self._agenda.add(at + self._model.retry_after, lambda due: self._look_again(order, due))

    def _may_trade(self, order: Order, phase: Phase) -> bool:
        if order.symbol in self.halted:
            return False
        return phase is Phase.REGULAR or (order.extended_hours and phase is not Phase.CLOSED)

    def _look_again(self, order: Order, at: dt.datetime) -> None:
        if order in self._book:
            self.offer(order, at)

    def _start_trail(self, order: Order, at: dt.datetime) -> None:
        price = self._last_price(order, at)
        if price is not None:
            trail(order, price)

    def _last_price(self, order: Order, at: dt.datetime) -> Decimal | None:
        trade = self._market.trade(order.symbol, at)
        if trade is not None:
            return trade.price
        quote = self._market.quote(order.symbol, at)
        return None if quote is None else (quote.bid if order.side is Side.SELL else quote.ask) or None

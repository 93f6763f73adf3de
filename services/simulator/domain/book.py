"""The orders that are at the market, by symbol, in the order of their arrival."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from decimal import Decimal

from services.simulator.domain.fill_models import limit_of
from services.simulator.domain.market import Quote
from services.simulator.domain.orders import Order, Side

_ANY_PRICE = Decimal("Infinity")
_NO_PRICE = Decimal("-Infinity")


@dataclass(frozen=True, slots=True)
class Reach:
    """How far a symbol's orders would go: no order buys above the one price, none sells below the other."""

    buys_up_to: Decimal
    sells_down_to: Decimal

    def covers(self, quote: Quote) -> bool:
        return quote.ask <= self.buys_up_to or quote.bid >= self.sells_down_to


class Book:
    """`version` changes whenever other prices may have to be watched than before, `revision` with every order."""

    def __init__(self) -> None:
        self._orders: dict[str, dict[str, Order]] = {}
        self._reach: dict[str, Reach] = {}
        self.version = 0
        self.revision = 0

    def add(self, order: Order) -> None:
        self._orders.setdefault(order.symbol, {})[order.id] = order
        self.changed(order)
        self.version += 1

    def remove(self, order: Order) -> None:
        there = self._orders.get(order.symbol, {})
        if there.pop(order.id, None) is None:
            return
        self.changed(order)
        if not there:
            del self._orders[order.symbol]
            self.version += 1

    def changed(self, order: Order) -> None:
        """To be told when an order at the market reaches further than before."""
        self._reach.pop(order.symbol, None)
        self.revision += 1

    def symbols(self) -> list[str]:
        return sorted(self._orders)

    def orders(self, symbol: str) -> tuple[Order, ...]:
        return tuple(self._orders.get(symbol, {}).values())

    def reach(self, symbol: str) -> Reach:
        found = self._reach.get(symbol)
        if found is None:
            found = self._reach[symbol] = _reach_of(self._orders.get(symbol, {}).values())
        return found

    def __contains__(self, order: Order) -> bool:
        return order.id in self._orders.get(order.symbol, {})


def _reach_of(orders: Iterable[Order]) -> Reach:
    buys, sells = _NO_PRICE, _ANY_PRICE
    for order in orders:
        if order.awaits_election:
            continue
        limit = limit_of(order)
        if order.side is Side.BUY:
            buys = max(buys, _ANY_PRICE if limit is None else limit)
        else:
            sells = min(sells, _NO_PRICE if limit is None else limit)
    return Reach(buys, sells)

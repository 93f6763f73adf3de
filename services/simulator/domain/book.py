"""The orders that are at the market, by symbol, in the order of their arrival."""

from __future__ import annotations

from services.simulator.domain.orders import Order


class Book:
    """`version` changes whenever other prices may have to be watched than before."""

    def __init__(self) -> None:
        self._orders: dict[str, dict[str, Order]] = {}
        self.version = 0

    def add(self, order: Order) -> None:
        self._orders.setdefault(order.symbol, {})[order.id] = order
        self.version += 1

    def remove(self, order: Order) -> None:
        there = self._orders.get(order.symbol, {})
        if there.pop(order.id, None) is not None and not there:
            del self._orders[order.symbol]
            self.version += 1

    def symbols(self) -> list[str]:
        return sorted(self._orders)

    def orders(self, symbol: str) -> tuple[Order, ...]:
        return tuple(self._orders.get(symbol, {}).values())

    def __contains__(self, order: Order) -> bool:
        return order.id in self._orders.get(order.symbol, {})

"""Cancels our open orders and proves that they are gone: for a halt, for a request, before a new plan.

A desk at work hears the same wish and does it itself; only what no desk ends is cancelled from here.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Final

from services.execution.adapters.ancestry import placed_as
from services.execution.domain.broker import BrokerOrder
from services.execution.ports import Broker, Journal, StoppedOrders
from shared.contracts.base import Side

_POLL_SECONDS: Final = 0.25
_CLEAN_LOOKS: Final = 2
"""An order on its way to the broker shows only at the second look."""


class OrderStopper:
    """Real seconds. `pause` waits; `is_desk_at_work` tells whether a desk should do it first. Raises BrokerUnavailableError."""

    def __init__(
        self,
        broker: Broker,
        journal: Journal,
        *,
        pause: Callable[[float], object],
        is_desk_at_work: Callable[[], bool],
        desk_seconds: float = 2.0,
        patience_seconds: float = 10.0,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._broker = broker
        self._journal = journal
        self._pause = pause
        self._is_desk_at_work = is_desk_at_work
        self._desk_seconds = desk_seconds
        self._patience = patience_seconds
        self._monotonic = monotonic

    def stop(
        self, symbols: frozenset[str] = frozenset(), sides: frozenset[Side] = frozenset({"buy", "sell"})
    ) -> StoppedOrders:
        """All of ours, or only those of these symbols and sides."""
        started, seen, asked, clean = self._monotonic(), set[str](), set[str](), 0
        grace = self._desk_seconds if self._is_desk_at_work() else 0.0
        while True:
            found = [
                order for order in self._ours() if (not symbols or order.symbol in symbols) and order.side in sides
            ]
            seen |= {order.id for order in found}
            clean = 0 if found else clean + 1
            waited = self._monotonic() - started
            if waited > self._patience or clean >= _CLEAN_LOOKS or (clean and not grace):
                return StoppedOrders(len(seen) - len(found), tuple(order.client_order_id for order in found))
            if waited >= grace:
                self._cancel(found, asked)
            self._pause(_POLL_SECONDS)

    def open_orders(self) -> tuple[BrokerOrder, ...]:
        """Everybody's."""
        return tuple(self._broker.open_orders())

    def is_ours(self, order: BrokerOrder) -> bool:
        """Also what a person put in the place of one of ours."""
        return placed_as(order, self._broker.order, self._journal) is not None

    def _ours(self) -> list[BrokerOrder]:
        return [order for order in self._broker.open_orders() if self.is_ours(order)]

    def _cancel(self, orders: list[BrokerOrder], asked: set[str]) -> None:
        for order in orders:
            if order.id not in asked:
                asked.add(order.id)
                self._broker.cancel(order.id)

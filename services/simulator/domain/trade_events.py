"""The order events an account's trade_updates stream carries, collected until somebody fetches them."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from decimal import Decimal

from services.simulator.domain.identity import Identity
from services.simulator.domain.orders import Order


@dataclass(frozen=True, slots=True)
class Execution:
    """Price and quantity of one fill alone, and the position after it (signed)."""

    qty: Decimal
    price: Decimal
    position_qty: Decimal


@dataclass(frozen=True, slots=True)
class TradeEvent:
    """`order` is a snapshot of the moment; `at` is when it happened in the market."""

    account_key: str
    event: str
    id: str
    number: int
    at: dt.datetime
    order: Order
    execution: Execution | None = None

    @property
    def is_fill(self) -> bool:
        return self.execution is not None


class Tape:
    def __init__(self, identity: Identity) -> None:
        self._identity = identity
        self._events: list[TradeEvent] = []

    def emit(self, event: str, order: Order, at: dt.datetime, execution: Execution | None = None) -> str:
        """Returns the event's id, which is the execution id of a fill."""
        account = order.account
        number = account.count("event")
        unique = self._identity.uuid("event", account.key, number)
        self._events.append(TradeEvent(account.key, event, unique, number, at, order.snapshot(), execution))
        return unique

    def drain(self) -> list[TradeEvent]:
        """What was emitted since the last call, in order."""
        events, self._events = self._events, []
        return events

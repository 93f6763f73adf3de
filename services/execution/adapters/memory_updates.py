"""The in-memory twin of updates_stream.py."""

from __future__ import annotations

import dataclasses
import threading
from collections.abc import Sequence
from decimal import Decimal

from services.execution.adapters.updates_stream import Seen, identity_of
from services.execution.domain.broker import BrokerUpdate


class MemoryUpdates:
    """A position is a count in decimal digits; "0" is the beginning."""

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._updates: list[BrokerUpdate] = []
        self._identities: set[tuple[str, str]] = set()
        self._seen: dict[str, Seen] = {}

    def after(self, position: str, *, block_seconds: float) -> tuple[str, Sequence[BrokerUpdate]]:
        with self._changed:
            if block_seconds > 0:
                self._changed.wait_for(lambda: len(self._updates) > int(position), block_seconds)
            return str(len(self._updates)), tuple(self._updates[int(position) :])

    def end(self) -> str:
        with self._changed:
            return str(len(self._updates))

    def append(self, update: BrokerUpdate, *, seen: Seen | None = None) -> bool:
        identity = (update.order.id, identity_of(update))
        with self._changed:
            known = self._seen.get(update.order.id, Seen())
            if identity in self._identities or (seen is not None and seen.version != known.version):
                return False
            self._identities.add(identity)
            self._updates.append(update)
            self._seen[update.order.id] = _with(known, update)
            self._changed.notify_all()
            return True

    def seen(self, order_id: str) -> Seen:
        with self._changed:
            return self._seen.get(order_id, Seen())


def _with(known: Seen, update: BrokerUpdate) -> Seen:
    order = update.order
    grown = dataclasses.replace(known, version=known.version + 1)
    if order.filled_qty >= known.filled_qty:
        notional = order.filled_qty * (order.filled_avg_price or Decimal(0))
        grown = dataclasses.replace(grown, filled_qty=order.filled_qty, notional=notional)
    if order.status.is_terminal or known.status is None or not known.status.is_terminal:
        grown = dataclasses.replace(grown, status=order.status)
    return grown

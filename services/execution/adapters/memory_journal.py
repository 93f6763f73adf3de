"""The in-memory twin of redis_journal.py."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from dataclasses import dataclass

from services.execution.adapters.intent_record import ENDED
from services.execution.adapters.memory_leases import MemoryLeases
from services.execution.ports import FencedOutError, Intent


@dataclass(slots=True)
class _Entry:
    intent: Intent
    outcome: str | None = None
    broker_order_id: str | None = None


class MemoryJournal:
    """Asks `leases` whether an intent's fence is still the newest."""

    def __init__(self, leases: MemoryLeases) -> None:
        self._leases = leases
        self._lock = threading.Lock()
        self._entries: dict[str, _Entry] = {}

    def intend(self, intent: Intent) -> bool:
        with self._lock:
            if not self._leases.is_newest(intent.fence):
                raise FencedOutError(
                    f"{intent.client_order_id}: fence {intent.fence} is no longer the newest of its lease"
                )
            if intent.client_order_id in self._entries:
                return False
            self._entries[intent.client_order_id] = _Entry(intent)
            return True

    def settle(self, client_order_id: str, outcome: str, broker_order_id: str | None) -> None:
        with self._lock:
            entry = self._entries.get(client_order_id)
            if entry is None:
                return
            entry.broker_order_id = broker_order_id or entry.broker_order_id
            has_ended = entry.outcome in ENDED and outcome not in ENDED
            is_known = entry.outcome not in (None, "unknown") and outcome == "unknown"
            if not has_ended and not is_known:
                entry.outcome = outcome

    def intents(self, plan_id: str) -> Sequence[tuple[Intent, str | None, str | None]]:
        with self._lock:
            return tuple(
                (entry.intent, entry.outcome, entry.broker_order_id)
                for entry in self._entries.values()
                if entry.intent.plan_id == plan_id
            )

    def unsettled(self) -> Sequence[Intent]:
        with self._lock:
            return tuple(e.intent for e in self._entries.values() if e.outcome in (None, "unknown"))

    def knows(self, client_order_id: str) -> bool:
        with self._lock:
            return client_order_id in self._entries

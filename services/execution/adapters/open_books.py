"""The ledger as this process knows it: read from the store, written through it, looked at from any thread.

Several processes may keep the books of one account: an entry has one name, and `head` tells that another one wrote.
"""

from __future__ import annotations

import datetime as dt
import threading
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Final, TypeVar

from services.execution.adapters.ledger_store import LedgerStore, ledger_name, month_of
from services.execution.domain.ledger import Ledger, in_order
from services.execution.domain.ledger_entries import Entry, entry_of
from shared.bus import Bus, Change, Outcome, Publication

_T = TypeVar("_T")
_UNKNOWN: Final = "?"
_NEW_MONTHS: Final = dt.timedelta(days=40)
"""What another process wrote lately stands in this month or the one before."""


class OpenBooks:
    """`account` is the account's number: another account has another ledger. One thread writes."""

    def __init__(self, bus: Bus, account: str) -> None:
        self._bus = bus
        self._store = LedgerStore(bus)
        self._default = ledger_name(account)
        self._lock = threading.RLock()
        self._head: str | None = None
        self._ids: set[str] = set()
        self._entries: list[Entry] = []
        self.name = ""
        self.ledger = Ledger()

    def look(self, at: Callable[[Ledger], _T]) -> _T:
        """What `at` makes of the ledger while nobody writes in it."""
        with self._lock:
            return at(self.ledger)

    def entries(self) -> tuple[Entry, ...]:
        """All of them, in order."""
        with self._lock:
            return tuple(self._entries)

    def has(self, entry_id: str) -> bool:
        return entry_id in self._ids

    def catch_up(self, now: dt.datetime) -> None:
        """Read what others wrote: the planner's plans, another process's entries. Raises ValueError for what it cannot read.

        A Redis that came back from its file may have forgotten what we know; then what it has is what is true.
        """
        name, head = self._store.newest()
        if name is None or name.partition("-")[0] != self._default.partition("-")[0]:
            name = self._default
        if (name, head) == (self.name, self._head):
            return
        since = now - _NEW_MONTHS if name == self.name else None
        written = self._store.written(name, since)
        if since is not None and self._forgotten(written, since):
            since, written = None, self._store.written(name)
        with self._lock:
            if since is None:
                self.name, self._entries, self._ids, self.ledger = name, [], set(), Ledger()
            self._head = head
            self._absorb(entry_of(raw) for entry_id, raw in written.items() if entry_id not in self._ids)

    def write(self, entries: Sequence[Entry], *, begins: bool = False, telling: Sequence[Publication] = ()) -> None:
        """Once each, however often it is repeated, together with what people are told of it.

        `begins`: the ledger of this account is the one in use from now on.
        """
        changes: tuple[Change, ...] = self._store.writing(self.name, entries)
        if begins:
            changes = (self._store.using(self.name), *changes)
        self._bus.commit(Outcome(tuple(telling), changes))
        with self._lock:
            self._head = _UNKNOWN  # somebody may have written just before, or Redis may forget this: it is read again
            self._absorb(entries)

    def _forgotten(self, written: Mapping[str, str], since: dt.datetime) -> bool:
        first = month_of(since)
        return any(entry.id not in written for entry in self._entries if month_of(entry.at) >= first)

    def _absorb(self, entries: Iterable[Entry]) -> None:
        """What comes last is added; what belongs in between makes the ledger anew."""
        new = [entry for entry in entries if entry.id not in self._ids]
        if not new:
            return
        before, after = self._entries, in_order([*self._entries, *new])
        is_tail = all(old is kept for old, kept in zip(before, after, strict=False))
        if not is_tail:
            self.ledger = Ledger()
        for entry in after[len(before) if is_tail else 0 :]:
            self.ledger.apply(entry)
        self._entries = after
        self._ids.update(entry.id for entry in new)

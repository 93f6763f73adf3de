"""What a round of bookkeeping found and did, and what a person may decide about it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Literal

from services.execution.domain.books_check import Doubt, Mismatch
from services.execution.domain.ledger_entries import Entry, Executed


@dataclass(frozen=True, slots=True)
class Decision:
    """A person's word. Symbols are named, or all that it can be about when empty; accepting CASH takes the broker's cash."""

    id: str
    what: Literal["accept", "accept as split", "adopt"]
    symbols: tuple[str, ...]
    reason: str


@dataclass(frozen=True, slots=True)
class BooksReport:
    """One round. `waiting_for` says why there are no books yet. `cash`: ours and the broker's, where both were looked at."""

    waiting_for: str = ""
    booked: tuple[Entry, ...] = ()
    decided: tuple[Entry, ...] = ()
    doubts: tuple[Doubt, ...] = ()
    breaches: tuple[Mismatch, ...] = ()
    under_way: Mapping[str, Decimal] = field(default_factory=dict)
    foreign: Mapping[str, Decimal] = field(default_factory=dict)
    cash: tuple[Decimal, Decimal] | None = None

    @property
    def is_clean(self) -> bool:
        """The books and the broker agree, and nothing in the account is somebody else's doing."""
        others = any(isinstance(entry, Executed) and entry.plan_id is None for entry in self.booked)
        return not (self.doubts or self.waiting_for or others)

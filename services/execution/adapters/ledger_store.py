"""The ledger's entries in state: a hash per ledger and month, entry id -> entry. Nothing is ever trimmed.

An entry written twice is written once: its name is its identity. `head` changes with every writing, so that a reader knows
when to look again. About 400 bytes an execution: ten thousand of them are four megabytes of Redis.
"""

from __future__ import annotations

import datetime as dt
import hashlib
import json
import uuid
from collections.abc import Iterable, Mapping
from decimal import Decimal
from typing import Final

from services.execution.domain.ledger_entries import Entry, Wanted, WantedLine
from services.execution.domain.records import PlanRecord
from shared.bus import Bus, Change, Put

INDEX: Final = "ledger_index"
""""ledger" -> the one in use; "head" -> changes with every writing"""
MONTHS: Final = "ledger_months"
""""<ledger>:<month>" -> "1" """
MARKS: Final = "ledger_marks"
"""New York date -> JSON of symbol -> the price at which that day last stood"""
_LEDGER, _HEAD = "ledger", "head"


def entries_key(ledger: str, month: str) -> str:
    return f"ledger:{ledger}:{month}"


def month_of(at: dt.datetime) -> str:
    return f"{at.astimezone(dt.UTC):%Y-%m}"


def ledger_name(account: str, number: int = 1) -> str:
    """Account numbers stand in no key."""
    return f"{hashlib.sha256(account.encode()).hexdigest()[:10]}-{number}"


def marking(day: dt.date, prices: Mapping[str, Decimal]) -> Change:
    """What to commit to keep the prices at which a day last stood."""
    told = {symbol: str(price) for symbol, price in sorted(prices.items())}
    return Put(MARKS, day.isoformat(), json.dumps(told))


class LedgerStore:
    """Reads raise BusUnavailableError."""

    def __init__(self, bus: Bus) -> None:
        self._bus = bus

    def in_use(self) -> str | None:
        return self.newest()[0]

    def newest(self) -> tuple[str | None, str | None]:
        """The ledger in use, and what changes with every entry that anybody writes."""
        index = self._bus.get_all(INDEX)
        return index.get(_LEDGER), index.get(_HEAD)

    def written(self, ledger: str, since: dt.datetime | None = None) -> dict[str, str]:
        """Entry id -> its document, of all months or of those from `since` on."""
        first = "" if since is None else month_of(since)
        found: dict[str, str] = {}
        for field in self._bus.get_all(MONTHS):
            name, _, month = field.rpartition(":")
            if name == ledger and month >= first:
                found |= self._bus.get_all(entries_key(ledger, month))
        return found

    def marks(self) -> dict[dt.date, dict[str, Decimal]]:
        """The prices at which each day last stood."""
        return {
            dt.date.fromisoformat(day): {symbol: Decimal(price) for symbol, price in json.loads(raw).items()}
            for day, raw in self._bus.get_all(MARKS).items()
        }

    def using(self, ledger: str) -> Change:
        return Put(INDEX, _LEDGER, ledger)

    def writing(self, ledger: str, entries: Iterable[Entry]) -> tuple[Change, ...]:
        """What to commit for these entries."""
        changes: list[Change] = []
        for entry in entries:
            month = month_of(entry.at)
            changes.append(Put(entries_key(ledger, month), entry.id, entry.model_dump_json()))
            changes.append(Put(MONTHS, f"{ledger}:{month}", "1"))
        return (*changes, Put(INDEX, _HEAD, uuid.uuid4().hex)) if changes else ()

    def remembering(self, plan: PlanRecord) -> tuple[Change, ...]:
        """What to commit with a plan, so that its executions are known as its; nothing while there is no ledger."""
        ledger = self.in_use()
        return () if ledger is None else self.writing(ledger, [wanted_by(plan)])


def wanted_by(plan: PlanRecord) -> Wanted:
    """Where nothing is traded, what is held is divided as it is wanted; a symbol that was refused has no price for that."""
    refused, traded = {r.symbol for r in plan.refusals}, {trade.symbol for trade in plan.trades}
    lines = (
        WantedLine(
            symbol=line.symbol,
            target_qty=line.target_qty if line.symbol in traded else line.held_qty,
            price=line.price,
            crosses=line.symbol not in refused,
        )
        for line in plan.lines
    )
    return Wanted(
        id=f"plan:{plan.plan_id}",
        at=plan.created_at,
        plan_id=plan.plan_id,
        lines=tuple(lines),
        by_strategy=plan.by_strategy,
        silent=plan.silent,
    )

"""What the ledger's entries come to: postings to owners, lots that were closed, payments; and the lots that stay open."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Literal

from services.execution.domain import lots
from services.execution.domain.ledger_entries import Accepted, Adopted, Category, Executed, Opened, Wanted
from services.execution.domain.lots import ZERO, ClosedLot, Lot
from shared.contracts.base import Side

PostingKind = Literal["opened", "executed", "crossed", "accepted", "adopted"]


@dataclass(frozen=True, slots=True)
class Posting:
    """One owner's part of one entry."""

    entry_id: str
    at: dt.datetime
    kind: PostingKind
    owner: str
    symbol: str
    side: Side
    qty: Decimal
    price: Decimal
    order_id: str | None = None
    client_order_id: str | None = None
    plan_id: str | None = None


@dataclass(frozen=True, slots=True)
class Closing:
    """A lot of an owner that went."""

    owner: str
    symbol: str
    lot: ClosedLot


@dataclass(frozen=True, slots=True)
class Payment:
    """An owner's part of money that came or went."""

    entry_id: str
    at: dt.datetime
    owner: str
    symbol: str | None
    type: str
    category: Category
    amount: Decimal


@dataclass(frozen=True, slots=True)
class Move:
    """Shares of a symbol that an entry moves at one price."""

    entry: Opened | Wanted | Executed | Accepted | Adopted
    kind: PostingKind
    symbol: str
    price: Decimal

    def posting(self, owner: str, qty: Decimal) -> Posting:
        entry = self.entry
        return Posting(
            entry_id=entry.id,
            at=entry.at,
            kind=self.kind,
            owner=owner,
            symbol=self.symbol,
            side="buy" if qty > 0 else "sell",
            qty=abs(qty),
            price=self.price,
            order_id=entry.order_id if isinstance(entry, Executed) else None,
            client_order_id=entry.client_order_id if isinstance(entry, Executed) else None,
            plan_id=entry.plan_id if isinstance(entry, Executed | Wanted) else None,
        )


@dataclass
class Lots:
    """The open lots of each (owner, symbol), and all that were closed; `held`: symbol -> owner -> shares."""

    open: dict[tuple[str, str], tuple[Lot, ...]] = field(default_factory=dict)
    held: dict[str, dict[str, Decimal]] = field(default_factory=dict)
    closed: list[Closing] = field(default_factory=list)

    def of(self, owner: str, symbol: str) -> tuple[Lot, ...]:
        return self.open.get((owner, symbol), ())

    def set(self, owner: str, symbol: str, kept: tuple[Lot, ...]) -> None:
        self._keep(owner, symbol, kept, lots.quantity(kept))

    def trade(self, owner: str, move: Move, qty: Decimal) -> None:
        before = self.held.get(move.symbol, {}).get(owner, ZERO)
        kept, closed = lots.traded(self.of(owner, move.symbol), qty, move.price, move.entry.at, move.entry.id)
        self._keep(owner, move.symbol, kept, before + qty)
        self.closed.extend(Closing(owner, move.symbol, lot) for lot in closed)

    def _keep(self, owner: str, symbol: str, kept: tuple[Lot, ...], qty: Decimal) -> None:
        owners = self.held.setdefault(symbol, {})
        if kept:
            self.open[owner, symbol], owners[owner] = kept, qty
        else:
            self.open.pop((owner, symbol), None)
            owners.pop(owner, None)

    def give(self, owner: str, move: Move, qty: Decimal) -> None:
        """Shares that nobody bought, at the move's price; against a position the other way round they are a trade."""
        held = self.of(owner, move.symbol)
        if held and (held[0].qty > 0) != (qty > 0):
            self.trade(owner, move, qty)
        else:
            lot = Lot(move.entry.at, qty, qty * move.price, move.entry.id, is_dated=False)
            self.set(owner, move.symbol, (*held, lot))

"""The account's books as a fold over entries: who owns what, what it cost, what was made of it. Same entries, same books.

    opened ──► (wanted ──► executed*)* ; paid, accepted and adopted at any time

For every symbol the owners' shares sum to the account's. Strategies, "unassigned" and "foreign" own shares; cash has no owner.
The account's own lots (for taxes) know nothing of owners: what crosses inside the account is no sale.
"""

from __future__ import annotations

import datetime as dt
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field, fields, replace
from decimal import Decimal, localcontext
from functools import singledispatchmethod
from typing import Final

from services.execution.domain import lots
from services.execution.domain.division import (
    ZERO,
    Division,
    Shares,
    by_turns,
    crossings,
    division_of,
    spread,
)
from services.execution.domain.ledger_entries import (
    Accepted,
    Adopted,
    Entry,
    Executed,
    Opened,
    Paid,
    Wanted,
    WantedLine,
)
from services.execution.domain.ledger_postings import Lots, Move, Payment, Posting
from shared.contracts.strategy import FOREIGN, UNASSIGNED
from shared.sessions import new_york_date

SMALLEST_CROSSING: Final = Decimal(1)
"""Dollars; less than that does not change hands inside the account either."""
_DIGITS: Final = 60
_RANK: Final = {"opened": 0, "wanted": 1, "executed": 2, "paid": 3, "accepted": 4, "adopted": 5}
ACCOUNT: Final = ""
"""The owner of the account's own lots."""


@dataclass
class Ledger:
    """`apply` in the order of `in_order`, each entry once."""

    cash: Decimal = ZERO
    put_in: Decimal = ZERO
    """Dollars and shares at their cost that came from outside: at the beginning, by deposits, by a person's word."""
    owned: Lots = field(default_factory=Lots)
    account: Lots = field(default_factory=Lots)
    postings: list[Posting] = field(default_factory=list)
    payments: list[Payment] = field(default_factory=list)
    opened: Opened | None = None
    executed_of: defaultdict[str, Decimal] = field(default_factory=lambda: defaultdict(Decimal))
    """The broker's order id -> shares that were booked of it."""
    _divisions: dict[tuple[str, str], Division] = field(default_factory=dict)
    _targets: dict[tuple[str, str], Shares] = field(default_factory=dict)
    _traded_on: dict[dt.date, dict[str, Decimal]] = field(default_factory=dict)

    def apply(self, entry: Entry) -> None:
        if self._contains(entry):
            return
        with localcontext(prec=_DIGITS):
            self._take(entry)

    def _contains(self, entry: Entry) -> bool:
        """Whether the opening has it already: what was written before the books were opened again, or is told twice."""
        opened = self.opened
        if opened is None or isinstance(entry, Opened):
            return False
        return (
            entry.at < opened.at - opened.reach
            or entry.id in opened.known
            or (isinstance(entry, Wanted) and entry.at < opened.at)
        )

    def quantities(self) -> dict[str, Decimal]:
        """What the account holds by these books, as the sum over the owners."""
        sums = {symbol: sum(owners.values(), ZERO) for symbol, owners in self.owned.held.items()}
        return {symbol: qty for symbol, qty in sums.items() if qty != 0}

    def holders(self, symbol: str) -> dict[str, Decimal]:
        """Owner -> shares of it."""
        return dict(self.owned.held.get(symbol, {}))

    def holdings(self, owner: str) -> dict[str, Decimal]:
        """Symbol -> shares that are the owner's."""
        return {symbol: owners[owner] for symbol, owners in self.owned.held.items() if owner in owners}

    @singledispatchmethod
    def _take(self, entry: Entry) -> None:
        raise TypeError(f"expected an entry, got {type(entry).__name__}")

    @_take.register
    def _(self, entry: Opened) -> None:
        """The newest opening counts: whatever was before is in it."""
        for part in fields(self):
            setattr(self, part.name, getattr(Ledger(), part.name))
        self.opened, self.cash, self.put_in = entry, entry.cash, entry.cash
        for found in entry.positions:
            self._give(Move(entry, "opened", found.symbol, found.average_price), entry.owner, found.qty)

    @_take.register
    def _(self, entry: Wanted) -> None:
        for line in entry.lines:
            targets = _targets(entry, line)
            held = {name: qty for name, qty in self.holders(line.symbol).items() if name != FOREIGN}
            wanted = {
                name: targets.get(name, ZERO) - held.get(name, ZERO)
                for name in sorted({*targets, *held} - set(entry.silent))
            }
            division = division_of(wanted)
            self._divisions[entry.plan_id, line.symbol] = division
            self._targets[entry.plan_id, line.symbol] = targets
            if line.crosses:
                self._cross(entry, line, division)

    @_take.register
    def _(self, entry: Executed) -> None:
        sign = 1 if entry.side == "buy" else -1
        self.cash -= sign * entry.qty * entry.price
        self.executed_of[entry.order_id] += entry.qty
        move = Move(entry, "executed", entry.symbol, entry.price)
        self.account.trade(ACCOUNT, move, sign * entry.qty)
        day = self._traded_on.setdefault(new_york_date(entry.at), {})
        for owner, part in self._owners_of(entry).items():
            self._trade(move, owner, sign * part)
            day[owner] = day.get(owner, ZERO) + part * entry.price

    @_take.register
    def _(self, entry: Paid) -> None:
        self.cash += entry.amount
        self.put_in += entry.amount if entry.category == "deposit" else ZERO
        for owner, part in self._payees(entry).items():
            amount = part if entry.amount > 0 else -part
            paid = Payment(entry.id, entry.at, owner, entry.symbol, entry.type, entry.category, amount)
            self.payments.append(paid)

    @_take.register
    def _(self, entry: Accepted) -> None:
        held, move = self.holders(entry.symbol), Move(entry, "accepted", entry.symbol, entry.price)
        total = sum(held.values(), ZERO)
        parts = spread(max(entry.qty, ZERO), held) if entry.how == "scaled" else {}
        if parts and len(parts) == len(held) and all(part > 0 for part in parts.values()):
            self._scale(entry.symbol, parts, entry.qty)
        elif entry.qty > total:
            self._give(move, FOREIGN, entry.qty - total)
        elif entry.qty < total:
            self._take_away(move, total - entry.qty)

    @_take.register
    def _(self, entry: Adopted) -> None:
        moved, there = self.owned.of(FOREIGN, entry.symbol), self.owned.of(UNASSIGNED, entry.symbol)
        qty = lots.quantity(moved)
        if qty <= 0 or lots.quantity(there) < 0:
            return  # what is owed is for a person to settle
        self.owned.set(FOREIGN, entry.symbol, ())
        self.owned.set(UNASSIGNED, entry.symbol, tuple(sorted((*there, *moved), key=lambda lot: lot.opened)))
        move = Move(entry, "adopted", entry.symbol, lots.cost(moved) / qty)
        self.postings += [move.posting(FOREIGN, -qty), move.posting(UNASSIGNED, qty)]

    def _cross(self, entry: Wanted, line: WantedLine, division: Division) -> None:
        found = crossings(division)
        if sum((crossing.qty for crossing in found), ZERO) * line.price < SMALLEST_CROSSING:
            return
        move = Move(entry, "crossed", line.symbol, line.price)
        for crossing in found:
            self._trade(move, crossing.giver, -crossing.qty)
            self._trade(move, crossing.taker, crossing.qty)

    def _owners_of(self, entry: Executed) -> dict[str, Decimal]:
        """Whose an execution is: in proportion to what each wanted of it; a sale is never more than one holds."""
        held = self.holders(entry.symbol)
        if entry.plan_id is None:
            if entry.side == "buy":
                return {FOREIGN: entry.qty}
            return _with_rest(*_foreign_first(entry.qty, held), FOREIGN)
        key = entry.plan_id, entry.symbol
        wishes = self._divisions.get(key, Division()).wishes(entry.side)
        if entry.side == "buy":
            return spread(entry.qty, wishes) or spread(entry.qty, self._targets.get(key, {})) or {UNASSIGNED: entry.qty}
        foreign = _only(held, FOREIGN)
        ours = {name: qty for name, qty in held.items() if name != FOREIGN}
        return _with_rest(*by_turns(entry.qty, (wishes, ours), (foreign, foreign)), UNASSIGNED)

    def _payees(self, entry: Paid) -> dict[str, Decimal]:
        if entry.category == "deposit":
            return {UNASSIGNED: abs(entry.amount)}
        if entry.symbol is not None:
            held = {name: abs(qty) for name, qty in self.holders(entry.symbol).items()}
        else:
            held = self._traded_on.get(new_york_date(entry.at), {}) if entry.category == "fee" else {}
        return spread(abs(entry.amount), held) or {UNASSIGNED: abs(entry.amount)}

    def _scale(self, symbol: str, parts: Shares, qty: Decimal) -> None:
        self.account.set(ACCOUNT, symbol, lots.scaled(self.account.of(ACCOUNT, symbol), qty))
        for owner, part in parts.items():
            self.owned.set(owner, symbol, lots.scaled(self.owned.of(owner, symbol), part))

    def _give(self, move: Move, owner: str, qty: Decimal) -> None:
        self.put_in += qty * move.price
        self.owned.give(owner, move, qty)
        self.account.give(ACCOUNT, move, qty)
        self.postings.append(move.posting(owner, qty))

    def _take_away(self, move: Move, qty: Decimal) -> None:
        """Shares that went and brought nothing that we know of: at their cost, so that no gain is made up."""
        parts, owed = _foreign_first(qty, self.holders(move.symbol))
        self._shrink_account(move, qty)
        for owner, part in parts.items():
            kept, taken = lots.taken_out(self.owned.of(owner, move.symbol), part)
            self.owned.set(owner, move.symbol, kept)
            self.put_in -= lots.cost(taken)
            self.postings.append(replace(move, price=lots.cost(taken) / part).posting(owner, -part))
        if owed:
            self.put_in -= owed * move.price
            self.owned.give(FOREIGN, move, -owed)
            self.postings.append(move.posting(FOREIGN, -owed))

    def _shrink_account(self, move: Move, qty: Decimal) -> None:
        held = self.account.of(ACCOUNT, move.symbol)
        there = min(max(lots.quantity(held), ZERO), qty)
        if there:
            self.account.set(ACCOUNT, move.symbol, lots.taken_out(held, there)[0])
        if qty > there:
            self.account.give(ACCOUNT, move, there - qty)

    def _trade(self, move: Move, owner: str, qty: Decimal) -> None:
        self.owned.trade(owner, move, qty)
        self.postings.append(move.posting(owner, qty))


def in_order(entries: Iterable[Entry]) -> list[Entry]:
    """As they happened. An execution never comes before its plan: two clocks told their times."""
    entries = tuple(entries)
    planned = {entry.plan_id: entry.at for entry in entries if isinstance(entry, Wanted)}

    def place(entry: Entry) -> tuple[bool, dt.datetime, int, str]:
        at = entry.at
        if isinstance(entry, Executed) and entry.plan_id is not None:
            at = max(at, planned.get(entry.plan_id, at))
        return not isinstance(entry, Opened), at, _RANK[entry.kind], entry.id

    return sorted(entries, key=place)


def ledger_of(entries: Iterable[Entry]) -> Ledger:
    ledger = Ledger()
    for entry in in_order(entries):
        ledger.apply(entry)
    return ledger


def _targets(entry: Wanted, line: WantedLine) -> dict[str, Decimal]:
    if not entry.by_strategy:
        return {UNASSIGNED: line.target_qty}
    weights = {name: parts.get(line.symbol, ZERO) for name, parts in entry.by_strategy.items()}
    return spread(line.target_qty, weights)


def _foreign_first(qty: Decimal, held: Shares) -> tuple[dict[str, Decimal], Decimal]:
    """Shares that went without us: what was foreign, then what no strategy owns, then the strategies' pro rata."""
    strategies = {name: h for name, h in held.items() if name not in (FOREIGN, UNASSIGNED)}
    groups = (_only(held, FOREIGN), _only(held, UNASSIGNED), strategies)
    return by_turns(qty, *((group, group) for group in groups))


def _only(held: Shares, owner: str) -> Shares:
    return {owner: held.get(owner, ZERO)}


def _with_rest(parts: dict[str, Decimal], rest: Decimal, owner: str) -> dict[str, Decimal]:
    """What nobody holds is owed by `owner`: the books follow the broker, who let it be sold."""
    return parts if rest == 0 else {**parts, owner: parts.get(owner, ZERO) + rest}

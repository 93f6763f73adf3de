"""Profit and loss from the books: by owner, by symbol, by day; the rows of each sum to what the account made.

    cash + shares at their prices = what was put in + realised + unrealised + income + fees + other

A price that is missing makes the unrealised part, and the total, unknown; nothing stands in for it.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from decimal import Decimal
from typing import Final

from services.execution.domain import lots
from services.execution.domain.ledger import Ledger, in_order
from services.execution.domain.ledger_entries import Entry
from services.execution.domain.ledger_postings import Closing, Payment
from shared.sessions import new_york_date

ZERO: Final = Decimal(0)
NO_SYMBOL: Final = "-"
Prices = Mapping[str, Decimal]


@dataclass(frozen=True, slots=True)
class Profit:
    """Dollars; fees are negative. `unrealised` of a day is its change over that day."""

    key: str
    realised: Decimal = ZERO
    unrealised: Decimal | None = ZERO
    fees: Decimal = ZERO
    income: Decimal = ZERO
    other: Decimal = ZERO

    @property
    def total(self) -> Decimal | None:
        if self.unrealised is None:
            return None
        return self.realised + self.unrealised + self.fees + self.income + self.other

    def __add__(self, more: Profit) -> Profit:
        unknown = self.unrealised is None or more.unrealised is None
        return Profit(
            self.key,
            self.realised + more.realised,
            None if unknown else (self.unrealised or ZERO) + (more.unrealised or ZERO),
            self.fees + more.fees,
            self.income + more.income,
            self.other + more.other,
        )


@dataclass(frozen=True, slots=True)
class Span:
    """New York dates, both included; None is open."""

    first: dt.date | None = None
    last: dt.date | None = None

    def has(self, day: dt.date) -> bool:
        return (self.first is None or day >= self.first) and (self.last is None or day <= self.last)


EVER: Final = Span()


def by_owner(ledger: Ledger, prices: Prices, span: Span = EVER) -> tuple[Profit, ...]:
    """Realised and paid within the span; unrealised as it stands."""
    rows = _Rows()
    _add_past(rows, ledger, span, lambda closing: closing.owner, lambda payment: payment.owner)
    for (owner, symbol), held in ledger.owned.open.items():
        rows.add(Profit(owner, unrealised=_unrealised(held, prices.get(symbol))))
    return rows.told()


def by_symbol(ledger: Ledger, prices: Prices, span: Span = EVER) -> tuple[Profit, ...]:
    rows = _Rows()
    _add_past(rows, ledger, span, lambda closing: closing.symbol, lambda payment: payment.symbol or NO_SYMBOL)
    for (_, symbol), held in ledger.owned.open.items():
        rows.add(Profit(symbol, unrealised=_unrealised(held, prices.get(symbol))))
    return rows.told()


def by_day(
    entries: Iterable[Entry], marks: Mapping[dt.date, Prices], prices: Prices, today: dt.date, span: Span = EVER
) -> tuple[Profit, ...]:
    """`marks` are the prices at which each past day ended; today stands at `prices`."""
    todo, ledger, rows = in_order(entries)[::-1], Ledger(), list[Profit]()
    before: Decimal | None = ZERO
    for day in sorted({today, *marks, *(new_york_date(entry.at) for entry in todo)}):
        closed, paid = len(ledger.owned.closed), len(ledger.payments)
        while todo and new_york_date(todo[-1].at) <= day:
            ledger.apply(todo.pop())
        after = worth_over_cost(ledger, prices if day == today else marks.get(day, {}))
        row = Profit(day.isoformat(), unrealised=None if after is None or before is None else after - before)
        for closing in ledger.owned.closed[closed:]:
            row += _of_closing(row.key, closing)
        for payment in ledger.payments[paid:]:
            row += _of_payment(row.key, payment)
        rows.append(row)
        before = after
    return tuple(row for row in rows if span.has(dt.date.fromisoformat(row.key)))


def total(rows: Iterable[Profit]) -> Profit:
    return sum(rows, Profit("total"))


def worth_over_cost(ledger: Ledger, prices: Prices) -> Decimal | None:
    """The unrealised profit of everything, None where one price is missing."""
    return total(by_owner(replace(Ledger(), owned=replace(ledger.owned, closed=[])), prices)).unrealised


@dataclass
class _Rows:
    found: dict[str, Profit] = field(default_factory=dict)

    def add(self, row: Profit) -> None:
        self.found[row.key] = self.found.get(row.key, Profit(row.key)) + row

    def told(self) -> tuple[Profit, ...]:
        return tuple(self.found[key] for key in sorted(self.found))


def _add_past(
    rows: _Rows, ledger: Ledger, span: Span, whose: Callable[[Closing], str], payee: Callable[[Payment], str]
) -> None:
    for closing in ledger.owned.closed:
        if span.has(new_york_date(closing.lot.closed)):
            rows.add(_of_closing(whose(closing), closing))
    for payment in ledger.payments:
        if span.has(new_york_date(payment.at)):
            rows.add(_of_payment(payee(payment), payment))


def _of_closing(key: str, closing: Closing) -> Profit:
    return Profit(key, realised=closing.lot.gain)


def _of_payment(key: str, payment: Payment) -> Profit:
    match payment.category:
        case "fee":
            return Profit(key, fees=payment.amount)
        case "income":
            return Profit(key, income=payment.amount)
        case "other":
            return Profit(key, other=payment.amount)
        case "deposit":
            return Profit(key)


def _unrealised(held: tuple[lots.Lot, ...], price: Decimal | None) -> Decimal | None:
    return None if price is None else lots.quantity(held) * price - lots.cost(held)

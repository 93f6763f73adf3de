"""The account's books as execution's endpoints show them: profit, positions by strategy, executions and lots. Numbers are exact."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from decimal import Decimal
from typing import Literal

from pydantic import AwareDatetime, BaseModel, ConfigDict

from services.execution.domain import lots, profit
from services.execution.domain.ledger import ACCOUNT, Ledger
from services.execution.domain.ledger_postings import Closing, Posting
from services.execution.domain.profit import Profit, Span
from shared.contracts.base import Side
from shared.sessions import new_york_date

By = Literal["strategy", "day", "symbol"]


class ProfitRow(BaseModel):
    """Dollars. `unrealised` and `total` are None where a price is missing. Made of a Profit."""

    model_config = ConfigDict(from_attributes=True)

    key: str
    realised: Decimal
    unrealised: Decimal | None
    fees: Decimal
    income: Decimal
    other: Decimal
    total: Decimal | None


class SubPosition(BaseModel):
    """What one strategy (or unassigned, or foreign) holds of a symbol."""

    strategy: str
    symbol: str
    qty: Decimal
    cost: Decimal
    price: Decimal | None
    value: Decimal | None
    unrealised: Decimal | None


class ProfitView(BaseModel):
    """`worth` is cash and shares at their prices; without a span it is `put_in` and the total of the rows."""

    by: By
    since: AwareDatetime
    rows: tuple[ProfitRow, ...]
    total: ProfitRow
    positions: tuple[SubPosition, ...]
    cash: Decimal
    put_in: Decimal
    worth: Decimal | None
    unpriced: tuple[str, ...]


class FillRow(BaseModel):
    """One strategy's part of an execution, or of what happened without one; `kind` tells which."""

    at: AwareDatetime
    strategy: str
    side: Side
    symbol: str
    qty: Decimal
    price: Decimal
    notional: Decimal
    kind: str
    entry_id: str
    order_id: str | None
    client_order_id: str | None
    plan_id: str | None


class LotRow(BaseModel):
    """A lot that was closed. `opened` is None where nobody knows when it was bought."""

    strategy: str
    symbol: str
    opened: AwareDatetime | None
    closed: AwareDatetime
    qty: Decimal
    proceeds: Decimal
    cost_basis: Decimal
    gain: Decimal
    term: lots.Term
    opened_by: str
    closed_by: str


def profit_view(by: By, rows: tuple[Profit, ...], ledger: Ledger, prices: Mapping[str, Decimal]) -> ProfitView:
    """`ledger` must have been opened."""
    opened = ledger.opened
    if opened is None:
        raise ValueError("ledger: expected one that was opened")
    held = ledger.quantities()
    unpriced = tuple(sorted(symbol for symbol in held if symbol not in prices))
    shares = sum((qty * prices[symbol] for symbol, qty in held.items() if symbol in prices), Decimal(0))
    return ProfitView(
        by=by,
        since=opened.at,
        rows=tuple(ProfitRow.model_validate(row) for row in rows),
        total=ProfitRow.model_validate(profit.total(rows)),
        positions=tuple(_positions(ledger, prices)),
        cash=ledger.cash,
        put_in=ledger.put_in,
        worth=None if unpriced else ledger.cash + shares,
        unpriced=unpriced,
    )


def fill_rows(ledger: Ledger, span: Span) -> list[FillRow]:
    return [_fill_row(posting) for posting in ledger.postings if span.has(new_york_date(posting.at))]


def lot_rows(ledger: Ledger, span: Span, of: Literal["account", "strategies"]) -> list[LotRow]:
    """The account's own lots are what taxes are about; the strategies' also closed where shares changed hands inside."""
    closed = ledger.account.closed if of == "account" else ledger.owned.closed
    return [_lot_row(closing) for closing in closed if span.has(new_york_date(closing.lot.closed))]


def _positions(ledger: Ledger, prices: Mapping[str, Decimal]) -> Iterator[SubPosition]:
    for (owner, symbol), held in sorted(ledger.owned.open.items()):
        qty, cost, price = lots.quantity(held), lots.cost(held), prices.get(symbol)
        value = None if price is None else qty * price
        yield SubPosition(
            strategy=owner,
            symbol=symbol,
            qty=qty,
            cost=cost,
            price=price,
            value=value,
            unrealised=None if value is None else value - cost,
        )


def _fill_row(posting: Posting) -> FillRow:
    return FillRow(
        at=posting.at,
        strategy=posting.owner,
        side=posting.side,
        symbol=posting.symbol,
        qty=posting.qty,
        price=posting.price,
        notional=posting.qty * posting.price,
        kind=posting.kind,
        entry_id=posting.entry_id,
        order_id=posting.order_id,
        client_order_id=posting.client_order_id,
        plan_id=posting.plan_id,
    )


def _lot_row(closing: Closing) -> LotRow:
    lot = closing.lot
    return LotRow(
        strategy=closing.owner if closing.owner != ACCOUNT else "account",
        symbol=closing.symbol,
        opened=lot.opened if lot.is_dated else None,
        closed=lot.closed,
        qty=lot.qty,
        proceeds=lot.proceeds,
        cost_basis=lot.cost_basis,
        gain=lot.gain,
        term=lot.term,
        opened_by=lot.opened_by,
        closed_by=lot.closed_by,
    )

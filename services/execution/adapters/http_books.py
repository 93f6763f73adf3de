"""Endpoints of reconciliation and of the account's books: one acts (a round now, with a person's word), the others look."""

from __future__ import annotations

import datetime as dt
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Annotated, Literal, Self

from fastapi import APIRouter, Depends, FastAPI, HTTPException, Query, status
from pydantic import BaseModel, ConfigDict, model_validator

from services.execution.adapters import books_views as views
from services.execution.adapters.bookkeeper import Bookkeeper
from services.execution.adapters.books_report import Decision
from services.execution.adapters.books_views import By, FillRow, LotRow, ProfitView
from services.execution.adapters.reconciliation_loop import ReconciliationLoop
from services.execution.adapters.reconciliation_views import ReconciliationView, reconciliation_view
from services.execution.domain import profit
from services.execution.domain.ledger import Ledger
from services.execution.domain.ledger_entries import Instrument
from services.execution.domain.profit import Profit, Span
from services.execution.ports import Quotes
from shared.clock import Clock
from shared.contracts.control import Reason
from shared.sessions import new_york_date

_From = Annotated[dt.date | None, Query(alias="from", description="New York date, included")]
_To = Annotated[dt.date | None, Query(alias="to", description="New York date, included")]
_Offset = Annotated[int, Query(ge=0)]
_Limit = Annotated[int, Query(ge=1, le=10_000)]


class ReconcileBody(BaseModel):
    """Empty: only look and book. `accept` takes the broker's word, `adopt` hands foreign shares over; "all" is everything."""

    model_config = ConfigDict(extra="forbid")

    accept: tuple[Instrument, ...] = ()
    """Symbols, or cash."""
    adopt: tuple[Instrument, ...] = ()
    as_split: bool = False
    """What is accepted is a split: everybody's shares are multiplied, at the same cost."""
    reason: Reason | None = None

    @model_validator(mode="after")
    def _one_decision_with_its_reason(self) -> Self:
        if self.accept and self.adopt:
            raise ValueError("expected accept or adopt, got both")
        if (self.accept or self.adopt) and self.reason is None:
            raise ValueError("expected a reason with accept and adopt, got none")
        if self.as_split and not self.accept:
            raise ValueError("expected as_split with accept, got it alone")
        return self

    def decision(self) -> Decision | None:
        named = self.accept or self.adopt
        if not named:
            return None
        what: Literal["accept", "accept as split", "adopt"] = "adopt"
        if self.accept:
            what = "accept as split" if self.as_split else "accept"
        return Decision(uuid.uuid4().hex, what, () if "all" in named else named, self.reason or "")


@dataclass(frozen=True, slots=True)
class BooksDoor:
    """What these endpoints look at."""

    reconciliation: ReconciliationLoop
    bookkeeper: Bookkeeper
    quotes: Quotes
    clock: Clock

    def ledger(self) -> Ledger:
        """Raises BrokerUnavailableError while there is none."""
        self.bookkeeper.foreign()
        return self.bookkeeper.books.ledger

    def prices(self, symbols: Sequence[str]) -> Mapping[str, Decimal]:
        """The newest quotes' midpoints; the broker's last price where there is none."""
        quotes = self.quotes.latest(symbols)
        mids = {symbol: quote.mid for symbol, quote in quotes.items() if quote.is_two_sided}
        return {**self.bookkeeper.last_prices, **mids}


def create_books_routes(app: FastAPI, door: BooksDoor) -> None:
    """Add them to an app made by shared.http.create_app."""
    app.include_router(_acting(door), dependencies=[Depends(app.state.authorized)])
    app.include_router(_looking(door))
    app.include_router(_history(door))


def _acting(door: BooksDoor) -> APIRouter:
    router = APIRouter(responses={503: {"description": "the broker does not answer"}})

    @router.post("/reconcile")
    def reconcile(body: ReconcileBody | None = None) -> ReconciliationView:
        """Compare orders, executions, positions and cash with the broker's now, book what is missing, and tell what differed."""
        decision = body.decision() if body is not None else None
        return reconciliation_view(door.reconciliation.demand(decision))

    return router


def _looking(door: BooksDoor) -> APIRouter:
    router = APIRouter()

    @router.get("/reconciliation")
    def reconciliation() -> ReconciliationView:
        """The last round that looked at everything."""
        last = door.reconciliation.last_whole
        if last is None:
            raise HTTPException(status.HTTP_503_SERVICE_UNAVAILABLE, "not reconciled with the broker yet")
        return reconciliation_view(last)

    @router.get("/pnl")
    def pnl(by: By = "strategy", first: _From = None, last: _To = None) -> ProfitView:
        """Realised, unrealised, fees and income; by strategy, day or symbol; their sum is what the account made."""
        span, prices = Span(first, last), door.prices(sorted(door.ledger().quantities()))
        if by == "day":
            rows = _by_day(door, prices, span)
            return door.bookkeeper.books.look(lambda ledger: views.profit_view(by, rows, ledger, prices))
        rows_of = profit.by_owner if by == "strategy" else profit.by_symbol
        return door.bookkeeper.books.look(
            lambda ledger: views.profit_view(by, rows_of(ledger, prices, span), ledger, prices)
        )

    return router


def _by_day(door: BooksDoor, prices: Mapping[str, Decimal], span: Span) -> tuple[Profit, ...]:
    entries, today = door.bookkeeper.books.entries(), new_york_date(door.clock.now())
    return profit.by_day(entries, door.bookkeeper.marks(), prices, today, span)


def _history(door: BooksDoor) -> APIRouter:
    router = APIRouter(prefix="/books")

    @router.get("/fills")
    def fills(first: _From = None, last: _To = None, offset: _Offset = 0, limit: _Limit = 1000) -> Sequence[FillRow]:
        """Every strategy's part of every execution, oldest first, and what crossed inside the account."""
        door.ledger()
        rows = door.bookkeeper.books.look(lambda ledger: views.fill_rows(ledger, Span(first, last)))
        return rows[offset : offset + limit]

    @router.get("/lots")
    def lots(
        of: Literal["account", "strategies"] = "account",
        first: _From = None,
        last: _To = None,
        offset: _Offset = 0,
        limit: _Limit = 1000,
    ) -> Sequence[LotRow]:
        """Lots that were closed, oldest first: the account's, or each strategy's."""
        door.ledger()
        rows = door.bookkeeper.books.look(lambda ledger: views.lot_rows(ledger, Span(first, last), of))
        return rows[offset : offset + limit]

    return router

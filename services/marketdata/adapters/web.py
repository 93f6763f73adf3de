"""Marketdata's own endpoints: what is known, with its age; and one trigger."""

from __future__ import annotations

import datetime as dt
import uuid
from decimal import Decimal
from typing import Annotated, Literal

import httpx
from fastapi import Depends, FastAPI, HTTPException, Path, Query, status
from pydantic import BaseModel, ConfigDict, Field

from services.marketdata.domain.history import Adjustment, missing_sessions
from services.marketdata.ports import HistoryStore, QuoteStore
from shared.bus import Bus
from shared.clock import Clock
from shared.contracts import streams
from shared.contracts.base import Symbol
from shared.contracts.control import BackfillRequested
from shared.contracts.marketdata import DailyHistory, DataFinding, Quote

InPath = Annotated[Symbol, Path(description="A ticker such as SPY or BRK.B")]


class QuoteSeen(BaseModel):
    """`age_seconds` by the venue's clock; `stale` when older than MARKETDATA_STALE_SECONDS."""

    symbol: str
    at: dt.datetime
    bid: Decimal | None
    bid_size: int
    ask: Decimal | None
    ask_size: int
    source: Literal["stream", "rest"]
    age_seconds: float
    stale: bool


class DayBar(BaseModel):
    date: dt.date
    open: float
    high: float
    low: float
    close: float
    volume: float


class Bars(BaseModel):
    """Oldest first. `missing_sessions` counts the gaps in the whole cached history, `findings` are the gates' on all of it.

    A close that is refused stands here as the source tells it; decisions do without it.
    """

    symbol: str
    adjustment: Adjustment
    source: Literal["alpaca", "twelvedata"]
    fetched_at: dt.datetime
    missing_sessions: int
    findings: list[DataFinding]
    bars: list[DayBar]


class BackfillOrder(BaseModel):
    model_config = ConfigDict(extra="forbid")

    symbols: Annotated[tuple[Symbol, ...], Field(min_length=1, max_length=1000)]


class Accepted(BaseModel):
    id: str
    correlation_id: str


def add_routes(
    app: FastAPI, *, quotes: QuoteStore, histories: HistoryStore, bus: Bus, clock: Clock, stale_seconds: float
) -> None:
    @app.get("/quotes/{symbol:path}", responses={404: {"description": "no quote is known, and why"}})
    def quote(symbol: InPath) -> QuoteSeen:
        """The newest quote, with its age."""
        found = quotes.latest_of(symbol)
        if found is None:
            raise HTTPException(status.HTTP_404_NOT_FOUND, f"no quote of {symbol} is known: {_why(bus, symbol)}")
        return _seen(found, _now(clock), stale_seconds)

    @app.get("/bars/{symbol:path}", responses={404: {"description": "no history is cached, and why"}})
    def bars(
        symbol: InPath,
        days: Annotated[int, Query(ge=1, le=20_000, description="the newest so many sessions")] = 30,
        adjustment: Adjustment = "all",
    ) -> Bars:
        """Cached daily bars of finished sessions."""
        found = histories.get(symbol, adjustment)
        if found is None:
            why = _why(bus, symbol)
            raise HTTPException(
                status.HTTP_404_NOT_FOUND, f"no daily history of {symbol} ({adjustment}) is cached: {why}"
            )
        return _bars(found, days)

    @app.post("/backfill", status_code=status.HTTP_202_ACCEPTED, dependencies=[Depends(app.state.authorized)])
    def backfill(order: BackfillOrder) -> Accepted:
        """Fetch the daily history of these symbols again."""
        request = BackfillRequested(
            correlation_id=uuid.uuid4().hex, at=_now(clock), origin="http", symbols=order.symbols
        )
        bus.publish(streams.CONTROL, request)
        return Accepted(id=request.id, correlation_id=request.correlation_id)


def _now(clock: Clock) -> dt.datetime:
    try:
        return clock.now()
    except httpx.HTTPError as error:
        said = f"the venue has not told its time yet: {type(error).__name__}"
        raise HTTPException(status.HTTP_503_SERVICE_UNAVAILABLE, said) from error


def _why(bus: Bus, symbol: str) -> str:
    wanted = any(f'"{symbol}"' in symbols for symbols in bus.get_all(streams.WANTED_SYMBOLS).values())
    return "it is wanted and nothing has come yet" if wanted else "nobody wants it (see MARKETDATA_SYMBOLS)"


def _seen(quote: Quote, now: dt.datetime, stale_seconds: float) -> QuoteSeen:
    age = max(0.0, quote.age(now).total_seconds())
    return QuoteSeen(**quote.model_dump(), age_seconds=round(age, 3), stale=age > stale_seconds)


def _bars(history: DailyHistory, days: int) -> Bars:
    columns = (history.dates, history.open, history.high, history.low, history.close, history.volume)
    rows = zip(*(column[-days:] for column in columns), strict=True)
    return Bars(
        symbol=history.symbol,
        adjustment=history.adjustment,
        source=history.source,
        fetched_at=history.fetched_at,
        missing_sessions=len(missing_sessions(history.dates)),
        findings=list(history.findings),
        bars=[DayBar(date=d, open=o, high=h, low=lo, close=c, volume=v) for d, o, h, lo, c, v in rows],
    )

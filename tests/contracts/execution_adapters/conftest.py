"""A wire for the contract suite: Alpaca's REST paths in front of a MemoryBroker, served over real HTTP."""

from __future__ import annotations

import datetime as dt
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

import pytest
import uvicorn
from fastapi import FastAPI, Request, Response
from fastapi.responses import JSONResponse
from pydantic import SecretStr

from services.execution.adapters.alpaca_broker import AlpacaBroker
from services.execution.adapters.memory_broker import MemoryBroker
from services.execution.domain.broker import (
    Activity,
    Asset,
    BrokerOrder,
    BrokerUpdate,
    CancelRequested,
    OrderRequest,
    Payment,
    Rejected,
    Unknown,
)
from services.execution.ports import Broker
from shared.clock import ManualClock

START = dt.datetime(2024, 6, 3, 19, 45, tzinfo=dt.UTC)
ASSETS = (Asset("SPY", True, True), Asset("TQQQ", True, True), Asset("BRK.B", True, False))


@dataclass
class Venue:
    """`broker` is under test; `market` is the account behind it, and what the market does."""

    broker: Broker
    market: MemoryBroker
    clock: ManualClock
    updates: list[BrokerUpdate]

    def tick(self, seconds: float = 1) -> None:
        self.clock.advance(dt.timedelta(seconds=seconds))


def order_json(order: BrokerOrder) -> dict[str, Any]:
    def text(value: Decimal | None) -> str | None:
        return None if value is None else format(value, "f")

    at = order.submitted_at.isoformat()
    return {
        "id": order.id,
        "client_order_id": order.client_order_id,
        "created_at": at,
        "submitted_at": at,
        "symbol": order.symbol,
        "asset_class": "us_equity",
        "side": order.side,
        "qty": text(order.qty),
        "filled_qty": text(order.filled_qty),
        "filled_avg_price": text(order.filled_avg_price),
        "limit_price": text(order.limit_price),
        "status": order.status.value,
        "replaced_by": order.replaced_by,
        "replaces": order.replaces,
    }


def activity_json(activity: Activity) -> dict[str, Any]:
    if isinstance(activity, Payment):
        return {
            "id": activity.id,
            "activity_type": activity.type,
            "net_amount": str(activity.amount),
            "symbol": activity.symbol,
            "date": activity.at.date().isoformat(),
            "created_at": activity.at.isoformat(),
            "status": "executed",
        }
    return {
        "id": f"{activity.at:%Y%m%d%H%M%S}000::{activity.execution_id}",
        "activity_type": "FILL",
        "order_id": activity.order_id,
        "symbol": activity.symbol,
        "side": activity.side,
        "qty": str(activity.qty),
        "price": str(activity.price),
        "transaction_time": activity.at.isoformat(),
    }


def error(refused: Rejected | Unknown) -> JSONResponse:
    if isinstance(refused, Unknown):
        return JSONResponse({"code": 50410000, "message": refused.reason}, 504)
    return JSONResponse({"code": refused.code, "message": refused.message}, refused.http_status)


def _words(text: str) -> tuple[str, ...]:
    return tuple(text.split(",")) if text else ()


def wire_app(market: MemoryBroker) -> FastAPI:
    app = FastAPI()

    @app.get("/v2/account")
    def account() -> Any:
        found = market.account()
        money = {"equity": str(found.equity), "cash": str(found.cash), "buying_power": str(found.buying_power)}
        money["last_equity"] = str(found.last_equity)
        return {"account_number": found.number, "status": found.status, **money}

    @app.get("/v2/positions")
    def positions() -> Any:
        return [
            {
                "symbol": p.symbol,
                "qty": str(p.qty),
                "qty_available": str(p.available_qty),
                "avg_entry_price": str(p.average_price),
                "current_price": str(p.price),
                "side": "long",
            }
            for p in market.positions()
        ]

    def asset_json(found: Asset) -> dict[str, Any]:
        return {"symbol": found.symbol, "tradable": found.is_tradable, "fractionable": found.is_fractionable}

    @app.get("/v2/assets")
    def assets(status: str, asset_class: str) -> Any:
        assert (status, asset_class) == ("active", "us_equity")
        return [*map(asset_json, market.assets()), {"symbol": 7}]

    @app.get("/v2/assets/{symbol}")
    def asset(symbol: str) -> Any:
        found = market.asset(symbol)
        if found is None:
            return JSONResponse({"code": 40410000, "message": f"asset not found for {symbol}"}, 404)
        return asset_json(found)

    def one(order: BrokerOrder | None) -> Any:
        if order is None:
            return JSONResponse({"code": 40410000, "message": "order not found"}, 404)
        return order_json(order)

    @app.get("/v2/orders:by_client_order_id")
    def by_client_id(client_order_id: str) -> Any:
        return one(market.order_by_client_id(client_order_id))

    @app.get("/v2/orders/{order_id}")
    def order(order_id: str) -> Any:
        return one(market.order(order_id))

    @app.get("/v2/orders")
    def orders(  # noqa: PLR0917 - Alpaca's query parameters
        status: str,
        direction: str,
        limit: int,
        after: dt.datetime | None = None,
        before_order_id: str | None = None,
        after_order_id: str | None = None,
        symbols: str = "",
    ) -> Any:
        cursor = before_order_id or after_order_id
        if cursor is not None and after is not None:
            return JSONResponse({"code": 42210000, "message": "cursors and after do not go together"}, 422)
        if status == "open":
            found = list(market.open_orders())[::-1]
        else:
            found = list(market.orders_since(after or START - dt.timedelta(days=9), _words(symbols)))
        if direction == "desc":
            found.reverse()
        if cursor is not None:
            found = found[[o.id for o in found].index(cursor) + 1 :]
        return [order_json(o) for o in found[:limit]]

    @app.get("/v2/account/activities/FILL")
    def fills(after: dt.datetime, page_size: int, page_token: str | None = None) -> Any:
        rows = [activity_json(fill) for fill in market.fills_since(after)]
        if page_token is not None:
            rows = rows[[row["id"] for row in rows].index(page_token) + 1 :]
        return rows[:page_size]

    @app.get("/v2/account/activities")
    def activities(after: dt.datetime, page_size: int, direction: str, page_token: str | None = None) -> Any:
        assert direction == "asc"
        rows = [activity_json(each) for each in market.activities_since(after)]
        if page_token is not None:
            rows = rows[[row["id"] for row in rows].index(page_token) + 1 :]
        return rows[:page_size]

    @app.post("/v2/orders")
    async def place(request: Request) -> Any:
        body = await request.json()
        limit = body.get("limit_price")
        assert isinstance(body["qty"], str)
        assert (limit is None) == (body["type"] == "market")
        wanted = OrderRequest(
            body["client_order_id"],
            body["symbol"],
            body["side"],
            Decimal(body["qty"]),
            None if limit is None else Decimal(limit),
            body["time_in_force"],
        )
        outcome = market.place(wanted)
        return error(outcome) if isinstance(outcome, Rejected | Unknown) else order_json(outcome.order)

    @app.patch("/v2/orders/{order_id}")
    async def replace(order_id: str, request: Request) -> Any:
        body = await request.json()
        qty, price = Decimal(body["qty"]), Decimal(body["limit_price"])
        outcome = market.replace(order_id, client_order_id=body["client_order_id"], qty=qty, limit_price=price)
        return error(outcome) if isinstance(outcome, Rejected | Unknown) else order_json(outcome.order)

    @app.delete("/v2/orders/{order_id}")
    def cancel(order_id: str) -> Any:
        outcome = market.cancel(order_id)
        return Response(status_code=204) if isinstance(outcome, CancelRequested) else error(outcome)

    return app


@pytest.fixture(params=["memory", "alpaca"])
def venue(request: pytest.FixtureRequest) -> Iterator[Venue]:
    clock, updates = ManualClock(START), list[BrokerUpdate]()
    market = MemoryBroker(clock.now, assets=ASSETS, on_update=updates.append)
    if request.param == "memory":
        yield Venue(market, market, clock, updates)
        return
    config = uvicorn.Config(wire_app(market), host="127.0.0.1", port=0, log_config=None, lifespan="off")
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    request.getfixturevalue("eventually")(lambda: server.started)
    port = server.servers[0].sockets[0].getsockname()[1]
    broker = AlpacaBroker(
        f"http://127.0.0.1:{port}", SecretStr("key"), SecretStr("secret"), pause=lambda _seconds: None
    )
    yield Venue(broker, market, clock, updates)
    broker.close()
    server.should_exit = True
    thread.join(10)

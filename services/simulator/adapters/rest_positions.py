"""/v2/positions: what is held, and closing it."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal
from typing import Any

from fastapi import APIRouter, Request
from fastapi.responses import JSONResponse

from services.simulator.adapters.account_views import position_json
from services.simulator.adapters.requests import Query, flag
from services.simulator.adapters.rest_orders import cancel_all_of
from services.simulator.adapters.venue import Venue
from services.simulator.adapters.wire import order_json
from services.simulator.domain import rejections
from services.simulator.domain.account import Account
from services.simulator.domain.closing import closing_request
from services.simulator.domain.order_request import read_qty
from services.simulator.domain.rejections import Rejection


def router(venue: Venue) -> APIRouter:
    routes = APIRouter()

    @routes.get("/v2/positions")
    async def listed(request: Request) -> JSONResponse:
        with venue.at_now() as now:
            account = venue.account_of(request)
            held = sorted(account.positions.values(), key=lambda position: position.symbol)
            return JSONResponse([position_json(venue.exchange, account, position, now) for position in held])

    @routes.get("/v2/positions/{symbol_or_asset_id}")
    async def one(request: Request, symbol_or_asset_id: str) -> JSONResponse:
        with venue.at_now() as now:
            account = venue.account_of(request)
            position = account.positions.get(_symbol(venue, symbol_or_asset_id))
            if position is None:
                raise rejections.not_found("position does not exist")
            return JSONResponse(position_json(venue.exchange, account, position, now))

    @routes.delete("/v2/positions")
    async def close_all(request: Request) -> JSONResponse:
        cancels = flag(request.query_params, "cancel_orders")
        with venue.at_now() as now:
            if cancels:
                cancel_all_of(venue, request)
            account = venue.account_of(request)
            return JSONResponse([_closed(venue, account, symbol, now) for symbol in sorted(account.positions)], 207)

    @routes.delete("/v2/positions/{symbol_or_asset_id}")
    async def close(request: Request, symbol_or_asset_id: str) -> JSONResponse:
        qty, percentage = _part(request.query_params)
        with venue.at_now() as now:
            account = venue.account_of(request)
            wanted = closing_request(account, _symbol(venue, symbol_or_asset_id), qty, percentage)
            return JSONResponse(order_json(venue.exchange.submit(account, wanted, now), legs=False))

    return routes


def _closed(venue: Venue, account: Account, symbol: str, now: dt.datetime) -> dict[str, Any]:
    try:
        order = venue.exchange.submit(account, closing_request(account, symbol), now)
    except Rejection as refusal:
        return {"symbol": symbol, "status": refusal.status, "body": refusal.body()}
    return {"symbol": symbol, "status": 200, "body": order_json(order, legs=False)}


def _part(query: Query) -> tuple[Decimal | None, Decimal | None]:
    return read_qty(query.get("qty"), "qty"), read_qty(query.get("percentage"), "percentage")


def _symbol(venue: Venue, symbol_or_id: str) -> str:
    listing = venue.exchange.listing(symbol_or_id)
    return symbol_or_id if listing is None else listing.symbol

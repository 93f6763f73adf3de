"""/v2/watchlists, by id and by name."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from fastapi import APIRouter, Request
from fastapi.responses import JSONResponse, Response

from services.simulator.adapters import requests
from services.simulator.adapters.venue import Venue
from services.simulator.adapters.wire import Json, asset_json, instant
from services.simulator.domain import rejections
from services.simulator.domain.order_request import shown
from services.simulator.domain.watchlists import Watchlist, add_symbol, remove_symbol

Find = Callable[[Request], Watchlist]


def router(venue: Venue) -> APIRouter:
    routes = APIRouter()

    @routes.get("/v2/watchlists")
    async def listed(request: Request) -> JSONResponse:
        account = venue.account_of(request)
        return JSONResponse([_json(venue, request, each, assets=False) for each in account.watchlists.all()])

    @routes.post("/v2/watchlists")
    async def create(request: Request) -> JSONResponse:
        body = await requests.object_body(request)
        account = venue.account_of(request)
        name, symbols = _name(body), _symbols(venue, body)
        if name is None:
            raise rejections.missing("name")
        unique = venue.new_id("watchlist", account)
        created = account.watchlists.create(unique, name, symbols or [], venue.bring_up())
        return JSONResponse(_json(venue, request, created))

    def by_id(request: Request) -> Watchlist:
        return venue.account_of(request).watchlists.get(request.path_params["watchlist_id"])

    def by_name(request: Request) -> Watchlist:
        return venue.account_of(request).watchlists.named(request.query_params.get("name", ""))

    _add_one(routes, venue, "/v2/watchlists:by_name", by_name)
    _add_one(routes, venue, "/v2/watchlists/{watchlist_id}", by_id)

    @routes.delete("/v2/watchlists/{watchlist_id}/{symbol}")
    async def remove(request: Request, watchlist_id: str, symbol: str) -> JSONResponse:
        watchlist = venue.account_of(request).watchlists.get(watchlist_id)
        remove_symbol(watchlist, symbol, venue.bring_up())
        return JSONResponse(_json(venue, request, watchlist))

    return routes


def _add_one(routes: APIRouter, venue: Venue, path: str, find: Find) -> None:
    @routes.get(path)
    async def one(request: Request) -> JSONResponse:
        return JSONResponse(_json(venue, request, find(request)))

    @routes.put(path)
    async def change(request: Request) -> JSONResponse:
        body = await requests.object_body(request)
        watchlist = find(request)
        lists = venue.account_of(request).watchlists
        lists.change(watchlist, _name(body), _symbols(venue, body), venue.bring_up())
        return JSONResponse(_json(venue, request, watchlist))

    @routes.post(path)
    async def add(request: Request) -> JSONResponse:
        body = await requests.object_body(request)
        watchlist = find(request)
        add_symbol(watchlist, _symbol(venue, body.get("symbol")), venue.bring_up())
        return JSONResponse(_json(venue, request, watchlist))

    @routes.delete(path)
    async def delete(request: Request) -> Response:
        venue.account_of(request).watchlists.delete(find(request))
        return Response(status_code=204)


def _json(venue: Venue, request: Request, watchlist: Watchlist, *, assets: bool = True) -> Json:
    told = {
        "id": watchlist.id,
        "account_id": venue.account_of(request).id,
        "created_at": instant(watchlist.created_at),
        "updated_at": instant(watchlist.updated_at),
        "name": watchlist.name,
    }
    if not assets:
        return told
    return {**told, "assets": [asset_json(venue.exchange.listings[symbol]) for symbol in watchlist.symbols]}


def _name(body: Json) -> str | None:
    name = body.get("name")
    if name is not None and not isinstance(name, str):
        raise rejections.unprocessable(f"name must be a string, got {shown(name)}")
    return name


def _symbols(venue: Venue, body: Json) -> list[str] | None:
    symbols = body.get("symbols")
    if symbols is None:
        return None
    if not isinstance(symbols, list):
        raise rejections.unprocessable(f"symbols must be a list, got {shown(symbols)}")
    return [_symbol(venue, symbol) for symbol in symbols]


def _symbol(venue: Venue, given: Any) -> str:
    listing = venue.exchange.listing(given) if isinstance(given, str) else None
    if listing is None:
        raise rejections.unprocessable(f"asset not found for {shown(given)}")
    return listing.symbol

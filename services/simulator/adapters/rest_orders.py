"""/v2/orders: place, list, find, replace, cancel."""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter, Request
from fastapi.responses import JSONResponse, Response

from services.simulator.adapters import requests
from services.simulator.adapters.venue import Venue
from services.simulator.adapters.wire import order_json
from services.simulator.domain import rejections
from services.simulator.domain.calls import Fate
from services.simulator.domain.order_request import read_order, read_replacement
from services.simulator.domain.order_search import OrderFilter, search
from services.simulator.domain.orders import Side
from services.simulator.domain.rejections import Rejection

_MAX_ORDERS, _DEFAULT_ORDERS = 500, 50
_OPEN = {"": True, "open": True, "closed": False, "all": None}


def router(venue: Venue) -> APIRouter:
    routes = APIRouter()
    _add_readers(routes, venue)
    _add_cancels(routes, venue)
    faults = venue.context.faults

    @routes.post("/v2/orders")
    async def place(request: Request) -> JSONResponse:
        wanted = read_order(_with_symbol(venue, await requests.object_body(request)))
        with venue.at_now() as now:
            order = venue.exchange.submit(venue.account_of(request), wanted, now)
            return JSONResponse(order_json(order, legs=True))

    @routes.patch("/v2/orders/{order_id}")
    async def replace(request: Request, order_id: str) -> JSONResponse:
        changes = read_replacement(await requests.object_body(request))
        with venue.at_now() as now:
            account = venue.account_of(request)
            fate = Fate.FILLED if faults.active("fill_wins_over_replace") else Fate.HONOURED
            order = venue.exchange.replace(account, order_id, changes, now, fate)
            if fate is Fate.FILLED:
                faults.take("fill_wins_over_replace")
            return JSONResponse(order_json(order, legs=True))

    return routes


def _add_readers(routes: APIRouter, venue: Venue) -> None:
    @routes.get("/v2/orders")
    async def listed(request: Request) -> JSONResponse:
        wanted = _filter(request.query_params)
        with venue.at_now():
            orders = search(venue.account_of(request), wanted)
            return JSONResponse([order_json(order, legs=wanted.nested) for order in orders])

    @routes.get("/v2/orders:by_client_order_id")
    async def by_client_order_id(request: Request) -> JSONResponse:
        name = request.query_params.get("client_order_id", "")
        if not name:
            raise rejections.missing("client_order_id")
        with venue.at_now():
            order = venue.account_of(request).by_client_order_id.get(name)
            if order is None:
                raise rejections.not_found(f"order not found for {name}")
            return JSONResponse(order_json(order, legs=True))

    @routes.get("/v2/orders/{order_id}")
    async def by_id(request: Request, order_id: str) -> JSONResponse:
        nested = requests.flag(request.query_params, "nested")
        with venue.at_now():
            order = venue.exchange.order(venue.account_of(request), order_id)
            return JSONResponse(order_json(order, legs=nested))


def _add_cancels(routes: APIRouter, venue: Venue) -> None:
    @routes.delete("/v2/orders")
    async def cancel_all(request: Request) -> JSONResponse:
        with venue.at_now():
            return JSONResponse(cancel_all_of(venue, request), 207)

    @routes.delete("/v2/orders/{order_id}")
    async def cancel(request: Request, order_id: str) -> Response:
        with venue.at_now():
            cancel_one(venue, request, order_id)
            return Response(status_code=204)


def cancel_one(venue: Venue, request: Request, order_id: str) -> None:
    faults = venue.context.faults
    fates = {"stuck_pending_cancel": Fate.STUCK, "fill_wins_over_cancel": Fate.FILLED}
    armed = next((name for name in fates if faults.active(name)), None)
    fate = Fate.HONOURED if armed is None else fates[armed]
    venue.exchange.cancel(venue.account_of(request), order_id, venue.exchange.now, fate)
    if armed is not None:
        faults.take(armed)


def cancel_all_of(venue: Venue, request: Request) -> list[dict[str, Any]]:
    """One item for each order that was open; the legs of a group go with it."""
    account = venue.account_of(request)
    return [_cancelled(venue, request, order.id) for order in list(account.open_orders.values()) if order.is_open]


def _cancelled(venue: Venue, request: Request, order_id: str) -> dict[str, Any]:
    try:
        cancel_one(venue, request, order_id)
    except Rejection as refusal:
        return {"id": order_id, "status": refusal.status, "body": refusal.body()}
    return {"id": order_id, "status": 200}


def _with_symbol(venue: Venue, body: dict[str, Any]) -> dict[str, Any]:
    """An asset id may stand for the symbol."""
    given = body.get("symbol")
    listing = venue.exchange.listing(given) if isinstance(given, str) else None
    return body if listing is None else {**body, "symbol": listing.symbol}


def _filter(query: requests.Query) -> OrderFilter:
    status = query.get("status", "").lower()
    if status not in _OPEN:
        raise rejections.malformed_value("status must be one of open, closed, all")
    before, after = query.get("before_order_id") or None, query.get("after_order_id") or None
    since, until = requests.instant(query, "after"), requests.instant(query, "until")
    if before is not None and after is not None:
        raise rejections.malformed_value("before_order_id and after_order_id are mutually exclusive")
    if (before or after) and (since or until):
        raise rejections.malformed_value("before_order_id and after_order_id do not combine with after and until")
    classes = requests.words(query, "asset_class")
    symbols = requests.words(query, "symbols")
    if classes is not None and not classes & {"us_equity", "all"}:
        symbols = frozenset()  # nothing but equities is traded here
    return OrderFilter(
        open=_OPEN[status],
        limit=requests.integer(query, "limit", _DEFAULT_ORDERS, 1, _MAX_ORDERS),
        after=since,
        until=until,
        ascending=_ascending(query),
        nested=requests.flag(query, "nested"),
        symbols=symbols,
        side=requests.word(query, "side", Side),
        before_order_id=before,
        after_order_id=after,
    )


def _ascending(query: requests.Query) -> bool:
    direction = query.get("direction", "").lower()
    if direction not in {"", "asc", "desc"}:
        raise rejections.malformed_value("direction must be asc or desc")
    return direction == "asc"

"""/sim: the venue's own controls, which no real Alpaca has: time, faults, reset. Needs no login."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal
from typing import Any

from fastapi import APIRouter, Request
from fastapi.responses import JSONResponse

from services.simulator.adapters import requests
from services.simulator.adapters.venue import Venue
from services.simulator.domain.numbers import to_decimal
from services.simulator.domain.order_request import shown
from services.simulator.domain.rejections import Rejection
from services.simulator.domain.virtual_clock import ClockError
from services.simulator.settings import parse_instant
from shared.sessions import session_at

_MAX_SEED = 2**63


def router(venue: Venue) -> APIRouter:
    routes = APIRouter(prefix="/sim", tags=["simulator's own controls"])

    @routes.get("/health")
    async def health() -> JSONResponse:
        return JSONResponse({"status": "ok"})

    @routes.get("/clock")
    async def clock() -> JSONResponse:
        return JSONResponse(_clock(venue))

    @routes.post("/clock")
    async def set_clock(request: Request) -> JSONResponse:
        _move(venue, await requests.object_body(request))
        return JSONResponse(_clock(venue))

    @routes.get("/faults")
    async def faults() -> JSONResponse:
        return JSONResponse(_faults(venue))

    @routes.post("/faults")
    async def arm(request: Request) -> JSONResponse:
        _arm(venue, await requests.object_body(request))
        return JSONResponse(_faults(venue))

    @routes.delete("/faults")
    async def disarm() -> JSONResponse:
        venue.context.faults.disarm()
        return JSONResponse(_faults(venue))

    @routes.get("/halts")
    async def halts() -> JSONResponse:
        return JSONResponse({"halted": list(venue.exchange.halts)})

    @routes.post("/halts")
    async def halt(request: Request) -> JSONResponse:
        _halt(venue, await requests.object_body(request))
        return JSONResponse({"halted": list(venue.exchange.halts)})

    @routes.post("/reset")
    async def reset(request: Request) -> JSONResponse:
        body = await requests.object_body(request)
        venue.reset(_seed(body), _start(body))
        return JSONResponse(_clock(venue))

    return routes


def _clock(venue: Venue) -> dict[str, Any]:
    now = venue.bring_up()
    return {"now": now.isoformat(), "speed": venue.context.clock.speed, "is_open": session_at(now) is not None}


def _move(venue: Venue, body: dict[str, Any]) -> None:
    commands = [name for name in ("advance_seconds", "to", "speed") if body.get(name) is not None]
    if len(commands) != 1:
        raise _refused("expected exactly one of advance_seconds, to, speed")
    clock, monotonic = venue.context.clock, venue.context.time.monotonic()
    name = commands[0]
    try:
        if name == "to":
            clock.jump(_instant(body, name), monotonic)
        elif name == "speed":
            clock.set_speed(_number(body, name), monotonic)
        else:
            clock.advance(_number(body, name), monotonic)
    except ClockError as error:
        raise _refused(str(error)) from error


def _faults(venue: Venue) -> list[dict[str, Any]]:
    return [
        {
            "name": line.name,
            "description": line.description,
            "armed": line.armed,
            "count": line.count,
            "seconds_left": line.seconds_left,
        }
        for line in venue.context.faults.listing()
    ]


def _arm(venue: Venue, body: dict[str, Any]) -> None:
    name, count, seconds = body.get("name"), body.get("count"), body.get("seconds")
    if not isinstance(name, str):
        raise _refused(f"name: expected the name of a fault, got {shown(name)}")
    try:
        venue.context.faults.arm(
            name,
            count=None if count is None else _whole(body, "count"),
            seconds=None if seconds is None else _number(body, "seconds"),
        )
    except KeyError:
        raise _refused(f"name: expected one of GET /sim/faults, got {shown(name)}") from None
    except ValueError as error:
        raise _refused(str(error)) from error


def _halt(venue: Venue, body: dict[str, Any]) -> None:
    symbol, is_halted = body.get("symbol"), body.get("halted")
    if not isinstance(symbol, str):
        raise _refused(f"symbol: expected a symbol, got {shown(symbol)}")
    if not isinstance(is_halted, bool):
        raise _refused(f"halted: expected true or false, got {shown(is_halted)}")
    with venue.at_now() as now:
        venue.exchange.halt(symbol, now, is_halted=is_halted)


def _seed(body: dict[str, Any]) -> int | None:
    if body.get("seed") is None:
        return None
    seed = _whole(body, "seed")
    if not 0 <= seed < _MAX_SEED:
        raise _refused(f"seed: expected 0..2**63-1, got {seed}")
    return seed


def _start(body: dict[str, Any]) -> dt.datetime | None:
    return None if body.get("start") is None else _instant(body, "start")


def _instant(body: dict[str, Any], name: str) -> dt.datetime:
    value = body[name]
    if not isinstance(value, str):
        raise _refused(f"{name}: expected an instant as a string, got {shown(value)}")
    try:
        return parse_instant(value)
    except ValueError as error:
        raise _refused(f"{name}: {error}, got {shown(value)}") from error


def _number(body: dict[str, Any], name: str) -> float:
    number = to_decimal(body[name])
    if number is None:
        raise _refused(f"{name}: expected a finite number, got {shown(body[name])}")
    return float(number)


def _whole(body: dict[str, Any], name: str) -> int:
    value = body[name]
    # Seeds have up to 19 digits, more than a sane quantity: they are read on their own.
    if not isinstance(value, Decimal) or not value.is_finite() or not 0 <= value < _MAX_SEED or value % 1 != 0:
        raise _refused(f"{name}: expected a whole number >= 0, got {shown(value)}")
    return int(value)


def _refused(message: str) -> Rejection:
    return Rejection(422, None, message)

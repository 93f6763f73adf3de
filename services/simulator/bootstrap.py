"""Puts the venue together: settings -> market, clock, exchange -> one ASGI app on one port."""

from __future__ import annotations

import asyncio
import datetime as dt
import socket
import sys
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager, suppress

import uvicorn
from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse, Response
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest
from starlette.exceptions import HTTPException

from services.simulator.adapters import (
    data_stream,
    rest_account,
    rest_data,
    rest_orders,
    rest_positions,
    rest_reference,
    rest_watchlists,
    sim_control,
    updates_stream,
)
from services.simulator.adapters.call_log import CallLog, Kept, Setup, StateError
from services.simulator.adapters.context import Time, VenueContext
from services.simulator.adapters.gate import Gate
from services.simulator.adapters.market_factory import default_start, market_for
from services.simulator.adapters.metrics import Measured
from services.simulator.adapters.recorded_files import RecordedDataError
from services.simulator.adapters.venue import Venue, World
from services.simulator.domain import rejections
from services.simulator.domain.calls import Call
from services.simulator.domain.credentials import KeyRing
from services.simulator.domain.exchange import Exchange
from services.simulator.domain.fees import FeeSchedule, NoFees, RegulatoryFees
from services.simulator.domain.fill_models import FillModel, PaperFills, RealisticFills
from services.simulator.domain.identity import Identity
from services.simulator.domain.market import Market
from services.simulator.domain.rate_limits import RateLimits
from services.simulator.domain.virtual_clock import VirtualClock
from services.simulator.settings import SimulatorSettings
from shared.http import add_docs
from shared.settings import SettingsError

# Clients keep idle connections; one that dies under a POST leaves them in doubt about an order.
_KEEP_ALIVE_SECONDS = 75
_STOP_SECONDS = 3
_ROUTERS = (rest_orders, rest_positions, rest_account, rest_reference, rest_watchlists, sim_control, updates_stream)
_NOT_FOUND, _NOT_ALLOWED = 404, 405


class Worlds:
    """Makes the market, clock and exchange of a seed and a start; what is not given is as configured.

    The first one takes up what is kept, where a directory for it was given; a reset begins it anew as configured or asked.
    """

    def __init__(self, settings: SimulatorSettings, market: Market, time: Time) -> None:
        self._settings = settings
        self._time = time
        self._log = None if settings.state is None else CallLog(settings.state, _setup(settings), time.monotonic)
        self._is_first = True
        self._markets = {settings.seed: market}
        self.context = VenueContext(
            market,
            self._clock(market, None),
            KeyRing(settings.pinned),
            RateLimits(settings.rate_limit),
            settings.plan == "basic",
            time,
        )
        if self._log is not None:
            self.context.listeners.append(self._log.tick)

    def make(self, seed: int | None, start: dt.datetime | None) -> World:
        if self._log is None:
            return self._made(seed, start)
        if not self._is_first:
            self._log.begin(seed, start)
            world = self._made(seed, start)
        else:
            self._is_first = False
            world = self._made_again(self._log.take_up())
        world.exchange.on_call = self._log.append
        return world

    def save(self, now: dt.datetime | None = None) -> None:
        """Where the clock stands, for whoever goes on."""
        if self._log is not None:
            self._log.save(now or self.context.now())

    def _made_again(self, kept: Kept) -> World:
        world = self._made(kept.origin.seed, kept.origin.start)
        for call in kept.calls:
            _repeat(call, world.exchange)
        world.exchange.drain_events()
        if kept.clock is not None:
            self.context.clock.jump(max(kept.clock, world.exchange.now), self._time.monotonic())
        return world

    def _made(self, seed: int | None, start: dt.datetime | None) -> World:
        seed = self._settings.seed if seed is None else seed
        if seed not in self._markets:
            self._markets = {seed: market_for(self._settings.data, seed)}
        market = self._markets[seed]
        self.context.market = market
        self.context.clock = self._clock(market, start)
        self.context.keys = KeyRing(self._settings.pinned)
        self.context.limits = RateLimits(self._settings.rate_limit)
        identity = Identity(seed)
        model, fees = self._fills(identity)
        exchange = Exchange(
            market,
            identity=identity,
            model=model,
            fees=fees,
            start=self.context.clock.start,
            starting_cash=self._settings.cash,
        )
        return World(identity, exchange)

    def _clock(self, market: Market, start: dt.datetime | None) -> VirtualClock:
        begins = start or self._settings.start_instant or default_start(market)
        return VirtualClock(begins, self._settings.speed, self._time.monotonic())

    def _fills(self, identity: Identity) -> tuple[FillModel, FeeSchedule]:
        if self._settings.fills == "realistic":
            return RealisticFills(), RegulatoryFees()
        return PaperFills(identity), NoFees()


def _repeat(call: Call, exchange: Exchange) -> None:
    try:
        call.repeat(exchange)
    except rejections.Rejection as refusal:
        raise StateError(f"expected to repeat {call}, got {refusal.body()}; empty the directory") from refusal


def _setup(settings: SimulatorSettings) -> Setup:
    start = settings.start_instant
    return Setup(
        seed=settings.seed,
        start="" if start is None else start.isoformat(),
        fills=settings.fills,
        cash=str(settings.cash),
        data=str(settings.data or ""),
    )


def create_app(settings: SimulatorSettings, *, market: Market | None = None, time: Time | None = None) -> FastAPI:
    """The whole venue as an ASGI app; `app.state.venue` is what stands behind it. `market` spares the making of one."""
    worlds = Worlds(settings, market or market_for(settings.data, settings.seed), time or Time())
    venue = Venue(worlds.context, worlds.make, worlds.save)
    app = FastAPI(
        title="alchemiser simulator",
        description="An exchange that speaks Alpaca's wire. /sim is its own.",
        redirect_slashes=False,
        lifespan=_pumping(venue, worlds.save),
        docs_url=None,
        redoc_url=None,
    )
    app.state.venue = venue
    for room in _ROUTERS:
        app.include_router(room.router(venue))
    app.include_router(rest_data.router(worlds.context))
    app.include_router(data_stream.router(worlds.context))
    _add_own_pages(app, venue)
    _speak_alpaca_in_refusals(app)
    app.add_middleware(Gate, venue=venue, stall_seconds=settings.stall_seconds)
    app.add_middleware(Measured)
    return app


def serve(settings: SimulatorSettings) -> int:
    """Runs the venue until SIGTERM or Ctrl-C. Returns the exit code. Raises SettingsError for a wrong address or wrong data."""
    listening = _listen(settings)
    try:
        app = create_app(settings)
    except RecordedDataError as error:
        listening.close()
        raise SettingsError(f"SIM_DATA: {error}") from error
    except StateError as error:
        listening.close()
        raise SettingsError(f"SIM_STATE: {error}") from error
    server = uvicorn.Server(
        uvicorn.Config(
            app,
            log_config=None,
            access_log=False,
            date_header=False,
            server_header=False,
            ws_per_message_deflate=False,
            timeout_keep_alive=_KEEP_ALIVE_SECONDS,
            timeout_graceful_shutdown=_STOP_SECONDS,
        )
    )
    venue: Venue = app.state.venue
    port = listening.getsockname()[1]
    sys.stderr.write(
        f"simulator on http://{settings.host}:{port}, seed {settings.seed}, fills {settings.fills}, "
        f"virtual time {venue.context.now().isoformat()} at speed {settings.speed:g}\n"
    )
    with suppress(KeyboardInterrupt):
        server.run(sockets=[listening])
    return 0


def _listen(settings: SimulatorSettings) -> socket.socket:
    family = socket.AF_INET6 if ":" in settings.host else socket.AF_INET
    # Named as TCP, or asyncio does not switch Nagle off and every answer waits 40 ms for an acknowledgement.
    listening = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listening.bind((settings.host, settings.port))
    except OSError as error:
        listening.close()
        raise SettingsError(
            f"SIM_HOST, SIM_PORT: expected an address that can be listened on, got {settings.host}:{settings.port}: {error}"
        ) from error
    return listening


def _pumping(venue: Venue, save: Callable[[], None]) -> Callable[[FastAPI], AbstractAsyncContextManager[None]]:
    @asynccontextmanager
    async def lifespan(_app: FastAPI) -> AsyncIterator[None]:
        pump = asyncio.create_task(venue.pump())
        yield
        pump.cancel()
        with suppress(asyncio.CancelledError):
            await pump
        save()

    return lifespan


def _add_own_pages(app: FastAPI, venue: Venue) -> None:
    add_docs(app)

    @app.get("/health")
    async def health() -> dict[str, str]:
        """The process lives."""
        return {"service": "simulator", "status": "ok"}

    @app.get("/ready")
    async def ready() -> dict[str, object]:
        """It answers for as many symbols as its market has."""
        return {"service": "simulator", "ready": True, "symbols": len(venue.exchange.listings)}

    @app.get("/metrics", include_in_schema=False)
    async def metrics() -> Response:
        return Response(generate_latest(), media_type=CONTENT_TYPE_LATEST)


def _speak_alpaca_in_refusals(app: FastAPI) -> None:
    @app.exception_handler(rejections.Rejection)
    async def refused(_request: Request, refusal: rejections.Rejection) -> JSONResponse:
        return JSONResponse(refusal.body(), refusal.status)

    @app.exception_handler(HTTPException)
    async def unknown(_request: Request, error: HTTPException) -> JSONResponse:
        texts = {_NOT_FOUND: "endpoint not found.", _NOT_ALLOWED: "method not allowed."}
        body = {"code": error.status_code * 100_000 + 10_000, "message": texts.get(error.status_code, error.detail)}
        return JSONResponse(body, error.status_code, headers=error.headers)

    @app.exception_handler(RequestValidationError)
    async def malformed(_request: Request, error: RequestValidationError) -> JSONResponse:
        named = "; ".join(f"{'.'.join(map(str, fault['loc']))}: {fault['msg']}" for fault in error.errors())
        refusal = rejections.malformed_body(named)
        return JSONResponse(refusal.body(), refusal.status)

    @app.exception_handler(Exception)
    async def failed(_request: Request, _error: Exception) -> JSONResponse:
        refusal = rejections.internal_error()
        return JSONResponse(refusal.body(), refusal.status)

"""A venue's market side behind a real server on a free port; its time stands still until a test moves it."""

from __future__ import annotations

import datetime as dt
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import uvicorn
from fastapi import FastAPI

from services.simulator.adapters import data_stream, rest_data
from services.simulator.adapters.context import VenueContext
from services.simulator.adapters.market_factory import default_start, market_for
from services.simulator.domain.credentials import KeyRing
from services.simulator.domain.market import Market
from services.simulator.domain.rate_limits import RateLimits
from services.simulator.domain.virtual_clock import VirtualClock
from tests.integration.simulator_data.venue import Start, Venue


@pytest.fixture(scope="session")
def generated() -> Market:
    return market_for(None, 7)


@pytest.fixture(scope="session")
def recorded(market_data_dir: Path) -> Market:
    return market_for(market_data_dir, 7)


@pytest.fixture
def start_venue(eventually: Callable[..., object]) -> Iterator[Start]:
    """Starts venues; ends them all."""
    running: list[tuple[uvicorn.Server, threading.Thread]] = []

    def start(market: Market, at: dt.datetime | None = None) -> Venue:
        context = VenueContext(market, VirtualClock(at or default_start(market), 0.0, 0.0), KeyRing(), RateLimits(0))
        app = FastAPI()
        app.include_router(rest_data.router(context))
        app.include_router(data_stream.router(context, symbol_limit=None, auth_seconds=0.5))
        server = uvicorn.Server(
            uvicorn.Config(app, port=0, log_level="warning", ws_per_message_deflate=False, timeout_graceful_shutdown=1)
        )
        thread = threading.Thread(target=server.run)
        thread.start()
        running.append((server, thread))
        eventually(lambda: server.started)
        port = server.servers[0].sockets[0].getsockname()[1]
        return Venue(context, port)

    yield start
    for server, thread in running:
        server.should_exit = True
        thread.join(timeout=10)


@pytest.fixture
def venue(start_venue: Start, generated: Market) -> Venue:
    """The generated market of seed 7 at its default start."""
    return start_venue(generated)

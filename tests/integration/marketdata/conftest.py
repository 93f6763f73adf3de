"""Marketdata's process against the simulator's market side on a real port, and the readers' side of its Redis."""

from __future__ import annotations

import datetime as dt
import threading
from collections.abc import Callable, Iterator
from typing import Any

import httpx
import pytest
import redis
import uvicorn
from fastapi import FastAPI
from pydantic import SecretStr

from cli.embedded_redis import embedded_redis, free_port
from services.marketdata.adapters.inbox import BoundedInbox
from services.marketdata.adapters.stream_alpaca import AlpacaStream
from services.marketdata.bootstrap import Configuration, build
from services.marketdata.settings import MarketdataSettings
from services.simulator.adapters import data_stream, rest_data
from services.simulator.adapters.context import VenueContext
from services.simulator.adapters.market_factory import default_start, market_for
from services.simulator.domain.credentials import KeyRing
from services.simulator.domain.market import Market
from services.simulator.domain.rate_limits import RateLimits
from services.simulator.domain.virtual_clock import VirtualClock
from shared.bus import Delivery, Outcome, Put
from shared.bus.redis_bus import RedisBus
from shared.contracts import Message, decode, streams
from shared.contracts.alerts import AlertRaised
from shared.contracts.marketdata import FeedStateChanged, Quote
from shared.settings import HttpSettings, RedisSettings, VenueSettings
from tests.conftest import eventually as wait_until

TOKEN = "a-token-long-enough"
Eventually = Callable[..., Any]


class SimulatedVenue:
    """The simulator's market-data REST, its data socket and its clock, at real speed in the middle of a session."""

    def __init__(self, market: Market, at: dt.datetime, port: int) -> None:
        self.port = port
        self.context = VenueContext(market, VirtualClock(at, 0.0, 0.0), KeyRing(), RateLimits(0))
        self.context.clock.set_speed(1.0, self.context.time.monotonic())
        app = FastAPI()
        app.add_api_route("/sim/clock", self._clock)
        app.include_router(rest_data.router(self.context))
        app.include_router(data_stream.router(self.context))
        self._server = uvicorn.Server(
            uvicorn.Config(
                app, port=port, log_level="warning", ws_per_message_deflate=False, timeout_graceful_shutdown=1
            )
        )
        self._thread = threading.Thread(target=self._server.run)
        self._thread.start()

    async def _clock(self) -> dict[str, Any]:
        return {"now": self.context.now().isoformat(), "speed": self.context.clock.speed, "is_open": True}

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def is_started(self) -> bool:
        return self._server.started

    def arm(self, fault: str, **how: float) -> None:
        self.context.faults.arm(fault, **how)  # type: ignore[arg-type]  # count is an int at every caller

    def stop(self) -> None:
        self._server.should_exit = True
        self._thread.join(10)


class Running:
    """The process's parts in threads of this one."""

    def __init__(self, redis_url: str, namespace: str, simulator_url: str, **settings: Any) -> None:
        self.redis = redis.Redis.from_url(redis_url)
        self.bus = RedisBus(self.redis, namespace)
        port = free_port()
        # Patient with silence alone: a machine that stands still for a second must not look like a feed that does.
        hasty = {
            "mute_seconds": 60,
            "outage_seconds": 0.3,
            "calm_seconds": 0.5,
            "poll_seconds": 0.1,
            "wanted_seconds": 0.1,
        }
        venue = VenueSettings(simulator_url=simulator_url)
        configuration = Configuration(
            redis=RedisSettings(redis_url=redis_url, namespace=namespace),
            http=HttpSettings(http_port=port, http_token=SecretStr(TOKEN)),
            venue=venue,
            marketdata=MarketdataSettings(**{**hasty, **settings}),
        )

        def stream(inbox: BoundedInbox) -> AlpacaStream:
            return AlpacaStream(venue.venue(), "iex", inbox, backoff=_soon)

        self.stop_asked = threading.Event()
        process = build(configuration, self.stop_asked, stream=stream)
        self.threads = [
            threading.Thread(target=part, args=(self.stop_asked,), name=name) for name, part in process.parts.items()
        ]
        for thread in self.threads:
            thread.start()
        self.http = httpx.Client(base_url=f"http://127.0.0.1:{port}", timeout=5)

    def want(self, subscriber: str, text: str) -> None:
        self.bus.commit(Outcome(changes=(Put(streams.WANTED_SYMBOLS, subscriber, text),)))

    def quote(self, symbol: str) -> Quote | None:
        text = self.bus.get(streams.LATEST_QUOTES, symbol)
        return None if text is None else Quote.model_validate_json(text)

    def said(self, stream: str) -> list[Message]:
        """Everything on a stream so far."""
        found: list[Delivery] = []
        group = f"test-{threading.get_ident()}-{len(self._groups)}"
        self._groups.append(group)
        while fresh := self.bus.read(group, "c", [stream], count=1000, block_seconds=0):
            found += fresh
        return [decode(d.fields[b"kind"].decode(), d.fields[b"data"]) for d in found]

    _groups: list[str] = []  # noqa: RUF012 - only names, to be different from each other

    @property
    def states(self) -> list[str]:
        return [m.state for m in self.said(streams.FEED_STATUS) if isinstance(m, FeedStateChanged)]

    @property
    def alerts(self) -> list[AlertRaised]:
        return [m for m in self.said("marketdata.alerts") if isinstance(m, AlertRaised)]

    def answers(self) -> bool:
        try:
            return self.http.get("/health").is_success
        except httpx.TransportError:
            return False

    def is_ready(self) -> bool:
        return self.answers() and self.http.get("/ready").is_success

    def end(self) -> list[str]:
        """The parts that did not stop."""
        self.http.close()
        self.redis.close()
        self.stop_asked.set()
        for thread in self.threads:
            thread.join(10)
        return [thread.name for thread in self.threads if thread.is_alive()]


def _soon(attempt: int, *, connection_limited: bool) -> float:
    return 1.0 if connection_limited else 0.05


@pytest.fixture(scope="session")
def generated_market() -> Market:
    return market_for(None, 7)


@pytest.fixture
def start_venue(generated_market: Market, eventually: Eventually) -> Iterator[Callable[..., SimulatedVenue]]:
    """Starts the simulator's market side, on a free port or a given one."""
    started: list[SimulatedVenue] = []

    def start(port: int | None = None) -> SimulatedVenue:
        venue = SimulatedVenue(generated_market, default_start(generated_market), port or free_port())
        started.append(venue)
        eventually(lambda: venue.is_started, what="the venue")
        return venue

    yield start
    for venue in started:
        venue.stop()


@pytest.fixture
def venue(start_venue: Callable[..., SimulatedVenue]) -> SimulatedVenue:
    return start_venue()


@pytest.fixture
def start(redis_url: str, namespace: str) -> Iterator[Callable[..., Running]]:
    """Starts marketdata against a venue's URL; every part of it must stop."""
    started: list[Running] = []
    default = redis_url

    def run(simulator_url: str, *, redis_url: str = default, **settings: Any) -> Running:
        started.append(Running(redis_url, namespace, simulator_url, **settings))
        return started[-1]

    yield run
    late = [name for running in started for name in running.end()]
    assert late == []


@pytest.fixture(scope="module")
def house(generated_market: Market) -> Iterator[tuple[Running, SimulatedVenue]]:
    """One marketdata, its venue and a Redis of its own for all tests that only look: SPY and TQQQ are wanted."""
    with embedded_redis() as server:
        venue = SimulatedVenue(generated_market, default_start(generated_market), free_port())
        running = None
        try:
            wait_until(lambda: venue.is_started, what="the venue")
            running = Running(server.url, "house", venue.url)
            running.want("strategy", '["SPY", "TQQQ"]')
            fully_served(running)
            yield running, venue
        finally:
            late = running.end() if running else []
            venue.stop()
        assert late == []


def fully_served(running: Running) -> None:
    """Ready is said also while nothing is wanted, so this waits for the data themselves."""
    wait_until(lambda: is_streamed(running, "SPY"), within=20, what="a streamed quote")
    wait_until(lambda: running.http.get("/bars/SPY").is_success, within=20, what="history")
    wait_until(running.is_ready, what="ready")


def is_streamed(running: Running, symbol: str) -> bool:
    quote = running.quote(symbol)
    return quote is not None and quote.source == "stream"

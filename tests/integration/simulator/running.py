"""A whole simulator behind a real server on a free port, and what a test holds of it."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import httpx
import uvicorn
from alpaca.trading.client import TradingClient
from alpaca.trading.stream import TradingStream

from services.simulator.adapters.venue import Venue
from services.simulator.bootstrap import create_app
from services.simulator.domain.market import Market
from services.simulator.settings import SimulatorSettings

START = "2024-06-03T10:00"
Start = Callable[..., "Running"]


@dataclass
class Running:
    """`venue` belongs to the server's thread: look, do not touch."""

    port: int
    venue: Venue
    key: str = "bot"
    secret: str = "secret"
    stop: Callable[[], None] = lambda: None
    """Ends it before its test does."""
    _clients: list[httpx.Client] = field(default_factory=list)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def updates_url(self) -> str:
        return f"ws://127.0.0.1:{self.port}/stream"

    @property
    def login(self) -> dict[str, str]:
        return {"APCA-API-KEY-ID": self.key, "APCA-API-SECRET-KEY": self.secret}

    def http(self, **headers: str) -> httpx.Client:
        """A client without a login unless headers bring one."""
        client = httpx.Client(base_url=self.url, headers=headers, timeout=10, trust_env=False)
        self._clients.append(client)
        return client

    @cached_property
    def api(self) -> httpx.Client:
        """The one client that is logged in."""
        return self.http(**self.login)

    def order(self, **fields: Any) -> httpx.Response:
        """A market buy of one SPY, but for what is given."""
        body = {"symbol": "SPY", "qty": "1", "side": "buy", "type": "market", "time_in_force": "day", **fields}
        return self.api.post("/v2/orders", json={name: value for name, value in body.items() if value is not None})

    def get(self, path: str, **params: Any) -> Any:
        return self.api.get(path, params=params).raise_for_status().json()

    def advance(self, seconds: float) -> None:
        self.api.post("/sim/clock", json={"advance_seconds": seconds}).raise_for_status()

    def go_to(self, instant: str) -> None:
        self.api.post("/sim/clock", json={"to": instant}).raise_for_status()

    def arm(self, name: str, **measure: float) -> None:
        self.api.post("/sim/faults", json={"name": name, **(measure or {"count": 1})}).raise_for_status()

    def ask(self, symbol: str = "SPY") -> float:
        return float(self.get("/v2/stocks/quotes/latest", symbols=symbol)["quotes"][symbol]["ap"])

    def trading(self) -> TradingClient:
        return TradingClient(self.key, self.secret, paper=True, url_override=self.url)

    def trading_stream(self) -> TradingStream:
        return TradingStream(self.key, self.secret, paper=True, url_override=self.updates_url)

    def close(self) -> None:
        for client in self._clients:
            client.close()


@contextmanager
def running_simulator(market: Market, eventually: Callable[..., object], **settings: Any) -> Iterator[Running]:
    """Virtual time stands still and there is no rate limit, unless settings say otherwise."""
    chosen = {"port": 0, "seed": 7, "start": START, "speed": 0, "rate_limit": 0, **settings}
    app = create_app(SimulatorSettings(**chosen), market=market)
    server = uvicorn.Server(
        uvicorn.Config(
            app,
            port=0,
            log_config=None,
            date_header=False,
            server_header=False,
            ws_per_message_deflate=False,
            timeout_keep_alive=75,
            timeout_graceful_shutdown=1,
        )
    )
    thread = threading.Thread(target=server.run)
    thread.start()
    eventually(lambda: server.started)
    simulator = Running(server.servers[0].sockets[0].getsockname()[1], app.state.venue)

    def stop() -> None:
        simulator.close()
        server.should_exit = True
        thread.join(timeout=10)

    simulator.stop = stop
    try:
        yield simulator
    finally:
        stop()

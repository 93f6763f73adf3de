"""The real simulator as a child process whose time runs faster than the wall's, and what execution hears of prices from it."""

from __future__ import annotations

import datetime as dt
import multiprocessing
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from decimal import Decimal
from typing import Any, Final

import httpx
import uvicorn

from cli.embedded_redis import free_port
from services.execution.adapters.memory_references import MemoryReferences
from services.simulator.adapters.context import Time
from services.simulator.bootstrap import create_app
from services.simulator.domain.generator_universe import ASSETS, Driven
from services.simulator.settings import SimulatorSettings
from shared import logs
from shared.clock import Clock
from shared.contracts.marketdata import Quote
from shared.settings import LogSettings
from tests.integration.execution.processes import history_of

QUIET: Final = LogSettings(log_level="ERROR")
MORE: Final = {
    f"MORE{letter}": Driven(price, beta=1.0, noise=0.01)
    for letter, price in zip("ABCD", (40, 60, 80, 100), strict=True)
}
"""The generator lists 80 symbols; 42 sold and 42 bought are 84."""
QUOTES_KEY: Final = {"APCA-API-KEY-ID": "quotes", "APCA-API-SECRET-KEY": "quotes"}


def hurried(pace: float) -> float:
    """Monotonic seconds at `pace`."""
    return time.monotonic() * pace


def run_simulator(port: int, pace: float, seed: int, fills: str) -> None:
    """The child process: an exchange whose seconds are `pace` times as short."""
    logs.configure("simulator", QUIET)
    ASSETS.update(MORE)
    start = "2024-06-03T10:00"
    settings = SimulatorSettings.model_validate(
        {"port": port, "seed": seed, "start": start, "rate_limit": 200, "fills": fills, "cash": Decimal(500_000)}
    )
    app = create_app(settings, time=Time(monotonic=lambda: hurried(pace)))
    config = uvicorn.Config(
        app, "127.0.0.1", port, log_config=None, ws_per_message_deflate=False, timeout_keep_alive=75
    )
    uvicorn.Server(config).run()


@contextmanager
def simulator(pace: float, seed: int, fills: str) -> Iterator[str]:
    """Its address."""
    port = free_port()
    child = multiprocessing.get_context("spawn").Process(
        target=run_simulator, args=(port, pace, seed, fills), daemon=True
    )
    child.start()
    url = f"http://127.0.0.1:{port}"
    try:
        deadline = time.monotonic() + 60
        while not _answers(url):
            if time.monotonic() > deadline:
                raise TimeoutError("the simulator did not start")
            threading.Event().wait(0.1)
        yield url
    finally:
        child.terminate()
        child.join(10)


def _answers(url: str) -> bool:
    try:
        return httpx.get(f"{url}/health", trust_env=False).is_success
    except httpx.TransportError:
        return False


class PumpedQuotes:
    """The Quotes port, filled from the simulator once a (hurried) second."""

    def __init__(self, url: str, symbols: Sequence[str], pace: float) -> None:
        self._url = f"{url}/v2/stocks/quotes/latest?symbols={','.join(symbols)}"
        self._pace = pace
        self._found: Mapping[str, Quote] = {}

    def latest(self, symbols: Sequence[str]) -> Mapping[str, Quote]:
        found = self._found
        return {symbol: found[symbol] for symbol in symbols if symbol in found}

    def want(self, symbols: Sequence[str]) -> None:
        """All of them are there."""

    def run(self, stop: threading.Event) -> None:
        with httpx.Client(headers=QUOTES_KEY, trust_env=False, timeout=5) as client:
            while not stop.wait(1 / self._pace):
                with suppress(httpx.HTTPError):
                    rows = client.get(self._url).raise_for_status().json()["quotes"]
                    self._found = {symbol: _quote(symbol, row) for symbol, row in rows.items()}


def _quote(symbol: str, row: Mapping[str, Any]) -> Quote:
    bid, ask = (Decimal(str(row[side])) if row[side] else None for side in ("bp", "ap"))
    at = dt.datetime.fromisoformat(row["t"])
    return Quote(symbol=symbol, at=at, bid=bid, bid_size=row["bs"], ask=ask, ask_size=row["as"])


def references_from(url: str, symbols: Sequence[str], clock: Clock) -> MemoryReferences:
    """Daily histories, as marketdata would bring them."""
    asked = f"symbols={','.join(symbols)}&timeframe=1Day&limit=10000&start=2024-04-15&end=2024-05-31&feed=iex"
    answer = httpx.get(f"{url}/v2/stocks/bars?{asked}", headers=QUOTES_KEY, trust_env=False, timeout=30)
    references = MemoryReferences()
    for symbol, bars in answer.raise_for_status().json()["bars"].items():
        references.put(history_of(symbol, bars, clock.now()))
    return references

"""Scenarios that an unmodified alpaca-py drives against a running simulator (SIM_URL), in an environment of its own.

Virtual time stands still (speed 0) and moves only where a scenario says so. Every scenario starts from a reset venue at
10:00 New York on 2024-06-03, with an account nobody else uses. Only alpaca-py, httpx and pytest may be imported here.
"""

from __future__ import annotations

import itertools
import os
import threading
import time
from collections.abc import Callable, Iterator

import httpx
import pytest
from alpaca.data.historical import StockHistoricalDataClient
from alpaca.data.live import StockDataStream
from alpaca.data.requests import StockLatestQuoteRequest
from alpaca.trading.client import TradingClient
from alpaca.trading.enums import OrderSide, TimeInForce
from alpaca.trading.requests import LimitOrderRequest, MarketOrderRequest
from alpaca.trading.stream import TradingStream

URL = os.environ["SIM_URL"]
SOCKETS = "ws" + URL.removeprefix("http")
START = "2024-06-03T10:00"
_numbers = itertools.count(1)


class Venue:
    """The simulator's control surface, and one account on it."""

    def __init__(self) -> None:
        self.key = f"KEY-{os.getpid()}-{next(_numbers)}"
        self.secret = "secret"
        self._http = httpx.Client(base_url=URL, timeout=10)

    def reset(self) -> None:
        self._http.post("/sim/reset", json={"start": START}).raise_for_status()
        self._http.request("DELETE", "/sim/faults").raise_for_status()

    def advance(self, seconds: float) -> None:
        self._http.post("/sim/clock", json={"advance_seconds": seconds}).raise_for_status()

    def go_to(self, instant: str) -> None:
        self._http.post("/sim/clock", json={"to": instant}).raise_for_status()

    def arm(self, name: str, count: int = 1) -> None:
        self._http.post("/sim/faults", json={"name": name, "count": count}).raise_for_status()

    def raw(self, method: str, path: str, **kwargs: object) -> httpx.Response:
        headers = {"APCA-API-KEY-ID": self.key, "APCA-API-SECRET-KEY": self.secret}
        return self._http.request(method, path, headers=headers, **kwargs)

    def trading(self) -> TradingClient:
        return TradingClient(self.key, self.secret, paper=True, url_override=URL)

    def data(self) -> StockHistoricalDataClient:
        return StockHistoricalDataClient(self.key, self.secret, url_override=URL)

    def data_stream(self, **kwargs: object) -> StockDataStream:
        return StockDataStream(self.key, self.secret, url_override=f"{SOCKETS}/v2/iex", **kwargs)

    def trading_stream(self) -> TradingStream:
        return TradingStream(self.key, self.secret, paper=True, url_override=f"{SOCKETS}/stream")

    def ask(self, symbol: str) -> float:
        return float(self._quote(symbol).ask_price)

    def bid(self, symbol: str) -> float:
        return float(self._quote(symbol).bid_price)

    def _quote(self, symbol: str) -> object:
        return self.data().get_stock_latest_quote(StockLatestQuoteRequest(symbol_or_symbols=symbol))[symbol]


@pytest.fixture
def venue() -> Venue:
    venue = Venue()
    venue.reset()
    return venue


@pytest.fixture
def trading(venue: Venue) -> TradingClient:
    return venue.trading()


@pytest.fixture
def data(venue: Venue) -> StockHistoricalDataClient:
    return venue.data()


@pytest.fixture
def market(trading: TradingClient) -> Callable[..., object]:
    """Place a market order: market("SPY", 2) buys two shares."""

    def place(symbol: str, qty: float, side: OrderSide = OrderSide.BUY, **more: object) -> object:
        return trading.submit_order(
            MarketOrderRequest(symbol=symbol, qty=qty, side=side, time_in_force=TimeInForce.DAY, **more)
        )

    return place


@pytest.fixture
def limit(trading: TradingClient) -> Callable[..., object]:
    """Place a limit order at a price rounded to the cent."""

    def place(
        symbol: str,
        qty: float,
        price: float,
        side: OrderSide = OrderSide.BUY,
        tif: TimeInForce = TimeInForce.DAY,
        **more: object,
    ) -> object:
        return trading.submit_order(
            LimitOrderRequest(symbol=symbol, qty=qty, side=side, time_in_force=tif, limit_price=round(price, 2), **more)
        )

    return place


def until(probe: Callable[[], object], seconds: float = 10.0) -> object:
    """The first truthy answer, asked until the deadline."""
    deadline, pause = time.monotonic() + seconds, threading.Event()
    while True:
        answer = probe()
        if answer:
            return answer
        assert time.monotonic() < deadline, f"not within {seconds} s; last answer {answer!r}"
        pause.wait(0.02)


@pytest.fixture(name="until")
def _until() -> Callable[..., object]:
    return until


@pytest.fixture
def held(venue: Venue, trading: TradingClient, market: Callable[..., object]) -> Callable[[str, float], None]:
    """Own `qty` shares of a symbol, bought at the market."""

    def own(symbol: str, qty: float) -> None:
        order = market(symbol, qty)
        for _ in range(40):  # a paper fill may be partial first; the rest follows as time passes
            if trading.get_order_by_id(order.id).status.value == "filled":
                return
            venue.advance(1)
        raise AssertionError(f"{symbol} did not fill")

    return own


@pytest.fixture
def in_background() -> Iterator[Callable[[object], threading.Thread]]:
    """Run alpaca-py streams in threads, and stop them at the end."""
    started: list[tuple[object, threading.Thread]] = []

    def run(stream: object) -> threading.Thread:
        thread = threading.Thread(target=stream.run, daemon=True)
        thread.start()
        started.append((stream, thread))
        return thread

    yield run
    for stream, thread in started:
        if thread.is_alive():
            stream.stop()
            thread.join(5)

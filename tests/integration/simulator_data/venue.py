"""What a test holds of a running venue."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from dataclasses import dataclass

from alpaca.data.historical import StockHistoricalDataClient

from services.simulator.adapters.context import VenueContext


@dataclass
class Venue:
    """A running server and what stands behind it."""

    context: VenueContext
    port: int

    @property
    def http(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def socket(self, feed: str = "iex") -> str:
        return f"ws://127.0.0.1:{self.port}/v2/{feed}"

    def client(self) -> StockHistoricalDataClient:
        return StockHistoricalDataClient("key", "secret", url_override=self.http)

    def advance(self, seconds: float) -> dt.datetime:
        return self.context.clock.advance(seconds, self.context.time.monotonic())


Start = Callable[..., Venue]

"""Unmodified alpaca-py listens to the venue."""

from __future__ import annotations

import datetime as dt
import threading
from collections import defaultdict
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from alpaca.data.live import StockDataStream

from services.simulator.domain.market import Market
from tests.integration.simulator_data.venue import Start, Venue

Heard = dict[str, list[Any]]
Eventually = Callable[..., Any]
MINUTE = dt.timedelta(minutes=1)


@pytest.fixture
def heard() -> Heard:
    return defaultdict(list)


@pytest.fixture
def listen(heard: Heard, eventually: Eventually) -> Iterator[Callable[..., StockDataStream]]:
    running: list[tuple[Venue, StockDataStream, threading.Thread]] = []

    def start(venue: Venue, *symbols: str, raw: bool = False) -> StockDataStream:
        params = {"ping_interval": 10, "ping_timeout": 20, "close_timeout": 1}
        stream = StockDataStream("key", "secret", raw_data=raw, url_override=venue.socket(), websocket_params=params)
        for name in ("quotes", "trades", "bars", "daily_bars", "updated_bars", "trading_statuses"):

            async def keep(data: Any, name: str = name) -> None:
                heard[name].append(data)

            getattr(stream, f"subscribe_{name}")(keep, *symbols)
        thread = threading.Thread(target=stream.run)
        thread.start()
        running.append((venue, stream, thread))
        return stream

    yield start
    for venue, stream, thread in running:
        stopping = threading.Thread(target=stream.stop)
        stopping.start()
        # The client looks at its stop order when data arrive, else every five seconds.
        eventually(lambda: venue.advance(1) and not thread.is_alive(), what="the client has stopped")  # noqa: B023 - asked at once
        stopping.join(timeout=10)


def test_quotes_trades_and_bars_arrive_whole(
    venue: Venue, listen: Callable[..., StockDataStream], heard: Heard, eventually: Eventually
) -> None:
    listen(venue, "SPY", "TQQQ")
    eventually(lambda: venue.advance(1) and heard["quotes"], what="the first quotes")
    start = venue.context.now()
    end = venue.advance(120)
    market = venue.context.market
    expected = [quote for symbol in ("SPY", "TQQQ") for quote in market.quotes(symbol, start, end)]
    eventually(lambda: later(heard["quotes"], start) == len(expected) and len(heard["bars"]) >= 4)
    assert {(q.symbol, q.timestamp, q.bid_price, q.ask_price) for q in heard["quotes"] if q.timestamp > start} == {
        (q.symbol, q.at, float(q.bid), float(q.ask)) for q in expected
    }
    bars = [bar for symbol in ("SPY", "TQQQ") for bar in market.minute_bars(symbol, start - MINUTE, end, end)]
    told = [(b.symbol, b.timestamp, b.close, b.volume) for b in heard["bars"]]
    assert sorted(told) == [(b.symbol, b.at, float(b.close), b.volume) for b in bars]
    assert len(heard["daily_bars"]) == len(bars)
    trades = sum(1 for symbol in ("SPY", "TQQQ") for _ in market.trades(symbol, start, end))
    eventually(lambda: later(heard["trades"], start) == trades)


def later(ticks: list[Any], start: dt.datetime) -> int:
    return sum(tick.timestamp > start for tick in ticks)


@pytest.mark.data
def test_recorded_quotes_of_2013_arrive_as_recorded(
    start_venue: Start, recorded: Market, listen: Callable[..., StockDataStream], heard: Heard, eventually: Eventually
) -> None:
    venue = start_venue(recorded, dt.datetime(2013, 10, 7, 14, tzinfo=dt.UTC))
    listen(venue, "IBM")
    eventually(lambda: venue.advance(1) and heard["quotes"], what="the first quotes")
    start = venue.context.now()
    end = venue.advance(600)
    expected = list(recorded.quotes("IBM", start, end))
    eventually(lambda: later(heard["quotes"], start) == len(expected))
    assert [(q.timestamp, q.bid_price, q.ask_price, q.bid_size) for q in heard["quotes"] if q.timestamp > start] == [
        (q.at, float(q.bid), float(q.ask), q.bid_size) for q in expected
    ]

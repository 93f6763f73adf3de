"""What every store of quotes and of daily history promises: one suite for Redis and for the in-memory twins."""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Callable, Iterator
from decimal import Decimal
from typing import Any

import pytest
import redis

from services.marketdata.adapters.bus_quotes import BusQuotes
from services.marketdata.adapters.history_store_memory import MemoryHistories
from services.marketdata.adapters.history_store_redis import RedisHistories
from services.marketdata.ports import HistoryStore
from shared.bus import Bus, BusUnavailableError, Outcome, Put
from shared.bus.memory_bus import MemoryBus
from shared.bus.redis_bus import RedisBus
from shared.contracts import decode, streams
from shared.contracts.marketdata import DailyHistory, Quote, QuotesObserved

AT = dt.datetime(2024, 6, 3, 15, 0, tzinfo=dt.UTC)
HOUR = dt.timedelta(hours=1)


def a_quote(symbol: str = "SPY", seconds: float = 0, bid: str = "10.01") -> Quote:
    at = AT + dt.timedelta(seconds=seconds)
    return Quote(symbol=symbol, at=at, bid=Decimal(bid), bid_size=1, ask=Decimal("10.02"), ask_size=2)


def a_history(symbol: str = "SPY", close: float = 1.5) -> DailyHistory:
    return DailyHistory(
        symbol=symbol,
        source="alpaca",
        adjustment="all",
        fetched_at=AT,
        dates=(dt.date(2024, 5, 31),),
        open=(1.0,),
        high=(2.0,),
        low=(0.5,),
        close=(close,),
        volume=(10.0,),
    )


@pytest.fixture(params=["redis", "memory"])
def bus(request: pytest.FixtureRequest, namespace: str) -> Bus:
    return MemoryBus() if request.param == "memory" else RedisBus(request.getfixturevalue("redis_client"), namespace)


@pytest.fixture(params=["redis", "memory"])
def histories(request: pytest.FixtureRequest, namespace: str) -> Iterator[HistoryStore]:
    if request.param == "memory":
        yield MemoryHistories()
        return
    client = request.getfixturevalue("redis_client")
    yield RedisHistories(client, RedisBus(client, namespace))


def test_a_batch_of_quotes_is_one_fact_and_the_newest_of_each_symbol_is_state(bus: Bus) -> None:
    quotes = [a_quote(), a_quote("QQQ"), a_quote(seconds=1, bid="10")]
    BusQuotes(bus).put_quotes(quotes, AT)
    (delivery,) = bus.read("g", "c", [streams.QUOTES], count=10, block_seconds=0)
    fact = decode(delivery.fields[b"kind"].decode(), delivery.fields[b"data"])
    assert isinstance(fact, QuotesObserved)
    assert fact.quotes == tuple(quotes)
    assert BusQuotes(bus).latest() == {"SPY": quotes[2], "QQQ": quotes[1]}
    assert BusQuotes(bus).latest_of("SPY") == quotes[2]


def test_a_symbol_without_a_quote_has_none(bus: Bus) -> None:
    assert BusQuotes(bus).latest_of("SPY") is None
    assert BusQuotes(bus).latest() == {}


@pytest.mark.parametrize("text", ["", "{}", "not JSON", '{"symbol": "SPY"}', "[1]"])
def test_a_quote_that_cannot_be_read_is_as_good_as_absent(bus: Bus, text: str) -> None:
    BusQuotes(bus).put_quotes([a_quote("QQQ")], AT)
    bus.commit(Outcome(changes=(Put(streams.LATEST_QUOTES, "SPY", text),)))
    assert BusQuotes(bus).latest_of("SPY") is None
    assert set(BusQuotes(bus).latest()) == {"QQQ"}


def test_history_is_kept_and_replaced(histories: HistoryStore) -> None:
    histories.put(a_history(), HOUR)
    histories.put(a_history(close=1.75), HOUR)
    assert histories.get("SPY", "all") == a_history(close=1.75)


def test_each_adjustment_is_a_history_of_its_own(histories: HistoryStore) -> None:
    histories.put(a_history(), HOUR)
    assert histories.get("SPY", "raw") is None
    assert histories.present(["SPY"], "raw") == frozenset()


def test_what_is_present_is_known_without_reading_it(histories: HistoryStore) -> None:
    histories.put(a_history("SPY"), HOUR)
    histories.put(a_history("QQQ"), HOUR)
    assert histories.present(["SPY", "TLT", "QQQ"], "all") == {"SPY", "QQQ"}
    assert histories.present([], "all") == frozenset()


def test_history_is_gone_after_its_time_to_live(histories: HistoryStore, eventually: Callable[..., Any]) -> None:
    histories.put(a_history(), dt.timedelta(seconds=1))
    eventually(lambda: histories.get("SPY", "all") is None, within=5, what="it expires")


def test_redis_keeps_history_under_the_agreed_key(redis_client: redis.Redis) -> None:
    RedisHistories(redis_client, RedisBus(redis_client, "ns")).put(a_history(), HOUR)
    raw: Any = redis_client.get("{ns}:daily_history:all:SPY")
    assert json.loads(raw)["close"] == [1.5]
    assert 3590 <= int(redis_client.ttl("{ns}:daily_history:all:SPY")) <= 3600


@pytest.mark.parametrize("text", ["", "{}", "not JSON", '{"symbol": "SPY", "close": [NaN]}'])
def test_history_that_cannot_be_read_is_as_good_as_absent(redis_client: redis.Redis, text: str) -> None:
    redis_client.set("{ns}:daily_history:all:SPY", text)
    assert RedisHistories(redis_client, RedisBus(redis_client, "ns")).get("SPY", "all") is None


def test_a_redis_that_is_gone_is_said_so() -> None:
    client = redis.Redis(port=9, retry=None)
    store = RedisHistories(client, RedisBus(client, "ns"))
    with pytest.raises(BusUnavailableError):
        store.put(a_history(), HOUR)
    with pytest.raises(BusUnavailableError):
        store.get("SPY", "all")
    with pytest.raises(BusUnavailableError):
        store.present(["SPY"], "all")

"""One suite for marketdata's cache and its twin; the real one also meets entries that are not what they should be."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from dataclasses import dataclass
from decimal import Decimal

import pytest
import redis
from redis.backoff import NoBackoff
from redis.retry import Retry

from services.strategy.adapters.memory_history import MemoryHistory
from services.strategy.adapters.redis_history import RedisHistory
from services.strategy.domain.history import Found
from services.strategy.ports import MarketHistory
from shared.bus import BusUnavailableError, Outcome, Put
from shared.bus.redis_bus import RedisBus
from shared.contracts.marketdata import DailyHistory, Quote
from shared.contracts.streams import LATEST_QUOTES, daily_history

NOW = dt.datetime(2024, 6, 3, 19, 45, tzinfo=dt.UTC)


def a_history(symbol: str = "SPY") -> DailyHistory:
    closes = (100.25, 101.5)
    return DailyHistory(
        symbol=symbol,
        source="twelvedata",
        adjustment="all",
        fetched_at=NOW,
        dates=(dt.date(2024, 5, 30), dt.date(2024, 5, 31)),
        open=closes,
        high=closes,
        low=closes,
        close=closes,
        volume=(1.0, 2.0),
    )


def a_quote(symbol: str = "SPY") -> Quote:
    return Quote(symbol=symbol, at=NOW, bid=Decimal("102.9"), bid_size=1, ask=None, ask_size=0)


@dataclass
class Cache:
    """The port, and marketdata's side of it."""

    history: MarketHistory
    put_history: Callable[[DailyHistory], object]
    put_quote: Callable[[Quote], object]


def real(client: redis.Redis, namespace: str) -> Cache:
    bus = RedisBus(client, namespace)

    def put_quote(quote: Quote) -> None:
        bus.commit(Outcome(changes=(Put(LATEST_QUOTES, quote.symbol, quote.model_dump_json()),)))

    def put_history(history: DailyHistory) -> None:
        client.set(bus.key(daily_history(history.symbol)), history.model_dump_json())

    return Cache(RedisHistory(client, bus), put_history, put_quote)


def twin() -> Cache:
    memory = MemoryHistory()
    return Cache(memory, memory.put_history, memory.put_quote)


@pytest.fixture(params=["redis", "memory"])
def cache(request: pytest.FixtureRequest, redis_client: redis.Redis, namespace: str) -> Cache:
    return real(redis_client, namespace) if request.param == "redis" else twin()


def test_finds_what_is_there_and_says_none_for_the_rest(cache: Cache) -> None:
    cache.put_history(a_history())
    cache.put_quote(a_quote())
    cache.put_quote(a_quote("BIL"))
    assert cache.history.find(("SPY", "BIL", "OKLO")) == {
        "SPY": Found(a_history(), a_quote()),
        "BIL": Found(None, a_quote("BIL")),
        "OKLO": Found(None, None),
    }


def test_tells_which_histories_have_not_arrived(cache: Cache) -> None:
    cache.put_history(a_history())
    cache.put_quote(a_quote("BIL"))
    assert cache.history.missing(("OKLO", "SPY", "BIL")) == ("OKLO", "BIL")
    assert cache.history.missing(("SPY",)) == ()


def test_tells_the_newest_quotes_alone(cache: Cache) -> None:
    cache.put_quote(a_quote("SPY"))
    assert cache.history.quotes(["SPY", "BIL"]) == {"SPY": a_quote("SPY")}
    assert cache.history.quotes([]) == {}


def test_asked_for_nothing_finds_nothing(cache: Cache) -> None:
    assert cache.history.find(()) == {}
    assert cache.history.missing(()) == ()


@pytest.mark.parametrize(
    ("entry", "fault"),
    [
        ("not json", "Invalid JSON"),
        ("{}", "symbol: Field required"),
        (a_history("BIL").model_dump_json(), "symbol: expected SPY, got BIL"),
        (a_history().model_dump_json().replace("101.5", '"NaN"'), "close.1"),
        (a_history().model_dump_json().replace("101.5", "-1"), "close.1: Input should be greater than 0"),
        (a_history().model_dump_json().replace('"all"', '"some"'), "adjustment"),
    ],
)
def test_a_history_that_cannot_be_read_is_a_fault_of_that_symbol(
    entry: str, fault: str, redis_client: redis.Redis, namespace: str
) -> None:
    cache = real(redis_client, namespace)
    redis_client.set(RedisBus(redis_client, namespace).key(daily_history("SPY")), entry)
    cache.put_history(a_history("BIL"))
    found = cache.history.find(("SPY", "BIL"))
    assert found["SPY"].history is None
    assert "daily history cannot be read: " in found["SPY"].fault
    assert fault in found["SPY"].fault
    assert found["BIL"].history == a_history("BIL")


@pytest.mark.parametrize("entry", ["", "null", "{}", a_quote("BIL").model_dump_json()])
def test_a_quote_that_cannot_be_read_is_no_quote(entry: str, redis_client: redis.Redis, namespace: str) -> None:
    cache = real(redis_client, namespace)
    cache.put_history(a_history())
    RedisBus(redis_client, namespace).commit(Outcome(changes=(Put(LATEST_QUOTES, "SPY", entry),)))
    assert cache.history.find(("SPY",)) == {"SPY": Found(a_history(), None)}


def test_an_unreachable_redis_is_said_to_be_unreachable() -> None:
    client = redis.Redis(host="127.0.0.1", port=1, retry=Retry(NoBackoff(), 0))
    history = RedisHistory(client, RedisBus(client))
    with pytest.raises(BusUnavailableError):
        history.find(("SPY",))
    with pytest.raises(BusUnavailableError):
        history.missing(("SPY",))
    client.close()

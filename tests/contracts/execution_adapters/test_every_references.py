"""Every source of references keeps the same promises: the real one on marketdata's cache in Redis, and its twin."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from dataclasses import dataclass
from decimal import Decimal

import pytest
import redis

from services.execution.adapters.memory_references import MemoryReferences
from services.execution.adapters.redis_references import RedisReferences
from services.execution.ports import References
from shared.contracts import streams
from shared.contracts.marketdata import DailyHistory
from tests.integration.execution.trading_room import FRIDAY, a_history

IEX = Decimal("0.025")


@dataclass
class Cache:
    references: References
    put: Callable[[DailyHistory], object]


@pytest.fixture(params=["memory", "redis"])
def cache(request: pytest.FixtureRequest) -> Cache:
    if request.param == "memory":
        memory = MemoryReferences(seen_by_alpaca=IEX)
        return Cache(memory, memory.put)
    client: redis.Redis = request.getfixturevalue("redis_client")
    namespace: str = request.getfixturevalue("namespace")

    def put(history: DailyHistory) -> None:
        client.set(f"{{{namespace}}}:{streams.daily_history(history.symbol)}", history.model_dump_json())

    return Cache(RedisReferences(client, namespace, seen_by_alpaca=IEX), put)


def test_the_newest_close_and_the_usual_volume_are_told(cache: Cache) -> None:
    cache.put(a_history("SPY", 527.37, volume=1000))
    found = cache.references.latest(["SPY"])["SPY"]
    assert (found.session, found.close, found.typical_move) == (FRIDAY, Decimal("527.37"), 0)
    assert found.average_volume == 40_000


def test_volumes_of_another_source_are_not_scaled(cache: Cache) -> None:
    history = a_history("SPY", 527.37, volume=1000).model_copy(update={"source": "twelvedata"})
    cache.put(history)
    assert cache.references.latest(["SPY"])["SPY"].average_volume == 1000


def test_what_has_no_history_is_absent(cache: Cache) -> None:
    cache.put(a_history("SPY", 500))
    assert set(cache.references.latest(["SPY", "NEW"])) == {"SPY"}
    assert cache.references.latest([]) == {}


def test_a_history_that_is_fetched_again_is_read_again(cache: Cache) -> None:
    cache.put(a_history("SPY", 500))
    assert cache.references.latest(["SPY"])["SPY"].close == 500
    later = a_history("SPY", 250).model_copy(update={"fetched_at": dt.datetime(2024, 6, 3, 15, tzinfo=dt.UTC)})
    cache.put(later)
    cache.references.warm()
    assert cache.references.latest(["SPY"])["SPY"].close == 250


def test_a_history_without_sessions_is_absent(cache: Cache) -> None:
    columns = ("dates", "open", "high", "low", "close", "volume")
    cache.put(a_history("SPY", 500).model_copy(update=dict.fromkeys(columns, ())))
    assert cache.references.latest(["SPY"]) == {}

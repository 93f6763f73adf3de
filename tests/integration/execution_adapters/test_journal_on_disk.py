"""The journal against servers that can and cannot promise the disk, and against one that comes back older than it was."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal

import pytest
import redis

from cli.embedded_redis import EmbeddedRedis
from services.execution.adapters.redis_journal import RedisJournal
from services.execution.adapters.redis_leases import RedisLeases
from services.execution.ports import Intent
from shared.bus import BusUnavailableError


def an_intent(fence: int, name: str = "c1") -> Intent:
    at = dt.datetime(2024, 6, 3, 19, 45, tzinfo=dt.UTC)
    return Intent(name, "plan", "plan-SPY-buy", "SPY", "buy", Decimal(1), Decimal(500), "mid", 0, fence, at)


def has_waitaof(client: redis.Redis) -> bool:
    major, minor = str(client.info("server")["redis_version"]).split(".")[:2]
    return (int(major), int(minor)) >= (7, 2)


def test_an_intent_survives_the_death_of_the_server(
    redis_server: EmbeddedRedis, redis_client: redis.Redis, namespace: str
) -> None:
    redis_client.config_set("appendfsync", "always")
    fence = RedisLeases(redis_client, namespace).take("leg", "w1", 60)
    assert fence is not None
    assert RedisJournal(redis_client, namespace).intend(an_intent(fence))
    redis_server.stop()
    redis_server.start()
    assert RedisJournal(redis_client, namespace).knows("c1")


def test_tokens_grow_even_when_the_server_forgot_the_last_one(redis_client: redis.Redis, namespace: str) -> None:
    leases = RedisLeases(redis_client, namespace)
    before = leases.take("leg", "w1", 60)
    redis_client.flushall()
    after = leases.take("leg", "w2", 60)
    assert before is not None
    assert after is not None
    assert after >= before


def test_a_server_without_waitaof_is_written_to_all_the_same(redis_client: redis.Redis, namespace: str) -> None:
    journal = RedisJournal(redis_client, namespace)
    fence = RedisLeases(redis_client, namespace).take("leg", "w1", 60)
    assert fence is not None
    assert journal.intend(an_intent(fence))
    assert journal._can_wait is has_waitaof(redis_client)


def test_a_disk_that_is_not_in_time_refuses_the_intent(
    redis_client: redis.Redis, namespace: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The answer of WAITAOF is given here, since no server can be told to have a slow disk."""
    journal = RedisJournal(redis_client, namespace)
    fence = RedisLeases(redis_client, namespace).take("leg", "w1", 60)
    assert fence is not None
    monkeypatch.setattr(redis.client.Pipeline, "execute", lambda _self, **_: [b"recorded", [0, 0]])
    with pytest.raises(BusUnavailableError, match="not on disk within 2 s"):
        journal.intend(an_intent(fence))


def test_an_unreachable_redis_is_told_as_such() -> None:
    with redis.Redis(host="127.0.0.1", port=1, retry=None) as nowhere:
        with pytest.raises(BusUnavailableError):
            RedisJournal(nowhere).intend(an_intent(1))
        with pytest.raises(BusUnavailableError):
            RedisLeases(nowhere).take("leg", "w1", 1)


def test_every_sending_of_an_order_is_counted_and_waits_for_the_disk(redis_client: redis.Redis, namespace: str) -> None:
    """A repetition writes too, so that what was recorded of its order before it is on disk with it."""
    fence = RedisLeases(redis_client, namespace).take("leg", "w1", 60)
    journal = RedisJournal(redis_client, namespace)
    answers = [journal.intend(an_intent(fence or 0)) for _ in range(3)]
    assert answers == [True, False, False]
    [key] = redis_client.keys("*intent:*")  # type: ignore[misc]
    assert redis_client.hget(key, "sendings") == b"3"
    assert len(journal.intents(an_intent(fence or 0).plan_id)) == 1

"""The bus on a Redis that is killed, restarted, loses groups or rewinds: nothing lost, nothing doubled."""

from __future__ import annotations

import datetime as dt
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import redis

from cli.embedded_redis import EmbeddedRedis
from shared.bus import BusUnavailableError, Outcome, Publication, Put
from shared.bus.redis_bus import RedisBus
from shared.contracts.control import RunRequested
from shared.runner import Runner, RunnerOptions

AT = dt.datetime(2024, 6, 3, 19, 45, tzinfo=dt.UTC)
QUICK = RunnerOptions(batch=7, block_seconds=0.05, retry_after_seconds=0.2, outage_pause_seconds=0.02)


@pytest.fixture
def own_redis(tmp_path: Path) -> Iterator[EmbeddedRedis]:
    server = EmbeddedRedis(tmp_path)
    server.start()
    yield server
    server.stop()


def a_run(number: int) -> RunRequested:
    return RunRequested(correlation_id=f"c{number}", at=AT, origin="http")


def echo(message: RunRequested) -> Outcome:
    return Outcome((Publication("out", message),), (Put("seen", message.correlation_id, "1"),))


def a_runner(bus: RedisBus, consumer: str = "c") -> Runner:
    return Runner(bus, "g", consumer, ["in"], {RunRequested: echo}, options=QUICK)


def outputs(client: redis.Redis, bus: RedisBus) -> list[str]:
    rows = client.xrange(bus.key("out"))
    return sorted(RunRequested.of(fields[b"data"]).correlation_id for _, fields in rows)


def test_a_forgotten_group_is_made_again_without_handling_anything_twice(
    redis_client: redis.Redis, namespace: str
) -> None:
    bus = RedisBus(redis_client, namespace)
    bus.publish("in", a_run(1), a_run(2))
    a_runner(bus).step()
    redis_client.xgroup_destroy(bus.key("in"), "g")
    bus.publish("in", a_run(3))
    a_runner(bus).step()
    a_runner(bus).step()
    assert outputs(redis_client, bus) == ["c1", "c2", "c3"]


def test_whoever_claims_of_a_forgotten_group_makes_it_again(redis_client: redis.Redis, namespace: str) -> None:
    bus = RedisBus(redis_client, namespace)
    bus.publish("in", a_run(1))
    assert bus.claim("g", "c", ["in"], idle_seconds=0, count=10) == []
    assert [group["name"] for group in redis_client.xinfo_groups(bus.key("in"))] == [b"g"]
    assert len(bus.read("g", "c", ["in"], count=10, block_seconds=0)) == 1


def test_a_group_whose_position_was_rewound_handles_nothing_twice(redis_client: redis.Redis, namespace: str) -> None:
    bus = RedisBus(redis_client, namespace)
    bus.publish("in", a_run(1), a_run(2))
    a_runner(bus).step()
    redis_client.xgroup_setid(bus.key("in"), "g", "0")
    a_runner(bus).step()
    assert outputs(redis_client, bus) == ["c1", "c2"]
    assert bus.pending("g", "in") == 0


def test_what_a_killed_consumer_had_read_is_taken_up_by_the_next(
    redis_client: redis.Redis, namespace: str, eventually: Callable[..., object]
) -> None:
    bus = RedisBus(redis_client, namespace)
    bus.publish("in", *(a_run(n) for n in range(5)))
    bus.read("g", "killed", ["in"], count=10, block_seconds=0)
    runner = a_runner(bus, "next")

    def all_taken_up() -> bool:
        runner.step()
        return len(outputs(redis_client, bus)) == 5

    eventually(all_taken_up, within=5)
    assert bus.pending("g", "in") == 0


@pytest.mark.parametrize("end", ["stop", "kill"])
def test_a_restart_of_redis_loses_and_doubles_nothing(
    own_redis: EmbeddedRedis, namespace: str, end: str, eventually: Callable[..., object]
) -> None:
    client = redis.Redis.from_url(own_redis.url, retry=None, socket_timeout=2)
    bus, stop = RedisBus(client, namespace), threading.Event()
    bus.publish("in", *(a_run(n) for n in range(200)))
    client.execute_command("WAITAOF", 1, 0, 1000) if b"7" in client.info("server")["redis_version"].encode()[
        :1
    ] else client.bgrewriteaof()
    eventually(lambda: not client.info("persistence")["aof_rewrite_in_progress"])
    workers = [threading.Thread(target=a_runner(bus, f"c{n}").run, args=(stop,), daemon=True) for n in range(2)]
    for worker in workers:
        worker.start()
    eventually(lambda: bus.depth("out") > 20)
    getattr(own_redis, end)()
    own_redis.start()

    def all_out() -> bool:
        try:
            return bus.depth("out") >= 200
        except BusUnavailableError:
            return False

    eventually(all_out, within=20)
    stop.set()
    for worker in workers:
        worker.join(5)
    assert outputs(client, bus) == sorted(f"c{n}" for n in range(200))
    assert len(bus.get_all("seen")) == 200


def test_an_unreachable_redis_is_said_to_be_unavailable(own_redis: EmbeddedRedis, namespace: str) -> None:
    client = redis.Redis.from_url(own_redis.url, retry=None)
    bus = RedisBus(client, namespace)
    own_redis.kill()
    with pytest.raises(BusUnavailableError, match="Redis cannot be reached"):
        bus.publish("in", a_run(1))

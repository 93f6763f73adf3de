"""The bus's promises on the very image that the stack runs, and what only that server has: waiting for the disk."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
import redis

from shared.bus import Bus, Outcome, Put
from shared.bus.redis_bus import RedisBus
from tests.contracts.bus import test_every_bus
from tests.contracts.bus.test_every_bus import *  # noqa: F403 - the same suite, on another server

pytestmark = [pytest.mark.docker, *getattr(test_every_bus, "pytestmark", [])]

IMAGE = "redis:8-alpine"


@pytest.fixture(scope="module")
def image_url(docker: str) -> Iterator[str]:
    """A Redis of that image, append-only as in docker-compose.yml."""
    with pytest.MonkeyPatch.context() as patch:
        # Read by testcontainers when it is imported: no helper container of another image, ports on the loopback.
        patch.setenv("TESTCONTAINERS_RYUK_DISABLED", "true")
        patch.setenv("TESTCONTAINERS_CONNECTION_MODE", "docker_host")
        patch.setenv("TESTCONTAINERS_HOST_OVERRIDE", "127.0.0.1")
        from testcontainers.community.redis import RedisContainer  # noqa: PLC0415 - after the patches

        container = RedisContainer(IMAGE).with_command("redis-server --appendonly yes --appendfsync everysec")
        with container as server:
            yield f"redis://{server.get_container_host_ip()}:{server.get_exposed_port(6379)}/0"


@pytest.fixture
def redis_url(image_url: str) -> str:
    with redis.Redis.from_url(image_url) as client:
        client.flushall()
    return image_url


@pytest.fixture
def bus(redis_client: redis.Redis, namespace: str) -> Bus:
    return RedisBus(redis_client, namespace)


def test_a_commit_can_wait_until_it_is_on_disk(bus: Bus, redis_client: redis.Redis) -> None:
    assert bus.commit(Outcome(changes=(Put("hash", "field", "value"),)))
    assert redis_client.execute_command("WAITAOF", 1, 0, 5_000)[0] == 1

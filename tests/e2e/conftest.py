"""The whole house as real processes on free ports, started once for the tests that only look or knock."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import httpx
import pytest
import redis

from cli.demo.crew import Crew
from cli.demo.options import Options
from cli.demo.stack import Stack
from cli.embedded_redis import embedded_redis
from shared.bus.redis_bus import RedisBus

NAMESPACE = "demo"
TOKEN = "a-token-for-the-e2e-tests"


@dataclass(frozen=True)
class House:
    """A running stack; `bus` and `client` reach its Redis."""

    stack: Stack
    client: redis.Redis
    bus: RedisBus

    def url(self, service: str, path: str) -> str:
        return self.stack.url_of(service) + path

    def call(self, method: str, service: str, path: str, **kwargs: object) -> httpx.Response:
        headers = {"Authorization": f"Bearer {TOKEN}"}
        return httpx.request(method, self.url(service, path), headers=headers, timeout=15, **kwargs)

    def environment(self, **changes: str) -> dict[str, str]:
        """Of a further process of this house."""
        return {**self.stack.environment(), **changes}


@pytest.fixture(scope="session")
def house(tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    folder = tmp_path_factory.mktemp("house")
    with embedded_redis() as server, Crew(folder) as crew:
        stack = Stack.on_free_ports(server.url, TOKEN, Options())
        for programs in (stack.outside(), stack.house()):
            for program in programs:
                crew.start(program)
            crew.wait_until_ready(programs, seconds=60, tick=lambda: None)
        client = redis.Redis.from_url(server.url)
        yield House(stack, client, RedisBus(client, NAMESPACE))
        crew.check()  # whatever the tests threw at it, nothing may have gone down
        client.close()

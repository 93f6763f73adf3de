"""A real simulator on a real port, every REST exchange written down on its way out."""

from __future__ import annotations

import json
import threading
from collections.abc import Awaitable, Callable, Iterator, MutableMapping
from contextlib import contextmanager
from typing import Any

import httpx
import uvicorn

from cli.embedded_redis import free_port
from services.simulator.bootstrap import create_app
from services.simulator.settings import SimulatorSettings
from tests.conformance.openapi import Exchange

Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]


class Recorder:
    """ASGI middleware that keeps (method, path, status, body) of every answer outside /sim."""

    def __init__(self, app: Callable[[Scope, Receive, Send], Awaitable[None]]) -> None:
        self._app = app
        self.exchanges: list[Exchange] = []

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or not scope["path"].startswith("/v"):
            await self._app(scope, receive, send)
            return
        status, chunks = 0, bytearray()

        async def keep(message: MutableMapping[str, Any]) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
            elif message["type"] == "http.response.body":
                chunks.extend(message.get("body", b""))
            await send(message)

        await self._app(scope, receive, keep)
        if status:
            self.exchanges.append(Exchange(scope["method"], scope["path"], status, _json(bytes(chunks))))


def _json(body: bytes) -> Any:
    try:
        return json.loads(body) if body else None
    except ValueError:
        return body.decode(errors="replace")


@contextmanager
def recorded_simulator(**settings: Any) -> Iterator[tuple[str, Recorder]]:
    """(URL, recorder) of a simulator whose virtual time stands still."""
    port = free_port()
    app = create_app(
        SimulatorSettings(
            **{"port": port, "seed": 7, "start": "2024-06-03T10:00", "speed": 0, "rate_limit": 0, **settings}
        )
    )
    recorder = Recorder(app)
    config = uvicorn.Config(
        recorder, "127.0.0.1", port, log_config=None, ws_per_message_deflate=False, timeout_keep_alive=75
    )
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    url = f"http://127.0.0.1:{port}"
    with httpx.Client(transport=httpx.HTTPTransport(retries=8)) as client:
        client.get(f"{url}/sim/health").raise_for_status()
    try:
        yield url, recorder
    finally:
        server.should_exit = True
        thread.join(10)

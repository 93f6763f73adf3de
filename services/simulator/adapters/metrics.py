"""Counts the simulator's requests and how long they took; the names stand in shared/metrics.py."""

from __future__ import annotations

from time import perf_counter

from services.simulator.adapters.gate import App, Message, Receive, Scope, Send
from shared.metrics import SIMULATOR_REQUEST_SECONDS, SIMULATOR_REQUESTS


class Measured:
    """ASGI middleware."""

    def __init__(self, app: App) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        began, status = perf_counter(), "none"

        async def watch(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = str(message["status"])
            await send(message)

        try:
            await self._app(scope, receive, watch)
        finally:
            method, area = scope["method"] if scope["method"] in _METHODS else "other", _area(scope["path"])
            SIMULATOR_REQUESTS.labels(method, area, status).inc()
            SIMULATOR_REQUEST_SECONDS.labels(area).observe(perf_counter() - began)


_METHODS = frozenset({"GET", "POST", "PATCH", "PUT", "DELETE", "HEAD", "OPTIONS"})
_AREAS = ("/v2/orders", "/v2/positions", "/v2/account", "/v2/stocks", "/v2/clock", "/v2/calendar", "/v2/assets", "/sim")


def _area(path: str) -> str:
    """A label of few values, whatever is asked for."""
    return next((area for area in _AREAS if path.startswith(area)), "other")

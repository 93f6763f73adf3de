"""The simulator's own counters, in a registry of their own so that several venues can live in one process."""

from __future__ import annotations

from time import perf_counter

from prometheus_client import CollectorRegistry, Counter, Histogram

from services.simulator.adapters.gate import App, Message, Receive, Scope, Send

_BUCKETS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5)


class Measured:
    """ASGI middleware: how many requests, how they ended, how long they took."""

    def __init__(self, app: App, registry: CollectorRegistry) -> None:
        self._app = app
        labels = ["method", "area"]
        self._requests = Counter("simulator_requests_total", "Requests", [*labels, "status"], registry=registry)
        self._seconds = Histogram(
            "simulator_request_seconds", "Time to answer", labels, registry=registry, buckets=_BUCKETS
        )

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
            self._requests.labels(method, area, status).inc()
            self._seconds.labels(method, area).observe(perf_counter() - began)


_METHODS = frozenset({"GET", "POST", "PATCH", "PUT", "DELETE", "HEAD", "OPTIONS"})
_AREAS = ("/v2/orders", "/v2/positions", "/v2/account", "/v2/stocks", "/v2/clock", "/v2/calendar", "/v2/assets", "/sim")


def _area(path: str) -> str:
    """A label of few values, whatever is asked for."""
    return next((area for area in _AREAS if path.startswith(area)), "other")

"""What every API request passes before a router sees it: request id, HTTP faults, login, rate limit.

Plain ASGI: it must be able to hold an answer back, to change it, and to cut the connection.
"""

from __future__ import annotations

import asyncio
import json
import math
import socket
import struct
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any

from services.simulator.adapters.context import credentials_in
from services.simulator.adapters.venue import ACCOUNT_IN_SCOPE, Venue
from services.simulator.domain import rejections
from services.simulator.domain.rate_limits import Allowance
from services.simulator.domain.rejections import Rejection

Scope = MutableMapping[str, Any]
Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
App = Callable[[Scope, Receive, Send], Awaitable[None]]
_Headers = list[tuple[bytes, bytes]]

_API = ("/v1", "/v2", "/v3")
_CHANGES = frozenset({"POST", "PATCH", "DELETE", "PUT"})
_CHANGED = ("/v2/orders", "/v2/positions")
_OK_BELOW = 400
# Closing with this linger sends a reset instead of a farewell.
_RESET = struct.pack("ii", 1, 0)


class Gate:
    def __init__(self, app: App, venue: Venue, stall_seconds: float) -> None:
        self._app = app
        self._venue = venue
        self._stall_seconds = stall_seconds

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or not scope["path"].startswith(_API):
            await self._app(scope, receive, send)
            return
        headers: _Headers = [(b"x-request-id", self._venue.next_request_id().encode())]
        await self._serve(scope, receive, _with_headers(send, headers), headers)

    async def _serve(self, scope: Scope, receive: Receive, send: Send, headers: _Headers) -> None:
        refusal = self._refusal(scope, headers)
        if refusal is not None:
            await _answer(send, refusal)
            return
        faults = self._venue.context.faults
        if faults.take("connection_reset"):
            await self._app(scope, receive, _Held())
            await _reset(receive)
            return
        if faults.take("stalled_response"):
            await self._stall(scope, receive, send)
            return
        if _changes(scope) and faults.active("504_after_accept"):
            await self._time_out_after(scope, receive, send)
            return
        await self._app(scope, receive, send)

    def _refusal(self, scope: Scope, headers: _Headers) -> Rejection | None:
        """The answer that spares the router the request, if there is one."""
        faults = self._venue.context.faults
        if faults.take("500"):
            return rejections.internal_error()
        if faults.take("429_burst"):
            return rejections.too_many_requests()
        given = {name.decode("latin-1").lower(): value.decode("latin-1") for name, value in scope["headers"]}
        account = self._venue.context.authenticate(given)
        if account is None:
            return rejections.not_authorized() if credentials_in(given) is None else rejections.forbidden()
        scope[ACCOUNT_IN_SCOPE] = account
        if self._over_limit(scope, account, headers):
            return rejections.too_many_requests()
        if _changes(scope) and faults.take("504_before_accept"):
            return rejections.timed_out()
        return None

    def _over_limit(self, scope: Scope, account: str, headers: _Headers) -> bool:
        """Market data has an allowance of its own beside the trading one."""
        data = scope["path"].startswith(("/v2/stocks", "/v1"))
        allowance = self._venue.context.spend(f"{'data' if data else 'trading'}:{account}")
        if allowance is None:
            return False
        headers.extend(self._allowance_headers(allowance))
        return not allowance.allowed

    def _allowance_headers(self, allowance: Allowance) -> _Headers:
        reset = math.ceil(self._venue.context.epoch() + allowance.resets_in)
        told = {"limit": allowance.limit, "remaining": allowance.remaining, "reset": reset}
        return [(f"x-ratelimit-{name}".encode(), str(number).encode()) for name, number in told.items()]

    async def _stall(self, scope: Scope, receive: Receive, send: Send) -> None:
        held = _Held()
        await self._app(scope, receive, held)
        with_patience = asyncio.create_task(_disconnected(receive))
        done, _ = await asyncio.wait({with_patience}, timeout=self._stall_seconds)
        with_patience.cancel()
        if not done:
            await held.release(send)

    async def _time_out_after(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Only what was really accepted is answered with 504; a refusal stays a refusal."""
        held = _Held()
        await self._app(scope, receive, held)
        if held.status < _OK_BELOW and self._venue.context.faults.take("504_after_accept"):
            await _answer(send, rejections.timed_out())
        else:
            await held.release(send)


class _Held:
    """Takes an answer in without sending it."""

    def __init__(self) -> None:
        self._messages: list[Message] = []
        self.status = 0

    async def __call__(self, message: Message) -> None:
        self._messages.append(message)
        if message["type"] == "http.response.start":
            self.status = message["status"]

    async def release(self, send: Send) -> None:
        for message in self._messages:
            await send(message)


def _changes(scope: Scope) -> bool:
    return scope["method"] in _CHANGES and scope["path"].startswith(_CHANGED)


def _with_headers(send: Send, headers: _Headers) -> Send:
    async def sender(message: Message) -> None:
        if message["type"] == "http.response.start":
            message = {**message, "headers": [*message.get("headers", ()), *headers]}
        await send(message)

    return sender


async def _answer(send: Send, refusal: Rejection) -> None:
    body = json.dumps(refusal.body(), separators=(",", ":")).encode()
    headers = [(b"content-type", b"application/json"), (b"content-length", str(len(body)).encode())]
    await send({"type": "http.response.start", "status": refusal.status, "headers": headers})
    await send({"type": "http.response.body", "body": body})


async def _disconnected(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass


async def _reset(receive: Receive) -> None:
    """Cuts the connection. ASGI has no word for it; uvicorn's request cycle, behind `receive`, knows its transport."""
    transport = getattr(getattr(receive, "__self__", None), "transport", None)
    if transport is None:
        raise RuntimeError("this server does not let a connection be reset")
    raw = transport.get_extra_info("socket")
    if raw is not None:
        raw.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET)
    transport.abort()
    await _disconnected(receive)

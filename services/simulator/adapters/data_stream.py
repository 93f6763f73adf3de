"""The market-data websocket, /v2/{feed}: login, subscriptions and the stream, driven by the virtual clock.

connected ──auth ok──► authenticated ──subscribe──► streaming
    │  401 anything else    │  403 auth again          │  faults: mute, closed, malformed frame
    └─ 402 404 406 and closed                          └─ 400 405 410 leave subscriptions as they were
"""

from __future__ import annotations

import asyncio
import datetime as dt
import json
from collections.abc import Iterator, Mapping
from contextlib import suppress
from typing import Any

import msgpack
from fastapi import APIRouter, WebSocket, WebSocketDisconnect
from starlette.concurrency import run_in_threadpool

from services.simulator.adapters.context import VenueContext, credentials_in
from services.simulator.adapters.data_feed import Span, encoded, frames, happened
from services.simulator.adapters.data_subscriptions import (
    InvalidSyntax,
    Subscriptions,
    SymbolLimitExceeded,
    UnknownChannel,
)

ERRORS: Mapping[int, str] = {
    400: "invalid syntax",
    401: "not authenticated",
    402: "auth failed",
    403: "already authenticated",
    404: "auth timeout",
    405: "symbol limit exceeded",
    406: "connection limit exceeded",
    407: "slow client",
    410: "invalid subscribe action for this feed",
}
FEEDS = ("iex", "sip", "delayed_sip", "boats", "overnight", "otc", "test")
_FEEDS_WITH_DATA = frozenset({"iex", "sip", "delayed_sip"})
_SIP_DELAY = dt.timedelta(minutes=15)
_PUMP_SECONDS = 0.05
_SLOW_CLIENT_SECONDS = 10.0
# Further behind than this (the clock was moved by hand), the stream goes on from there.
_LONGEST_BACKLOG = dt.timedelta(days=1)
_NORMAL_CLOSE, _GOING_AWAY = 1000, 1001
_BROKEN: Mapping[bool, bytes | str] = {True: b"\xc1\xc1 not msgpack", False: "[{not json"}

Connections = dict[tuple[str, str], "Connection"]


def router(context: VenueContext, *, symbol_limit: int | None = None, auth_seconds: float = 10.0) -> APIRouter:
    """The route /v2/{feed}; one connection per account and feed."""
    routes = APIRouter()
    connections: Connections = {}

    @routes.websocket("/v2/{feed}")
    async def stream(socket: WebSocket, feed: str) -> None:
        if feed not in FEEDS:
            await socket.close()
            return
        await socket.accept()
        connection = Connection(context, connections, socket, feed, Subscriptions(symbol_limit))
        with suppress(WebSocketDisconnect):
            await connection.serve(auth_seconds)

    return routes


class Closed(Exception):  # noqa: N818 - the end of a conversation, not a failure
    """This side has ended the conversation."""


class Connection:
    """One client from handshake to close."""

    def __init__(
        self, context: VenueContext, connections: Connections, socket: WebSocket, feed: str, wanted: Subscriptions
    ) -> None:
        self._context, self._connections, self._socket, self._feed = context, connections, socket, feed
        self._wanted = wanted
        self._as_msgpack = "msgpack" in socket.headers.get("content-type", "")
        self._account: str | None = None
        self._muted = self._silenced = False
        self._speaking = asyncio.Lock()

    async def serve(self, auth_seconds: float) -> None:
        """Talks until one side ends it."""
        pump: asyncio.Task[None] | None = None
        try:
            await self._say({"T": "success", "msg": "connected"})
            async with asyncio.timeout(auth_seconds):
                await self._log_in()
            pump = asyncio.create_task(self._pump())
            listener = asyncio.create_task(self._listen())
            await _first_of(pump, listener)
        except TimeoutError:
            with suppress(Closed):
                await self._end_with(404)
        except Closed:
            pass
        finally:
            self._leave()

    async def _log_in(self) -> None:
        if credentials_in(self._socket.headers) is not None:
            await self._admit(self._context.authenticate(self._socket.headers))
        while self._account is None:
            message = await self._heard()
            if message is None:
                await self._refuse(400)
            elif message.get("action") != "auth":
                await self._refuse(401)
            else:
                await self._admit(self._context.login(*_credentials(message)))

    async def _admit(self, account: str | None) -> None:
        if account is None:
            await self._end_with(402)
            return
        place = (account, self._feed)
        if self._context.faults.take("406_on_next_login") or place in self._connections:
            await self._end_with(406)
            return
        self._account, self._connections[place] = account, self
        await self._say({"T": "success", "msg": "authenticated"})

    def _leave(self) -> None:
        if self._account is not None:
            self._connections.pop((self._account, self._feed), None)

    async def _listen(self) -> None:
        while True:
            message = await self._heard()
            action = None if message is None else message.get("action")
            if message is None or action not in ("auth", "subscribe", "unsubscribe"):
                await self._refuse(400)
            elif action == "auth":
                await self._refuse(403)
            else:
                await self._change(message, adds=action == "subscribe")

    async def _change(self, message: Mapping[Any, Any], *, adds: bool) -> None:
        try:
            (self._wanted.add if adds else self._wanted.remove)(message)
        except InvalidSyntax:
            await self._refuse(400)
        except UnknownChannel:
            await self._refuse(410)
        except SymbolLimitExceeded:
            await self._refuse(405)
        else:
            await self._say(self._wanted.confirmation())

    async def _pump(self) -> None:
        """Sends what happened since the last look, frame by frame."""
        seen = self._now()
        while True:
            await asyncio.sleep(_PUMP_SECONDS)
            await self._misbehave()
            now = self._now()
            if seen < now and not self._wanted.is_empty() and self._feed in _FEEDS_WITH_DATA:
                await self._tell(max(seen, now - _LONGEST_BACKLOG), now)
            seen = now

    async def _tell(self, after: dt.datetime, until: dt.datetime) -> None:
        messages = happened(self._context.market, self._wanted, self._feed, Span(after, until))
        told = frames(messages, as_msgpack=self._as_msgpack)
        while (frame := await run_in_threadpool(_next, told)) is not None:
            if self._context.faults.take("malformed_frame"):
                await self._send(_BROKEN[self._as_msgpack])
            await self._send(frame)

    async def _misbehave(self) -> None:
        faults = self._context.faults
        if faults.take("closed_data_socket"):
            await self._close(_GOING_AWAY)
        self._muted = self._muted_for_good() or faults.active("mute_data_socket")

    def _muted_for_good(self) -> bool:
        """A mute armed by count takes one socket each; one armed by seconds ends with them."""
        armed = next(line for line in self._context.faults.listing() if line.name == "mute_data_socket")
        if armed.armed and armed.count is not None and not self._silenced:
            self._silenced = self._context.faults.take("mute_data_socket")
        return self._silenced

    def _now(self) -> dt.datetime:
        now = self._context.now()
        return now - _SIP_DELAY if self._feed == "delayed_sip" else now

    async def _heard(self) -> Mapping[Any, Any] | None:
        """The client's next message; None when it cannot be read."""
        frame = await self._socket.receive()
        if frame["type"] == "websocket.disconnect":
            raise WebSocketDisconnect(frame.get("code", _NORMAL_CLOSE))
        message = _decoded(frame.get("bytes"), frame.get("text"), as_msgpack=self._as_msgpack)
        return message if isinstance(message, Mapping) else None

    async def _say(self, message: Mapping[str, Any]) -> None:
        await self._send(encoded([dict(message)], as_msgpack=self._as_msgpack))

    async def _refuse(self, code: int) -> None:
        await self._say({"T": "error", "code": code, "msg": ERRORS[code]})

    async def _end_with(self, code: int) -> None:
        await self._refuse(code)
        await self._close(_NORMAL_CLOSE)

    async def _close(self, code: int) -> None:
        await self._socket.close(code)
        raise Closed

    async def _send(self, frame: bytes | str) -> None:
        if self._muted:
            return
        try:
            async with self._speaking, asyncio.timeout(_SLOW_CLIENT_SECONDS):
                await (self._socket.send_bytes(frame) if isinstance(frame, bytes) else self._socket.send_text(frame))
        except TimeoutError:
            await self._close(_GOING_AWAY)


async def _first_of(*tasks: asyncio.Task[None]) -> None:
    """Waits for the first task to end, ends the others, and raises what it raised."""
    try:
        await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for task in tasks:
            task.cancel()
        results = await asyncio.gather(*tasks, return_exceptions=True)
    for result in results:
        if isinstance(result, Exception):
            raise result


def _next(told: Iterator[bytes | str]) -> bytes | str | None:
    return next(told, None)


def _credentials(message: Mapping[Any, Any]) -> tuple[str, str]:
    key, secret = message.get("key"), message.get("secret")
    return (key, secret) if isinstance(key, str) and isinstance(secret, str) else ("", "")


def _decoded(raw: bytes | None, text: str | None, *, as_msgpack: bool) -> Any:
    """What the frame says: binary frames in the encoding of the handshake, text always JSON; None when it says nothing."""
    try:
        if text is not None:
            return json.loads(text)
        return msgpack.unpackb(raw, strict_map_key=False) if as_msgpack else json.loads(raw or b"")
    except (ValueError, TypeError, RecursionError, msgpack.UnpackException):
        return None

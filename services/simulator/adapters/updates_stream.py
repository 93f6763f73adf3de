"""The trade_updates websocket at /stream: binary frames of JSON (msgpack where the handshake asks for it)."""

from __future__ import annotations

import asyncio
import json
from contextlib import suppress
from typing import Any

import msgpack
from fastapi import APIRouter, WebSocket, WebSocketDisconnect
from fastapi.responses import JSONResponse

from services.simulator.adapters.context import credentials_in
from services.simulator.adapters.updates_hub import CLOSE, STREAM, Close, Frame, Garbage, Subscriber
from services.simulator.adapters.venue import Venue
from services.simulator.adapters.wire import Json
from services.simulator.domain.credentials import TOKEN_KEY
from services.simulator.domain.rejections import too_many_requests

_GARBAGE = b'{"stream": "trade_upd'
_GOING_AWAY = 1001


def router(venue: Venue) -> APIRouter:
    routes = APIRouter()

    @routes.websocket("/stream")
    async def stream(socket: WebSocket) -> None:
        known = venue.context.authenticate(socket.headers) or _pinned(venue)
        if known is not None and venue.hub.is_taken(known):
            refusal = too_many_requests()
            await socket.send_denial_response(JSONResponse(refusal.body(), refusal.status))
            return
        await socket.accept()
        with suppress(WebSocketDisconnect):
            await Connection(venue, socket).serve()

    return routes


def _pinned(venue: Venue) -> str | None:
    """Where only one login exists, a handshake without credentials can only be meant for it."""
    pinned = venue.context.keys.pinned
    return None if pinned is None else pinned[0]


class Connection:
    """One client from handshake to close."""

    def __init__(self, venue: Venue, socket: WebSocket) -> None:
        self._venue, self._socket = venue, socket
        self._packs = "msgpack" in socket.headers.get("content-type", "")
        self._subscriber = Subscriber()
        self._account: str | None = None

    async def serve(self) -> None:
        writer = asyncio.create_task(self._write())
        reader = asyncio.create_task(self._read())
        try:
            done, _ = await asyncio.wait({writer, reader}, return_when=asyncio.FIRST_COMPLETED)
            for task in done:
                task.result()
        finally:
            writer.cancel()
            reader.cancel()
            await asyncio.gather(writer, reader, return_exceptions=True)
            if self._account is not None:
                self._venue.hub.leave(self._account, self._subscriber)

    async def _write(self) -> None:
        while True:
            frame = await self._subscriber.outbox.get()
            if isinstance(frame, Close):
                await self._socket.close(_GOING_AWAY)
                return
            await self._socket.send_bytes(self._encoded(frame))

    def _encoded(self, frame: Frame) -> bytes:
        if isinstance(frame, Garbage):
            return _GARBAGE
        if self._packs:
            return bytes(msgpack.packb(frame))
        return json.dumps(frame, separators=(",", ":")).encode()

    async def _read(self) -> None:
        if credentials_in(self._socket.headers) is not None:
            self._log_in(self._venue.context.authenticate(self._socket.headers), "authenticate")
        while True:
            message = await self._socket.receive()
            if message["type"] == "websocket.disconnect":
                return
            self._answer(_decoded(message))

    def _answer(self, message: Any) -> None:
        action = message.get("action") if isinstance(message, dict) else None
        if action in {"authenticate", "auth"}:
            self._log_in(self._venue.context.login(*_credentials(message)), "authenticate")
        elif action == "listen":
            self._listen(message)
        else:
            self._say({"stream": "error", "data": {"error": "invalid syntax"}})

    def _log_in(self, account: str | None, action: str) -> None:
        if self._account is None and account is not None and not self._venue.hub.is_taken(account):
            self._account = account
            self._venue.hub.join(account, self._subscriber)
        status = "authorized" if account is not None and self._account == account else "unauthorized"
        self._say(_authorization(status, action))
        if status == "unauthorized":
            # Wrong credentials; or right ones whose account has a connection, which the handshake could not know.
            self._subscriber.outbox.put_nowait(CLOSE)

    def _listen(self, message: Json) -> None:
        if self._account is None:
            self._say(_authorization("unauthorized", "listen"))
            return
        data = message.get("data")
        wanted = data.get("streams") if isinstance(data, dict) else None
        streams = [STREAM] if isinstance(wanted, list) and STREAM in wanted else []
        self._subscriber.listens = bool(streams)
        self._say({"stream": "listening", "data": {"streams": streams}})

    def _say(self, frame: Json) -> None:
        self._subscriber.outbox.put_nowait(frame)


def _authorization(status: str, action: str) -> Json:
    return {"stream": "authorization", "data": {"status": status, "action": action}}


def _decoded(message: Any) -> Any:
    text, raw = message.get("text"), message.get("bytes")
    try:
        return json.loads(text if text is not None else raw)
    except (ValueError, RecursionError):
        pass
    try:
        return msgpack.unpackb(raw) if raw is not None else None
    except (ValueError, msgpack.UnpackException, RecursionError):
        return None


def _credentials(message: Json) -> tuple[str, str]:
    """Both spellings: {"data": {"key_id", "secret_key"}} and {"key", "secret"}; a token comes as oauth_token."""
    data = message.get("data")
    fields = data if isinstance(data, dict) else message
    token = fields.get("oauth_token")
    if isinstance(token, str):
        return TOKEN_KEY, token
    key, secret = fields.get("key_id", fields.get("key")), fields.get("secret_key", fields.get("secret"))
    return (key, secret) if isinstance(key, str) and isinstance(secret, str) else ("", "")

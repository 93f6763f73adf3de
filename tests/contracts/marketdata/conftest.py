"""Real local servers that speak the wires marketdata listens to, and can be made to misbehave."""

from __future__ import annotations

import contextlib
import datetime as dt
import json
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

import msgpack
import pytest
import websockets
from pydantic import SecretStr
from websockets.sync.server import Server, ServerConnection, serve

from shared.settings import Venue


@dataclass
class Answer:
    body: Any
    status: int = 200
    headers: dict[str, str] = field(default_factory=dict)


@dataclass
class Asked:
    path: str
    query: dict[str, str]
    headers: dict[str, str]


class QuietServer(ThreadingHTTPServer):
    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that hung up is what some tests want."""


class HttpServer:
    """Answers GETs by `answer`, a function of what was asked; keeps what was asked."""

    Answer = Answer

    def __init__(self) -> None:
        self.asked: list[Asked] = []
        self.answer: Callable[[Asked], Answer] = lambda _asked: Answer({"message": "nothing here"}, 404)
        outer = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.0"  # closed after each answer: no test leaves a socket behind

            def do_GET(self) -> None:
                parts = urlsplit(self.path)
                query = {name: values[0] for name, values in parse_qs(parts.query).items()}
                asked = Asked(parts.path, query, {k.lower(): v for k, v in self.headers.items()})
                outer.asked.append(asked)
                answer = outer.answer(asked)
                body = answer.body if isinstance(answer.body, bytes) else json.dumps(answer.body).encode()
                self.send_response(answer.status)
                for name, value in {**answer.headers, "Content-Length": str(len(body))}.items():
                    self.send_header(name, value)
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - the base class's name
                pass

        self._server = QuietServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True)
        self._thread.start()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._server.server_address[1]}"

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join(5)


class AlpacaSocket:
    """Alpaca's data websocket in msgpack. `refusals` are the codes of the coming logins; a connection that is not closed keeps the one slot."""

    def __init__(self) -> None:
        self.refusals: list[tuple[int, str]] = []
        self.logins: list[dict[str, Any]] = []
        self.close_codes: list[int | None] = []
        self.following: set[str] = set()
        self.following_bars: set[str] = set()
        self.refuse_subscriptions: tuple[int, str] | None = None
        self.is_silent_at_login = False
        self._live: ServerConnection | None = None
        self._server: Server = serve(self._talk, "127.0.0.1", 0)
        self._thread = threading.Thread(target=self._server.serve_forever, daemon=True)
        self._thread.start()

    @property
    def url(self) -> str:
        return f"ws://127.0.0.1:{self._server.socket.getsockname()[1]}/v2/iex"

    @property
    def is_connected(self) -> bool:
        return self._live is not None

    def say(self, *messages: dict[str, Any]) -> None:
        self.say_bytes(msgpack.packb(list(messages)))

    def say_bytes(self, frame: bytes) -> None:
        assert self._live is not None, "nobody is logged in"
        self._live.send(frame)

    def drop(self) -> None:
        """Close as a server that restarts does."""
        if self._live is not None:
            self._live.close(1001)

    def close(self) -> None:
        self.drop()
        self._server.shutdown()
        self._thread.join(5)

    def _talk(self, connection: ServerConnection) -> None:
        with contextlib.suppress(websockets.ConnectionClosed):
            self._converse(connection)
        if self._live is connection:
            self._live = None
            self.following.clear()
            self.following_bars.clear()
        self.close_codes.append(connection.protocol.close_rcvd.code if connection.protocol.close_rcvd else None)

    def _converse(self, connection: ServerConnection) -> None:
        if not self.is_silent_at_login:
            connection.send(msgpack.packb([{"T": "success", "msg": "connected"}]))
        self.logins.append(msgpack.unpackb(connection.recv()))
        if self.refusals or self._live is not None:
            code, text = self.refusals.pop(0) if self.refusals else (406, "connection limit exceeded")
            connection.send(msgpack.packb([{"T": "error", "code": code, "msg": text}]))
            connection.recv()
            return
        self._live = connection
        connection.send(msgpack.packb([{"T": "success", "msg": "authenticated"}]))
        while True:
            self._subscribe(connection, msgpack.unpackb(connection.recv()))

    def _subscribe(self, connection: ServerConnection, asked: dict[str, Any]) -> None:
        if self.refuse_subscriptions is not None:
            code, text = self.refuse_subscriptions
            connection.send(msgpack.packb([{"T": "error", "code": code, "msg": text}]))
            return
        change = set.difference_update if asked["action"] == "unsubscribe" else set.update
        change(self.following, asked.get("quotes", ()))
        change(self.following_bars, asked.get("bars", ()))
        answer = {"T": "subscription", "quotes": sorted(self.following), "bars": sorted(self.following_bars)}
        connection.send(msgpack.packb([answer]))


def wire_time(at: dt.datetime) -> msgpack.Timestamp:
    return msgpack.Timestamp.from_datetime(at)


@pytest.fixture
def http_server() -> Iterator[HttpServer]:
    server = HttpServer()
    yield server
    server.close()


@pytest.fixture
def alpaca_socket() -> Iterator[AlpacaSocket]:
    socket = AlpacaSocket()
    yield socket
    socket.close()


@pytest.fixture
def a_venue() -> Callable[..., Venue]:
    """A venue at these addresses."""

    def build(data_url: str = "http://127.0.0.1:9", data_stream_url: str = "ws://127.0.0.1:9") -> Venue:
        return Venue(
            mode="simulated",
            key=SecretStr("the-key"),
            secret=SecretStr("the-secret"),
            trading_url=data_url,
            data_url=data_url,
            data_stream_url=data_stream_url,
            updates_url=data_stream_url,
            clock_url=None,
        )

    return build


@pytest.fixture
def answer() -> type[Answer]:
    """What a scripted server answers with."""
    return Answer

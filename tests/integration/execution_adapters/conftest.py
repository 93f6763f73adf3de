"""A server that answers exactly what a test tells it to, over real sockets."""

from __future__ import annotations

import json
import socket
import struct
import threading
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest


@dataclass
class Answer:
    status: int = 200
    body: Any = None
    headers: Mapping[str, str] = field(default_factory=dict)
    how: str = "answer"
    """answer | reset (the connection dies unanswered) | cut (half of the body) | stall (until the test ends)"""


@dataclass
class Wire:
    """`answers` are given in order, the last one for ever; `requests` are (method, path, headers, body)."""

    url: str
    answers: list[Answer]
    requests: list[tuple[str, str, Mapping[str, str], Any]]
    released: threading.Event

    def will(self, *answers: Answer) -> None:
        self.answers[:] = answers

    @property
    def paths(self) -> list[str]:
        return [f"{method} {path}" for method, path, _, _ in self.requests]


@pytest.fixture
def wire() -> Iterator[Wire]:
    state = Wire("", [], [], threading.Event())

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def _serve(self) -> None:
            length = int(self.headers.get("Content-Length") or 0)
            body = json.loads(self.rfile.read(length)) if length else None
            state.requests.append((self.command, self.path, dict(self.headers), body))
            answer = state.answers.pop(0) if len(state.answers) > 1 else state.answers[0]
            getattr(self, f"_{answer.how}")(answer)

        do_GET = do_POST = do_PATCH = do_DELETE = _serve  # noqa: N815 - http.server's names

        def _answer(self, answer: Answer, *, cut: bool = False) -> None:
            raw = answer.body if isinstance(answer.body, bytes) else json.dumps(answer.body).encode()
            raw = b"" if answer.status == 204 else raw
            self.send_response(answer.status)
            for name, value in answer.headers.items():
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(raw) * (2 if cut else 1)))
            self.end_headers()
            self.wfile.write(raw)
            self.close_connection = cut

        def _cut(self, answer: Answer) -> None:
            self._answer(answer, cut=True)

        def _reset(self, _answer: Answer) -> None:
            self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            self.close_connection = True
            self.connection.close()

        def _stall(self, _answer: Answer) -> None:
            state.released.wait(30)
            self.close_connection = True

        def finish(self) -> None:
            if not self.connection._closed:  # type: ignore[attr-defined]
                super().finish()

        def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - http.server's name
            """Silence."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    server.handle_error = lambda *_: None  # type: ignore[method-assign]
    state.url = f"http://127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    yield state
    state.released.set()
    server.shutdown()
    server.server_close()
    thread.join(5)

"""The trade_updates socket against a real websocket server that behaves, refuses, hangs up, lies and falls silent."""

from __future__ import annotations

import datetime as dt
import json
import queue
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Any

import pytest
from pydantic import SecretStr
from websockets.exceptions import ConnectionClosed
from websockets.http11 import Request, Response
from websockets.sync.server import Server, ServerConnection, serve

from services.execution.adapters.memory_updates import MemoryUpdates
from services.execution.adapters.updates_socket import (
    DeadFrames,
    Pace,
    SocketListener,
    UpdatesRefusedError,
    UpdatesSocket,
)
from shared.bus import BusUnavailableError
from shared.bus.memory_bus import MemoryBus

QUICK = Pace(first=0.02, longest=0.1, limited_first=0.05, limited_longest=0.2, steady=30, answer=1)
AT = dt.datetime(2024, 6, 3, 19, 45, tzinfo=dt.UTC)


def an_update(execution: str = "e1", **changes: Any) -> dict[str, Any]:
    order = {"id": "o1", "client_order_id": "c1", "symbol": "SPY", "side": "buy", "qty": "1", "filled_qty": "1"}
    order |= {"filled_avg_price": "527.3", "status": "filled", "submitted_at": AT.isoformat()}
    data = {"event": "fill", "execution_id": execution, "timestamp": AT.isoformat(), "qty": "1", "price": "527.3"}
    return {"stream": "trade_updates", "data": {**data, "order": order, **changes}}


@dataclass
class Exchange:
    """One websocket server. `refusals` are HTTP statuses for the next handshakes; `frames` go out to whoever listens."""

    port: int = 0
    refusals: list[int] = field(default_factory=list)
    status: str = "authorized"
    streams: tuple[str, ...] = ("trade_updates",)
    frames: queue.Queue[Any] = field(default_factory=queue.Queue)
    said: list[Any] = field(default_factory=list)
    handshakes: int = 0
    closed_by_client: list[int] = field(default_factory=list)

    @property
    def url(self) -> str:
        return f"ws://127.0.0.1:{self.port}/stream"

    def handshake(self, _connection: ServerConnection, _request: Request) -> Response | None:
        self.handshakes += 1
        if not self.refusals:
            return None
        return _connection.respond(HTTPStatus(self.refusals.pop(0)), "no\n")

    def talk(self, socket: ServerConnection) -> None:
        try:
            self.said.append(json.loads(socket.recv()))
            answer = {"status": self.status, "action": "authenticate"}
            socket.send(json.dumps({"stream": "authorization", "data": answer}).encode())
            self.said.append(json.loads(socket.recv()))
            socket.send(json.dumps({"stream": "listening", "data": {"streams": self.streams}}).encode())
            while True:
                try:
                    frame = self.frames.get(timeout=0.02)
                except queue.Empty:
                    if self._is_gone(socket):
                        return
                    continue
                if frame == "hang up":
                    return
                socket.send(frame if isinstance(frame, bytes | str) else json.dumps(frame).encode())
        except ConnectionClosed:
            return
        finally:
            if socket.close_code is not None:
                self.closed_by_client.append(socket.close_code)

    @staticmethod
    def _is_gone(socket: ServerConnection) -> bool:
        try:
            socket.recv(timeout=0)
        except TimeoutError:
            return False
        except ConnectionClosed:
            return True
        return False


@pytest.fixture
def exchange() -> Iterator[Exchange]:
    found = Exchange()
    server: Server = serve(found.talk, "127.0.0.1", 0, process_request=found.handshake, compression=None)
    found.port = server.socket.getsockname()[1]
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield found
    server.shutdown()
    thread.join(5)


class Heard(SocketListener):
    def __init__(self) -> None:
        self.events: list[str] = []
        self.pauses: list[float] = []

    def listening(self) -> None:
        self.events.append("listening")

    def lost(self, reason: str, pause_seconds: float) -> None:
        self.events.append(f"lost: {reason}")
        self.pauses.append(pause_seconds)

    def unreadable(self, error: str) -> None:
        self.events.append(f"unreadable: {error}")


@dataclass
class Client:
    socket: UpdatesSocket
    updates: MemoryUpdates
    bus: MemoryBus
    heard: Heard
    reconciliations: list[int]
    stop: threading.Event
    thread: threading.Thread
    failures: list[Exception]

    @property
    def executions(self) -> list[str | None]:
        return [u.execution_id for u in self.updates.after("0", block_seconds=0)[1]]


@pytest.fixture
def start(exchange: Exchange) -> Iterator[Callable[..., Client]]:
    clients: list[Client] = []

    def begin(*, pace: Pace = QUICK, sink: Any = None) -> Client:
        updates, bus, heard, stop = MemoryUpdates(), MemoryBus(), Heard(), threading.Event()
        asked: list[int] = []
        failures: list[Exception] = []
        socket = UpdatesSocket(
            exchange.url,
            SecretStr("key"),
            SecretStr("top-secret"),
            sink or updates,
            DeadFrames(bus),
            reconcile=lambda: asked.append(1),
            listener=heard,
            pace=pace,
        )

        def run() -> None:
            try:
                socket.run(stop)
            except UpdatesRefusedError as error:
                failures.append(error)

        thread = threading.Thread(target=run, daemon=True)
        client = Client(socket, updates, bus, heard, asked, stop, thread, failures)
        clients.append(client)
        thread.start()
        return client

    yield begin
    for client in clients:
        client.stop.set()
        client.thread.join(5)
        assert not client.thread.is_alive()


Eventually = Callable[..., Any]
Start = Callable[..., Client]


def test_it_logs_in_listens_and_hands_on_every_update(exchange: Exchange, start: Start, eventually: Eventually) -> None:
    client = start()
    exchange.frames.put(an_update("e1"))
    exchange.frames.put(json.dumps(an_update("e2")))  # as text: both kinds of frame are read
    eventually(lambda: client.executions == ["e1", "e2"])
    assert exchange.said == [
        {"action": "authenticate", "data": {"key_id": "key", "secret_key": "top-secret"}},
        {"action": "listen", "data": {"streams": ["trade_updates"]}},
    ]
    assert client.socket.problem() is None
    assert client.reconciliations == [1]


def test_every_reconnection_asks_for_a_reconciliation(exchange: Exchange, start: Start, eventually: Eventually) -> None:
    client = start()
    eventually(lambda: len(client.reconciliations) == 1)
    exchange.frames.put("hang up")
    eventually(lambda: len(client.reconciliations) == 2)
    exchange.frames.put(an_update("after"))
    eventually(lambda: client.executions == ["after"])


def test_wrong_credentials_end_it(exchange: Exchange, start: Start, eventually: Eventually) -> None:
    exchange.status = "unauthorized"
    client = start()
    eventually(lambda: client.failures)
    assert "refuses these credentials" in str(client.failures[0])
    assert "top-secret" not in str(client.failures[0])
    assert exchange.handshakes == 1


@pytest.mark.parametrize("status", [401, 403])
def test_a_handshake_that_is_not_allowed_ends_it(
    exchange: Exchange, start: Start, eventually: Eventually, status: int
) -> None:
    exchange.refusals = [status]
    client = start()
    eventually(lambda: client.failures)
    assert exchange.handshakes == 1


def test_too_many_connections_are_waited_out_longer_each_time(
    exchange: Exchange, start: Start, eventually: Eventually
) -> None:
    exchange.refusals = [429, 406, 429, 429]
    client = start()
    eventually(lambda: client.reconciliations)
    assert client.heard.pauses == [0.05, 0.1, 0.2, 0.2]


def test_a_broken_broker_is_tried_again(exchange: Exchange, start: Start, eventually: Eventually) -> None:
    exchange.refusals = [500, 503]
    client = start()
    eventually(lambda: client.reconciliations)
    assert client.heard.pauses == [0.02, 0.03]
    assert client.heard.events[0] == "lost: HTTP 500 at the handshake"


def test_pauses_grow_for_as_long_as_no_login_is_good(exchange: Exchange, start: Start, eventually: Eventually) -> None:
    """However long an attempt takes."""
    exchange.streams = ()
    client = start(pace=Pace(first=0.02, longest=0.1, answer=1, steady=0))
    eventually(lambda: len(client.heard.pauses) >= 3)
    assert client.heard.pauses[:3] == pytest.approx([0.02, 0.03, 0.045])


def test_a_refused_subscription_is_no_connection(exchange: Exchange, start: Start, eventually: Eventually) -> None:
    exchange.streams = ()
    client = start()
    eventually(lambda: client.heard.pauses)
    assert client.reconciliations == []
    assert "does not let us listen" in str(client.socket.problem())


BAD_FRAMES = [
    b"\xff\xfe",
    b"",
    b"null",
    b"[]",
    b"{}",
    b'{"stream": "trade_updates"}',
    b'{"stream": "trade_updates", "data": {"event": "fill"}}',
    b'{"stream": "weather", "data": {}}',
    b"[" * 100_000,
    json.dumps(an_update(timestamp="soon")).encode(),
    json.dumps(an_update(qty="NaN")).encode(),
]


@pytest.mark.parametrize("frame", BAD_FRAMES, ids=lambda frame: repr(frame[:30]))
def test_a_frame_that_cannot_be_read_is_kept_and_the_next_one_arrives(
    exchange: Exchange, start: Start, eventually: Eventually, frame: bytes
) -> None:
    client = start()
    exchange.frames.put(frame)
    exchange.frames.put(an_update("next"))
    eventually(lambda: client.executions == ["next"])
    (letter,) = client.bus.dead_letters()
    assert letter.fields[b"data"] == frame
    assert "expected" in letter.error
    assert client.reconciliations == [1, 1], "what it may have said is asked for"


def test_an_unheard_of_status_or_event_is_no_reason_to_drop_an_update(
    exchange: Exchange, start: Start, eventually: Eventually
) -> None:
    client = start()
    raw = an_update("e1", event="pending_quantum")
    raw["data"]["order"]["status"] = "quantum"
    exchange.frames.put(raw)
    eventually(lambda: client.executions == ["e1"])
    assert client.bus.dead_letters() == []


def test_a_suspected_socket_is_left_for_a_new_one(exchange: Exchange, start: Start, eventually: Eventually) -> None:
    client = start()
    eventually(lambda: len(client.reconciliations) == 1)
    client.socket.suspect()
    eventually(lambda: len(client.reconciliations) == 2)
    assert client.heard.events == ["listening", "lost: suspected of being mute", "listening"]


def test_a_stop_closes_the_socket_politely(exchange: Exchange, start: Start, eventually: Eventually) -> None:
    client = start()
    eventually(lambda: client.reconciliations)
    client.stop.set()
    client.thread.join(5)
    eventually(lambda: exchange.closed_by_client)
    assert exchange.closed_by_client == [1000]


def read_on_and_say_nothing(socket: ServerConnection) -> None:
    for _ in socket:
        pass


def test_a_server_that_answers_nothing_is_left(start: Start, exchange: Exchange, eventually: Eventually) -> None:
    silent = serve(read_on_and_say_nothing, "127.0.0.1", 0, compression=None)
    exchange.port = silent.socket.getsockname()[1]
    thread = threading.Thread(target=silent.serve_forever, daemon=True)
    thread.start()
    client = start(pace=Pace(first=0.02, longest=0.1, answer=0.1))
    eventually(lambda: client.heard.pauses)
    assert client.heard.events[0].endswith("no answer (authorization) within 0.1 s")
    client.stop.set()
    client.thread.join(5)
    silent.shutdown()
    thread.join(5)


def test_a_connection_that_answers_no_ping_is_left(exchange: Exchange, start: Start, eventually: Eventually) -> None:
    """The server's end stops reading after the login: pings go unanswered, as through a dead router."""
    held = threading.Event()

    def fall_silent(socket: ServerConnection) -> None:
        socket.recv()
        answer = {"status": "authorized", "action": "authenticate"}
        socket.send(json.dumps({"stream": "authorization", "data": answer}).encode())
        socket.recv()
        socket.send(json.dumps({"stream": "listening", "data": {"streams": ["trade_updates"]}}).encode())
        socket.protocol.receive_data = lambda _data: None  # type: ignore[method-assign]
        held.wait(10)

    server = serve(fall_silent, "127.0.0.1", 0, compression=None, close_timeout=0.1)
    exchange.port = server.socket.getsockname()[1]
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    client = start(pace=Pace(first=0.02, longest=0.1, ping_interval=0.1, ping_timeout=0.2))
    eventually(lambda: client.heard.pauses)
    assert "closed by the broker" in client.heard.events[1]
    held.set()
    client.stop.set()
    client.thread.join(5)
    server.shutdown()
    thread.join(5)


def test_an_update_waits_for_redis_to_come_back(exchange: Exchange, start: Start, eventually: Eventually) -> None:
    updates = MemoryUpdates()

    class AwayTwice:
        def __init__(self) -> None:
            self.left = 2

        def append(self, update: Any) -> bool:
            if self.left:
                self.left -= 1
                raise BusUnavailableError("away")
            return updates.append(update)

    start(sink=AwayTwice())
    exchange.frames.put(an_update("e1"))
    eventually(lambda: len(updates.after("0", block_seconds=0)[1]) == 1)
    assert exchange.handshakes == 1


@pytest.mark.parametrize(
    ("last", "limited", "next_one"),
    [
        (0, False, 0.5),
        (0.5, False, 0.75),
        (25, False, 30),
        (0, True, 5),
        (0.5, True, 5),
        (40, True, 80),
        (80, True, 95),
    ],
)
def test_pauses_grow_within_their_bounds(last: float, limited: bool, next_one: float) -> None:  # noqa: FBT001 - a table
    assert Pace().pause(last, limited=limited) == next_one

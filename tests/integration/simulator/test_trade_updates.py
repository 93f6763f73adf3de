"""The trade_updates websocket, frame by frame, and everything that can go wrong with it."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Iterator
from typing import Any

import msgpack
import pytest
from websockets.exceptions import ConnectionClosed, InvalidStatus
from websockets.sync.client import ClientConnection, connect

from tests.integration.simulator.running import Running, Start

LOW = {"type": "limit", "limit_price": "1"}


class Updates:
    """A bare client of the socket."""

    def __init__(self, simulator: Running, **headers: str) -> None:
        self.simulator = simulator
        self.socket: ClientConnection = connect(
            simulator.updates_url, additional_headers=headers, compression=None, legacy=True
        )

    def say(self, **message: Any) -> None:
        self.socket.send(json.dumps(message))

    def raw(self) -> bytes:
        frame = self.socket.recv(timeout=5)
        assert isinstance(frame, bytes), "Alpaca sends binary frames here"
        return frame

    def hear(self) -> Any:
        return json.loads(self.raw())

    def log_in(self, secret: str | None = None) -> Any:
        data = {"key_id": self.simulator.key, "secret_key": secret or self.simulator.secret}
        self.say(action="authenticate", data=data)
        return self.hear()

    def listen(self) -> Updates:
        self.log_in()
        self.say(action="listen", data={"streams": ["trade_updates"]})
        assert self.hear() == {"stream": "listening", "data": {"streams": ["trade_updates"]}}
        return self

    def event(self) -> dict[str, Any]:
        frame = self.hear()
        assert frame["stream"] == "trade_updates"
        data: dict[str, Any] = frame["data"]
        return data

    def events(self, count: int) -> list[str]:
        return [self.event()["event"] for _ in range(count)]

    def is_silent(self) -> bool:
        """Nothing is on the way: a listen is answered before anything else."""
        self.say(action="listen", data={"streams": ["trade_updates"]})
        return bool(self.hear()["stream"] == "listening")


Follow = Callable[..., Updates]


@pytest.fixture
def follow() -> Iterator[Follow]:
    """Connects clients; closes them all."""
    opened: list[Updates] = []

    def connected(simulator: Running, **headers: str) -> Updates:
        opened.append(Updates(simulator, **headers))
        return opened[-1]

    yield connected
    for updates in opened:
        updates.socket.close()


def authorization(status: str, action: str = "authenticate") -> dict[str, object]:
    return {"stream": "authorization", "data": {"status": status, "action": action}}


def test_the_conversation_as_documented(simulator: Running, follow: Follow) -> None:
    updates = follow(simulator)
    updates.say(action="listen", data={"streams": ["trade_updates"]})
    assert updates.hear() == authorization("unauthorized", "listen")
    assert updates.log_in() == authorization("authorized")
    updates.say(action="listen", data={"streams": ["trade_updates", "nonsense"]})
    assert updates.hear() == {"stream": "listening", "data": {"streams": ["trade_updates"]}}


def test_a_wrong_secret_is_unauthorized(simulator: Running, follow: Follow) -> None:
    simulator.get("/v2/account")
    assert follow(simulator).log_in("wrong") == authorization("unauthorized")


def test_an_order_tells_its_life(simulator: Running, follow: Follow) -> None:
    updates = follow(simulator).listen()
    order = simulator.order(qty="2", type="limit", limit_price=str(round(simulator.ask() + 1, 2))).json()
    told = [updates.event() for _ in range(3)]
    assert [event["event"] for event in told][:2] == ["pending_new", "new"]
    fill = told[2]
    assert fill["event"] in {"fill", "partial_fill"}
    assert fill["order"]["id"] == order["id"]
    assert float(fill["price"]) == simulator.ask()
    assert fill["position_qty"] == fill["qty"] == fill["order"]["filled_qty"]
    assert {"execution_id", "timestamp", "at", "event_id"} <= fill.keys()


def test_listening_to_nothing_stops_the_stream(simulator: Running, follow: Follow) -> None:
    updates = follow(simulator).listen()
    updates.say(action="listen", data={"streams": []})
    assert updates.hear() == {"stream": "listening", "data": {"streams": []}}
    simulator.order(**LOW)
    assert updates.is_silent()


def test_what_happened_while_nobody_listened_is_lost(simulator: Running, follow: Follow) -> None:
    simulator.order(**LOW)
    assert follow(simulator).listen().is_silent()


def test_an_account_hears_only_of_itself(simulator: Running, follow: Follow) -> None:
    updates = follow(simulator).listen()
    other = simulator.http(**{"APCA-API-KEY-ID": "other", "APCA-API-SECRET-KEY": "x"})
    other.post("/v2/orders", json={"symbol": "SPY", "qty": 1, "side": "buy", "type": "market", "time_in_force": "day"})
    assert updates.is_silent()


def test_a_handshake_that_asks_for_msgpack_gets_msgpack(simulator: Running, follow: Follow) -> None:
    updates = follow(simulator, **{"Content-Type": "application/msgpack"})
    updates.socket.send(msgpack.packb({"action": "authenticate", "data": {"key_id": "bot", "secret_key": "secret"}}))
    assert msgpack.unpackb(updates.raw()) == authorization("authorized")


@pytest.mark.parametrize("frame", ["", "{", "[]", "null", '{"action": 5}', b"\xff\x00", '{"action": "dance"}'])
def test_nonsense_is_answered_and_the_conversation_goes_on(
    simulator: Running, follow: Follow, frame: str | bytes
) -> None:
    updates = follow(simulator)
    updates.socket.send(frame)
    assert updates.hear()["stream"] == "error"
    assert updates.log_in() == authorization("authorized")


class TestOneConnectionPerAccount:
    def test_a_second_handshake_with_the_same_login_gets_429(self, simulator: Running, follow: Follow) -> None:
        follow(simulator).listen()
        with pytest.raises(InvalidStatus) as refused:
            follow(simulator, **simulator.login)
        assert refused.value.response.status_code == 429

    def test_with_a_pinned_login_every_second_handshake_gets_429(self, start_simulator: Start, follow: Follow) -> None:
        simulator = start_simulator(key="bot", secret="secret")
        first = follow(simulator).listen()
        with pytest.raises(InvalidStatus) as refused:
            follow(simulator)
        assert refused.value.response.status_code == 429
        first.socket.close()
        assert follow(simulator).listen().is_silent()

    def test_a_login_that_comes_later_is_unauthorized_and_closed(self, simulator: Running, follow: Follow) -> None:
        first, second = follow(simulator).listen(), follow(simulator)
        assert second.log_in() == authorization("unauthorized")
        with pytest.raises(ConnectionClosed):
            second.hear()
        simulator.order(**LOW)
        assert first.events(2) == ["pending_new", "new"]


class TestFaults:
    def test_a_dropped_fill_happened_all_the_same(self, simulator: Running, follow: Follow) -> None:
        updates = follow(simulator).listen()
        simulator.arm("dropped_fill_event")
        simulator.order()
        assert updates.events(2) == ["pending_new", "new"]
        assert updates.is_silent()
        assert len(simulator.get("/v2/account/activities/FILL")) == 1

    def test_a_duplicated_fill_has_one_execution_id(self, simulator: Running, follow: Follow) -> None:
        updates = follow(simulator).listen()
        simulator.arm("duplicated_fill_event")
        simulator.order()
        updates.events(2)
        first, second = updates.event(), updates.event()
        assert first == second
        assert "execution_id" in first

    def test_reordered_events_change_places(self, simulator: Running, follow: Follow) -> None:
        updates = follow(simulator).listen()
        simulator.arm("reordered_events")
        simulator.order(**LOW)
        assert updates.events(2) == ["new", "pending_new"]

    def test_a_mute_socket_stays_open_and_loses_events(self, simulator: Running, follow: Follow) -> None:
        updates = follow(simulator).listen()
        simulator.arm("mute_trade_updates", seconds=10)
        simulator.order(**LOW)
        assert updates.is_silent()
        simulator.advance(11)
        simulator.order(**LOW)
        assert updates.events(2) == ["pending_new", "new"]

    def test_a_closed_socket_is_closed_in_place_of_an_event(self, simulator: Running, follow: Follow) -> None:
        updates = follow(simulator).listen()
        simulator.arm("closed_trade_updates")
        simulator.order(**LOW)
        with pytest.raises(ConnectionClosed):
            updates.hear()
        assert follow(simulator).listen().is_silent()

    def test_a_malformed_frame_comes_before_the_event(self, simulator: Running, follow: Follow) -> None:
        updates = follow(simulator).listen()
        simulator.arm("malformed_trade_update")
        simulator.order(**LOW)
        with pytest.raises(ValueError, match=r"Unterminated|Expecting"):
            json.loads(updates.raw())
        assert updates.events(2) == ["pending_new", "new"]

    def test_faults_wait_for_somebody_to_meet_them(self, simulator: Running, follow: Follow) -> None:
        simulator.arm("dropped_fill_event")
        simulator.order()
        (line,) = [fault for fault in simulator.get("/sim/faults") if fault["armed"]]
        assert (line["name"], line["count"]) == ("dropped_fill_event", 1)


def test_alpaca_pys_own_stream_hears_the_fill(simulator: Running, eventually: Callable[..., object]) -> None:
    heard: list[Any] = []
    stream = simulator.trading_stream()

    async def handler(update: Any) -> None:
        await asyncio.sleep(0)
        heard.append(update)
        if update.event == "fill":
            await stream.stop_ws()

    def listens() -> bool:
        subscriber = simulator.venue.hub._subscribers.get("bot")
        return subscriber is not None and subscriber.listens

    async def run() -> None:
        stream.subscribe_trade_updates(handler)
        task = asyncio.create_task(stream._run_forever())
        await asyncio.to_thread(lambda: eventually(listens))
        await asyncio.to_thread(simulator.order)
        await asyncio.to_thread(simulator.advance, 30)
        await asyncio.wait_for(task, 20)

    asyncio.run(run())
    assert [update.event for update in heard][:2] == ["pending_new", "new"]
    assert heard[-1].event == "fill"
    assert heard[-1].position_qty == 1

"""The data websocket's conversation, word by word, in JSON and in MessagePack."""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Iterator
from contextlib import ExitStack
from typing import Any

import msgpack
import pytest
from websockets.exceptions import ConnectionClosed, InvalidStatus
from websockets.sync.client import ClientConnection, connect

from tests.integration.simulator_data.venue import Venue

CONNECTED = {"T": "success", "msg": "connected"}
AUTHENTICATED = {"T": "success", "msg": "authenticated"}
NOTHING: dict[str, list[str]] = {
    "trades": [], "quotes": [], "bars": [], "updatedBars": [], "dailyBars": [],
    "statuses": [], "lulds": [], "corrections": [], "cancelErrors": [],
}  # fmt: skip


class Talk:
    """A client that says and hears arrays, in one encoding."""

    def __init__(self, socket: ClientConnection, *, as_msgpack: bool) -> None:
        self.socket, self.as_msgpack = socket, as_msgpack

    def say(self, message: Any) -> None:
        self.socket.send(msgpack.packb(message) if self.as_msgpack else json.dumps(message))

    def hear(self) -> Any:
        frame = self.socket.recv(timeout=5)
        if self.as_msgpack:
            assert isinstance(frame, bytes)
            return msgpack.unpackb(frame)
        assert isinstance(frame, str)
        return json.loads(frame)

    def log_in(self, key: str = "key", secret: str = "secret") -> Any:
        assert self.hear() == [CONNECTED]
        self.say({"action": "auth", "key": key, "secret": secret})
        return self.hear()

    def subscribe(self, **channels: list[str]) -> Any:
        self.say({"action": "subscribe", **channels})
        return self.hear()


@pytest.fixture(params=[True, False], ids=["msgpack", "json"])
def as_msgpack(request: pytest.FixtureRequest) -> bool:
    return bool(request.param)


@pytest.fixture
def stack() -> Iterator[ExitStack]:
    with ExitStack() as stack:
        yield stack


@pytest.fixture
def talk(venue: Venue, stack: ExitStack, as_msgpack: bool) -> Talk:  # noqa: FBT001 - a fixture, by name
    return talk_to(venue, stack, as_msgpack=as_msgpack)


def talk_to(venue: Venue, stack: ExitStack, *, as_msgpack: bool = True, feed: str = "iex", **headers: str) -> Talk:
    kind = {"Content-Type": "application/msgpack"} if as_msgpack else {}
    socket = stack.enter_context(connect(venue.socket(feed), additional_headers={**kind, **headers}, close_timeout=1))
    return Talk(socket, as_msgpack=as_msgpack)


def error(code: int, text: str) -> list[dict[str, Any]]:
    return [{"T": "error", "code": code, "msg": text}]


def test_login_then_subscriptions_add_up_and_subtract(talk: Talk) -> None:
    assert talk.log_in() == [AUTHENTICATED]
    assert talk.subscribe(quotes=["SPY"], bars=["*"]) == [
        {"T": "subscription", **NOTHING, "quotes": ["SPY"], "bars": ["*"]}
    ]
    assert talk.subscribe(trades=["SPY"], quotes=["BIL"])[0]["quotes"] == ["BIL", "SPY"]
    talk.say({"action": "unsubscribe", "quotes": ["SPY"], "bars": ["*"]})
    assert talk.hear() == [
        {"T": "subscription", **NOTHING}
        | {"quotes": ["BIL"], "trades": ["SPY"], "corrections": ["SPY"], "cancelErrors": ["SPY"]}
    ]


def test_what_is_wrong_is_said_with_its_code(talk: Talk) -> None:
    assert talk.hear() == [CONNECTED]
    talk.socket.send("{not json")
    assert talk.hear() == error(400, "invalid syntax")
    talk.say({"action": "subscribe", "quotes": ["SPY"]})
    assert talk.hear() == error(401, "not authenticated")
    talk.say({"action": "auth", "key": "key", "secret": "secret"})
    assert talk.hear() == [AUTHENTICATED]
    talk.say({"action": "auth", "key": "key", "secret": "secret"})
    assert talk.hear() == error(403, "already authenticated")
    for bad in (
        [],
        5,
        {},
        {"action": "dance"},
        {"action": []},
        {"action": {"action": "auth"}},
        {"action": "subscribe", "quotes": "SPY"},
        {"action": "subscribe", "quotes": [7]},
    ):
        talk.say(bad)
        assert talk.hear() == error(400, "invalid syntax")
    talk.say({"action": "subscribe", "news": ["*"]})
    assert talk.hear() == error(410, "invalid subscribe action for this feed")
    assert talk.subscribe(quotes=["SPY"])[0]["quotes"] == ["SPY"]


@pytest.mark.parametrize("secret", ["wrong", "", None, 5])
def test_a_refused_login_is_402_and_the_end(venue: Venue, talk: Talk, secret: Any) -> None:
    assert venue.context.login("key", "secret") == "key"
    assert talk.log_in("key", secret) == error(402, "auth failed")
    with pytest.raises(ConnectionClosed):
        talk.hear()


def test_saying_nothing_is_an_auth_timeout(talk: Talk) -> None:
    assert talk.hear() == [CONNECTED]
    assert talk.hear() == error(404, "auth timeout")
    with pytest.raises(ConnectionClosed):
        talk.hear()


def test_one_connection_per_account_and_feed(venue: Venue, stack: ExitStack, eventually: Any) -> None:
    first, second = talk_to(venue, stack), talk_to(venue, stack)
    assert first.log_in() == [AUTHENTICATED]
    assert second.log_in() == error(406, "connection limit exceeded")
    assert talk_to(venue, stack, feed="sip").log_in() == [AUTHENTICATED]
    assert talk_to(venue, stack).log_in("other", "secret") == [AUTHENTICATED]
    first.socket.close()
    assert eventually(lambda: talk_to(venue, stack).log_in() == [AUTHENTICATED])


def test_credentials_may_come_with_the_handshake(venue: Venue, stack: ExitStack) -> None:
    keys = {"APCA-API-KEY-ID": "key", "APCA-API-SECRET-KEY": "secret"}
    talk = talk_to(venue, stack, as_msgpack=False, **keys)
    assert [talk.hear(), talk.hear()] == [[CONNECTED], [AUTHENTICATED]]
    bearer = talk_to(venue, stack, as_msgpack=False, Authorization="Bearer token")
    assert [bearer.hear(), bearer.hear()] == [[CONNECTED], [AUTHENTICATED]]


def test_a_fragmented_subscription_is_put_together(talk: Talk) -> None:
    assert talk.log_in() == [AUTHENTICATED]
    message = {"action": "subscribe", "quotes": [f"S{number}" for number in range(9000)]}
    if talk.as_msgpack:
        packed = msgpack.packb(message)
        talk.socket.send([packed[start : start + 32_768] for start in range(0, len(packed), 32_768)])
    else:
        text = json.dumps(message)
        talk.socket.send([text[:100], text[100:]])
    assert len(talk.hear()[0]["quotes"]) == 9000


def test_an_unknown_feed_is_refused_at_the_handshake(venue: Venue) -> None:
    with pytest.raises(InvalidStatus), connect(venue.socket("cta")):
        pass


def test_what_happens_is_told_in_order_and_in_bounds(venue: Venue, talk: Talk) -> None:
    talk.log_in()
    talk.subscribe(quotes=["*"], trades=["SPY"], bars=["SPY"], dailyBars=["SPY"])
    start = venue.context.now()
    end = venue.advance(65)
    messages: list[dict[str, Any]] = []
    while sum(message["T"] == "q" for message in messages) < 65 * len(venue.context.market.listings()):
        frame = talk.hear()
        assert 0 < len(frame) <= 512
        messages += frame
    market = venue.context.market
    assert times(talk, messages, "q", "SPY") == [quote.at for quote in market.quotes("SPY", start, end)]
    assert times(talk, messages, "t", "SPY") == [trade.at for trade in market.trades("SPY", start, end)]
    ticks = [time_of(talk, message) for message in messages if message["T"] in "qt"]
    assert ticks == sorted(ticks)
    minute, day = ([message for message in messages if message["T"] == letter] for letter in "bd")
    assert [time_of(talk, bar) for bar in minute] == [start]
    assert [time_of(talk, bar) for bar in day] == [dt.datetime(2026, 6, 1, 4, tzinfo=dt.UTC)]
    assert {"o", "h", "l", "c", "v", "n", "vw", "S", "t"} < set(minute[0])


def times(talk: Talk, messages: list[dict[str, Any]], letter: str, symbol: str) -> list[dt.datetime]:
    return [time_of(talk, message) for message in messages if (message["T"], message["S"]) == (letter, symbol)]


def time_of(talk: Talk, message: dict[str, Any]) -> dt.datetime:
    if not talk.as_msgpack:
        assert message["t"].endswith("Z")
        return dt.datetime.fromisoformat(message["t"])
    assert isinstance(message["t"], msgpack.Timestamp)
    return message["t"].to_datetime()


@pytest.mark.parametrize(
    "frame",
    [
        b"",
        b"\xc1",
        b"\xff" * 100,
        b"\x81\x90\x01",
        b"\xde\xff\xff",
        b"\x91" * 5000,
        "",
        "[" * 5000,
        "\ud7ff",
        "NaN",
        "7",
    ],
)
def test_no_frame_breaks_the_conversation(talk: Talk, frame: bytes | str) -> None:
    assert talk.log_in() == [AUTHENTICATED]
    talk.socket.send(frame)
    assert talk.hear() == error(400, "invalid syntax")
    assert talk.subscribe(bars=["SPY"])[0]["bars"] == ["SPY"]

"""What every stream promises: one suite for alpaca-py against a real websocket server and for the in-memory twin."""

from __future__ import annotations

import datetime as dt
import threading
from collections.abc import Callable, Iterator
from typing import Any, Protocol

import msgpack
import pytest

from services.marketdata.adapters.stream_alpaca import AlpacaStream
from services.marketdata.adapters.stream_memory import MemoryStream
from services.marketdata.domain.desk import Observation, Subscribed
from services.marketdata.domain.feed import Lost, Opened, Refused
from services.marketdata.domain.minute_bars import ObservedBar
from services.marketdata.domain.quotes import ObservedQuote
from services.marketdata.ports import QuoteStream
from shared.settings import Venue

AT = dt.datetime(2024, 6, 3, 15, 0, tzinfo=dt.UTC)
Eventually = Callable[..., Any]


class ListInbox:
    def __init__(self) -> None:
        self.heard: list[Observation] = []

    def put(self, observation: Observation) -> None:
        self.heard.append(observation)

    def of(self, kind: type[Any]) -> list[Any]:
        return [item for item in self.heard if isinstance(item, kind)]


class Server(Protocol):
    """The other end of the wire."""

    def quote(self, symbol: str, bid: float, ask: float) -> None: ...
    def bar(self, symbol: str, close: float) -> None: ...
    def drop(self) -> None: ...
    def refuse_next(self, code: int, message: str) -> None: ...
    def following(self) -> frozenset[str]: ...
    def is_connected(self) -> bool: ...
    def logins(self) -> int: ...


class SocketServer:
    def __init__(self, socket: Any) -> None:
        self.socket = socket

    def quote(self, symbol: str, bid: float, ask: float) -> None:
        at = msgpack.Timestamp.from_datetime(AT)
        self.socket.say({"T": "q", "S": symbol, "t": at, "bp": bid, "bs": 100, "ap": ask, "as": 200, "z": "C"})

    def bar(self, symbol: str, close: float) -> None:
        at = msgpack.Timestamp.from_datetime(AT)
        self.socket.say(
            {
                "T": "b",
                "S": symbol,
                "t": at,
                "o": close,
                "h": close,
                "l": close,
                "c": close,
                "v": 7,
                "n": 1,
                "vw": close,
            }
        )

    def drop(self) -> None:
        self.socket.drop()

    def refuse_next(self, code: int, message: str) -> None:
        self.socket.refusals.append((code, message))

    def following(self) -> frozenset[str]:
        return frozenset(self.socket.following)

    def is_connected(self) -> bool:
        return bool(self.socket.is_connected)

    def logins(self) -> int:
        return len(self.socket.logins)


class TwinServer:
    def __init__(self, stream: MemoryStream) -> None:
        self.stream = stream

    def quote(self, symbol: str, bid: float, ask: float) -> None:
        self.stream.say(ObservedQuote(symbol, AT, bid, 100, ask, 200))

    def bar(self, symbol: str, close: float) -> None:
        self.stream.say(ObservedBar(symbol, AT, close, close, close, close, 7))

    def drop(self) -> None:
        self.stream.drop()

    def refuse_next(self, code: int, message: str) -> None:
        self.stream.refuse_next(code, message, for_good=code in {402, 409, 410, 411})

    def following(self) -> frozenset[str]:
        return self.stream.following

    def is_connected(self) -> bool:
        return self.stream.is_connected

    def logins(self) -> int:
        return self.stream.logins


class Wire:
    """A stream that runs in a thread, its inbox, and the server it talks to."""

    def __init__(self, stream: QuoteStream, server: Server, inbox: ListInbox, backoffs: list[tuple[int, bool]]) -> None:
        self.stream, self.server, self.inbox, self.backoffs = stream, server, inbox, backoffs
        self.stop = threading.Event()
        self.thread = threading.Thread(target=stream.run, args=(self.stop,), daemon=True)

    def start(self, *symbols: str) -> None:
        self.stream.want(frozenset(symbols))
        self.thread.start()

    def end(self) -> None:
        self.stop.set()
        if self.thread.ident is not None:
            self.thread.join(10)
        assert not self.thread.is_alive(), "the stream did not stop"


@pytest.fixture(params=["alpaca", "memory"])
def wire(request: pytest.FixtureRequest, a_venue: Callable[..., Venue]) -> Iterator[Wire]:
    inbox, backoffs = ListInbox(), []

    def backoff(attempt: int, *, connection_limited: bool) -> float:
        backoffs.append((attempt, connection_limited))
        return 0.02

    if request.param == "memory":
        twin = MemoryStream(inbox)
        made = Wire(twin, TwinServer(twin), inbox, backoffs)
    else:
        socket = request.getfixturevalue("alpaca_socket")
        stream = AlpacaStream(a_venue(data_stream_url=socket.url), "iex", inbox, backoff=backoff)
        made = Wire(stream, SocketServer(socket), inbox, backoffs)
    yield made
    made.end()


def connected(wire: Wire, eventually: Eventually, *symbols: str) -> None:
    wire.start(*symbols)
    eventually(lambda: wire.server.following() == set(symbols), what="subscription")
    eventually(lambda: wire.inbox.of(Subscribed), what="confirmation")


def test_it_logs_in_follows_what_is_wanted_and_says_so(wire: Wire, eventually: Eventually) -> None:
    connected(wire, eventually, "SPY", "TQQQ")
    assert len(wire.inbox.of(Opened)) == 1
    assert wire.inbox.of(Subscribed)[-1].symbols == {"SPY", "TQQQ"}


def test_it_brings_quotes_and_minute_bars(wire: Wire, eventually: Eventually) -> None:
    connected(wire, eventually, "SPY")
    wire.server.quote("SPY", 100.1, 100.2)
    wire.server.bar("SPY", 100.15)
    eventually(lambda: wire.inbox.of(ObservedBar), what="bar")
    assert wire.inbox.of(ObservedQuote) == [ObservedQuote("SPY", AT, 100.1, 100, 100.2, 200, "stream")]
    assert wire.inbox.of(ObservedBar) == [ObservedBar("SPY", AT, 100.15, 100.15, 100.15, 100.15, 7)]


def test_symbols_wanted_while_it_runs_are_followed_and_others_given_up(wire: Wire, eventually: Eventually) -> None:
    connected(wire, eventually, "SPY", "TLT")
    wire.stream.want(frozenset({"SPY", "UVXY"}))
    eventually(lambda: wire.server.following() == {"SPY", "UVXY"}, what="new subscription")
    wire.server.quote("UVXY", 20.0, 20.1)
    eventually(lambda: wire.inbox.of(ObservedQuote), what="quote of the new symbol")
    eventually(lambda: wire.inbox.of(Subscribed)[-1].symbols == {"SPY", "UVXY"}, what="confirmation")
    assert wire.server.logins() == 1


def test_many_changes_from_many_threads_end_with_the_last_one(wire: Wire, eventually: Eventually) -> None:
    connected(wire, eventually, "SPY")
    threads = [threading.Thread(target=wire.stream.want, args=(frozenset({"SPY", f"X{n}"}),)) for n in range(20)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    wire.stream.want(frozenset({"SPY", "QQQ"}))
    eventually(lambda: wire.server.following() == {"SPY", "QQQ"}, what="the last wish")


def test_it_waits_until_something_is_wanted(wire: Wire, eventually: Eventually) -> None:
    wire.thread.start()
    wire.stream.want(frozenset({"SPY"}))
    eventually(wire.server.is_connected, what="login")


def test_a_lost_connection_is_told_and_made_again_with_all_symbols(wire: Wire, eventually: Eventually) -> None:
    connected(wire, eventually, "SPY", "QQQ")
    wire.server.drop()
    eventually(lambda: len(wire.inbox.of(Opened)) == 2, what="second login")
    eventually(lambda: wire.server.following() == {"SPY", "QQQ"}, what="subscription")
    kinds = [type(item) for item in wire.inbox.heard if isinstance(item, Opened | Lost)]
    assert kinds == [Opened, Lost, Opened]


def test_it_can_be_told_to_connect_anew(wire: Wire, eventually: Eventually) -> None:
    connected(wire, eventually, "SPY")
    wire.stream.reconnect()
    eventually(lambda: len(wire.inbox.of(Opened)) == 2, what="second login")
    eventually(lambda: wire.server.following() == {"SPY"}, what="subscription")


def test_a_refusal_that_may_pass_is_told_and_tried_again(wire: Wire, eventually: Eventually) -> None:
    wire.server.refuse_next(406, "connection limit exceeded")
    wire.server.refuse_next(500, "internal error")
    wire.start("SPY")
    eventually(lambda: wire.inbox.of(Opened), what="login")
    assert wire.inbox.of(Refused) == [
        Refused(406, "connection limit exceeded", for_good=False),
        Refused(500, "internal error", for_good=False),
    ]
    assert wire.server.logins() == 3


@pytest.mark.parametrize(("code", "message"), [(402, "auth failed"), (409, "insufficient subscription")])
def test_a_refusal_for_good_is_told_and_not_tried_again(
    wire: Wire, eventually: Eventually, code: int, message: str
) -> None:
    wire.server.refuse_next(code, message)
    wire.start("SPY")
    eventually(lambda: wire.inbox.of(Refused) == [Refused(code, message, for_good=True)], what="refusal")
    eventually(lambda: "alpaca-stream" not in {thread.name for thread in threading.enumerate()}, what="the client ends")
    assert wire.server.logins() == 1
    assert wire.thread.is_alive(), "the part must live on: REST stands in"


def test_stopping_closes_in_order_so_that_the_next_life_can_log_in(wire: Wire, eventually: Eventually) -> None:
    connected(wire, eventually, "SPY")
    wire.end()
    eventually(lambda: not wire.server.is_connected(), what="the slot is free")


def test_stopping_before_anything_was_wanted_is_no_problem(wire: Wire) -> None:
    wire.thread.start()


def test_stopping_during_refusals_is_prompt(wire: Wire, eventually: Eventually) -> None:
    for _ in range(1000):
        wire.server.refuse_next(406, "connection limit exceeded")
    wire.start("SPY")
    eventually(lambda: wire.server.logins() >= 2, what="a few logins")

"""What only the real wire can do to us: bytes, close codes, limits, silence."""

from __future__ import annotations

import datetime as dt
import threading
from collections.abc import Callable, Iterator
from typing import Any

import msgpack
import pytest

from services.marketdata.adapters import stream_alpaca
from services.marketdata.adapters.stream_alpaca import AlpacaStream
from services.marketdata.domain.desk import Observation, Subscribed
from services.marketdata.domain.feed import Lost, Opened, Refused
from services.marketdata.domain.quotes import ObservedQuote
from shared.settings import Venue

AT = dt.datetime(2024, 6, 3, 15, 0, tzinfo=dt.UTC)
Eventually = Callable[..., Any]


def a_quote(symbol: str = "SPY", **given: Any) -> dict[str, Any]:
    at = msgpack.Timestamp.from_datetime(AT)
    return {"T": "q", "S": symbol, "t": at, "bp": 10.0, "bs": 1, "ap": 10.1, "as": 1, **given}


class Running:
    def __init__(self, venue: Venue) -> None:
        self.heard: list[Observation] = []
        self.backoffs: list[tuple[int, bool]] = []
        self.stop = threading.Event()
        self.stream = AlpacaStream(venue, "iex", self, backoff=self.backoff)
        self.stream.want(frozenset({"SPY"}))
        self.thread = threading.Thread(target=self.stream.run, args=(self.stop,), daemon=True)
        self.thread.start()

    def put(self, observation: Observation) -> None:
        self.heard.append(observation)

    def backoff(self, attempt: int, *, connection_limited: bool) -> float:
        self.backoffs.append((attempt, connection_limited))
        return 0.02

    def of(self, kind: type[Any]) -> list[Any]:
        return [item for item in self.heard if isinstance(item, kind)]

    def end(self) -> None:
        self.stop.set()
        self.thread.join(10)
        assert not self.thread.is_alive(), "the stream did not stop"


@pytest.fixture
def running(alpaca_socket: Any, a_venue: Callable[..., Venue], eventually: Eventually) -> Iterator[Running]:
    made = Running(a_venue(data_stream_url=alpaca_socket.url))
    eventually(lambda: made.of(Subscribed) or alpaca_socket.is_silent_at_login, what="subscription")
    yield made
    made.end()


def test_the_credentials_are_sent_as_the_venue_gives_them(running: Running, alpaca_socket: Any) -> None:
    assert alpaca_socket.logins == [{"action": "auth", "key": "the-key", "secret": "the-secret"}]


def test_the_feeds_bars_are_followed_too(running: Running, alpaca_socket: Any) -> None:
    assert alpaca_socket.following_bars == {"SPY"}


@pytest.mark.parametrize(
    "frame",
    [b"\xc1", b"", msgpack.packb(7), msgpack.packb({"T": "q"}), msgpack.packb(["q", None]), b"\x91\x81"],
    ids=["reserved byte", "empty", "a number", "an object", "no objects", "cut off"],
)
def test_a_malformed_frame_costs_nothing_but_itself(
    running: Running, alpaca_socket: Any, eventually: Eventually, frame: bytes
) -> None:
    alpaca_socket.say_bytes(frame)
    alpaca_socket.say(a_quote(bp=10.05))
    eventually(lambda: [q.bid for q in running.of(ObservedQuote)] == [10.05], what="the quote after it")
    assert len(alpaca_socket.logins) == 1


@pytest.mark.parametrize("wrong", [{"t": "yesterday"}, {"t": None}, {"bp": None}, {"bp": "x", "bs": []}, {"t": 5}])
def test_a_malformed_quote_does_not_cost_the_rest_of_its_batch(
    running: Running, alpaca_socket: Any, eventually: Eventually, wrong: dict[str, Any]
) -> None:
    alpaca_socket.say(a_quote(**wrong), {"T": "unheard-of"}, {"T": "q"}, a_quote(bp=10.05))
    eventually(lambda: 10.05 in [q.bid for q in running.of(ObservedQuote)], what="the good quote")


def test_times_of_nanoseconds_are_cut_to_microseconds(
    running: Running, alpaca_socket: Any, eventually: Eventually
) -> None:
    alpaca_socket.say(a_quote(t=msgpack.Timestamp(1717426800, 123456789)))
    eventually(lambda: running.of(ObservedQuote), what="quote")
    assert running.of(ObservedQuote)[0].at == AT.replace(microsecond=123456)


def test_a_connection_limit_waits_longer_than_a_plain_loss(
    running: Running, alpaca_socket: Any, eventually: Eventually
) -> None:
    alpaca_socket.refusals += [(406, "connection limit exceeded")] * 2
    alpaca_socket.drop()
    eventually(lambda: len(running.of(Opened)) == 2, what="login")
    assert [limited for _, limited in running.backoffs] == [False, True, True]
    assert [attempt for attempt, _ in running.backoffs] == [1, 2, 3]


def test_a_symbol_limit_while_running_is_told_and_the_connection_kept(
    running: Running, alpaca_socket: Any, eventually: Eventually
) -> None:
    alpaca_socket.refuse_subscriptions = (405, "symbol limit exceeded")
    running.stream.want(frozenset({"SPY", "QQQ"}))
    eventually(lambda: running.of(Refused), what="refusal")
    assert running.of(Refused) == [Refused(405, "symbol limit exceeded", for_good=False)]
    alpaca_socket.say(a_quote())
    eventually(lambda: running.of(ObservedQuote), what="data goes on")


def test_stopping_sends_a_close_frame_at_once(running: Running, alpaca_socket: Any, eventually: Eventually) -> None:
    running.end()
    eventually(lambda: alpaca_socket.close_codes == [1000], within=1, what="an orderly close")


def test_a_loss_says_how_the_connection_ended(running: Running, alpaca_socket: Any, eventually: Eventually) -> None:
    alpaca_socket.drop()
    eventually(lambda: running.of(Lost), what="loss")
    assert running.of(Lost)[0].reason == "closed with code 1001"


def test_a_server_that_never_answers_a_login_is_given_up(
    alpaca_socket: Any, a_venue: Callable[..., Venue], eventually: Eventually, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(stream_alpaca, "_LOGIN_SECONDS", 0.1)
    alpaca_socket.is_silent_at_login = True
    running = Running(a_venue(data_stream_url=alpaca_socket.url))
    eventually(lambda: running.of(Lost), what="the silent server is given up")
    assert "TimeoutError" in running.of(Lost)[0].reason
    alpaca_socket.is_silent_at_login = False
    eventually(lambda: running.of(Opened), what="login")
    running.end()


def test_a_server_that_is_not_there_is_tried_again(a_venue: Callable[..., Venue], eventually: Eventually) -> None:
    running = Running(a_venue(data_stream_url="ws://127.0.0.1:9/v2/iex"))
    eventually(lambda: len(running.of(Lost)) >= 3, what="attempts")
    assert running.of(Lost)[0].reason.startswith("no login: ")
    assert "the-secret" not in str(running.heard)
    running.end()

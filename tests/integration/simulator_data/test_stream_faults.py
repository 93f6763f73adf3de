"""Fault switches of the data websocket, as a client meets them."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack

import msgpack
import pytest
from websockets.exceptions import ConnectionClosed

from tests.integration.simulator_data.test_stream_protocol import AUTHENTICATED, Talk, error, talk_to
from tests.integration.simulator_data.venue import Venue


@pytest.fixture
def stack() -> Iterator[ExitStack]:
    with ExitStack() as stack:
        yield stack


def streaming(venue: Venue, stack: ExitStack, key: str = "key") -> Talk:
    talk = talk_to(venue, stack)
    assert talk.log_in(key) == [AUTHENTICATED]
    talk.subscribe(quotes=["SPY"])
    return talk


def test_406_on_the_next_login_strikes_once(venue: Venue, stack: ExitStack) -> None:
    venue.context.faults.arm("406_on_next_login", count=1)
    assert talk_to(venue, stack).log_in() == error(406, "connection limit exceeded")
    assert talk_to(venue, stack).log_in() == [AUTHENTICATED]


def test_a_closed_socket_can_be_opened_again(venue: Venue, stack: ExitStack) -> None:
    talk = streaming(venue, stack)
    venue.context.faults.arm("closed_data_socket", count=1)
    with pytest.raises(ConnectionClosed):
        talk.hear()
    again = streaming(venue, stack)
    venue.advance(1)
    assert again.hear()[0]["T"] == "q"


def test_a_malformed_frame_comes_before_the_next_data(venue: Venue, stack: ExitStack) -> None:
    talk = streaming(venue, stack)
    venue.context.faults.arm("malformed_frame", count=1)
    venue.advance(1)
    with pytest.raises((ValueError, msgpack.UnpackException)):
        talk.hear()
    assert talk.hear()[0]["T"] == "q"


def test_a_socket_muted_by_count_stays_open_and_says_nothing_more(venue: Venue, stack: ExitStack) -> None:
    talk = streaming(venue, stack)
    venue.context.faults.arm("mute_data_socket", count=1)
    venue.advance(1)
    with pytest.raises(TimeoutError):
        talk.socket.recv(timeout=0.5)
    other = streaming(venue, stack, "other")
    venue.advance(1)
    assert other.hear()[0]["T"] == "q"
    talk.socket.ping().wait(2)
    with pytest.raises(TimeoutError):
        talk.socket.recv(timeout=0.2)


def test_a_mute_armed_by_time_ends_with_it(venue: Venue, stack: ExitStack) -> None:
    talk = streaming(venue, stack)
    venue.context.faults.arm("mute_data_socket", seconds=30)
    venue.advance(10)
    with pytest.raises(TimeoutError):
        talk.socket.recv(timeout=0.5)
    venue.advance(30)
    assert talk.hear()[0]["T"] == "q"

"""Virtual time runs on between two askings, and an outage of the venue does not stop it."""

from __future__ import annotations

import datetime as dt
import threading

import httpx
import pytest

from shared.clock import ManualClock, VenueClock
from tests.conftest import eventually

START = dt.datetime(2024, 6, 3, 19, 40, tzinfo=dt.UTC)


class Venue:
    """Answers as the simulator's /sim/clock does; the transport is httpx's own seam."""

    def __init__(self) -> None:
        self.asked = 0
        self.is_up = True
        self.now = START

    def __call__(self, _request: httpx.Request) -> httpx.Response:
        self.asked += 1
        if not self.is_up:
            raise httpx.ConnectError("gone")
        return httpx.Response(200, json={"now": self.now.isoformat(), "speed": 60, "is_open": True})


def a_clock(venue: Venue, seconds: list[float]) -> VenueClock:
    client = httpx.Client(transport=httpx.MockTransport(venue))
    return VenueClock("http://venue/sim/clock", refresh_seconds=5, monotonic=lambda: seconds[0], client=client)


def test_between_askings_time_runs_on_at_the_venues_speed() -> None:
    venue, seconds = Venue(), [100.0]
    clock = a_clock(venue, seconds)
    assert clock.now() == START
    seconds[0] += 2
    assert clock.now() == START + dt.timedelta(minutes=2)
    assert venue.asked == 1


def test_after_the_refresh_the_venue_is_asked_again() -> None:
    venue, seconds = Venue(), [100.0]
    clock = a_clock(venue, seconds)
    clock.now()
    seconds[0] += 5
    venue.now = START + dt.timedelta(hours=3)
    assert clock.now() == venue.now


def test_an_outage_keeps_the_last_anchor() -> None:
    venue, seconds = Venue(), [100.0]
    clock = a_clock(venue, seconds)
    clock.now()
    venue.is_up = False
    seconds[0] += 10
    assert clock.now() == START + dt.timedelta(minutes=10)


def test_a_clock_that_is_kept_is_asked_ahead_and_let_go_with_its_last_user() -> None:
    venue, others = Venue(), set(threading.enumerate())
    client = httpx.Client(transport=httpx.MockTransport(venue))
    clock = VenueClock("http://venue/sim/clock", refresh_seconds=0.02, client=client).kept()
    (keeper,) = set(threading.enumerate()) - others
    eventually(lambda: venue.asked > 2, what="asked though nobody reads it")
    del clock
    keeper.join(2)
    assert not keeper.is_alive()


def test_a_kept_clock_goes_on_asking_through_an_outage() -> None:
    venue = Venue()
    client = httpx.Client(transport=httpx.MockTransport(venue))
    clock = VenueClock("http://venue/sim/clock", refresh_seconds=0.02, client=client).kept()
    clock.now()
    venue.is_up = False
    asked = venue.asked
    eventually(lambda: venue.asked > asked + 2, what="asked in the outage")
    venue.now, venue.is_up = START + dt.timedelta(days=1), True
    eventually(lambda: clock.now() >= venue.now, what="today's time after the outage")


def test_a_venue_never_reached_is_an_error_and_no_guess() -> None:
    venue = Venue()
    venue.is_up = False
    with pytest.raises(httpx.ConnectError):
        a_clock(venue, [0.0]).now()


def test_a_manual_clock_stands_still_until_told() -> None:
    clock = ManualClock(START)
    clock.advance(dt.timedelta(minutes=1))
    assert clock.now() == START + dt.timedelta(minutes=1)
    with pytest.raises(ValueError, match="time zone"):
        ManualClock(dt.datetime(2024, 6, 3))  # noqa: DTZ001 - the fault under test

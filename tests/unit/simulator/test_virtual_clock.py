"""Virtual time: moved by hand at speed 0, by the monotonic clock otherwise, and never back."""

from __future__ import annotations

import datetime as dt

import pytest

from services.simulator.domain.virtual_clock import ClockError, VirtualClock

START = dt.datetime(2024, 6, 3, 13, 30, tzinfo=dt.UTC)


def after(seconds: float) -> dt.datetime:
    return START + dt.timedelta(seconds=seconds)


def test_at_speed_0_only_a_command_moves_time() -> None:
    clock = VirtualClock(START, 0, monotonic=100)
    assert clock.now(1e6) == START
    clock.advance(90, monotonic=1e6)
    assert clock.now(2e6) == after(90)


def test_speed_multiplies_real_seconds() -> None:
    clock = VirtualClock(START, 60, monotonic=100)
    assert clock.now(102) == after(120)


def test_a_change_of_speed_keeps_the_instant() -> None:
    clock = VirtualClock(START, 10, monotonic=0)
    clock.set_speed(0, monotonic=6)
    assert clock.now(50) == after(60)
    clock.set_speed(1, monotonic=50)
    assert clock.now(55) == after(65)


def test_a_jump_goes_on_from_there() -> None:
    clock = VirtualClock(START, 1, monotonic=0)
    clock.jump(after(3600), monotonic=10)
    assert clock.now(15) == after(3605)


def test_time_never_goes_back() -> None:
    clock = VirtualClock(START, 1, monotonic=0)
    with pytest.raises(ClockError, match="or later"):
        clock.jump(after(5), monotonic=10)
    assert clock.now(-50) == START


@pytest.mark.parametrize("speed", [-1, float("nan"), float("inf"), 1e9])
def test_a_speed_that_makes_no_sense_is_refused(speed: float) -> None:
    with pytest.raises(ClockError, match="speed"):
        VirtualClock(START, speed, monotonic=0)


@pytest.mark.parametrize("seconds", [-1, float("nan"), float("inf"), 1e12])
def test_an_advance_that_makes_no_sense_is_refused(seconds: float) -> None:
    with pytest.raises(ClockError, match="advance_seconds"):
        VirtualClock(START, 0, monotonic=0).advance(seconds, monotonic=0)


def test_steady_seconds_are_real_while_time_runs_and_virtual_while_it_stands() -> None:
    clock = VirtualClock(START, 0, monotonic=0)
    clock.advance(30, monotonic=5)
    assert clock.steady(9) == 30
    clock.set_speed(100, monotonic=10)
    assert clock.steady(12) == 32
    clock.jump(after(10_000), monotonic=13)
    assert clock.steady(14) == 34

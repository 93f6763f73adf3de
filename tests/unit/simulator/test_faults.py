"""The fault board: what is armed strikes as often as asked, and no more."""

from __future__ import annotations

import pytest

from services.simulator.domain.faults import FAULTS, FaultBoard


def test_a_fault_armed_by_count_strikes_that_often() -> None:
    board = FaultBoard()
    board.arm("500", now=0, count=2)
    assert [board.take("500", 1e9) for _ in range(3)] == [True, True, False]


def test_a_fault_armed_by_seconds_strikes_until_they_have_passed() -> None:
    board = FaultBoard()
    board.arm("500", now=10, seconds=5)
    assert [board.take("500", now) for now in (10, 14.9, 15, 12)] == [True, True, False, False]


def test_looking_uses_nothing_up() -> None:
    board = FaultBoard()
    board.arm("500", now=0, count=1)
    assert board.active("500", 0)
    assert board.take("500", 0)
    assert not board.active("500", 0)


def test_disarming_stops_all() -> None:
    board = FaultBoard()
    board.arm("500", now=0, count=5)
    board.disarm()
    assert not board.take("500", 0)


def test_the_listing_names_every_switch_and_what_is_armed() -> None:
    board = FaultBoard()
    board.arm("429_burst", now=0, seconds=4)
    lines = board.listing(1)
    assert [line.name for line in lines] == list(FAULTS)
    assert [(line.name, line.seconds_left) for line in lines if line.armed] == [("429_burst", 3)]


def test_an_unknown_switch_is_refused() -> None:
    with pytest.raises(KeyError, match="no_such_fault"):
        FaultBoard().arm("no_such_fault", now=0, count=1)


@pytest.mark.parametrize(
    ("count", "seconds"), [(None, None), (1, 1.0), (0, None), (-1, None), (None, 0.0), (None, float("nan"))]
)
def test_arming_needs_exactly_one_positive_measure(count: int | None, seconds: float | None) -> None:
    with pytest.raises(ValueError, match="count and seconds"):
        FaultBoard().arm("500", now=0, count=count, seconds=seconds)

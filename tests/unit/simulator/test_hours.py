"""Phases of the trading day, half days and seasons included."""

from __future__ import annotations

import pytest

from services.simulator.domain.hours import Phase, day_for_order, gtc_expiry, phase_at, works_from
from tests.unit.simulator.step_market import new_york


@pytest.mark.parametrize(
    ("instant", "phase"),
    [
        ("2024-06-03 03:59:59", Phase.CLOSED),
        ("2024-06-03 04:00:00", Phase.PRE_MARKET),
        ("2024-06-03 09:30:00", Phase.REGULAR),
        ("2024-06-03 15:59:59", Phase.REGULAR),
        ("2024-06-03 16:00:00", Phase.AFTER_HOURS),
        ("2024-06-03 20:00:00", Phase.CLOSED),
        ("2024-01-16 09:30:00", Phase.REGULAR),
        ("2024-07-03 13:00:00", Phase.AFTER_HOURS),
        ("2024-07-03 17:00:00", Phase.CLOSED),
        ("2024-07-04 12:00:00", Phase.CLOSED),
        ("2024-06-08 12:00:00", Phase.CLOSED),
    ],
)
def test_the_phase_of_an_instant(instant: str, phase: Phase) -> None:
    assert phase_at(new_york(instant)) is phase


@pytest.mark.parametrize(
    ("sent", "extended", "works"),
    [
        ("2024-06-03 12:00:00", False, "2024-06-03 12:00:00"),
        ("2024-06-03 08:00:00", False, "2024-06-03 09:30:00"),
        ("2024-06-03 08:00:00", True, "2024-06-03 08:00:00"),
        ("2024-06-03 16:00:00", False, "2024-06-04 09:30:00"),
        ("2024-06-03 19:59:00", True, "2024-06-03 19:59:00"),
        ("2024-06-03 20:00:00", True, "2024-06-04 04:00:00"),
        ("2024-07-03 14:00:00", False, "2024-07-05 09:30:00"),
        ("2024-06-08 12:00:00", False, "2024-06-10 09:30:00"),
    ],
)
def test_an_order_works_from_when_its_hours_begin(sent: str, extended: bool, works: str) -> None:  # noqa: FBT001
    assert works_from(new_york(sent), extended=extended) == new_york(works)


def test_a_day_order_belongs_to_the_session_it_can_still_trade_in() -> None:
    assert day_for_order(new_york("2024-06-03 16:00:00"), extended=False).session.date.day == 4


def test_a_gtc_order_lives_for_ninety_days() -> None:
    assert gtc_expiry(new_york("2024-06-03 10:00:00")) == new_york("2024-09-01 16:15:00")

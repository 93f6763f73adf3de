"""What is taken from daily history, by hand on a few days."""

from __future__ import annotations

from decimal import Decimal

import pytest

from services.execution.domain.reference import SESSIONS, reference_of
from shared.contracts.marketdata import DailyHistory
from tests.integration.execution.trading_room import a_history


def history(closes: list[float], volumes: list[float]) -> DailyHistory:
    whole = a_history("TQQQ", 1)
    dates = whole.dates[-len(closes) :]
    column = tuple(closes)
    return whole.model_copy(
        update={
            "dates": dates,
            "open": column,
            "high": column,
            "low": column,
            "close": column,
            "volume": tuple(volumes),
        }
    )


def test_the_close_is_the_newest_and_moves_and_volumes_are_means() -> None:
    found = reference_of(history([100, 110, 99], [10, 20, 60]))
    assert found.close == 99
    assert found.typical_move == Decimal("0.1")
    assert found.average_volume == 30


def test_one_session_has_no_usual_move() -> None:
    found = reference_of(history([100], [10]))
    assert (found.close, found.typical_move, found.average_volume) == (100, 0, 10)


def test_only_the_newest_month_counts() -> None:
    long = [50.0] * 5 + [100.0] * (SESSIONS + 1)
    found = reference_of(history(long, [1e9] * 6 + [7.0] * SESSIONS))
    assert (found.typical_move, found.average_volume) == (0, 7)


def test_a_feed_that_sees_a_part_is_scaled_up_to_the_whole() -> None:
    assert reference_of(history([100], [25]), Decimal("0.025")).average_volume == 1000


@pytest.mark.parametrize("volume", [float("nan"), float("inf"), -1.0])
def test_volumes_that_are_none_raise(volume: float) -> None:
    with pytest.raises((ValueError, ArithmeticError)):
        reference_of(history([100], [volume]))

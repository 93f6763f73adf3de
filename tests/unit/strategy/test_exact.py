"""Floats become Decimal in one place, and an allocation stays an allocation there."""

from __future__ import annotations

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.strategy.domain.exact import WeightsError, exact, exact_weights


def test_a_float_becomes_the_decimal_that_reads_back_as_it() -> None:
    assert exact(0.1) == Decimal("0.1")
    assert exact(-10.0) == Decimal(-10)


@pytest.mark.parametrize("value", [float("nan"), float("inf"), float("-inf")])
def test_what_is_no_number_is_refused(value: float) -> None:
    with pytest.raises(ValueError, match="finite"):
        exact(value)


def test_thirds_get_nine_digits_and_the_missing_step_goes_to_the_first_listed() -> None:
    assert exact_weights({"SMR": 1 / 3, "LEU": 1 / 3, "OKLO": 1 / 3}) == {
        "SMR": Decimal("0.333333334"),
        "LEU": Decimal("0.333333333"),
        "OKLO": Decimal("0.333333333"),
    }


def test_written_weights_stay_as_written_and_zeros_disappear() -> None:
    assert exact_weights({"UVXY": 0.75, "BTAL": 0.25, "BIL": 0.0}) == {
        "UVXY": Decimal("0.75"),
        "BTAL": Decimal("0.25"),
    }


def test_cash_that_is_meant_completes_the_sum() -> None:
    assert exact_weights({"SPY": 0.4}, cash=0.6) == {"SPY": Decimal("0.4")}
    assert exact_weights({}, cash=1) == {}


@given(parts=st.lists(st.integers(0, 10**6), min_size=1, max_size=12).filter(any), cash=st.integers(0, 9))
def test_they_always_sum_to_exactly_one_less_cash_and_move_by_less_than_a_step(parts: list[int], cash: int) -> None:
    scale = (1 - cash / 10) / sum(parts)
    floats = {f"S{place}": part * scale for place, part in enumerate(parts)}
    found = exact_weights(floats, cash / 10)
    assert sum(found.values()) == 1 - Decimal(cash) / 10
    for symbol, weight in floats.items():
        assert abs(found.get(symbol, Decimal(0)) - Decimal(weight)) <= Decimal("1.0001e-9")


@pytest.mark.parametrize(
    ("weights", "fault"),
    [
        ({"SPY": float("nan")}, "weight of SPY: expected a number from 0 to 1, got nan"),
        ({"SPY": float("inf")}, "weight of SPY: expected a number from 0 to 1, got inf"),
        ({"SPY": Decimal("NaN")}, "weight of SPY: expected a number from 0 to 1, got NaN"),
        ({"SPY": -0.1, "BIL": 1.1}, "weight of SPY: expected a number from 0 to 1, got -0.1"),
        ({"SPY": 1.5}, "weight of SPY: expected a number from 0 to 1, got 1.5"),
        ({"SPY": "1"}, "weight of SPY: expected a number from 0 to 1, got '1'"),
        ({"SPY": None}, "weight of SPY: expected a number from 0 to 1, got None"),
        ({"SPY": 0.5}, "weights: expected a sum of 1, got 0.5"),
        ({"SPY": 0.6, "BIL": 0.6}, "weights: expected a sum of 1, got 1.2"),
        ({"SPY": 1.00000001}, "weight of SPY"),
        ({}, "weights: expected a sum of 1, got 0"),
    ],
)
def test_what_is_no_allocation_is_refused_by_name(weights: dict[str, float], fault: str) -> None:
    with pytest.raises(WeightsError) as refused:
        exact_weights(weights)
    assert fault in str(refused.value)

"""How large a slice is: equal by dollars, bounded by what is displayed, never nothing and never more than the rest."""

from __future__ import annotations

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.execution.domain.slices import WHOLE, Liquidity, Slicing, slice_of, slices_left


@pytest.mark.parametrize(
    ("slicing", "remaining", "shown", "whole", "expected"),
    [
        (WHOLE, "1000", 100, False, "1000"),
        (Slicing(Decimal(50_000)), "400", 100, False, "400"),
        (Slicing(Decimal(50_000)), "1000", 100, False, "500"),
        (Slicing(Decimal(50_000)), "1001", 100, False, "333.666666"),
        (Slicing(Decimal(50_000)), "1001", 100, True, "333"),
        (Slicing(shown_share=Decimal("0.5")), "1000", 100, False, "50"),
        (Slicing(shown_share=Decimal("0.5")), "1000", 0, False, "1000"),
        (Slicing(shown_share=Decimal("0.001")), "1000", 100, True, "1"),
        (Slicing(Decimal(1)), "3", 100, True, "1"),
        (Slicing(Decimal(10_000), Decimal(2)), "1000", 30, False, "60"),
        # 1,560,000 shares a day are 2,000 in 30 seconds.
        (Slicing(volume_share=Decimal("0.1")), "1000", 0, False, "200"),
        (Slicing(volume_share=Decimal("0.1"), every_seconds=60), "1000", 0, False, "400"),
        (Slicing(Decimal(10_000), Decimal(2), Decimal("0.01")), "1000", 30, False, "20"),
    ],
)
def test_a_slice_is_equal_by_dollars_and_bounded_by_what_is_displayed(
    slicing: Slicing,
    remaining: str,
    shown: int,
    whole: bool,  # noqa: FBT001 - a table's column
    expected: str,
) -> None:
    market = Liquidity(Decimal(100), shown, Decimal(1_560_000))
    assert slice_of(slicing, Decimal(remaining), market, whole=whole) == Decimal(expected)


def test_what_is_not_known_of_the_market_bounds_nothing() -> None:
    slicing = Slicing(shown_share=Decimal(1), volume_share=Decimal(1))
    assert slice_of(slicing, Decimal(1000), Liquidity(Decimal(100)), whole=False) == 1000


@pytest.mark.parametrize("bad", ["0", "-1"])
def test_a_slice_of_nothing_is_refused(bad: str) -> None:
    with pytest.raises(ValueError, match="notional: expected more than 0"):
        Slicing(Decimal(bad))


@given(
    remaining=st.decimals("0.000001", 100_000, places=6),
    notional=st.decimals(1, 1_000_000, places=2),
    shown=st.integers(0, 10_000),
    whole=st.booleans(),
)
def test_it_is_never_nothing_and_never_more_than_the_rest(
    remaining: Decimal, notional: Decimal, shown: int, *, whole: bool
) -> None:
    market = Liquidity(Decimal(100), shown, Decimal(shown))
    found = slice_of(Slicing(notional, Decimal("0.1"), Decimal("0.1")), remaining, market, whole=whole)
    assert 0 < found <= remaining
    assert slices_left(remaining, found) >= 1

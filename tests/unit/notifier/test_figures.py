"""Numbers as people read them."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal

import pytest

from services.notifier.domain import figures


@pytest.mark.parametrize(
    ("amount", "said"), [("0", "$0.00"), ("1234567.891", "$1,234,567.89"), ("-0.004", "$0.00"), ("-5", "-$5.00")]
)
def test_dollars_stand_in_cents(amount: str, said: str) -> None:
    assert figures.dollars(Decimal(amount)) == said


@pytest.mark.parametrize(("qty", "said"), [("1000", "1,000"), ("0.500000000", "0.5"), ("12.000000001", "12.000000001")])
def test_shares_lose_no_digit_and_carry_no_empty_one(qty: str, said: str) -> None:
    assert figures.shares(Decimal(qty)) == said


@pytest.mark.parametrize(("value", "said"), [(None, "-"), ("91.65", "91.65"), ("91.6484375", "91.6484"), ("5", "5.00")])
def test_prices_stand_in_cents_or_four_decimals(value: str | None, said: str) -> None:
    assert figures.price(None if value is None else Decimal(value)) == said


@pytest.mark.parametrize(
    ("value", "said"), [(None, "unknown"), ("-0.00001", "0"), ("79", "79"), ("58.21144", "58.2114")]
)
def test_an_unknown_indicator_is_not_a_number(value: str | None, said: str) -> None:
    assert figures.plain(None if value is None else Decimal(value)) == said


@pytest.mark.parametrize(
    ("seconds", "said"), [(0.04, "0.0 s"), (59.9, "59.9 s"), (61, "1 min 1 s"), (7_260, "2 h 1 min")]
)
def test_durations_grow_their_unit(seconds: float, said: str) -> None:
    assert figures.duration(seconds) == said


def test_instants_are_told_in_exchange_time() -> None:
    assert figures.instant(dt.datetime(2024, 1, 2, 14, 30, tzinfo=dt.UTC)) == "Tue 2 Jan 2024, 09:30:00 New York"

"""A quote of one exchange alone: when it is narrowed, around what, and that nothing is made up where nobody traded."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.execution.domain import grid, ladder, limits
from services.execution.domain.fair_value import Guard, narrowed
from services.execution.domain.limits import Bounds
from services.execution.domain.policies import Terms, named
from shared.contracts.base import Side
from shared.contracts.marketdata import Bar, Quote
from tests.unit.execution.builders import NOW, a_proposal, a_quote, seconds

GUARD = Guard()


def a_bar(close: str, *, low: str | None = None, high: str | None = None, ended: float = 5) -> Bar:
    """A minute that ended so many seconds before NOW."""
    prices: dict[str, Any] = {
        "open": Decimal(close),
        "close": Decimal(close),
        "low": Decimal(low or close),
        "high": Decimal(high or close),
    }
    at = NOW - dt.timedelta(minutes=1) - seconds(ended)
    return Bar(symbol="AMZN", at=at, timeframe="1Min", volume=100, **prices)


def sides(quote: Quote) -> tuple[str, str]:
    return str(quote.bid), str(quote.ask)


AMAZON = a_quote("AMZN", bid="3000.00", ask="3300.00")
"""$300 wide on IEX, as seen by users in 2021 while the market's spread was cents (alpaca-java#91)."""


def test_a_wide_quote_is_narrowed_around_the_last_minutes_close() -> None:
    assert sides(narrowed(AMAZON, a_bar("3151.20"), GUARD)) == ("3147.26", "3155.14")


def test_a_minute_is_fresh_up_to_the_second_at_which_it_is_too_old() -> None:
    bounds = a_bar("3151.20", ended=120), a_bar("3151.20", ended=120.001)
    assert [narrowed(AMAZON, bar, GUARD) == AMAZON for bar in bounds] == [False, True]


def test_without_a_fresh_minute_it_stays_wide_and_the_limit_refuses_it_by_name() -> None:
    for bar in (None, a_bar("3151.20", ended=121)):
        quote = narrowed(AMAZON, bar, GUARD)
        assert quote == AMAZON
        objection = limits.objection(a_proposal(symbol="AMZN", quote=quote, price=Decimal(3150)), Bounds())
        assert objection is not None
        assert (objection.limit, objection.may_pass) == ("spread", True)


@pytest.mark.parametrize("side", ["buy", "sell"])
def test_no_rung_of_an_order_crosses_further_than_the_collar_beyond_the_narrowed_spread(side: Side) -> None:
    quote = narrowed(AMAZON, a_bar("3151.20"), GUARD)
    prices = [ladder.price(rung, quote, side, Decimal(20)) for rung in named("patient", Terms()).rungs]
    assert all(price is not None and abs(price / Decimal("3151.20") - 1) < Decimal("0.0033") for price in prices)


@pytest.mark.parametrize(
    ("bid", "ask", "bar"),
    [
        ("100.00", "100.25", a_bar("100.10")),
        ("9.99", "10.02", a_bar("10.00")),
        ("100.00", "100.60", a_bar("100.30", low="100.00", high="100.60")),
    ],
)
def test_a_spread_of_a_few_bps_of_three_cents_or_of_the_minutes_range_is_not_wide(bid: str, ask: str, bar: Bar) -> None:
    quote = a_quote("AMZN", bid=bid, ask=ask)
    assert narrowed(quote, bar, GUARD) is quote


def test_a_quote_that_has_left_the_last_trades_behind_is_believed_on_the_side_it_went() -> None:
    assert sides(narrowed(AMAZON, a_bar("2900.00"), GUARD)) == ("3000.00", "3003.94")
    assert sides(narrowed(AMAZON, a_bar("3400.00"), GUARD)) == ("3296.06", "3300.00")


@pytest.mark.parametrize("quote", [a_quote(bid=None), a_quote(ask=None), a_quote(bid="2", ask="1")])
def test_a_quote_without_two_sides_stays_one(quote: Quote) -> None:
    assert narrowed(quote, a_bar("1.50"), GUARD) is quote


_cents = st.integers(1, 500_000)


@given(bid=_cents, spread=st.integers(0, 50_000), close=_cents)
def test_the_result_lies_within_the_quote_and_on_the_grid(bid: int, spread: int, close: int) -> None:
    quote = a_quote("AMZN", bid=str(Decimal(bid) / 100), ask=str(Decimal(bid + spread) / 100))
    found = narrowed(quote, a_bar(str(Decimal(close) / 100)), GUARD)
    assert found.is_two_sided
    assert quote.bid is not None
    assert quote.ask is not None
    assert found.bid is not None
    assert found.ask is not None
    assert quote.bid <= found.bid <= found.ask <= quote.ask
    assert found.bid % grid.tick(found.bid) == 0
    assert found.ask % grid.tick(found.ask) == 0

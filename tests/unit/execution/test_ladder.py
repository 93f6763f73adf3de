"""Prices on the penny grid: midpoint, steps, touch, collar; and when a step is no step."""

from __future__ import annotations

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.execution.domain import grid, identity
from services.execution.domain.ladder import Policy, price, standard
from shared.contracts.base import Side
from tests.unit.execution.builders import NOW, a_quote

COLLAR = Decimal(20)


def prices(bid: str, ask: str, side: Side, policy: Policy | None = None) -> list[str]:
    policy = policy or standard(steps=2)
    return [str(price(rung, a_quote(bid=bid, ask=ask), side, COLLAR)) for rung in policy.rungs]


@pytest.mark.parametrize(
    ("bid", "ask", "side", "expected"),
    [
        ("100.00", "100.10", "buy", ["100.05", "100.07", "100.10", "100.30"]),
        ("100.00", "100.10", "sell", ["100.05", "100.03", "100.00", "99.80"]),
        # One cent: join the near side, and only then cross.
        ("100.00", "100.01", "buy", ["100.00", "100.00", "100.01", "100.21"]),
        ("100.00", "100.01", "sell", ["100.01", "100.01", "100.00", "99.80"]),
        ("100.00", "100.00", "buy", ["100.00", "100.00", "100.00", "100.20"]),
        ("0.5000", "0.5003", "buy", ["0.5001", "0.5002", "0.5003", "0.5013"]),
    ],
)
def test_rungs_stand_on_the_grid(bid: str, ask: str, side: Side, expected: list[str]) -> None:
    assert prices(bid, ask, side) == expected


def test_the_collar_never_keeps_the_last_limit_from_the_far_side() -> None:
    quote = a_quote(bid="1.00", ask="1.0050")
    take = standard(steps=0).rungs[-1]
    assert price(take, quote, "buy", Decimal(0)) == Decimal("1.01")
    assert price(take, a_quote(bid="0.0001", ask="0.0002"), "sell", COLLAR) == Decimal("0.0001")


def test_a_naked_market_order_exists_only_where_it_was_asked_for() -> None:
    assert [rung.kind for rung in standard(steps=0).rungs] == ["peg", "take"]
    policy = standard(steps=0, allows_naked_market=True)
    assert policy.rungs[-1].kind == "market"
    assert price(policy.rungs[-1], a_quote(), "buy", COLLAR) is None


def test_an_urgent_order_begins_with_the_marketable_rung() -> None:
    assert [rung.name for rung in standard(urgency="urgent").rungs] == ["take"]


@pytest.mark.parametrize("quote", [a_quote(bid=None), a_quote(ask=None), a_quote(bid="2", ask="1")])
def test_without_a_two_sided_quote_there_is_no_price(quote: object) -> None:
    with pytest.raises(ValueError, match="two-sided"):
        price(standard().rungs[0], quote, "buy", COLLAR)  # type: ignore[arg-type]


def test_a_policy_without_rungs_is_refused() -> None:
    with pytest.raises(ValueError, match="rungs"):
        Policy(())


_cents = st.integers(1, 500_000)


@given(bid=_cents, spread=st.integers(0, 300), side=st.sampled_from(["buy", "sell"]))
def test_every_price_is_on_the_grid_and_no_peg_goes_past_the_far_side(bid: int, spread: int, side: Side) -> None:
    quote = a_quote(bid=str(Decimal(bid) / 100), ask=str(Decimal(bid + spread) / 100))
    found = [price(rung, quote, side, COLLAR) for rung in standard(steps=3).rungs]
    assert quote.bid is not None
    assert quote.ask is not None
    for value in found:
        assert value is not None
        assert value > 0
        assert value % grid.tick(value) == 0
    *pegs, take = found
    assert all(quote.bid <= p <= quote.ask for p in pegs if p is not None and quote.bid >= 1)
    assert take is not None
    assert take >= quote.ask if side == "buy" else take <= quote.bid
    steps = [p for p in found if p is not None]
    assert steps == sorted(steps, reverse=side == "sell")


@pytest.mark.parametrize(
    ("value", "whole", "expected"),
    [("1.9999999", False, "1.999999"), ("1.9", True, "1"), ("0.0000001", False, "0"), ("0.9", True, "0")],
)
def test_shares_are_rounded_down(value: str, whole: bool, expected: str) -> None:  # noqa: FBT001 - a table's column
    assert grid.shares_down(Decimal(value), whole=whole) == Decimal(expected)


def test_coarse_prices_are_whole_cents_below_a_dollar_too() -> None:
    assert grid.price_down(Decimal("0.5099"), coarse=True) == Decimal("0.50")
    assert grid.price_up(Decimal("0.5001"), coarse=True) == Decimal("0.51")


def test_names_follow_from_what_they_name_and_read_well() -> None:
    plan = identity.plan_id(NOW.date(), "message-1")
    assert plan == identity.plan_id(NOW.date(), "message-1")
    assert plan.startswith("20240603-")
    assert plan != identity.plan_id(NOW.date(), "message-2")
    order = identity.order_id(plan, "BRK.B", "sell")
    assert identity.client_order_id(order, "step1", 2) == f"{plan}-BRK.B-sell-step1-2"


def test_a_client_order_id_that_the_broker_would_refuse_is_never_made() -> None:
    with pytest.raises(ValueError, match="128"):
        identity.client_order_id("x" * 130, "mid", 1)

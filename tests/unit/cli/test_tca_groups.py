"""Totals of what orders cost: weighted by dollars, and honest about what is missing in them."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal

import pytest

from cli.tca_groups import group, grouped, rungs
from tests.unit.execution.builders import NOW, a_quote
from tests.unit.execution.worked_orders import ARRIVAL, measured

D = Decimal
WHOLE = measured(("100", "100.05", ARRIVAL), order_id="o1", later=ARRIVAL)
"""Shortfall $15 on $10,005; at market $5, all of it saved."""
LARGE = measured(("300", "100.10", ARRIVAL), order_id="o2", total="300", symbol="TLT", rung="take", later=ARRIVAL)
"""Shortfall $60 on $30,015; at market $15, nothing of it saved."""
LOST = measured(("60", "100.05", None), order_id="o3", side="sell", ended_after=86_400)
"""40 unfilled, and no quote at its end nor at its fill."""


def test_a_total_weighs_by_dollars_not_by_orders() -> None:
    whole = group("all", [WHOLE, LARGE])
    shortfall, saved = whole.cost("shortfall"), whole.cost("saved")
    assert shortfall is not None
    assert saved is not None
    assert (shortfall.dollars, shortfall.bps) == (D(75), D("18.7406")), "75 of 40,020"
    assert (saved.dollars, whole.wanted, whole.filled) == (D(5), D(40_020), D(40_020))
    assert whole.effective is not None
    assert (whole.effective.cost.dollars, whole.effective.cost.bps, whole.effective.share) == (30, D("7.4963"), 1)


def test_what_is_unknown_is_in_neither_dollars_nor_notional() -> None:
    whole = group("all", [WHOLE, LOST])
    assert whole.parts["shortfall"] == (WHOLE.costs.shortfall, 1, 1)
    assert whole.parts["delay"].known == 2
    assert whole.of_how_many("shortfall") == "of 1 of 2 orders"
    assert whole.of_how_many("delay") == ""
    assert whole.unknown == 1
    assert whole.effective is not None
    assert whole.effective.share == D(100) / 160
    assert whole.compared.orders == (WHOLE,)
    assert group("none", [LOST]).cost("shortfall") is None


def test_an_order_that_never_saw_a_quote_has_no_dollars() -> None:
    blind = measured(arrival=None)
    assert (group("x", [blind]).wanted, group("x", [blind]).cost("delay")) == (0, None)


@pytest.mark.parametrize(
    ("by", "labels"),
    [
        ("symbol", ["SPY", "TLT"]),
        ("side", ["buy", "sell"]),
        ("day", ["2024-06-03", "2024-06-04"]),
        ("order", ["06-03 10:00:12 buy SPY", "06-03 10:00:12 buy TLT", "06-04 10:00:00 sell SPY"]),
    ],
)
def test_orders_are_put_together_by_what_they_share(by: str, labels: list[str]) -> None:
    assert [one.label for one in grouped([WHOLE, LARGE, LOST], by)] == labels  # type: ignore[arg-type]


def test_two_orders_that_look_alike_stay_two_lines() -> None:
    twin = WHOLE.model_copy(update={"order_id": "another"})
    assert len(grouped([WHOLE, twin], "order")) == 2


def test_rungs_divide_orders_by_their_fills_the_quickest_first() -> None:
    late = measured(("10", "100.20", ARRIVAL), order_id="o4", total="10", rung="step1")
    late = late.model_copy(
        update={"fills": tuple(f.model_copy(update={"at": NOW + dt.timedelta(seconds=30)}) for f in late.fills)}
    )
    mid, take, step = rungs([late, WHOLE, LARGE])
    assert [mid.label, take.label, step.label] == ["mid", "take", "step1"]
    assert (mid.fills, mid.dollars, mid.seconds, step.seconds) == (1, D(10_005), 1.0, 30.0)
    assert take.execution is not None
    assert (take.execution.cost.dollars, take.execution.cost.bps) == (D(15), D("4.9975"))
    assert take.realised is not None
    assert take.realised.cost.dollars == 30
    assert step.realised is None


def test_a_fill_whose_instant_is_lost_counts_but_is_not_timed() -> None:
    lost = WHOLE.model_copy(update={"fills": tuple(f.model_copy(update={"at": None}) for f in WHOLE.fills)})
    [one] = rungs([lost])
    assert (one.fills, one.seconds) == (1, None)
    assert a_quote().mid == D("100.05")

"""First in, first out; every dollar of cost is somewhere; a year and a day is long."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal

import pytest

from services.execution.domain import lots
from services.execution.domain.lots import ClosedLot, Lot, scaled, taken_out, traded
from tests.unit.execution.books import at

D = Decimal


def held(*bought: tuple[str, str]) -> tuple[Lot, ...]:
    found: tuple[Lot, ...] = ()
    for minute, (qty, price) in enumerate(bought):
        found, _ = traded(found, D(qty), D(price), at(minute), f"b{minute}")
    return found


def test_a_sale_takes_the_oldest_shares_first_and_parts_a_lot() -> None:
    kept, closed = traded(held(("10", "100"), ("10", "120")), D(-15), D(130), at(60), "s")
    assert [(c.qty, c.cost_basis, c.proceeds, c.gain) for c in closed] == [
        (10, 1000, 1300, 300),
        (5, 600, 650, 50),
    ]
    assert [(lot.qty, lot.cost) for lot in kept] == [(5, 600)]


def test_selling_more_than_is_held_opens_a_short_lot_and_buying_it_back_closes_that() -> None:
    short, closed = traded(held(("1", "50")), D(-3), D(60), at(1), "s")
    assert [c.gain for c in closed] == [10]
    assert [(lot.qty, lot.cost) for lot in short] == [(-2, -120)]
    nothing, closed = traded(short, D(2), D(45), at(2), "b")
    assert nothing == ()
    assert [(c.qty, c.proceeds, c.cost_basis, c.gain) for c in closed] == [(2, 120, 90, 30)]


def test_parts_of_a_lot_cost_together_what_the_lot_cost() -> None:
    lot = held(("3", "33.333333333"))
    first, one = traded(lot, D("-1.111111111"), D(40), at(1), "s")
    _, two = traded(first, -first[0].qty, D(40), at(2), "s2")
    assert one[0].cost_basis + two[0].cost_basis == lots.cost(lot)


def test_a_split_keeps_the_cost_and_reaches_the_quantity_exactly() -> None:
    before = held(("1", "90"), ("1", "100"), ("1", "110"))
    after = scaled(before, D("10"))
    assert lots.quantity(after) == 10
    assert [lot.cost for lot in after] == [90, 100, 110]


def test_a_lot_that_a_reverse_split_leaves_nothing_of_leaves_its_cost_to_the_next() -> None:
    [after] = scaled(held(("0.000000001", "90"), ("10", "100")), D("1"))
    assert (after.qty, after.cost) == (1, D("1000.00000009"))


def test_what_is_taken_out_and_what_stays_are_all_there_was() -> None:
    before = held(("2", "10"), ("2", "20"))
    kept, taken = taken_out(before, D(3))
    assert (lots.quantity(kept), lots.cost(kept)) == (1, 20)
    assert (lots.quantity(taken), lots.cost(taken)) == (3, 40)


@pytest.mark.parametrize(
    ("opened", "closed", "term"),
    [
        ("2023-06-05", "2024-06-05", "short"),
        ("2023-06-05", "2024-06-06", "long"),
        ("2024-02-29", "2025-02-28", "short"),
        ("2024-02-29", "2025-03-03", "long"),
    ],
)
def test_a_lot_is_long_after_more_than_a_year(opened: str, closed: str, term: str) -> None:
    days = [dt.datetime.fromisoformat(f"{day}T15:00:00+00:00") for day in (opened, closed)]
    lot = ClosedLot(days[0], days[1], D(1), D(1), D(1), "b", "s")
    assert lot.term == term


def test_nobody_knows_the_term_of_shares_that_were_there_before() -> None:
    assert ClosedLot(at(0), at(1), D(1), D(1), D(1), "b", "s", is_dated=False).term == "unknown"

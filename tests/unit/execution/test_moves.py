"""How many prices the orders of a rebalance may try with the requests there are."""

from __future__ import annotations

from decimal import Decimal

import pytest

from services.execution.domain.moves import affordable, dealt, requests_beside


def dollars(*amounts: int) -> tuple[Decimal, ...]:
    return tuple(map(Decimal, amounts))


@pytest.mark.parametrize(
    ("moves", "expected"),
    [(0, (0, 0, 0)), (1, (0, 1, 0)), (2, (0, 1, 1)), (3, (1, 1, 1)), (4, (1, 2, 1)), (9, (3, 3, 3)), (99, (3, 3, 3))],
)
def test_moves_are_dealt_one_by_one_the_largest_order_first(moves: int, expected: tuple[int, ...]) -> None:
    assert dealt(dollars(10, 300, 200), moves, most=(3, 3, 3)) == expected


def test_an_order_that_has_no_use_for_moves_leaves_them_to_the_others() -> None:
    assert dealt(dollars(10, 300, 200), 4, most=(6, 0, 2)) == (2, 0, 2)


def test_a_few_orders_may_try_every_price() -> None:
    assert dealt(dollars(5, 5), affordable("buy", 2, 0, requests=200), most=(3, 3)) == (3, 3)


def test_of_42_sells_and_42_buys_no_more_is_used_than_there_is() -> None:
    sells = affordable("sell", 42, 42, requests=200)
    buys = affordable("buy", 42, 42, requests=200, used=42 + 2 * sells)
    assert 0 < sells <= buys
    assert requests_beside(84) + 84 + 2 * (sells + buys) <= 200


def test_what_the_sells_did_not_use_the_buys_may() -> None:
    all_used = affordable("buy", 42, 42, requests=200, used=60)
    assert affordable("buy", 42, 42, requests=200, used=42) == all_used + 9


def test_with_too_few_requests_for_the_orders_alone_nobody_moves() -> None:
    assert affordable("sell", 150, 150, requests=200) == 0

"""What is foreign is taken out of positions and equity, and never more of it than is there."""

from __future__ import annotations

from decimal import Decimal

import pytest

from services.execution.domain.broker import Account, Position
from services.execution.domain.set_apart import ours_among, without_worth

D = Decimal
ACCOUNT = Account("PA1", "ACTIVE", D(100_000), D(50_000), D(50_000), is_blocked=False)


def positions(qty: str, available: str | None = None) -> dict[str, Position]:
    return {"SPY": Position("SPY", D(qty), D(available or qty), D(480), D(500))}


@pytest.mark.parametrize(
    ("held", "foreign", "ours"),
    [
        ("10", "0", "10"),
        ("10", "4", "6"),
        ("10", "10", None),
        ("10", "12", None),
        ("10", "-3", "10"),
        ("-5", "-5", None),
        ("-5", "-2", "-3"),
    ],
)
def test_ours_is_what_is_left(held: str, foreign: str, ours: str | None) -> None:
    found = ours_among(positions(held), {"SPY": D(foreign)})
    assert {symbol: position.qty for symbol, position in found.items()} == ({} if ours is None else {"SPY": D(ours)})


def test_shares_that_others_have_put_up_for_sale_are_theirs_first() -> None:
    assert ours_among(positions("10", "7"), {"SPY": D(4)})["SPY"].available_qty == 3


def test_equity_is_without_what_is_foreign_at_the_brokers_price() -> None:
    assert without_worth(ACCOUNT, positions("10"), {"SPY": D(4)}).equity == 98_000
    assert without_worth(ACCOUNT, positions("10"), {}) is ACCOUNT

"""The wash-trade matrix, cell by cell."""

from __future__ import annotations

from typing import Any

import pytest

from services.simulator.domain.rejections import Rejection
from tests.unit.simulator.step_market import Floor, a_floor

# Resting orders and new opposite ones at prices where limits do not cross.
SELLS = {
    "market": {"type": "market"},
    "stop": {"type": "stop", "stop_price": "80"},
    "limit": {"type": "limit", "limit_price": "120"},
    "stop_limit": {"type": "stop_limit", "stop_price": "80", "limit_price": "120"},
    "trailing_stop": {"type": "trailing_stop", "trail_percent": "50"},
}
BUYS = {
    "market": {"type": "market"},
    "stop": {"type": "stop", "stop_price": "130"},
    "limit": {"type": "limit", "limit_price": "90"},
    "stop_limit": {"type": "stop_limit", "stop_price": "110", "limit_price": "115"},
    "trailing_stop": {"type": "trailing_stop", "trail_percent": "50"},
}
QUIET = {"limit", "stop_limit"}


def holding() -> Floor:
    floor = a_floor()
    floor.send(qty="10")
    return floor


def is_refused(floor: Floor, **fields: Any) -> bool:
    refusal: Rejection | None = None
    try:
        floor.send(**fields)
    except Rejection as error:
        refusal = error
    if refusal is None:
        return False
    assert (refusal.status, refusal.code) == (403, 40310000)
    assert {"existing_order_id", "reject_reason"} <= refusal.extra.keys()
    return True


@pytest.mark.parametrize("existing", ["stop", "limit", "stop_limit", "trailing_stop"])
@pytest.mark.parametrize("new", list(BUYS))
def test_the_matrix_for_orders_that_do_not_cross(existing: str, new: str) -> None:
    floor = holding()
    floor.send(side="sell", **SELLS[existing])
    exempt = "trailing_stop" in (existing, new)
    harmless = existing in QUIET and new in QUIET
    assert is_refused(floor, side="buy", **BUYS[new]) is not (exempt or harmless)


@pytest.mark.parametrize(("buy", "refused"), [("119.99", False), ("120", True), ("121", True)])
def test_limits_are_refused_from_the_price_at_which_they_meet(buy: str, refused: bool) -> None:  # noqa: FBT001
    floor = holding()
    floor.send(side="sell", **SELLS["limit"])
    order = {"type": "stop_limit", "stop_price": "110", "limit_price": buy}
    assert is_refused(floor, side="buy", **order) is refused


def test_groups_are_exempt_on_both_sides() -> None:
    floor = holding()
    floor.send(side="sell", **SELLS["stop"])
    bracket = {"order_class": "bracket", "take_profit": {"limit_price": "150"}, "stop_loss": {"stop_price": "70"}}
    assert not is_refused(floor, side="buy", type="limit", limit_price="90", **bracket)


def test_another_symbol_is_another_matter() -> None:
    floor = holding()
    floor.market.quoted(floor.now, "9.99", "10.01", symbol="BBB")
    floor.send(side="sell", **SELLS["stop"])
    assert not is_refused(floor, side="buy", symbol="BBB", type="market")

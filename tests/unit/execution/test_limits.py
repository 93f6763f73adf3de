"""Each limit by itself: what it lets through, what it refuses, and that what cannot be computed is refused."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal
from typing import Any

import pytest

from services.execution.domain.broker import Asset
from services.execution.domain.limits import LIMITS, Bounds, Limit, objection
from services.execution.domain.reference import Reference
from tests.unit.execution.builders import NOW, a_proposal, a_quote, a_reading, a_reference

NAN = Decimal("NaN")


def broken(**changes: Any) -> Reference:
    """A reference that no validation has seen."""
    return Reference.model_construct(**(a_reference().model_dump() | changes))


def test_an_ordinary_order_passes_every_limit() -> None:
    assert objection(a_proposal(), Bounds()) is None


REFUSED: list[tuple[str, dict[str, Any], Bounds]] = [
    ("trading state", {"trading": "HALTED"}, Bounds()),
    ("trading state", {"trading": "HALTED", "side": "sell", "held_qty": Decimal(10)}, Bounds()),
    ("trading state", {"trading": "REDUCING"}, Bounds()),
    ("trading state", {"trading": "SOMETHING NEW"}, Bounds()),
    ("arming", {"obstacle": "live trading is not armed"}, Bounds()),
    ("session", {"now": dt.datetime(2024, 6, 2, 14, 0, tzinfo=dt.UTC)}, Bounds()),
    ("session", {"now": dt.datetime(2024, 6, 3, 20, 0, tzinfo=dt.UTC)}, Bounds()),
    ("session", {"now": dt.datetime(2024, 7, 3, 17, 0, tzinfo=dt.UTC)}, Bounds()),
    ("equity reading", {"worth": None}, Bounds()),
    ("equity reading", {"worth": a_reading(at=NOW - dt.timedelta(seconds=901))}, Bounds()),
    ("equity reading", {"worth": a_reading(day_base=None)}, Bounds()),
    ("equity reading", {"worth": a_reading(day_base=None), "side": "sell", "held_qty": Decimal(10)}, Bounds()),
    ("equity reading", {"worth": a_reading(high_water=Decimal(0))}, Bounds()),
    ("drawdown", {"worth": a_reading("49999.99")}, Bounds(max_daily_loss=None)),
    (
        "drawdown",
        {"worth": a_reading("49999.99"), "side": "sell", "held_qty": Decimal(10)},
        Bounds(sells_go_on=False),
    ),
    ("daily loss", {"worth": a_reading("74999.99")}, Bounds()),
    (
        "daily loss",
        {"worth": a_reading("74999.99"), "side": "sell", "held_qty": Decimal(10)},
        Bounds(sells_go_on=False),
    ),
    ("asset", {"asset": None}, Bounds()),
    ("asset", {"asset": Asset("SPY", is_tradable=False, is_fractionable=True)}, Bounds()),
    ("deny list", {}, Bounds(denied_symbols=frozenset({"SPY"}))),
    ("deny list", {}, Bounds(denied_symbols=frozenset({"SPY"}), allowed_symbols=frozenset({"SPY"}))),
    ("deny list", {"side": "sell", "held_qty": Decimal(10)}, Bounds(denied_symbols=frozenset({"SPY"}))),
    ("allow list", {}, Bounds(allowed_symbols=frozenset({"TLT"}))),
    ("allow list", {"side": "sell", "held_qty": Decimal(10)}, Bounds(allowed_symbols=frozenset({"TLT"}))),
    ("foreign orders", {"foreign_orders": ("theirs-1",)}, Bounds()),
    ("short sale", {"side": "sell"}, Bounds()),
    ("short sale", {"side": "sell", "held_qty": Decimal(9)}, Bounds()),
    ("short sale", {"held_qty": Decimal(-5)}, Bounds()),
    ("short sale", {"held_qty": NAN}, Bounds()),
    ("quote", {"quote": None}, Bounds()),
    ("quote", {"quote": a_quote(bid=None)}, Bounds()),
    ("quote", {"quote": a_quote(ask=None)}, Bounds()),
    ("quote", {"quote": a_quote(bid="101", ask="100")}, Bounds()),
    ("stale quote", {"quote": a_quote(at=NOW - dt.timedelta(seconds=61))}, Bounds()),
    ("stale quote", {"quote": a_quote(at=NOW + dt.timedelta(seconds=11))}, Bounds()),
    ("spread", {"quote": a_quote(bid="100", ask="100.60")}, Bounds()),
    ("spread", {"quote": a_quote(bid="1.00", ask="1.04")}, Bounds()),
    ("order notional", {"qty": Decimal(2501)}, Bounds()),
    ("order notional", {"qty": Decimal(0)}, Bounds()),
    ("order notional", {"qty": Decimal(-1)}, Bounds()),
    ("order notional", {"price": NAN}, Bounds()),
    ("order notional", {"qty": NAN}, Bounds()),
    ("position size", {"qty": Decimal(101)}, Bounds(max_position_weight=Decimal("0.1"))),
    ("position size", {"held_qty": Decimal(95)}, Bounds(max_position_weight=Decimal("0.1"))),
    ("position size", {"equity": Decimal(0)}, Bounds()),
    ("position size", {"equity": NAN}, Bounds()),
    ("position size", {"equity": Decimal("Infinity")}, Bounds()),
    ("quote collar", {"price": Decimal("101.11")}, Bounds()),
    ("quote collar", {"price": Decimal("98.99"), "side": "sell", "held_qty": Decimal(10)}, Bounds()),
    ("quote collar", {"price": Decimal("0.52"), "quote": a_quote(bid="0.49", ask="0.50")}, Bounds()),
    ("last close", {"reference": None}, Bounds()),
    ("last close", {"reference": a_reference(close="83.3")}, Bounds()),
    ("last close", {"reference": a_reference(close="125.1")}, Bounds()),
    ("last close", {"reference": a_reference(close="125.1"), "side": "sell", "held_qty": Decimal(10)}, Bounds()),
    ("last close", {"reference": a_reference(close="74", typical_move=Decimal("0.035"))}, Bounds()),
    ("last close", {"reference": a_reference(session=dt.date(2024, 5, 26))}, Bounds()),
    ("last close", {"reference": a_reference(session=dt.date(2024, 6, 4))}, Bounds()),
    ("last close", {"reference": broken(close=NAN)}, Bounds()),
    ("last close", {"reference": broken(close=Decimal(0))}, Bounds()),
    ("last close", {"reference": broken(typical_move=NAN)}, Bounds()),
    ("average volume", {"reference": a_reference(average_volume=Decimal("99.9"))}, Bounds()),
    ("average volume", {"reference": a_reference(average_volume=Decimal(0))}, Bounds()),
    ("average volume", {"reference": broken(average_volume=NAN)}, Bounds()),
    ("average volume", {"reference": None}, Bounds(max_close_move=None)),
    ("open orders", {"open_orders": 100}, Bounds()),
    ("open orders", {"open_orders": 1}, Bounds(max_open_orders=1)),
    ("daily turnover", {"traded": Decimal("399000.01")}, Bounds()),
    ("daily turnover", {"traded": Decimal("399000.01"), "side": "sell", "held_qty": Decimal(10)}, Bounds()),
    ("daily turnover", {"traded": NAN}, Bounds()),
    ("daily turnover", {"traded": Decimal("Infinity")}, Bounds()),
    ("buying power", {"funds": Decimal("999.99")}, Bounds()),
    ("buying power", {"funds": Decimal(-1)}, Bounds()),
    ("buying power", {"funds": NAN}, Bounds()),
    ("buying power", {"funds": Decimal("Infinity")}, Bounds()),
]


@pytest.mark.parametrize(("limit", "changes", "bounds"), REFUSED)
def test_a_limit_refuses_by_name_and_says_what_it_saw(limit: str, changes: dict[str, Any], bounds: Bounds) -> None:
    found = objection(a_proposal(**changes), bounds)
    assert found is not None
    assert found.limit == limit
    assert found.detail


def test_a_symbol_on_the_allow_list_and_off_the_deny_list_passes() -> None:
    lists = Bounds(allowed_symbols=frozenset({"SPY"}), denied_symbols=frozenset({"TLT"}))
    assert objection(a_proposal(), lists) is None


def test_every_limit_has_a_test() -> None:
    assert {name for name, _, _ in REFUSED} == {limit.name for limit in LIMITS}


@pytest.mark.parametrize(
    "changes",
    [
        {"trading": "REDUCING", "side": "sell", "held_qty": Decimal(10)},
        {"side": "sell", "held_qty": Decimal(10)},
        {"quote": a_quote(bid="1.00", ask="1.03"), "price": Decimal(1), "reference": a_reference(close="1")},
        {"quote": a_quote(bid="100", ask="100.50")},
        {"quote": a_quote(at=NOW - dt.timedelta(seconds=60))},
        {"qty": Decimal(2500), "equity": Decimal(250_000)},
        {"price": Decimal("101.10")},
        {"price": Decimal("99.00"), "side": "sell", "held_qty": Decimal(10)},
        {"price": Decimal(50), "reference": a_reference(close="50")},
        {"price": Decimal("0.51"), "quote": a_quote(bid="0.49", ask="0.50"), "reference": a_reference(close="0.5")},
        {"reference": a_reference(close="83.34")},
        {"reference": a_reference(close="125")},
        {"reference": a_reference(close="74.1", typical_move=Decimal("0.035"))},
        {"reference": a_reference(session=dt.date(2024, 5, 27))},
        {"reference": a_reference(average_volume=Decimal(100))},
        {"worth": a_reading("75000")},
        {"worth": a_reading("74000"), "side": "sell", "held_qty": Decimal(10)},
        {"worth": a_reading("40000"), "side": "sell", "held_qty": Decimal(10)},
        {"open_orders": 99},
        {"traded": Decimal(399_000)},
        {"funds": Decimal(1000)},
        {"funds": Decimal(0), "side": "sell", "held_qty": Decimal(10)},
        {
            "now": dt.datetime(2024, 7, 3, 16, 59, tzinfo=dt.UTC),
            "quote": a_quote(at=dt.datetime(2024, 7, 3, 16, 59, tzinfo=dt.UTC)),
            "reference": a_reference(session=dt.date(2024, 7, 2)),
            "worth": a_reading(at=dt.datetime(2024, 7, 3, 16, 45, tzinfo=dt.UTC)),
        },
    ],
)
def test_what_is_just_inside_passes(changes: dict[str, Any]) -> None:
    assert objection(a_proposal(**changes), Bounds()) is None


def test_only_what_time_alone_can_change_may_pass() -> None:
    may_pass = {"quote", "stale quote", "spread", "open orders", "buying power", "equity reading"}
    assert {limit.name for limit in LIMITS if limit.may_pass} == may_pass


def test_losses_that_are_not_limited_need_no_reading() -> None:
    assert objection(a_proposal(worth=None), Bounds(max_daily_loss=None, max_drawdown=None)) is None


def test_a_turnover_that_is_not_limited_is_not_asked_for() -> None:
    assert objection(a_proposal(traded=Decimal(10**9)), Bounds(max_turnover=None)) is None


def test_limits_that_are_off_ask_for_no_history() -> None:
    assert objection(a_proposal(reference=None), Bounds(max_close_move=None, max_volume_share=None)) is None


@pytest.mark.parametrize(
    ("changes", "bounds", "fits"),
    [
        ({"qty": Decimal(2501), "equity": Decimal(300_000)}, Bounds(), Decimal(2500)),
        ({"qty": Decimal(101)}, Bounds(max_position_weight=Decimal("0.1")), Decimal(100)),
        ({"held_qty": Decimal(95)}, Bounds(max_position_weight=Decimal("0.1")), Decimal(5)),
        ({"held_qty": Decimal(200)}, Bounds(max_position_weight=Decimal("0.1")), None),
        ({"reference": a_reference(average_volume=Decimal(90))}, Bounds(), Decimal(9)),
        ({"traded": Decimal(399_500)}, Bounds(), Decimal(5)),
        ({"funds": Decimal(750)}, Bounds(), Decimal("7.5")),
        ({"funds": Decimal(-750)}, Bounds(), None),
        ({"price": NAN}, Bounds(), None),
        ({"trading": "HALTED"}, Bounds(), None),
    ],
)
def test_a_limit_that_a_smaller_order_passes_says_how_small(
    changes: dict[str, Any], bounds: Bounds, fits: Decimal | None
) -> None:
    found = objection(a_proposal(**changes), bounds)
    assert found is not None
    assert found.fits == fits
    if fits is not None:
        assert objection(a_proposal(**(changes | {"qty": fits})), bounds) is None


@pytest.mark.parametrize("error", [ValueError, TypeError, ZeroDivisionError, ArithmeticError])
def test_a_limit_that_breaks_refuses(error: type[Exception]) -> None:
    def breaks(*_: object) -> str | None:
        raise error("broken")

    found = objection(a_proposal(), Bounds(), (Limit("new one", breaks),))
    assert found is not None
    assert "cannot be computed" in found.detail

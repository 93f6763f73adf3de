"""Alpaca's JSON is read tolerantly where it drifts, and refused by field name where it makes no sense."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.execution.adapters import alpaca_wire as wire
from services.execution.domain.broker import Position, Status


def an_order(**changes: Any) -> dict[str, Any]:
    order: dict[str, Any] = {
        "id": "7b08df51-c1ac-453c-99f9-323a5f075f0d",
        "client_order_id": "plan-SPY-buy-mid-1",
        "created_at": "2024-06-03T15:45:00.123456789-04:00",
        "submitted_at": "2024-06-03T15:45:00.223456789-04:00",
        "updated_at": None,
        "symbol": "SPY",
        "asset_class": "us_equity",
        "qty": "1.123456789",
        "filled_qty": "0",
        "filled_avg_price": None,
        "side": "buy",
        "status": "new",
        "limit_price": "527.3",
        "legs": None,
        "something_new": {"of": "2027"},
    }
    return {**order, **changes}


def an_account(**changes: Any) -> dict[str, Any]:
    money = {"equity": "100000", "cash": "-12.5", "buying_power": "200000"}
    return {"account_number": "PA3X9K1", "status": "ACTIVE", **money, **changes}


def a_position(**changes: Any) -> dict[str, Any]:
    numbers = {"qty": "10", "avg_entry_price": "50.5", "current_price": "51"}
    return {"symbol": "SPY", "side": "long", **numbers, **changes}


def test_numbers_and_instants_of_an_order_are_exact() -> None:
    order = wire.order_of(an_order())
    assert (order.qty, order.limit_price, order.filled_qty) == (Decimal("1.123456789"), Decimal("527.3"), Decimal(0))
    assert order.submitted_at == dt.datetime(2024, 6, 3, 19, 45, 0, 223456, tzinfo=dt.UTC)


@given(st.decimals(min_value="0.000000001", max_value="999999", places=9))
def test_every_quantity_goes_out_and_comes_back_the_same(qty: Decimal) -> None:
    text = wire.exact(qty)
    assert "E" not in text
    assert wire.order_of(an_order(qty=text)).qty == qty


@pytest.mark.parametrize(
    ("number", "text"),
    [("100", "100"), ("1E+2", "100"), ("0.10", "0.1"), ("1E-9", "0.000000001"), ("527.30", "527.3")],
)
def test_numbers_go_out_without_exponents_and_trailing_zeros(number: str, text: str) -> None:
    assert wire.exact(Decimal(number)) == text


def test_json_numbers_are_read_as_they_are_written() -> None:
    assert wire.order_of(an_order(qty=2, limit_price=190.123)).limit_price == Decimal("190.123")


def test_an_unheard_of_status_is_unrecognised_and_not_terminal() -> None:
    order = wire.order_of(an_order(status="pending_quantum"))
    assert order.status is Status.UNRECOGNISED
    assert not order.status.is_terminal


@pytest.mark.parametrize("status", [s for s in Status if s is not Status.UNRECOGNISED])
def test_every_known_status_is_recognised(status: Status) -> None:
    assert wire.order_of(an_order(status=status.value)).status is status


def test_a_notional_order_has_no_quantity() -> None:
    assert wire.order_of(an_order(qty=None, notional="500")).qty is None


def test_a_missing_submission_falls_back_to_the_creation() -> None:
    assert wire.order_of(an_order(submitted_at=None)).submitted_at.second == 0


UNREADABLE: list[tuple[Callable[[Any], Any], Any, str]] = [
    (wire.order_of, None, "order"),
    (wire.order_of, [], "order"),
    (wire.order_of, "accepted", "order"),
    (wire.order_of, an_order(id=None), "id"),
    (wire.order_of, an_order(id=""), "id"),
    (wire.order_of, an_order(client_order_id=7), "client_order_id"),
    (wire.order_of, an_order(symbol=""), "symbol"),
    (wire.order_of, an_order(side="hold"), "side"),
    (wire.order_of, an_order(side=None), "side"),
    (wire.order_of, an_order(status=None), "status"),
    (wire.order_of, an_order(qty="many"), "qty"),
    (wire.order_of, an_order(qty="NaN"), "qty"),
    (wire.order_of, an_order(qty=float("inf")), "qty"),
    (wire.order_of, an_order(qty=True), "qty"),
    (wire.order_of, an_order(qty=["1"]), "qty"),
    (wire.order_of, an_order(filled_qty=None), "filled_qty"),
    (wire.order_of, an_order(submitted_at=None, created_at=None), "submitted_at"),
    (wire.order_of, an_order(submitted_at="yesterday"), "submitted_at"),
    (wire.order_of, an_order(submitted_at="2024-06-03T15:45:00"), "submitted_at"),
    (wire.order_of, an_order(submitted_at=1717443900), "submitted_at"),
    (wire.update_of, {}, "event"),
    (wire.update_of, {"event": "fill", "timestamp": "2024-06-03T15:45:00Z"}, "order"),
    (wire.update_of, {"event": "fill", "order": an_order()}, "timestamp"),
    (wire.account_of, an_account(equity=None), "equity"),
    (wire.account_of, an_account(cash="-NaN"), "cash"),
    (wire.account_of, an_account(buying_power={}), "buying_power"),
    (wire.account_of, an_account(account_number=None), "account_number"),
    (wire.account_of, an_account(status=None), "status"),
    (wire.position_of, a_position(qty=None), "qty"),
    (wire.position_of, a_position(avg_entry_price="x"), "avg_entry_price"),
    (wire.fill_of, {"id": "1::2"}, "order_id"),
    (wire.asset_of, {"tradable": True}, "symbol"),
]


@pytest.mark.parametrize(("read", "raw", "field"), UNREADABLE)
def test_what_makes_no_sense_is_refused_by_the_name_of_its_field(
    read: Callable[[Any], Any], raw: Any, field: str
) -> None:
    with pytest.raises(wire.UnreadableAnswerError, match=f"^{field}: expected"):
        read(raw)


def test_an_update_carries_this_execution_and_the_order_as_it_is_then() -> None:
    raw = {
        "event": "partial_fill",
        "execution_id": "e1",
        "timestamp": "2024-06-03T19:45:01Z",
        "price": "527.25",
        "qty": "0.5",
        "position_qty": "3.5",
        "order": an_order(status="partially_filled", filled_qty="1", filled_avg_price="527.2"),
        "at": "ignored",
    }
    update = wire.update_of(raw)
    assert (update.qty, update.price, update.position_qty) == (Decimal("0.5"), Decimal("527.25"), Decimal("3.5"))
    assert (update.order.filled_qty, update.execution_id) == (Decimal(1), "e1")


def test_the_execution_id_of_an_activity_is_what_follows_its_time() -> None:
    raw = {
        "id": "20240603194501123::e1",
        "order_id": "o1",
        "symbol": "SPY",
        "side": "sell_short",
        "qty": "1",
        "price": "527.25",
        "transaction_time": "2024-06-03T19:45:01.123Z",
    }
    fill = wire.fill_of(raw)
    assert (fill.execution_id, fill.side) == ("e1", "sell")


@pytest.mark.parametrize(
    ("changes", "is_blocked"),
    [
        ({}, False),
        ({"trading_blocked": False, "account_blocked": None}, False),
        ({"trading_blocked": True}, True),
        ({"account_blocked": "true"}, True),
        ({"trade_suspended_by_user": True}, True),
        ({"status": "ACCOUNT_CLOSED"}, True),
        ({"status": "SOMETHING_NEW"}, True),
    ],
)
def test_an_account_counts_as_blocked_on_any_doubt(changes: dict[str, Any], is_blocked: bool) -> None:  # noqa: FBT001 - a table
    assert wire.account_of(an_account(**changes)).is_blocked is is_blocked


@pytest.mark.parametrize("qty", ["10", "-10"])
def test_a_short_position_is_negative_however_it_is_written(qty: str) -> None:
    position = wire.position_of(a_position(side="short", qty=qty, qty_available=qty))
    assert (position.qty, position.available_qty) == (Decimal(-10), Decimal(-10))


def test_a_position_without_a_price_or_a_free_quantity_says_so() -> None:
    expected = Position("SPY", Decimal(10), Decimal(10), Decimal("50.5"), None)
    assert wire.position_of(a_position(current_price=None)) == expected


@pytest.mark.parametrize(
    ("raw", "tradable", "fractionable"),
    [
        ({"tradable": True, "fractionable": True, "status": "active"}, True, True),
        ({"tradable": True, "fractionable": False, "status": "inactive"}, False, False),
        ({"tradable": "true"}, False, False),
        ({}, False, False),
    ],
)
def test_an_asset_is_only_what_it_is_told_to_be(
    raw: dict[str, Any],
    tradable: bool,  # noqa: FBT001 - a table
    fractionable: bool,  # noqa: FBT001 - a table
) -> None:
    asset = wire.asset_of({"symbol": "SPY", **raw})
    assert (asset.is_tradable, asset.is_fractionable) == (tradable, fractionable)


@pytest.mark.parametrize(
    ("changes", "about_shares"),
    [
        ({}, True),
        ({"asset_class": None}, True),
        ({"asset_class": "us_option"}, False),
        ({"asset_class": "crypto"}, False),
        ({"asset_class": "", "symbol": "", "order_class": "mleg"}, False),
    ],
)
def test_orders_of_other_kinds_are_told_apart(changes: dict[str, Any], about_shares: bool) -> None:  # noqa: FBT001 - a table
    assert wire.is_about_shares(an_order(**changes)) is about_shares


def an_activity(**changes: Any) -> dict[str, Any]:
    """The example of Alpaca's own description."""
    activity: dict[str, Any] = {
        "id": "20190801011955195::5f596936-6f23-4cef-bdf1-3806aae57dbf",
        "activity_type": "DIV",
        "activity_sub_type": "SDIV",
        "created_at": "2021-05-10T14:01:04.650275Z",
        "date": "2019-08-01",
        "net_amount": "1.02",
        "symbol": "T",
        "qty": "2",
        "status": "executed",
    }
    return {**activity, **changes}


def test_an_activity_that_is_no_fill_is_money_of_its_day() -> None:
    paid = wire.activity_of(an_activity())
    assert (paid.type, paid.amount, paid.symbol, paid.description) == ("DIV", Decimal("1.02"), "T", "SDIV")
    assert paid.at == dt.datetime(2021, 5, 10, 14, 1, 4, 650275, tzinfo=dt.UTC)
    undated = wire.activity_of(an_activity(created_at=None, net_amount=None, symbol=None))
    assert (undated.at, undated.amount, undated.symbol) == (dt.datetime(2019, 8, 1, tzinfo=dt.UTC), Decimal(0), None)


def test_an_activity_that_was_taken_back_never_happened() -> None:
    assert wire.is_taken_back(an_activity(status="canceled"))
    assert not wire.is_taken_back(an_activity())


def test_a_fill_among_the_activities_is_the_same_fill() -> None:
    raw = an_activity(
        activity_type="FILL",
        id="20240603154500000::5f596936",
        order_id="o1",
        side="buy",
        price="500.02",
        transaction_time="2024-06-03T19:45:00.5Z",
    )
    assert wire.activity_of(raw) == wire.fill_of(raw)


@pytest.mark.parametrize("changes", [{"date": None, "created_at": None}, {"id": ""}, {"net_amount": "much"}])
def test_an_activity_that_makes_no_sense_is_refused(changes: dict[str, Any]) -> None:
    with pytest.raises(wire.UnreadableAnswerError):
        wire.activity_of(an_activity(**changes))

"""What every broker promises: one suite for the in-memory twin and for Alpaca's client over real HTTP."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal
from typing import Any

import pytest
from pydantic import SecretStr

from services.execution.adapters.alpaca_broker import AlpacaBroker
from services.execution.domain.broker import (
    Acknowledged,
    BrokerOrder,
    CancelRequested,
    OrderRequest,
    PlaceOutcome,
    Position,
    Rejected,
    RejectKind,
    Status,
    Unknown,
)

PRICE = Decimal("100.05")


def a_request(name: str = "c1", **changes: Any) -> OrderRequest:
    values: dict[str, Any] = {"symbol": "SPY", "side": "buy", "qty": Decimal("1.5"), "limit_price": PRICE}
    return OrderRequest(name, **{**values, **changes})


def accepted(outcome: PlaceOutcome) -> BrokerOrder:
    assert isinstance(outcome, Acknowledged), outcome
    return outcome.order


def refused(outcome: object) -> RejectKind:
    assert isinstance(outcome, Rejected), outcome
    return outcome.kind


def test_a_placed_order_is_acknowledged_as_it_was_asked_for(venue: Any) -> None:
    order = accepted(venue.broker.place(a_request(qty=Decimal("1.123456789"))))
    assert (order.client_order_id, order.symbol, order.side) == ("c1", "SPY", "buy")
    assert (order.qty, order.limit_price, order.filled_qty) == (Decimal("1.123456789"), PRICE, Decimal(0))
    assert order.submitted_at == venue.clock.now()


def test_an_order_is_found_by_either_name_and_a_stranger_is_none(venue: Any) -> None:
    order = accepted(venue.broker.place(a_request()))
    assert venue.broker.order(order.id) == venue.broker.order_by_client_id("c1") == order
    assert venue.broker.order("00000000-0000-0000-0000-000000000000") is None
    assert venue.broker.order_by_client_id("nobody & nothing") is None


def test_a_market_order_has_no_limit(venue: Any) -> None:
    assert accepted(venue.broker.place(a_request(limit_price=None))).limit_price is None


def test_a_client_order_id_is_taken_for_ever(venue: Any) -> None:
    order = accepted(venue.broker.place(a_request()))
    assert isinstance(venue.broker.cancel(order.id), CancelRequested)
    assert refused(venue.broker.place(a_request())) is RejectKind.DUPLICATE_CLIENT_ID


@pytest.mark.parametrize(
    ("changes", "kind"),
    [
        ({"symbol": "NONE"}, RejectKind.UNKNOWN_ASSET),
        ({"limit_price": Decimal("100.051")}, RejectKind.SUB_PENNY),
        ({"symbol": "BRK.B"}, RejectKind.NOT_FRACTIONABLE),
        ({"qty": Decimal(5000)}, RejectKind.BUYING_POWER),
        ({"side": "sell"}, RejectKind.HELD_SHARES),
    ],
)
def test_each_refusal_is_told_apart(venue: Any, changes: dict[str, Any], kind: RejectKind) -> None:
    assert refused(venue.broker.place(a_request(**changes))) is kind
    assert venue.broker.order_by_client_id("c1") is None


@pytest.mark.parametrize(
    "changes",
    [{"qty": Decimal("NaN")}, {"qty": Decimal(0)}, {"qty": Decimal(-1)}, {"limit_price": Decimal("Infinity")}],
)
def test_senseless_numbers_are_refused_by_the_adapter_itself(changes: dict[str, Any]) -> None:
    """On the adapter alone: the twin is never handed such numbers by a caller that typed them."""
    broker = AlpacaBroker("http://127.0.0.1:1", SecretStr("key"), SecretStr("secret"))
    outcome = broker.place(a_request(**changes))
    assert isinstance(outcome, Rejected)
    assert "nothing was sent" in outcome.message


def test_an_unknown_outcome_hides_an_order_that_may_be_live(venue: Any) -> None:
    venue.market.script("place", Unknown("request timed out"), takes_effect=True)
    assert isinstance(venue.broker.place(a_request()), Unknown)
    assert venue.market.calls == [("place", "c1")], "sent once, never again by itself"
    assert venue.broker.order_by_client_id("c1").client_order_id == "c1"


def test_an_unknown_outcome_hides_an_order_that_may_not_exist(venue: Any) -> None:
    venue.market.script("place", Unknown("request timed out"))
    assert isinstance(venue.broker.place(a_request()), Unknown)
    assert venue.broker.order_by_client_id("c1") is None
    assert accepted(venue.broker.place(a_request())).client_order_id == "c1"


def test_a_cancelled_order_has_ended_and_cannot_be_cancelled_again(venue: Any) -> None:
    order = accepted(venue.broker.place(a_request()))
    assert isinstance(venue.broker.cancel(order.id), CancelRequested)
    assert venue.broker.order(order.id).status is Status.CANCELED
    assert refused(venue.broker.cancel(order.id)) is RejectKind.NOT_CANCELABLE


def test_a_cancel_is_a_request_and_a_fill_may_win(venue: Any) -> None:
    venue.market.holds_cancels = True
    order = accepted(venue.broker.place(a_request()))
    assert isinstance(venue.broker.cancel(order.id), CancelRequested)
    assert venue.broker.order(order.id).status is Status.PENDING_CANCEL
    venue.market.fill("c1", Decimal("1.5"), PRICE)
    assert venue.broker.order(order.id).status is Status.FILLED


def test_cancelling_what_does_not_exist_is_not_found(venue: Any) -> None:
    assert refused(venue.broker.cancel("00000000-0000-0000-0000-000000000000")) is RejectKind.NOT_FOUND


def test_a_replacement_is_a_new_order_that_goes_on_with_what_was_filled(venue: Any) -> None:
    old = accepted(venue.broker.place(a_request()))
    venue.market.fill("c1", Decimal("0.5"), PRICE)
    new = accepted(
        venue.broker.replace(old.id, client_order_id="c2", qty=Decimal("1.5"), limit_price=Decimal("100.06"))
    )
    assert (new.id != old.id, new.replaces, new.client_order_id) == (True, old.id, "c2")
    assert (new.qty, new.filled_qty, new.limit_price) == (Decimal("1.5"), Decimal("0.5"), Decimal("100.06"))
    gone = venue.broker.order(old.id)
    assert (gone.status, gone.replaced_by) == (Status.REPLACED, new.id)


def test_a_finished_order_cannot_be_replaced(venue: Any) -> None:
    order = accepted(venue.broker.place(a_request()))
    venue.market.fill("c1", Decimal("1.5"), PRICE)
    outcome = venue.broker.replace(order.id, client_order_id="c2", qty=Decimal(2), limit_price=PRICE)
    assert refused(outcome) is RejectKind.NOT_CANCELABLE


def test_fills_change_the_order_the_position_and_the_cash(venue: Any) -> None:
    accepted(venue.broker.place(a_request()))
    venue.tick()
    venue.market.fill("c1", Decimal("0.5"), Decimal("100.01"))
    venue.tick()
    venue.market.fill("c1", Decimal(1), Decimal("100.04"))
    order = venue.broker.order_by_client_id("c1")
    assert (order.status, order.filled_qty, order.filled_avg_price) == (
        Status.FILLED,
        Decimal("1.5"),
        Decimal("100.03"),
    )
    assert venue.broker.positions() == (
        Position("SPY", Decimal("1.5"), Decimal("1.5"), Decimal("100.03"), Decimal("100.04")),
    )
    assert venue.broker.account().cash == Decimal(100_000) - Decimal("150.045")


def test_fills_come_oldest_first_with_the_execution_ids_of_their_updates(venue: Any) -> None:
    accepted(venue.broker.place(a_request()))
    before = venue.clock.now()
    for qty in ("0.5", "1"):
        venue.tick()
        venue.market.fill("c1", Decimal(qty), PRICE)
    fills = venue.broker.fills_since(before)
    assert [fill.qty for fill in fills] == [Decimal("0.5"), Decimal(1)]
    told = [u.execution_id for u in venue.updates if u.event in ("fill", "partial_fill")]
    assert [fill.execution_id for fill in fills] == told
    assert [fill.qty for fill in venue.broker.fills_since(before + dt.timedelta(seconds=1))] == [Decimal(1)]


def test_activities_are_executions_and_payments_of_every_type_in_the_order_they_happened(venue: Any) -> None:
    before = venue.clock.now() - dt.timedelta(seconds=1)
    accepted(venue.broker.place(a_request()))
    fill = venue.market.fill("c1", Decimal(1), Decimal("500.02"))
    venue.tick()
    dividend = venue.market.pay("DIV", Decimal("1.02"), "SPY")
    venue.tick()
    fee = venue.market.pay("FEE", Decimal("-0.01"))
    assert list(venue.broker.activities_since(before)) == [fill, dividend, fee]
    assert list(venue.broker.activities_since(dividend.at)) == [fee]
    assert venue.broker.account().cash == Decimal(100_000) - Decimal("500.02") + Decimal("1.01")


def test_a_resting_sell_holds_its_shares(venue: Any) -> None:
    venue.market.hold("SPY", Decimal(10), PRICE)
    accepted(venue.broker.place(a_request(side="sell", qty=Decimal(4))))
    (position,) = venue.broker.positions()
    assert (position.qty, position.available_qty) == (Decimal(10), Decimal(6))


def test_a_resting_buy_reserves_its_money(venue: Any) -> None:
    accepted(venue.broker.place(a_request(qty=Decimal(100))))
    account = venue.broker.account()
    assert (account.number, account.is_blocked) == ("PA3MEMORY", False)
    assert (account.cash, account.buying_power) == (Decimal(100_000), Decimal("89995.00"))


def test_assets_are_known_or_none(venue: Any) -> None:
    assert venue.broker.asset("BRK.B").is_fractionable is False
    assert venue.broker.asset("NONE") is None
    assert sorted(asset.symbol for asset in venue.broker.assets()) == ["BRK.B", "SPY", "TQQQ"]


def test_orders_of_some_symbols_are_those_and_no_others(venue: Any) -> None:
    for name, symbol in (("a", "SPY"), ("b", "TQQQ"), ("c", "SPY")):
        accepted(venue.broker.place(a_request(name, symbol=symbol, qty=Decimal(1))))
    since = venue.clock.now() - dt.timedelta(minutes=5)
    assert [order.client_order_id for order in venue.broker.orders_since(since, ["SPY"])] == ["a", "c"]
    assert len(venue.broker.orders_since(since, ["SPY", "TQQQ"])) == 3


def test_open_orders_are_all_there_however_many_pages_they_take(venue: Any) -> None:
    for number in range(520):
        venue.market.place(a_request(f"c{number}", qty=Decimal("0.01")))
    accepted(venue.broker.place(a_request("ended")))
    venue.market.end("ended", Status.EXPIRED)
    names = [order.client_order_id for order in venue.broker.open_orders()]
    assert len(names) == len(set(names)) == 520
    assert "ended" not in names


def test_orders_since_an_instant_are_all_there_closed_ones_too(venue: Any) -> None:
    venue.market.place(a_request("before", qty=Decimal("0.01")))
    since = venue.clock.now()
    venue.tick()
    for number in range(520):
        venue.market.place(a_request(f"c{number}", qty=Decimal("0.01")))
    venue.market.end("c7", Status.CANCELED)
    names = [order.client_order_id for order in venue.broker.orders_since(since)]
    assert names == [f"c{number}" for number in range(520)]


def test_fills_are_all_there_however_many_pages_they_take(venue: Any) -> None:
    accepted(venue.broker.place(a_request(qty=Decimal(150))))
    since = venue.clock.now()
    for _ in range(150):
        venue.tick()
        venue.market.fill("c1", Decimal(1), PRICE)
    assert len({fill.execution_id for fill in venue.broker.fills_since(since)}) == 150

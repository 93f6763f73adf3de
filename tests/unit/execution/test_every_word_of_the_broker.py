"""Each of Alpaca's statuses and events, said of a working order and of one being cancelled; and the halts and replacements they tell of."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal

import pytest

from services.execution.domain.broker import BrokerOrder, RejectKind, Status
from services.execution.domain.order_events import (
    Cancel,
    CancelAccepted,
    Found,
    NotFound,
    Place,
    Placed,
    PlaceRejected,
    Query,
    Stopped,
    Tick,
    Updated,
)
from services.execution.domain.order_state import Phase
from shared.contracts.alerts import AlertRaised
from shared.contracts.execution import OrderFilled
from tests.unit.execution.builders import a_quote, a_word, an_update
from tests.unit.execution.test_smart_order import MID, Life, a_fill, canceled, cancelling, placing, working

STATUSES = {
    Status.NEW: "working",
    Status.ACCEPTED: "working",
    Status.PENDING_NEW: "working",
    Status.ACCEPTED_FOR_BIDDING: "working",
    Status.PENDING_REVIEW: "working",
    Status.PARTIALLY_FILLED: "working",
    Status.STOPPED: "working",
    Status.HELD: "working",
    Status.PENDING_CANCEL: "working",
    Status.PENDING_REPLACE: "working",
    Status.UNRECOGNISED: "working",
    Status.SUSPENDED: "parked",
    Status.FILLED: "filled",
    Status.CALCULATED: "unfilled",
    Status.DONE_FOR_DAY: "unfilled",
    Status.CANCELED: "unfilled",
    Status.EXPIRED: "unfilled",
    Status.REJECTED: "refused",
    Status.REPLACED: "unknown",
}
"""What an order is after that word; REPLACED without the name of its successor."""

EVENTS = (
    *("accepted", "new", "fill", "partial_fill", "canceled", "expired", "done_for_day", "replaced", "rejected"),
    *("pending_new", "stopped", "pending_cancel", "pending_replace", "calculated", "suspended", "held", "restated"),
    *("order_replace_rejected", "order_cancel_rejected", "trade_bust", "trade_correct", "an_event_of_tomorrow"),
)
SUCCESSOR = "b-2"
QUIET_SECONDS = 8


def what_it_is(life: Life) -> str:
    if life.order.ending is not None:
        return life.order.ending
    return "parked" if life.order.parked_since else life.order.phase.value


def alerts(life: Life) -> list[str]:
    return [message.title for message in life.told if isinstance(message, AlertRaised)]


def test_the_table_of_statuses_is_whole() -> None:
    assert set(STATUSES) == set(Status)


@pytest.mark.parametrize(("status", "becomes"), STATUSES.items(), ids=[status.value for status in STATUSES])
def test_a_working_order_after_that_status(status: Status, becomes: str) -> None:
    filled = Decimal(100) if status is Status.FILLED else Decimal(0)
    life = working()(Found(a_word(status=status, filled_qty=filled, filled_avg_price=Decimal("100.05"))))
    assert what_it_is(life) == becomes


@pytest.mark.parametrize(("status", "becomes"), STATUSES.items(), ids=[status.value for status in STATUSES])
def test_only_a_proven_end_frees_the_shares_of_an_order_being_cancelled(status: Status, becomes: str) -> None:
    filled = Decimal(100) if status is Status.FILLED else Decimal(0)
    life = cancelling()(Found(a_word(status=status, filled_qty=filled, filled_avg_price=Decimal("100.05"))))
    still_live = becomes in ("working", "parked")
    assert (life.order.phase is Phase.CANCELLING) == still_live
    assert (life.order.open_qty == 100) == still_live


@pytest.mark.parametrize("event", EVENTS)
def test_an_event_is_no_more_than_the_order_it_carries(event: str) -> None:
    """Its name alone moves nothing: what counts is the status and the quantity told with it."""
    life = working()(Updated(an_update(event, a_word(status=Status.NEW))))
    assert life.order.phase is Phase.WORKING
    assert life.order.filled == 0


@pytest.mark.parametrize("event", ["trade_bust", "trade_correct"])
def test_a_trade_taken_back_is_for_a_person_and_never_sent_again(event: str) -> None:
    life = working()(a_fill("100", "100", status=Status.FILLED))
    life(Updated(an_update(event, a_word(status=Status.FILLED, filled_qty=Decimal(100)))))
    assert alerts(life) == [f"buy SPY: {event}"]
    assert life.asks(Place) == []


def test_a_cancel_the_exchange_refused_is_asked_about_at_once() -> None:
    life = cancelling()(CancelAccepted(MID), Updated(an_update("order_cancel_rejected", a_word(status=Status.NEW))))
    assert life.asks(Query) == [Query(MID)]
    life(Found(a_word(status=Status.NEW)))
    assert [cancel.client_order_id for cancel in life.asks(Cancel)] == [MID]


def test_a_halted_symbol_parks_the_order_and_tells_once() -> None:
    life = placing()
    for turn in range(40):
        child = life.order.live
        assert child is not None
        life(PlaceRejected(child.client_order_id, RejectKind.HALTED, "trading in SPY is halted"))
        assert life.order.phase is Phase.READY, turn
        assert life.order.live is None
        life(Tick(a_quote()), after=30)
    assert alerts(life) == ["buy SPY: parked"]
    assert life.order.ending is None, "twenty minutes of halt are no reason to give up"


def test_it_goes_on_when_the_symbol_trades_again_and_patience_begins_anew() -> None:
    life = placing()(PlaceRejected(MID, RejectKind.HALTED, "trading in SPY is halted"))
    life(Tick(a_quote()), after=1_000)
    assert len(life.asks(Place)) == 1
    name = life.asks(Place)[0].request.client_order_id
    life(Placed(a_word(name)))
    assert life.order.parked_since is None
    life(Tick(a_quote()), after=5)
    assert life.order.phase is Phase.WORKING
    assert life.order.stop_reason == ""
    life(
        Updated(an_update("fill", a_word(name, Status.FILLED, filled_qty=Decimal(100), filled_avg_price=Decimal(100))))
    )
    assert life.kinds()[-1] is OrderFilled


def test_a_halt_that_lasts_until_the_close_ends_the_order_with_its_reason() -> None:
    life = placing()(PlaceRejected(MID, RejectKind.HALTED, "trading in SPY is halted"))
    life(Tick(a_quote()), after=8 * 3600)
    assert life.order.detail == "the session ended before the symbol traded again"


def test_a_suspended_order_rests_without_new_prices_and_is_asked_about() -> None:
    life = working()(Updated(an_update("suspended", a_word(status=Status.SUSPENDED))))
    life(Tick(a_quote()), after=QUIET_SECONDS)
    assert life.asks(Query) == [Query(MID)]
    for _ in range(200):
        life(Tick(a_quote(bid="99")), after=10)
    assert life.order.phase is Phase.WORKING
    assert alerts(life) == ["buy SPY: parked"]
    life(Found(a_word(status=Status.NEW)), Tick(a_quote()))
    assert life.order.phase is Phase.WORKING
    life(Tick(a_quote()), after=10)
    assert life.order.phase is Phase.CANCELLING, "now the next price is due"


def test_too_many_requests_never_give_an_order_up() -> None:
    life = placing()
    for _ in range(20):
        child = life.order.live
        assert child is not None
        life(PlaceRejected(child.client_order_id, RejectKind.RATE_LIMITED, "rate limit exceeded"))
        life(Tick(a_quote()), after=10)
    assert life.order.ending is None


def replaced_by_a_person(filled: str = "0") -> BrokerOrder:
    price = Decimal("100.05") if filled != "0" else None
    word = a_word(status=Status.REPLACED, filled_qty=Decimal(filled), filled_avg_price=price)
    return replace(word, replaced_by=SUCCESSOR)


def of_the_successor(status: Status, filled: str, qty: str = "100") -> BrokerOrder:
    """As the desk passes it on: under the name of the child that it carries on."""
    price = Decimal("100.05") if filled != "0" else None
    return replace(
        a_word(status=status, filled_qty=Decimal(filled), filled_avg_price=price), id=SUCCESSOR, qty=Decimal(qty)
    )


def taken_over() -> Life:
    return working()(a_fill("30", "30"), Updated(an_update("replaced", replaced_by_a_person("30"))))


def test_an_order_that_a_person_replaced_is_followed_by_its_successors_id() -> None:
    life = taken_over()
    assert alerts(life) == ["buy SPY: changed from outside"]
    assert life.order.open_qty == 70, "it may still fill"
    life(Tick(a_quote()), after=QUIET_SECONDS)
    assert life.asks(Query) == [Query(MID, broker_order_id=SUCCESSOR)]
    life(Found(of_the_successor(Status.FILLED, "100")))
    assert (life.order.filled, life.order.ending) == (100, "filled")


def test_what_a_person_took_over_is_given_no_other_price_and_not_given_up() -> None:
    life = taken_over()
    for _ in range(200):
        life(Tick(a_quote(bid="99")), after=10)
        assert life.asks(Cancel) == []
    life(Stopped("halt: a test wants it"))
    assert [cancel.broker_order_id for cancel in life.asks(Cancel)] == [SUCCESSOR]


def test_a_person_who_wants_less_gets_less() -> None:
    life = taken_over()(Found(of_the_successor(Status.FILLED, "50", qty="50")))
    assert (life.order.filled, life.order.ending) == (50, "partly filled")
    assert life.asks(Place) == []


def test_a_chain_is_followed_to_its_last_order() -> None:
    life = taken_over()(Found(replace(of_the_successor(Status.REPLACED, "30"), replaced_by="b-3")))
    life(Updated(an_update("replaced", replaced_by_a_person("30"))))
    life(Tick(a_quote()), after=QUIET_SECONDS)
    assert life.asks(Query) == [Query(MID, broker_order_id="b-3")]
    assert alerts(life) == ["buy SPY: changed from outside"]


def test_a_fill_that_wins_over_the_replacement_counts() -> None:
    life = taken_over()(a_fill("70", "100", "e2", Status.FILLED))
    assert (life.order.filled, life.order.ending) == (100, "filled")


def test_a_successor_that_ends_unfilled_is_not_sent_again() -> None:
    life = taken_over()(Found(of_the_successor(Status.CANCELED, "30")))
    assert (life.order.filled, life.order.ending) == (30, "partly filled")
    assert life.asks(Place) == []


def test_a_successor_the_broker_does_not_know_leaves_the_fate_open() -> None:
    life = taken_over()(NotFound(MID))
    assert life.order.open_qty == 70


def test_an_end_told_twice_is_told_once() -> None:
    once = cancelling()(canceled("0"))
    twice = cancelling()(canceled("0"), canceled("0"))
    assert once.kinds() == twice.kinds()

"""Cancelling, replacing, groups of orders, and the ways in which a request can come too late."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

from services.simulator.domain.calls import Fate
from services.simulator.domain.identity import Identity
from services.simulator.domain.orders import TERMINAL, TRANSITIONS, Order, Status, TransitionError
from services.simulator.domain.rejections import Rejection
from tests.unit.simulator.step_market import Floor, Partial, StepMarket, a_floor, after, new_york

EXITS = {"take_profit": {"limit_price": "110"}, "stop_loss": {"stop_price": "90"}}
RESTING = {"type": "limit", "limit_price": "90", "qty": "10"}


def refused(call: Any, *args: Any, **kwargs: Any) -> Rejection:
    with pytest.raises(Rejection) as caught:
        call(*args, **kwargs)
    return caught.value


class TestTransitions:
    def test_nothing_leads_out_of_an_end(self) -> None:
        assert all(not TRANSITIONS[status] for status in TERMINAL)

    def test_a_move_that_is_not_in_the_table_raises_and_changes_nothing(self) -> None:
        order = a_floor().sent()
        before = (order.status, order.updated_at)
        with pytest.raises(TransitionError, match="filled does not lead to canceled"):
            order.move(Status.CANCELED, after(5))
        assert (order.status, order.updated_at) == before


class TestCancel:
    def test_a_resting_order_is_canceled_in_two_steps(self) -> None:
        floor = a_floor()
        order = floor.sent(**RESTING)
        floor.go(5)
        floor.events()
        floor.cancel(order)
        assert floor.stories() == ["pending_cancel limit", "canceled limit"]
        assert (order.status, order.canceled_at, order.cancel_requested_at) == (Status.CANCELED, after(5), after(5))
        assert floor.account.reserved() == 0

    def test_a_queued_order_can_be_canceled_and_never_wakes(self) -> None:
        floor = a_floor(start=new_york("2024-06-03 17:00:00"))
        order = floor.sent()
        floor.cancel(order)
        floor.go(new_york("2024-06-04 12:00:00"))
        assert order.status is Status.CANCELED

    @pytest.mark.parametrize("end", ["filled", "canceled"])
    def test_an_order_that_has_ended_cannot_be_canceled(self, end: str) -> None:
        floor = a_floor()
        order = floor.sent() if end == "filled" else floor.sent(**RESTING)
        if end == "canceled":
            floor.cancel(order)
        error = refused(floor.cancel, order)
        assert (error.status, error.code, error.message) == (422, 42210000, f'order is already in "{end}" state')

    def test_an_unknown_order_is_404(self) -> None:
        floor = a_floor()
        error = refused(floor.exchange.cancel, floor.account, "nope", floor.now)
        assert (error.status, error.code, error.message) == (404, 40410000, "order not found for nope")

    def test_a_stuck_cancel_holds_its_shares_till_the_close(self) -> None:
        floor = a_floor()
        floor.send(qty="10")
        order = floor.sent(side="sell", type="limit", limit_price="110", qty="10")
        floor.cancel(order, Fate.STUCK)
        assert refused(floor.send, side="sell", qty="10").extra["held_for_orders"] == "10"
        floor.market.quoted(after(5), "120", "121")
        floor.go(60)
        assert order.status is Status.PENDING_CANCEL
        floor.go(new_york("2024-06-03 16:00:00"))
        assert order.status is Status.EXPIRED

    def test_a_fill_that_wins_over_the_cancel_is_at_the_orders_price(self) -> None:
        floor = a_floor()
        order = floor.sent(**RESTING)
        floor.events()
        floor.cancel(order, Fate.FILLED)
        assert floor.stories() == ["pending_cancel limit", "fill limit"]
        assert (order.status, order.filled_avg_price) == (Status.FILLED, 90)
        assert floor.account.qty("AAA") == 10


class TestReplace:
    def test_the_successor_carries_the_chain_on(self) -> None:
        floor = a_floor()
        old = floor.sent(**RESTING, client_order_id="one")
        floor.go(3)
        floor.events()
        new = floor.replaced(old, limit_price="91", client_order_id="two")
        assert (old.status, old.replaced_by, old.replaced_at) == (Status.REPLACED, new.id, after(3))
        assert (new.status, new.replaces, new.client_order_id) == (Status.NEW, old.id, "two")
        assert (new.limit_price, new.qty, new.created_at) == (91, 10, after(3))
        assert floor.stories() == ["pending_replace limit", "replaced limit", "pending_new limit", "new limit"]
        assert floor.account.reserved() == 910

    def test_after_a_partial_fill_qty_means_the_whole_chain(self) -> None:
        floor = a_floor(model=Partial(Identity(1)))
        old = floor.sent(type="limit", limit_price="100.01", qty="10")
        assert old.filled_qty == 5
        assert refused(floor.replaced, old, qty="5").message == "qty must be > filled_qty"
        new = floor.replaced(old, qty="8", limit_price="95")
        assert (new.qty, new.filled_qty, new.leaves_qty, new.status) == (8, 5, 3, Status.PARTIALLY_FILLED)
        assert floor.account.reserved() == 3 * 95

    def test_a_better_price_may_fill_at_once(self) -> None:
        floor = a_floor()
        assert floor.replaced(floor.sent(**RESTING), limit_price="101").status is Status.FILLED

    @pytest.mark.parametrize(
        ("changes", "code", "words"),
        [
            ({}, 42210000, "order parameters are not changed"),
            ({"qty": "10", "limit_price": "90.00"}, 42210000, "order parameters are not changed"),
            ({"limit_price": "90.123"}, 42210000, "sub-penny increment"),
            ({"stop_price": "80"}, 42210000, "limit orders require only limit price"),
            ({"trail": "3"}, 42210000, "only trailing stop orders have a trail"),
            ({"qty": "10.5"}, 42210000, "qty of fractional orders cannot be replaced"),
            ({"time_in_force": "ioc"}, 42210000, "cannot be replaced by a ioc order"),
            ({"notional": "100"}, 42210000, "notional orders cannot be replaced"),
            ({"client_order_id": "taken"}, 40010001, "client_order_id must be unique"),
        ],
    )
    def test_a_wrong_change_is_refused_by_name(self, changes: dict[str, Any], code: int, words: str) -> None:
        floor = a_floor()
        order = floor.sent(**RESTING, client_order_id="taken")
        error = refused(floor.replaced, order, **changes)
        assert (error.status, error.code) == (422, code)
        assert words in error.message
        assert order.status is Status.NEW

    def test_the_state_decides_whether_it_can_be_replaced(self) -> None:
        floor = a_floor()
        filled, replaced, stuck = floor.sent(), floor.sent(**RESTING), floor.sent(**RESTING)
        floor.replaced(replaced, limit_price="91")
        floor.cancel(stuck, Fate.STUCK)
        texts = {
            filled: 'order is already in "filled" state',
            replaced: "order already replaced",
            stuck: "cannot replace order in pending_cancel status",
        }
        for order, text in texts.items():
            error = refused(floor.replaced, order, limit_price="92")
            assert (error.status, error.code, error.message) == (422, 42210000, text)

    def test_a_queued_order_is_not_at_the_exchange_yet(self) -> None:
        floor = a_floor(start=new_york("2024-06-03 17:00:00"))
        error = refused(floor.replaced, floor.sent(**RESTING), limit_price="91")
        assert (error.status, error.code) == (422, 40010001)
        assert error.message == "unable to replace order, order isn't sent to exchange yet"

    def test_the_larger_of_both_orders_must_be_covered(self) -> None:
        floor = a_floor()
        order = floor.sent(type="limit", limit_price="90", qty="4000")
        error = refused(floor.replaced, order, qty="5000")
        assert (error.status, error.extra["buying_power"], error.extra["cost_basis"]) == (403, "400000", "450000")
        assert floor.replaced(order, qty="4400").status is Status.NEW

    def test_a_sell_may_not_grow_beyond_the_position(self) -> None:
        floor = a_floor()
        floor.send(qty="10")
        order = floor.sent(side="sell", type="limit", limit_price="110", qty="8")
        assert refused(floor.replaced, order, qty="11").code == 40310000
        assert floor.replaced(order, qty="10").leaves_qty == 10

    def test_a_fill_that_wins_over_the_replace_rejects_the_successor(self) -> None:
        floor = a_floor()
        old = floor.sent(**RESTING)
        floor.events()
        new = floor.replaced(old, Fate.FILLED, qty="20")
        assert (old.status, new.status) == (Status.FILLED, Status.REJECTED)
        assert floor.account.qty("AAA") == 10
        told = floor.stories()
        assert told[:2] == ["pending_replace limit", "fill limit"]
        assert told[-2:] == ["order_replace_rejected limit", "rejected limit"]


class TestGroups:
    def bracket(self, **fields: Any) -> tuple[Floor, Order, Order, Order]:
        floor = a_floor()
        entry = floor.sent(order_class="bracket", **{**EXITS, "qty": "10", **fields})
        profit, loss = entry.legs
        return floor, entry, profit, loss

    def test_the_exits_wait_for_the_entry(self) -> None:
        floor, _entry, profit, loss = self.bracket(type="limit", limit_price="95")
        assert (profit.status, loss.status) == (Status.HELD, Status.HELD)
        floor.market.quoted(after(5), "94", "94.5")
        floor.go(10)
        assert (profit.status, loss.status) == (Status.NEW, Status.HELD)
        assert floor.account.available("AAA") == 0

    def test_a_taken_profit_cancels_the_stop(self) -> None:
        floor, _, profit, loss = self.bracket()
        floor.market.quoted(after(5), "110.5", "110.6")
        floor.go(10)
        assert (profit.status, loss.status) == (Status.FILLED, Status.CANCELED)
        assert floor.account.positions == {}

    def test_a_touched_stop_cancels_the_profit_and_sells(self) -> None:
        floor, _, profit, loss = self.bracket()
        floor.market.quoted(after(5), "89", "89.5").traded(after(6), "89.2")
        floor.go(10)
        assert (profit.status, loss.status, loss.filled_avg_price) == (Status.CANCELED, Status.FILLED, 89)
        assert floor.account.positions == {}

    @pytest.mark.parametrize("which", [0, 1])
    def test_canceling_one_exit_cancels_the_other(self, which: int) -> None:
        floor, entry, profit, loss = self.bracket()
        floor.cancel(entry.legs[which])
        assert (profit.status, loss.status) == (Status.CANCELED, Status.CANCELED)
        assert floor.account.available("AAA") == 10

    def test_canceling_the_entry_cancels_its_exits(self) -> None:
        floor, entry, profit, loss = self.bracket(type="limit", limit_price="95")
        floor.cancel(entry)
        assert {entry.status, profit.status, loss.status} == {Status.CANCELED}

    def test_a_profit_taken_in_part_leaves_less_for_the_stop(self) -> None:
        market = StepMarket().quoted(after(-1), "99.99", "100.01").quoted(after(5), "110.5", "110.6")
        floor = a_floor(market, model=Partial(Identity(1)))
        entry = floor.sent(order_class="bracket", **EXITS, qty="10")
        floor.go(2)
        profit, loss = entry.legs
        floor.go(5.5)
        assert (profit.filled_qty, loss.qty) == (5, 5)

    def test_an_exit_can_be_replaced_and_keeps_its_place(self) -> None:
        floor, entry, _, loss = self.bracket()
        nearer = floor.replaced(loss, stop_price="98")
        assert (nearer.status, entry.legs[1]) == (Status.HELD, nearer)
        floor.market.quoted(after(5), "97.5", "98.1").traded(after(6), "97.9")
        floor.go(10)
        assert (nearer.status, entry.legs[0].status) == (Status.FILLED, Status.CANCELED)

    def test_an_oco_closes_a_position_once(self) -> None:
        floor = a_floor()
        floor.send(qty="10")
        profit = floor.sent(order_class="oco", side="sell", type="limit", qty="10", **EXITS)
        (loss,) = profit.legs
        assert (profit.limit_price, profit.status, loss.status) == (110, Status.NEW, Status.HELD)
        floor.market.quoted(after(5), "89", "89.5").traded(after(6), "89.2")
        floor.go(10)
        assert (profit.status, loss.status) == (Status.CANCELED, Status.FILLED)
        assert floor.account.positions == {}

    def test_an_oco_without_a_position_is_refused(self) -> None:
        error = refused(a_floor().send, order_class="oco", side="sell", type="limit", qty="10", **EXITS)
        assert (error.status, error.code) == (403, 40310000)

    def test_an_oto_has_one_exit_which_works_once_the_entry_has_filled(self) -> None:
        floor = a_floor()
        entry = floor.sent(order_class="oto", qty="10", stop_loss={"stop_price": "90"})
        (stop,) = entry.legs
        assert (entry.status, stop.status) == (Status.FILLED, Status.NEW)
        assert floor.account.available("AAA") == 0

    def test_day_exits_expire_with_the_day(self) -> None:
        floor, _, profit, loss = self.bracket()
        floor.go(new_york("2024-06-03 16:00:00"))
        assert {profit.status, loss.status} <= {Status.EXPIRED, Status.CANCELED}

    def test_a_group_queued_after_the_close_works_the_next_day(self) -> None:
        opens = new_york("2024-06-04 09:30:00")
        market = StepMarket().quoted(new_york("2024-06-03 15:00:00"), "99.99", "100.01").quoted(opens, "100", "100.02")
        floor = a_floor(market, start=new_york("2024-06-03 18:00:00"))
        entry = floor.sent(order_class="bracket", qty="10", **EXITS)
        floor.go(opens)
        assert [entry.status, *(leg.status for leg in entry.legs)] == [Status.FILLED, Status.NEW, Status.HELD]


def test_what_an_order_cost_is_the_mean_of_its_fills() -> None:
    floor = a_floor(
        StepMarket().quoted(after(-1), "99", "100").quoted(after(0.5), "99", "103"), model=Partial(Identity(1))
    )
    order = floor.sent(qty="4")
    floor.go(5)
    assert order.filled_avg_price == Decimal("101.5")

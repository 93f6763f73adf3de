"""The broker is asked, and a worker called in, while a target is still being written down: what of it is used, and when not.

And what the guards of commits keep out that only a Redis set back, or a worker overtaken, brings about.
"""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal

import pytest
import redis

from services.execution.adapters.desk_hold import Hold
from services.execution.domain import records
from services.execution.domain.broker import CancelOutcome, OrderRequest, PlaceOutcome, Position
from services.execution.ports import FencedOutError, Intent
from shared.bus import Outcome, Put
from shared.contracts.execution import OrderPlaced
from tests.integration.execution.books_room import BooksRoom
from tests.integration.execution.trading_room import TradingRoom

PRICES = {"SPY": ("500.00", "500.02"), "TLT": ("90.00", "90.02")}


class AskedRoom(TradingRoom):
    """Counts what is asked; its dispatcher leads, and its seconds are set by hand."""

    def __init__(self) -> None:
        super().__init__(PRICES)
        self.real_seconds = 100.0
        self.planner._monotonic = lambda: self.real_seconds
        self.asked: list[Sequence[Position]] = []
        ask = self.broker.positions

        def counted() -> Sequence[Position]:
            self.asked.append(ask())
            return self.asked[-1]

        self.dispatcher.sweep()
        self.broker.positions = counted  # type: ignore[method-assign]

    def hear(self) -> None:
        """What was published is written down, and not planned yet."""
        self.dispatcher._leadership.leads()
        self.runner.step()

    def planned(self) -> int:
        """How often the positions were asked for by a sweep, past those that were asked ahead."""
        before = len(self.asked)
        self.dispatcher.sweep()
        return len(self.asked) - before


def test_the_answers_that_were_asked_for_ahead_make_the_plan() -> None:
    room = AskedRoom()
    room.target(SPY="0.4")
    room.hear()
    assert len(room.asked) == 1
    assert room.planned() == 0
    assert room.book.active_plan() is not None


def test_answers_of_long_ago_are_asked_for_again() -> None:
    room = AskedRoom()
    room.target(SPY="0.4")
    room.hear()
    room.real_seconds += 1.5
    assert room.planned() == 1


def test_while_a_plan_is_at_work_nothing_is_asked_ahead_and_the_next_plan_sees_what_it_traded() -> None:
    room = AskedRoom()
    room.target(SPY="0.4")
    room.hear()
    room.planned()
    room.target(TLT="0.4")
    asked = len(room.asked)
    room.hear()
    assert (len(room.asked), room.legs.is_called_in) == (asked, False)
    room.run()
    assert set(room.held()) == {"TLT"}, "what the first plan had bought was sold"


def test_answers_from_before_a_plan_are_not_used_after_it() -> None:
    """It was asked for the second target before the first one's plan was committed."""
    room = AskedRoom()
    room.target(SPY="0.4")
    room.hear()
    draw_up = room.planner._drawn_up

    def and_another_is_heard(*arguments: object) -> object:
        drawn = draw_up(*arguments)  # type: ignore[arg-type]
        room.target(TLT="0.4")
        room.runner.step()
        return drawn

    room.planner._drawn_up = and_another_is_heard  # type: ignore[assignment,method-assign]
    room.planned()
    room.planner._drawn_up = draw_up  # type: ignore[method-assign]
    assert len(room.asked) == 2, "asked ahead for both"
    assert room.book.active_plan() is not None
    room.run()
    assert set(room.held()) == {"TLT"}


def test_a_backlog_of_targets_is_asked_for_once() -> None:
    room = AskedRoom()
    for _ in range(20):
        room.target(SPY="0.4")
    room.hear()
    assert len(room.asked) == 1


def test_what_breaks_ahead_breaks_no_target(monkeypatch: pytest.MonkeyPatch) -> None:
    room = AskedRoom()

    def broken() -> None:
        raise redis.ResponseError("MISCONF errors writing to the append-only file")

    monkeypatch.setattr(room.legs, "call_in", broken)
    room.target(SPY="0.4")
    room.run()
    assert set(room.held()) == {"SPY"}


def test_an_order_that_an_earlier_plan_left_ends_before_anything_is_believed() -> None:
    """It fills while it is being cancelled: the plan knows the shares."""
    room = AskedRoom()
    name, fence = "20240101-old-SPY-buy-mid-1", room.leases.take("20240101-old-buys", "w", 1)
    qty, price = Decimal(80), Decimal("499.99")
    room.journal.intend(
        Intent(
            name,
            "20240101-old",
            "20240101-old-SPY-buy",
            "SPY",
            "buy",
            qty,
            price,
            "mid",
            1,
            fence or 0,
            room.clock.now(),
        )
    )
    room.broker.place(OrderRequest(name, "SPY", "buy", qty, price))
    cancel = room.broker.cancel

    def filled_meanwhile(order_id: str) -> CancelOutcome:
        room.broker.fill(name, qty, price)
        return cancel(order_id)

    room.broker.cancel = filled_meanwhile  # type: ignore[method-assign]
    room.target(SPY="0.4")
    room.run()
    assert room.held() == {"SPY": qty}, "the target was reached already"
    assert room.completed().refusals == (), "what has ended is in nobody's way"


def test_no_plan_begins_over_one_that_came_back() -> None:
    """A Redis that was set back has the plan before at work again, while the next one was being drawn up."""
    room = AskedRoom()
    room.target(SPY="0.4")
    room.hear()
    draw_up = room.planner._drawn_up

    def and_one_comes_back(*arguments: object) -> object:
        room.bus.commit(Outcome(changes=(Put(records.TRADING, records.ACTIVE_PLAN, "20240531-before"),)))
        return draw_up(*arguments)  # type: ignore[arg-type]

    room.planner._drawn_up = and_one_comes_back  # type: ignore[assignment,method-assign]
    room.dispatcher.sweep()
    assert room.book.active_plan() == "20240531-before"
    assert (room.legs.papers, room.bus.get_all(records.PLANS)) == ([], {})
    assert len(room.bus.get_all(records.WAITING)) == 1, "it waits for the end of that one"


def test_a_plan_that_has_just_ended_is_not_asked_to_stop() -> None:
    room = AskedRoom()
    room.target(SPY="0.4")
    room.hear()
    assert room.planner.plan_newest("20240531-ended") is None
    assert room.book.stop_reason("20240531-ended") == ""


def test_who_was_overtaken_tells_nothing_of_the_order_it_had_sent(monkeypatch: pytest.MonkeyPatch) -> None:
    room = AskedRoom()
    place = room.broker.place

    def overtaken(request: OrderRequest) -> PlaceOutcome:
        def lost(_hold: Hold) -> None:
            raise FencedOutError("another worker has taken over")

        monkeypatch.setattr(Hold, "check", lost)
        return place(request)

    room.broker.place = overtaken  # type: ignore[method-assign]
    room.target(SPY="0.4")
    assert room.run() == ["fenced"]
    assert len(room.broker.open_orders()) + len(room.broker.positions()) == 1
    assert room.told(OrderPlaced) == []


def test_the_worker_that_stands_by_has_the_leg_and_nobody_else_is_offered_it() -> None:
    room = AskedRoom()
    room.target(SPY="0.4")
    room.hear()
    room.planned()
    assert [papers.leg.plan_id for papers in room.legs.papers] == [room.book.active_plan()]
    assert room.legs.waiting == []


def test_a_leg_that_nobody_took_who_stood_by_is_offered_a_moment_later() -> None:
    room = AskedRoom()
    room.dispatcher._monotonic = lambda: room.real_seconds
    room.target(SPY="0.4")
    room.hear()
    room.planned()
    papers = room.legs.papers.pop()
    room.dispatcher.sweep()
    assert room.legs.waiting == []
    room.real_seconds += 0.5
    room.dispatcher.sweep()
    assert room.legs.waiting == [papers.leg.leg_id]


def test_papers_of_a_leg_that_was_worked_meanwhile_do_nothing() -> None:
    room = AskedRoom()
    room.target(SPY="0.4")
    room.hear()
    room.planned()
    papers = room.legs.papers[0]
    room.run()
    calls = len(room.broker.calls)
    room.legs.papers.append(papers)
    assert room.run() == ["fenced"]
    assert len(room.broker.calls) == calls


def test_the_activities_are_asked_for_only_where_the_books_do_not_explain_what_is_held() -> None:
    room = BooksRoom(PRICES)
    room.round()
    room.want(a={"SPY": "0.3"})
    room.run()
    room.round()
    asked = []
    ask = room.broker.activities_since
    room.broker.activities_since = lambda after: (asked.append(after), ask(after))[1]  # type: ignore[method-assign]
    held = {position.symbol: position.qty for position in room.broker.positions()}
    assert room.bookkeeper.left_alone(held, room.broker.account().cash) == {}
    assert asked == []
    room.broker.place(OrderRequest("somebody-else", "TLT", "buy", Decimal(7), Decimal("90.02")))
    held = {position.symbol: position.qty for position in room.broker.positions()}
    assert room.bookkeeper.left_alone(held, room.broker.account().cash) == {"TLT": Decimal(7)}
    assert len(asked) == 1


def test_shares_that_somebody_sold_and_bought_back_are_not_taken_for_ours() -> None:
    """As many as before, and not the money."""
    room = BooksRoom(PRICES)
    room.round()
    room.want(a={"SPY": "0.3"})
    room.run()
    room.round()
    [position] = room.broker.positions()
    for side, price in (("sell", Decimal(500)), ("buy", Decimal("500.02"))):
        room.broker.place(OrderRequest(f"by-hand-{side}", "SPY", side, position.qty, price))
    [again] = room.broker.positions()
    assert again.qty == position.qty
    assert room.bookkeeper.left_alone({"SPY": again.qty}, room.broker.account().cash) == {"SPY": again.qty}

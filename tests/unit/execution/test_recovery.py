"""An order taken up again: nothing is concluded from silence, and what was written stays."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal

from pydantic import TypeAdapter

from services.execution.adapters.desk_book import order_document
from services.execution.domain import recovery, smart_order
from services.execution.domain.broker import Status
from services.execution.domain.ladder import standard
from services.execution.domain.order_events import Cancel, Found, NotFound, Place, Placed, Query, Tick
from services.execution.domain.order_state import Child, Phase, SmartOrder
from tests.unit.execution.builders import NOW, a_quote, a_word, an_order, seconds

POLICY = standard(patience_seconds=10)
LATER = NOW + seconds(60)


def a_child(**changes: object) -> Child:
    child = Child("p1-SPY-buy-mid-1", "mid", 1, Decimal(100), Decimal("100.05"), NOW)
    return replace(child, **changes)  # type: ignore[arg-type]


def working() -> SmartOrder:
    placed = smart_order.step(an_order(), Tick(a_quote()), NOW, POLICY).order
    return smart_order.step(placed, Placed(a_word()), NOW, POLICY).order


def test_an_intent_without_an_outcome_is_asked_about_first() -> None:
    order = recovery.restored(an_order(), [a_child()], LATER, POLICY)
    assert order.phase is Phase.UNKNOWN
    step = smart_order.step(order, Tick(a_quote()), LATER, POLICY)
    assert step.commands == (Query("p1-SPY-buy-mid-1"),)


def test_what_was_working_is_asked_about_and_goes_on() -> None:
    order = recovery.restored(working(), [a_child()], LATER, POLICY)
    assert len(order.children) == 1
    step = smart_order.step(order, Found(a_word()), LATER, POLICY)
    assert step.order.phase is Phase.WORKING


def test_an_absence_proves_nothing_until_long_after_the_take_up() -> None:
    """The dead worker may have sent it again in its last moment, and that request may still be on its way."""
    late = NOW + seconds(3_000)
    order = recovery.restored(replace(an_order(), stop_reason="halt"), [a_child()], late, POLICY)
    missing = NotFound("p1-SPY-buy-mid-1")
    soon = smart_order.step(order, missing, late + seconds(POLICY.resend_after_seconds - 1), POLICY)
    assert soon.order.phase is Phase.UNKNOWN
    assert (
        smart_order.step(order, missing, late + seconds(POLICY.resend_after_seconds), POLICY).order.phase is Phase.READY
    )


def test_a_doubt_that_was_written_down_goes_on_from_when_it_began() -> None:
    """However often its worker dies: nothing was sent since, for a repetition is written down before it leaves."""
    doubted = recovery.restored(replace(an_order(), stop_reason="halt"), [a_child()], NOW, POLICY)
    later = NOW + seconds(POLICY.resend_after_seconds)
    again = recovery.restored(doubted, [a_child()], later, POLICY)
    assert again.asked_at == NOW
    assert smart_order.step(again, NotFound("p1-SPY-buy-mid-1"), later, POLICY).order.phase is Phase.READY


def test_a_repetition_that_was_written_down_begins_the_doubt_anew() -> None:
    doubted = recovery.restored(an_order(), [a_child()], NOW, POLICY)
    later = NOW + seconds(POLICY.resend_after_seconds)
    repeated = smart_order.step(doubted, NotFound("p1-SPY-buy-mid-1"), later, POLICY)
    assert [type(command) for command in repeated.commands] == [Place]
    assert recovery.restored(repeated.order, [a_child()], later, POLICY).asked_at == later


def test_a_rejected_intent_is_over() -> None:
    over = a_child(status=Status.REJECTED, is_over=True)
    order = recovery.restored(an_order(), [over], LATER, POLICY)
    assert order.phase is Phase.READY
    assert order.open_qty == 0


def test_a_cancel_that_was_written_down_is_ours_when_it_ends() -> None:
    cancelling = smart_order.step(working(), Tick(a_quote()), NOW + seconds(10), POLICY).order
    order = recovery.restored(cancelling, [a_child()], LATER, POLICY)
    assert order.phase is Phase.CANCELLING
    again = smart_order.step(order, Found(a_word()), LATER, POLICY)
    assert [type(command) for command in again.commands] == [Cancel]
    ended = smart_order.step(order, Found(a_word(status=Status.CANCELED)), LATER, POLICY)
    assert ended.order.phase is Phase.READY


def test_what_was_done_stays_done() -> None:
    done = replace(an_order(), phase=Phase.DONE, ending="filled", wake_at=None)
    assert recovery.restored(done, [a_child(is_over=True)], LATER, POLICY).phase is Phase.DONE


def test_an_order_reads_back_as_it_was_written() -> None:
    assert TypeAdapter(SmartOrder).validate_json(order_document(working())) == working()


def test_where_it_arrived_is_not_made_up_after_a_worker_died_with_it() -> None:
    placed = smart_order.step(an_order(), Tick(a_quote()), NOW, POLICY).order
    order = recovery.restored(an_order(), placed.children, LATER, POLICY)
    gone = smart_order.step(order, Found(a_word(status=Status.CANCELED)), LATER, POLICY).order
    assert gone.arrival is None
    again = smart_order.step(
        replace(an_order(), children=gone.children), Tick(a_quote(bid="105", ask="105.10")), LATER, POLICY
    )
    assert len(again.order.children) == 2
    assert (again.order.arrival, again.order.arrival_mid) == (None, None)

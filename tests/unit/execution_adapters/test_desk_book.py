"""Who may begin a leg, continue the record of an order and write its exposure: exactly one of those who have read it."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal

import pytest

from services.execution.adapters.desk_book import Book, order_document
from services.execution.domain import records
from services.execution.domain.exposure import Exposure, exposure_of
from services.execution.domain.order_state import SmartOrder
from services.execution.domain.records import LegRecord, PlanRecord
from services.execution.ports import FencedOutError
from shared.bus import Outcome, Put
from shared.bus.memory_bus import MemoryBus
from tests.unit.execution.builders import NOW, an_order


def a_book(order: SmartOrder) -> tuple[Book, MemoryBus]:
    bus = MemoryBus()
    bus.commit(Outcome(changes=(Put(records.ORDERS, order.order_id, order_document(order)),)))
    return Book(bus), bus


def test_of_two_workers_who_know_the_same_record_one_continues_it_however_much_each_tells() -> None:
    book, _ = a_book(an_order(told=2))
    book.write_order(an_order(told=3), (), after=2)
    book.write_order(an_order(told=5), (), after=3)
    with pytest.raises(FencedOutError):
        book.write_order(an_order(told=4), (), after=2)
    kept = book.order("p1-SPY-buy")
    assert kept is not None
    assert kept.told == 5


def test_who_read_the_record_before_it_was_taken_up_cannot_continue_it() -> None:
    book, _ = a_book(an_order(told=2))
    assert book.take_up("p1-SPY-buy", 7).told == 3
    with pytest.raises(FencedOutError):
        book.write_order(an_order(told=3), (), after=2)


def test_a_record_that_fell_behind_its_marks_is_taken_up_all_the_same() -> None:
    """As after a restart of Redis under a worker that went on from memory: else no worker could ever end the leg."""
    book, bus = a_book(an_order(told=2))
    book.write_order(an_order(told=3), (), after=2)
    old = order_document(an_order(told=2))
    bus.commit(Outcome(changes=(Put(records.ORDERS, "p1-SPY-buy", old),)))
    taken = book.take_up("p1-SPY-buy", 8)
    book.write_order(replace(taken, told=taken.told + 2), (), after=taken.told)
    kept = book.order("p1-SPY-buy")
    assert kept is not None
    assert kept.told == taken.told + 2


def test_a_missing_record_is_named() -> None:
    with pytest.raises(ValueError, match="nobody: expected its record"):
        Book(MemoryBus()).take_up("nobody", 1)


class Overtaken(MemoryBus):
    """Between a look at an exposure and the write that follows it, another worker writes its own."""

    def __init__(self, theirs: Exposure) -> None:
        super().__init__()
        self._theirs = theirs

    def get(self, key: str, field: str) -> str | None:
        seen = super().get(key, field)
        if key == records.EXPOSURES:
            self.commit(Outcome(changes=(Put(key, field, self._theirs.model_dump_json()),)))
        return seen


def test_an_exposure_that_another_worker_wrote_meanwhile_stands() -> None:
    theirs = exposure_of(an_order("40"))
    book = Book(Overtaken(theirs))
    assert not book.expose(exposure_of(an_order("100")))
    assert book.exposures() == [theirs]


def test_who_may_have_been_overtaken_exposes_nothing() -> None:
    book = Book(MemoryBus())
    assert not book.expose(exposure_of(an_order()), lambda: False)
    assert book.exposures() == []


def begun(book: Book, fence: int) -> None:
    leg = LegRecord(leg_id="p1-buys", plan_id="p1", side="buy", status="working", order_ids=("p1-SPY-buy",))
    book.begin_leg(leg, a_plan(), [an_order()], (), fence)


def a_plan() -> PlanRecord:
    money = Decimal(100_000)
    return PlanRecord(
        plan_id="p1", run_id="r", correlation_id="c", created_at=NOW, equity=money, cash=money, trades=(), refusals=()
    )


def test_a_leg_is_begun_once() -> None:
    book = Book(MemoryBus())
    begun(book, 1)
    with pytest.raises(FencedOutError):
        begun(book, 2)


def test_a_leg_whose_plan_was_forgotten_and_made_anew_is_begun_again_by_whoever_holds_it() -> None:
    bus = MemoryBus()
    book = Book(bus)
    begun(book, 1)
    anew = LegRecord(leg_id="p1-buys", plan_id="p1", side="buy", status="ready")
    bus.commit(Outcome(changes=(Put(records.LEGS, anew.leg_id, anew.model_dump_json()),)))
    begun(book, 2)
    leg = book.leg("p1-buys")
    assert leg is not None
    assert leg.status == "working"
    with pytest.raises(FencedOutError):
        begun(book, 2)

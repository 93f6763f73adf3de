"""Who may continue the record of an order: exactly one of those who have read it."""

from __future__ import annotations

from dataclasses import replace

import pytest

from services.execution.adapters.desk_book import Book, order_document
from services.execution.domain import records
from services.execution.domain.order_state import SmartOrder
from services.execution.ports import FencedOutError
from shared.bus import Outcome, Put
from shared.bus.memory_bus import MemoryBus
from tests.unit.execution.builders import an_order


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


def test_a_missing_record_is_named() -> None:
    with pytest.raises(ValueError, match="nobody: expected its record"):
        Book(MemoryBus()).take_up("nobody", 1)

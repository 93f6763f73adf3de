"""What was made, by owner, by symbol and by day, in figures worked out by hand."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal

from services.execution.domain.ledger import ledger_of
from services.execution.domain.profit import Profit, Span, by_day, by_owner, by_symbol, total
from tests.unit.execution.books import executed, opened, paid, wanted

D = Decimal
A_DAY = 24 * 60
MONDAY, TUESDAY, WEDNESDAY = (dt.date(2024, 6, day) for day in (3, 4, 5))
# 10 SPY at 500 on Monday; 4 of them away at 510 on Tuesday, with a fee; a dividend on Wednesday.
ENTRIES = [
    opened(),
    wanted(1, "p", {"SPY": ("10", "500")}, a={"SPY": "0.1"}),
    executed(2, "buy", "10", "SPY", "500", plan="p"),
    wanted(A_DAY, "q", {"SPY": ("6", "510")}, a={"SPY": "0.06"}),
    executed(A_DAY + 1, "sell", "4", "SPY", "510", plan="q"),
    paid(A_DAY + 2, "FEE", "fee", "-0.5"),
    paid(2 * A_DAY, "DIV", "income", "3", "SPY"),
    paid(2 * A_DAY + 1, "JNLC", "other", "7"),
]
MARKS = {MONDAY: {"SPY": D(505)}, TUESDAY: {"SPY": D(512)}}
NOW = {"SPY": D(508)}


def test_a_day_is_what_was_realised_paid_and_gained_on_it() -> None:
    assert by_day(ENTRIES, MARKS, NOW, WEDNESDAY) == (
        Profit("2024-06-03", unrealised=D(50)),
        Profit("2024-06-04", realised=D(40), unrealised=D(72 - 50), fees=D("-0.5")),
        Profit("2024-06-05", unrealised=D(48 - 72), income=D(3), other=D(7)),
    )


def test_days_of_a_span_are_as_they_are_among_all() -> None:
    every = by_day(ENTRIES, MARKS, NOW, WEDNESDAY)
    assert by_day(ENTRIES, MARKS, NOW, WEDNESDAY, Span(TUESDAY, TUESDAY)) == every[1:2]
    assert by_day(ENTRIES, MARKS, NOW, WEDNESDAY, Span(first=TUESDAY)) == every[1:]
    assert by_day(ENTRIES, MARKS, NOW, WEDNESDAY, Span(last=TUESDAY)) == every[:2]


def test_a_day_that_ended_at_no_known_price_leaves_itself_and_the_next_unknown() -> None:
    days = by_day(ENTRIES, {MONDAY: MARKS[MONDAY]}, NOW, WEDNESDAY)
    assert [day.unrealised for day in days] == [50, None, None]
    assert [day.realised for day in days] == [0, 40, 0]
    assert [day.total for day in days] == [50, None, None]


def test_a_span_parts_what_was_made_and_paid_and_not_what_stands_open() -> None:
    ledger = ledger_of(ENTRIES)
    assert by_owner(ledger, NOW, Span(last=MONDAY)) == (Profit("a", unrealised=D(48)),)
    assert by_owner(ledger, NOW, Span(TUESDAY, TUESDAY)) == (
        Profit("a", realised=D(40), unrealised=D(48), fees=D("-0.5")),
    )
    assert by_symbol(ledger, NOW, Span(first=WEDNESDAY)) == (
        Profit("-", other=D(7)),
        Profit("SPY", unrealised=D(48), income=D(3)),
    )


def test_the_total_adds_every_part_and_knows_nothing_where_a_price_is_missing() -> None:
    ledger = ledger_of(ENTRIES)
    whole = total(by_symbol(ledger, NOW))
    assert whole == Profit("total", D(40), D(48), D("-0.5"), D(3), D(7))
    assert whole.total == D("97.5")
    assert total(by_owner(ledger, {})).total is None

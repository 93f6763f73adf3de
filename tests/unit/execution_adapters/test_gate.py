"""The gate over several orders, plans and workers: what one was let through with, no other one is let through with too."""

from __future__ import annotations

import datetime as dt
import threading
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from decimal import Decimal
from typing import Any

from services.execution.adapters.desk_book import Book
from services.execution.adapters.gate import Gate
from services.execution.domain import records
from services.execution.domain.broker import Account, OrderRequest
from services.execution.domain.limits import Bounds, Objection
from services.execution.domain.losses import Acknowledged
from services.execution.domain.order_events import Place
from services.execution.domain.order_state import Child, SmartOrder
from services.execution.domain.plan import PlanRules
from services.execution.domain.records import LegRecord, PlanRecord, TradingRecord
from services.execution.ports import BrokerUnavailableError
from shared.bus import BusUnavailableError, Outcome, Put
from shared.bus.memory_bus import MemoryBus
from shared.contracts.execution import Trade
from tests.unit.execution.builders import NOW, a_quote, a_reading, a_reference, an_account, an_order

SYMBOLS = ("SPY", "TLT", "BIL")


def a_trade(symbol: str) -> Trade:
    return Trade(
        symbol=symbol,
        side="buy",
        qty=Decimal(100),
        price=Decimal(100),
        notional=Decimal(10_000),
        held_qty=Decimal(0),
        target_qty=Decimal(100),
        target_weight=Decimal("0.1"),
        reason="new in the target",
    )


def a_plan(**changes: Any) -> PlanRecord:
    plan = PlanRecord(
        plan_id="p1",
        run_id="r1",
        correlation_id="c1",
        created_at=NOW,
        equity=Decimal(100_000),
        cash=Decimal(100_000),
        trades=tuple(a_trade(symbol) for symbol in SYMBOLS),
        refusals=(),
        references=tuple(a_reference(symbol) for symbol in SYMBOLS),
        funds=Decimal(100_000),
    )
    return plan.model_copy(update=changes)


@dataclass
class Bench:
    """One account's book, and a gate for whoever asks: each gate is another worker's."""

    bounds: Bounds = field(default_factory=Bounds)
    plan: PlanRecord = field(default_factory=a_plan)
    account: Account | Exception = field(default_factory=an_account)
    asked: int = 0

    def __post_init__(self) -> None:
        self.bus = MemoryBus()
        self.book = Book(self.bus)
        self.book.write_equity(a_reading())

    def gate(self) -> Gate:
        return Gate(
            self.book,
            lambda: None,
            self.plan,
            bounds=self.bounds,
            rules=PlanRules(),
            account=self._account,
        )

    def _account(self) -> Account:
        self.asked += 1
        if isinstance(self.account, Exception):
            raise self.account
        return self.account


def placing(symbol: str = "SPY", qty: str = "100", price: str = "100.05", **changes: Any) -> tuple[SmartOrder, Place]:
    """An order whose next child is about to be sent, as the desk hands it to the gate."""
    plan_id = changes.pop("plan_id", "p1")
    order = an_order(qty, order_id=f"{plan_id}-{symbol}-buy", plan_id=plan_id, symbol=symbol, **changes)
    name = f"{order.order_id}-mid-{len(order.children) + 1}"
    child = Child(name, "mid", 1, Decimal(qty), Decimal(price), NOW)
    request = OrderRequest(name, symbol, order.side, Decimal(qty), Decimal(price))
    return replace(order, children=(*order.children, child)), Place(request, "mid", 1, a_quote(symbol))


def judged(gate: Gate, **changes: Any) -> Objection | None:
    order, place = placing(**changes)
    return gate.objection(order, place, NOW)


def refused_by(gate: Gate, **changes: Any) -> str | None:
    found = judged(gate, **changes)
    return found.limit if found else None


def test_orders_of_every_worker_count_for_the_day_together() -> None:
    bench = Bench(Bounds(max_turnover=Decimal("0.2")))
    assert judged(bench.gate(), symbol="SPY", qty="99") is None
    assert judged(bench.gate(), symbol="TLT", qty="100") is None
    assert refused_by(bench.gate(), symbol="BIL", qty="5") == "daily turnover"
    assert judged(bench.gate(), symbol="BIL", qty="0.5") is None


def test_the_same_order_again_is_not_counted_twice() -> None:
    bench = Bench(Bounds(max_turnover=Decimal("0.11"), max_open_orders=1))
    gate = bench.gate()
    for price in ("100.05", "100.06", "100.10"):
        assert judged(gate, price=price) is None


def test_what_earlier_children_filled_counts_with_the_next_one() -> None:
    filled = Child("p1-SPY-buy-mid-1", "mid", 1, Decimal(50), Decimal(100), NOW, filled=Decimal(50), is_over=True)
    filled = replace(filled, paid=Decimal(5000))
    bench = Bench(Bounds(max_turnover=Decimal("0.1")))
    assert judged(bench.gate(), qty="49", children=(filled,)) is None
    assert refused_by(bench.gate(), qty="51", children=(filled,)) == "daily turnover"


def test_what_was_refused_or_released_takes_no_room() -> None:
    bench = Bench(Bounds(max_turnover=Decimal("0.11")))
    assert refused_by(bench.gate(), symbol="SPY", qty="150") == "daily turnover"
    order, place = placing("TLT")
    gate = bench.gate()
    assert gate.objection(order, place, NOW) is None
    gate.release(order, place)
    assert judged(bench.gate(), symbol="BIL") is None


def test_a_repetition_that_is_refused_keeps_its_room() -> None:
    bench = Bench(Bounds(max_turnover=Decimal("0.11")))
    order, place = placing()
    gate = bench.gate()
    assert gate.objection(order, place, NOW) is None
    gate.release(order, replace(place, is_resend=True))
    assert refused_by(bench.gate(), symbol="BIL") == "daily turnover"


def test_orders_that_end_make_room_for_others() -> None:
    bench = Bench(Bounds(max_open_orders=1))
    order, place = placing()
    assert bench.gate().objection(order, place, NOW) is None
    waiting = judged(bench.gate(), symbol="TLT")
    assert waiting is not None
    assert (waiting.limit, waiting.may_pass) == ("open orders", True)
    over = replace(order.children[0], is_over=True)
    bench.book.write_order(replace(order, children=(over,)), (), after=0)
    assert judged(bench.gate(), symbol="TLT") is None


def test_yesterdays_orders_do_not_count() -> None:
    bench = Bench(Bounds(max_turnover=Decimal("0.11"), max_open_orders=1))
    order, place = placing("TLT", plan_id="p0")
    yesterday = replace(order, started_at=NOW - dt.timedelta(days=3))
    assert bench.gate().objection(yesterday, place, NOW) is None
    assert judged(bench.gate(), symbol="SPY") is None


def test_open_buys_reserve_the_cash_there_is() -> None:
    bench = Bench(plan=a_plan(funds=Decimal(15_000)), account=an_account("15000"))
    assert judged(bench.gate(), symbol="SPY") is None
    found = judged(bench.gate(), symbol="TLT")
    assert found is not None
    assert (found.limit, found.may_pass) == ("buying power", True)
    assert found.fits == Decimal("4995.00") / Decimal("100.05")


def test_what_the_sells_brought_may_be_spent() -> None:
    sold = a_trade("BIL").model_copy(update={"side": "sell"})
    plan = a_plan(trades=(sold, a_trade("SPY")), funds=Decimal(1_000))
    bench = Bench(plan=plan, account=an_account("1000"))
    sells = LegRecord(leg_id="p1-sells", plan_id="p1", side="sell", status="done", sold_or_bought=Decimal(9_100))
    bench.bus.commit(Outcome(changes=(Put("execution_legs", "p1-sells", sells.model_dump_json()),)))
    assert judged(bench.gate()) is None


def test_open_buys_of_an_earlier_plan_reserve_too() -> None:
    bench = Bench(plan=a_plan(funds=Decimal(15_000)), account=an_account("15000"))
    assert judged(bench.gate(), symbol="TLT", plan_id="p0") is None
    assert refused_by(bench.gate(), symbol="SPY") == "buying power"


def test_before_money_refuses_the_broker_is_asked_once_for_its_word() -> None:
    bench = Bench(plan=a_plan(funds=Decimal(500)), account=an_account("50000"))
    gate = bench.gate()
    assert judged(gate) is None
    assert refused_by(gate, symbol="TLT") == "buying power"
    assert bench.asked == 1


def test_cash_pays_and_borrowed_money_does_not() -> None:
    bench = Bench(plan=a_plan(funds=Decimal(500)), account=an_account("500", buying_power=Decimal(200_000)))
    assert refused_by(bench.gate()) == "buying power"


def test_money_that_nobody_tells_pays_for_nothing() -> None:
    for account in (an_account(cash="NaN"), an_account(is_blocked=True), BrokerUnavailableError("down")):
        bench = Bench(plan=a_plan(funds=None), account=account)
        assert refused_by(bench.gate()) == "buying power"


def test_sells_need_no_money() -> None:
    bench = Bench(plan=a_plan(funds=None, trades=(a_trade("SPY").model_copy(update={"held_qty": Decimal(100)}),)))
    assert judged(bench.gate(), side="sell") is None
    assert bench.asked == 0


def test_of_many_at_once_no_more_pass_than_there_is_room_for() -> None:
    plan = a_plan(
        trades=tuple(a_trade(f"S{n}") for n in range(40)), references=tuple(a_reference(f"S{n}") for n in range(40))
    )
    bench = Bench(Bounds(max_turnover=Decimal(1), max_open_orders=1000), plan)
    gate, together = bench.gate(), threading.Barrier(8)

    def at_once(number: int) -> bool:
        together.wait(10)
        return judged(gate, symbol=f"S{number}") is None

    with ThreadPoolExecutor(8) as pool:
        passed = sum(pool.map(at_once, range(40)))
    assert passed == 9  # $10,005 each into $100,000


def test_without_a_reading_of_the_equity_nothing_passes_for_now() -> None:
    bench = Bench()
    bench.book.write_equity(a_reading(at=NOW - dt.timedelta(seconds=901)))
    found = judged(bench.gate())
    assert found is not None
    assert (found.limit, found.may_pass) == ("equity reading", True)


def test_a_loss_shuts_the_gate_until_a_person_has_seen_it() -> None:
    bench = Bench()
    bench.book.write_equity(a_reading("70000"))
    assert refused_by(bench.gate()) == "daily loss"
    seen = Acknowledged(at=NOW, cause="daily loss")
    bench.bus.commit(Outcome(changes=(Put("execution_trading", "acknowledged", seen.model_dump_json()),)))
    assert refused_by(bench.gate()) is None


def test_a_book_that_cannot_be_written_keeps_the_gate_shut() -> None:
    bench = Bench()

    def fails(*_: object, **__: object) -> bool:
        raise BusUnavailableError("away")

    bench.bus.commit = fails  # type: ignore[method-assign]
    found = judged(bench.gate())
    assert found is not None
    assert found.may_pass


def test_a_record_that_cannot_be_read_keeps_the_gate_shut() -> None:
    bench = Bench()
    bench.bus.commit(Outcome(changes=(Put("execution_exposures", "x", "{}"),)))
    assert judged(bench.gate()) is not None


def test_a_halt_stops_who_waits_behind_an_order_that_asks_the_broker() -> None:
    bench = Bench(plan=a_plan(funds=Decimal(5000)))
    gate, is_asked, may_answer = bench.gate(), threading.Event(), threading.Event()

    def slow() -> Account:
        is_asked.set()
        assert may_answer.wait(10)
        raise BrokerUnavailableError("no answer")

    gate._account = slow
    with ThreadPoolExecutor(2) as pool:
        first = pool.submit(refused_by, gate, symbol="SPY", qty="100")
        assert is_asked.wait(10)
        second = pool.submit(refused_by, gate, symbol="TLT", qty="10")
        threading.Event().wait(0.1)
        halted = TradingRecord(state="HALTED", reason="why")
        bench.bus.commit(Outcome(changes=(Put(records.TRADING, records.NOW, halted.model_dump_json()),)))
        may_answer.set()
        assert (first.result(), second.result()) == ("buying power", "trading state")

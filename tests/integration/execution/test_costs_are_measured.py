"""From the facts of a rebalance to what each of its orders cost, and what happens when somebody looked away."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from decimal import Decimal
from typing import Any

import pytest

from services.execution.adapters.cost_measurer import CostMeasurer
from services.execution.adapters.cost_store import CostStore
from services.execution.adapters.desk_book import order_document
from services.execution.adapters.leadership import Leadership
from services.execution.adapters.memory_leases import MemoryLeases
from services.execution.adapters.quotes_seen import QuotesSeen
from services.execution.domain import records
from shared.bus import Outcome, Put
from shared.clock import ManualClock
from shared.contracts import streams
from shared.contracts.execution import OrderCostsMeasured, OrderFilled, OrderRefused
from shared.contracts.marketdata import Quote
from tests.integration.execution.trading_room import TradingRoom

PRICES = {"SPY": ("500.00", "500.02"), "OLD": ("10.00", "10.02")}


@dataclass
class Ticker:
    """The Quotes port: what was told last."""

    newest: dict[str, Quote] = field(default_factory=dict)

    def latest(self, symbols: Sequence[str]) -> Mapping[str, Quote]:
        return {symbol: self.newest[symbol] for symbol in symbols if symbol in self.newest}

    def want(self, symbols: Sequence[str]) -> None:
        raise AssertionError("only looks")

    def tell(self, symbol: str, bid: str, ask: str, at: dt.datetime) -> None:
        self.newest[symbol] = Quote(
            symbol=symbol, at=at, bid=Decimal(bid), bid_size=100, ask=Decimal(ask), ask_size=100
        )


class Measuring:
    """A room whose orders are over, and the measurer beside it under a clock of its own."""

    def __init__(self, **weights: str) -> None:
        self.room = TradingRoom(PRICES, held={"OLD": "1000"}, cash="5000")
        self.room.target(**weights)
        self.room.run()
        self.clock, self.ticker = ManualClock(self.room.clock.now()), Ticker()
        self.store = CostStore(self.room.bus, self.room.book, self.clock, 60)
        self.measurer = self.a_measurer()

    def a_measurer(self) -> CostMeasurer:
        leadership = Leadership(self.room.leases, "costs", 10)
        quotes = QuotesSeen(self.ticker, 60)
        parts: tuple[Any, ...] = (self.room.bus, self.room.book, self.store, quotes)
        return CostMeasurer(*parts, clock=self.clock, leadership=leadership, after_seconds=60)

    def after(self, seconds: float, **quotes: tuple[str, str]) -> None:
        """So much later, with these new quotes, the measurer looks."""
        self.clock.advance(dt.timedelta(seconds=seconds))
        for symbol, (bid, ask) in quotes.items():
            self.ticker.tell(symbol, bid, ask, self.clock.now())
        self.measurer.step()
        self.measurer.look()

    def told(self) -> dict[str, OrderCostsMeasured]:
        found = self.room.told(OrderCostsMeasured)
        assert len({fact.id for fact in found}) == len(found)
        return {fact.symbol: fact for fact in found}


def test_every_order_is_told_once_with_both_spreads() -> None:
    scene = Measuring(SPY="0.5")
    scene.after(1, SPY=("500.00", "500.02"), OLD=("10.00", "10.02"))
    assert scene.told() == {}
    assert {found.symbol for found in scene.store.waiting()} == {"SPY", "OLD"}, "so far as is known"
    scene.after(55, SPY=("500.50", "500.52"), OLD=("9.50", "9.52"))
    scene.after(10)
    scene.after(10)

    told = scene.told()
    assert told.keys() == {"SPY", "OLD"}
    assert scene.room.bus.get_all(records.COST_WATCHES) == {}
    assert scene.store.waiting() == []
    spy, old = told["SPY"], told["OLD"]
    assert (spy.outcome, spy.costs.unknown, spy.costs.realised_qty) == ("filled", (), spy.costs.filled_qty)
    slack = Decimal("0.000001")
    assert spy.costs.realised_spread is not None
    assert abs(spy.costs.realised_spread.dollars - 2 * spy.costs.filled_qty * Decimal("-0.49")) < slack, (
        "bought at 500.02, a minute later the middle is 500.51"
    )
    assert old.costs.realised_spread is not None
    assert old.costs.realised_spread.dollars == 2 * 1000 * (Decimal("9.51") - Decimal("10.00")), "sold at 10.00"
    assert [fill.rung for fill in spy.fills] == [scene.room.policy.rungs[-2].name], "the touch"
    assert {found.order_id: found for found in scene.store.measured()} == {
        fact.order_id: fact for fact in told.values()
    }


def test_a_service_that_was_away_when_the_quote_stood_says_so() -> None:
    scene = Measuring(SPY="0.5")
    scene.after(1)
    scene.measurer = scene.a_measurer()
    scene.after(600, SPY=("500.00", "500.02"))
    spy = scene.told()["SPY"].costs
    assert spy.realised_spread is None
    [reason] = spy.unknown
    assert "no fresh quote was seen then" in reason
    assert spy.effective_spread is not None, "what the desk saw stands"


def test_a_new_life_goes_on_where_the_old_one_died() -> None:
    scene = Measuring(SPY="0.5")
    scene.after(30, SPY=("500.00", "500.02"), OLD=("10.00", "10.02"))
    scene.measurer = scene.a_measurer()
    scene.after(32)
    assert {fact.costs.realised_qty for fact in scene.told().values()} == {
        fact.costs.filled_qty for fact in scene.told().values()
    }


def test_an_order_that_was_refused_before_it_began_is_not_measured() -> None:
    scene = Measuring(SPY="0.5")
    fact = OrderRefused(
        correlation_id="c",
        at=scene.clock.now(),
        plan_id="p",
        order_id="none",
        symbol="X",
        side="buy",
        limit="cash",
        detail="",
    )
    scene.room.bus.publish(streams.EXECUTION, fact)
    scene.after(1)
    assert "none" not in scene.room.bus.get_all(records.COST_WATCHES)


def test_a_fill_after_the_costs_were_told_tells_them_again() -> None:
    scene = Measuring(SPY="0.5")
    scene.after(1, SPY=("500.00", "500.02"), OLD=("10.00", "10.02"))
    scene.after(70)
    first = scene.told()["SPY"]
    order = scene.room.book.order(first.order_id)
    assert order is not None
    *others, child = order.children
    grown = replace(child, filled=child.filled + 1, paid=child.paid + Decimal("500.02"))
    document = order_document(replace(order, children=(*others, grown)))
    scene.room.bus.commit(Outcome(changes=(Put(records.ORDERS, order.order_id, document),)))
    [fill] = [fact for fact in scene.room.told(OrderFilled) if fact.order_id == first.order_id]
    late = fill.model_copy(update={"id": "late", "execution_id": "late", "qty": Decimal(1)})
    scene.room.bus.publish(streams.EXECUTION, late)
    scene.after(1)
    again = scene.told()["SPY"]
    assert (again.costs.filled_qty, len(again.fills)) == (first.costs.filled_qty + 1, len(first.fills) + 1)
    assert again.costs.realised_qty == again.costs.filled_qty
    assert scene.store.of_order(first.order_id) == again


def test_only_the_newest_orders_are_kept() -> None:
    scene = Measuring(SPY="0.5")
    scene.after(70)
    assert len(scene.store.measured()) == 2
    [newest] = scene.store.measured(limit=1)
    assert newest.side == "buy"
    assert scene.store.forget_all_but(1) == 1
    [left] = scene.store.measured()
    assert left.side == "buy", "the buys end last"


@pytest.mark.parametrize(
    ("chosen", "count"),
    [
        ({}, 2),
        ({"plan_id": "nonsense"}, 0),
        ({"since": dt.date(2024, 6, 3), "until": dt.date(2024, 6, 3)}, 2),
        ({"since": dt.date(2024, 6, 4)}, 0),
        ({"until": dt.date(2024, 6, 2)}, 0),
    ],
)
def test_costs_are_found_by_plan_and_by_day(chosen: dict[str, Any], count: int) -> None:
    scene = Measuring(SPY="0.5")
    scene.after(70)
    assert len(scene.store.measured(**chosen)) == count


def test_two_processes_measure_one_at_a_time() -> None:
    leases = MemoryLeases()
    first, second = Leadership(leases, "costs", 10), Leadership(leases, "costs", 10)
    assert (first.leads(), second.leads(), first.leads()) == (True, False, True)
    first.let_go()
    assert second.leads()


def test_quotes_of_what_was_sold_go_on_coming_until_its_costs_are_measured() -> None:
    scene = Measuring(SPY="0.5")
    scene.after(1)
    scene.room.planner.want_quotes()
    assert scene.room.quotes.wanted == ["OLD", "SPY"]
    scene.after(70)
    scene.room.planner.want_quotes()
    assert scene.room.quotes.wanted == ["SPY"]


def test_an_order_that_cannot_be_read_keeps_nobody_from_measuring_the_others() -> None:
    scene = Measuring(SPY="0.5")
    scene.after(1)
    broken = next(watch.order_id for watch in scene.store.watches() if watch.symbol == "OLD")
    scene.room.bus.commit(Outcome(changes=(Put(records.ORDERS, broken, "{}x"),)))
    assert [found.symbol for found in scene.store.waiting()] == ["SPY"]
    scene.after(70)
    assert [found.symbol for found in scene.store.measured()] == ["SPY"]
    assert scene.store.watches() == []

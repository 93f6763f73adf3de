"""The books of an account that several strategies share: divided as wanted, equal to the broker's, and a breach halts."""

from __future__ import annotations

from decimal import Decimal
from typing import Never

import pytest

from services.execution.domain import lots
from services.execution.domain.books_check import BooksRules
from services.execution.ports import BrokerUnavailableError
from shared.contracts import streams
from shared.contracts.control import HaltRequested, ResumeRequested
from tests.integration.execution.books_room import BooksRoom

PRICES = {"SPY": ("499.99", "500.01"), "TLT": ("90.00", "90.02"), "OLD": ("9.99", "10.01")}


def brokers(room: BooksRoom) -> dict[str, Decimal]:
    return room.held()


def test_a_rebalance_is_divided_among_the_strategies_and_sums_to_the_brokers_positions() -> None:
    room = BooksRoom(PRICES)
    room.round()
    room.want(a={"SPY": "0.3"}, b={"SPY": "0.1", "TLT": "0.2"})
    room.run()
    report = room.round()
    assert report.is_clean, report
    assert room.ledger.quantities() == brokers(room)
    spy = room.ledger.holders("SPY")
    assert abs(spy["a"] - 3 * spy["b"]) <= Decimal("4e-9")
    assert room.ledger.holders("TLT").keys() == {"b"}
    assert report.cash is not None
    assert report.cash[0] == room.broker.cash


def test_what_two_strategies_want_of_each_other_never_reaches_the_broker() -> None:
    room = BooksRoom(PRICES)
    room.round()
    room.want(a={"SPY": "0.4"}, b={})
    room.run()
    orders = len(room.broker.calls)
    room.want(a={}, b={"SPY": "0.4"})
    room.run()
    room.round()
    assert len(room.broker.calls) == orders
    assert room.ledger.holders("SPY") == {"b": brokers(room)["SPY"]}


def test_booking_again_and_after_a_restart_in_the_middle_changes_nothing() -> None:
    room = BooksRoom(PRICES)
    room.round()
    room.want(a={"SPY": "0.3"}, b={"SPY": "0.1"})
    room.run()
    room.round()
    before = room.ledger
    room.restart()
    assert room.round().booked == ()
    assert (room.ledger.owned, room.ledger.cash) == (before.owned, before.cash)
    room.want(b={"SPY": "0.1"})
    room.run()
    room.restart()
    room.round()
    assert room.ledger.holders("SPY") == {"b": brokers(room)["SPY"]}


def test_nothing_is_planned_before_it_is_known_what_is_not_ours() -> None:
    room = BooksRoom(PRICES, held={"OLD": "100"})
    room.want(a={"SPY": "0.1"})
    with pytest.raises(BrokerUnavailableError, match="not open yet"):
        room.run()


def test_what_was_there_before_is_named_left_alone_and_traded_once_it_is_handed_over() -> None:
    room = BooksRoom(PRICES, held={"OLD": "100"})
    assert room.round().foreign == {"OLD": Decimal(100)}
    [alert] = room.alerts()
    assert (alert.title, alert.detail) == ("Positions that are not ours are left alone", "100 OLD")
    room.want(a={"SPY": "0.5"})
    room.run()
    done = room.completed()
    assert brokers(room)["OLD"] == 100
    assert done.outcome == "complete"
    assert [holding.symbol for holding in done.holdings] == ["SPY"]
    assert abs(brokers(room)["SPY"] * 500 - 50_000) < 200, "the weights are of what is the portfolio's"

    report = room.decide("adopt", "OLD")
    assert (report.foreign, room.ledger.holders("OLD")) == ({}, {"unassigned": Decimal(100)})
    room.want(a={"SPY": "0.5"})
    room.run()
    room.round()
    assert "OLD" not in brokers(room)
    assert room.ledger.quantities() == brokers(room)


def test_shares_held_by_both_are_sold_only_as_far_as_they_are_ours() -> None:
    room = BooksRoom(PRICES, held={"SPY": "10"})
    room.round()
    room.want(a={"SPY": "0.2"})
    room.run()
    room.round()
    assert room.ledger.holders("SPY").keys() == {"a", "foreign"}
    room.want(a={"TLT": "0.2"})
    room.run()
    assert brokers(room)["SPY"] == 10
    room.round()
    assert room.ledger.holders("SPY") == {"foreign": Decimal(10)}


def test_positions_may_be_the_portfolios_own_from_the_beginning() -> None:
    room = BooksRoom(PRICES, held={"OLD": "100"}, rules=BooksRules(opening="unassigned"))
    room.round()
    room.want(a={"SPY": "0.5"})
    room.run()
    room.round()
    assert brokers(room).keys() == {"SPY"}
    assert room.ledger.quantities() == brokers(room)


def test_what_somebody_else_trades_is_booked_as_foreign_and_told() -> None:
    room = BooksRoom(PRICES)
    room.round()
    room.somebody_trades("TLT", "buy", "7")
    report = room.round()
    assert not report.is_clean
    assert report.foreign == {"TLT": Decimal(7)}
    assert room.ledger.quantities() == brokers(room)
    assert [alert.title for alert in room.alerts()] == ["Shares were traded that we did not order: buy TLT"]
    room.round()
    assert len(room.alerts()) == 1


def test_fees_and_dividends_explain_the_brokers_cash() -> None:
    room = BooksRoom(PRICES)
    room.round()
    room.want(a={"SPY": "0.3"})
    room.run()
    room.broker.pay("DIV", Decimal("12.34"), "SPY")
    room.broker.pay("FEE", Decimal("-0.07"))
    report = room.round()
    assert report.is_clean
    assert {(p.owner, p.type) for p in room.ledger.payments} == {("a", "DIV"), ("a", "FEE")}
    assert report.cash == (room.broker.cash, room.broker.cash)


def halts(room: BooksRoom) -> list[HaltRequested]:
    return room.told(HaltRequested, streams.CONTROL)


def grow_old(room: BooksRoom, rounds: int = 4) -> None:
    for _ in range(rounds):
        room.steady += 15
        room.round()


def test_a_difference_that_stands_still_halts_trading_and_names_both_sides() -> None:
    room = BooksRoom(PRICES)
    room.round()
    room.want(a={"SPY": "0.3"})
    room.run()
    room.round()
    ours = brokers(room)["SPY"]
    room.appears("SPY", "12")
    room.round()
    assert halts(room) == [], "once is no proof"
    grow_old(room)
    room.runner.step()
    assert room.book.trading().state == "HALTED"
    assert room.alerts()[-1].detail == f"SPY: ours {ours.normalize():f}, the broker's 12 shares"
    assert len(halts(room)) == 1

    room.control(ResumeRequested(correlation_id="r", at=room.clock.now(), origin="cli", reason="hope"))
    room.runner.step()
    grow_old(room, 1)
    room.runner.step()
    assert room.book.trading().state == "HALTED", "a resume does not settle it"

    report = room.decide("accept", "SPY")
    assert report.doubts == ()
    assert room.ledger.quantities() == brokers(room) == {"SPY": Decimal(12)}
    room.control(ResumeRequested(correlation_id="r", at=room.clock.now(), origin="cli", reason="settled"))
    room.runner.step()
    grow_old(room)
    room.runner.step()
    assert room.book.trading().state == "ACTIVE"


def test_accepted_shares_cost_what_the_broker_says_and_what_is_gone_made_nothing() -> None:
    room = BooksRoom(PRICES)
    room.round()
    room.want(a={"SPY": "0.3"})
    room.run()
    room.round()
    room.appears("TLT", "5")
    room.appears("SPY", "0")
    room.decide("accept")
    assert room.ledger.quantities() == brokers(room) == {"TLT": Decimal(5)}
    assert lots.cost(room.ledger.owned.of("foreign", "TLT")) == 5 * Decimal(PRICES["TLT"][0])
    assert room.ledger.owned.closed == []


def test_a_split_is_taken_for_one_when_a_person_says_so() -> None:
    room = BooksRoom(PRICES)
    room.round()
    room.want(a={"SPY": "0.3"}, b={"SPY": "0.1"})
    room.run()
    room.round()
    a, held = room.ledger.holders("SPY")["a"], brokers(room)["SPY"]
    room.appears("SPY", str(held * 4))
    room.decide("accept as split", "SPY")
    assert room.ledger.holders("SPY")["a"] == a * 4
    assert room.ledger.quantities() == brokers(room)


def test_an_activity_that_is_late_is_under_way_and_never_a_breach() -> None:
    """The order says that it is filled, the position is there, and the activities say nothing for minutes."""
    room = BooksRoom(PRICES)
    room.round()
    room.want(a={"SPY": "0.3"})
    room.run()
    hidden, room.broker._fills = room.broker._fills, []
    report = room.round()
    assert report.under_way == {"SPY": brokers(room)["SPY"]}
    grow_old(room, 10)
    assert halts(room) == []
    room.broker._fills = hidden
    assert room.round().is_clean


def test_cash_that_nobody_explains_is_told_and_trading_goes_on() -> None:
    room = BooksRoom(PRICES)
    room.round()
    room.broker.cash += Decimal("3.21")
    grow_old(room)
    assert halts(room) == []
    assert [alert.title for alert in room.alerts()] == ["The broker's cash is not what the books say"]
    assert room.decide("accept", "cash").doubts == ()
    assert room.ledger.cash == room.broker.cash


def test_orders_that_filled_since_they_were_listed_are_listed_once_more_and_not_asked_for_one_by_one(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    room = BooksRoom(PRICES)
    room.round()
    room.want(a={"SPY": "0.2", "TLT": "0.2", "OLD": "0.2"})
    room.run()
    asked = list[str]()
    one = room.broker.order
    monkeypatch.setattr(room.broker, "order", lambda name: asked.append(name) or one(name))
    room.bookkeeper.round({}, whole=False)
    assert asked == []
    assert room.ledger.quantities() == brokers(room)


def test_books_that_the_broker_does_not_answer_wait_and_the_orders_are_reconciled_all_the_same() -> None:
    """A broker short of requests answers about orders first; only after a while is it a problem."""
    room = BooksRoom(PRICES)
    room.round()

    def no_positions() -> Never:
        raise BrokerUnavailableError("HTTP 429")

    room.broker.positions = no_positions  # type: ignore[method-assign]
    assert room.loop.once().books is None
    assert room.loop.problem() is None
    room.steady += 100
    room.loop.once()
    assert room.loop.problem() == "the books were not compared for 100 s"
    with pytest.raises(BrokerUnavailableError):
        room.loop.once(insists=True)
    del room.broker.positions  # type: ignore[attr-defined]
    assert room.round().is_clean
    assert room.loop.problem() is None


def test_what_others_bought_a_moment_before_a_plan_is_not_taken_for_ours() -> None:
    room = BooksRoom(PRICES)
    room.round()
    room.steady += 2
    room.somebody_trades("TLT", "buy", "7")
    room.want(a={"SPY": "0.5"})
    room.run()
    assert brokers(room)["TLT"] == 7
    assert room.completed().outcome == "complete"

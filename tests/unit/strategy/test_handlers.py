"""A run says everything in one outcome, is the same run when asked again, and is scheduled once a session."""

from __future__ import annotations

import datetime as dt
import json
import threading
from decimal import Decimal

import pytest

from services.strategy.adapters.memory_history import MemoryHistory
from services.strategy.adapters.readiness import history_arrived, prices_arrived
from services.strategy.adapters.scheduler import Scheduler
from services.strategy.domain.closes import Closes
from services.strategy.domain.engine import Decision, TreeStrategy
from services.strategy.domain.history import PriceRules
from services.strategy.domain.language import hold, rsi, when
from services.strategy.domain.portfolio import StrategyManager
from services.strategy.handlers import (
    LAST_GOOD,
    SCHEDULED_RUNS,
    Decide,
    announce_symbols,
    request_scheduled_run,
    run_id,
)
from shared.bus import BusUnavailableError, Outcome, Put
from shared.bus.memory_bus import MemoryBus
from shared.clock import ManualClock
from shared.contracts import Message
from shared.contracts.alerts import AlertRaised
from shared.contracts.control import RunRequested
from shared.contracts.marketdata import DailyHistory, DataFinding, Quote
from shared.contracts.strategy import SignalIssued, TargetPortfolioSet
from shared.contracts.streams import (
    CONTROL,
    LATEST_SIGNALS,
    LATEST_TARGETS,
    SIGNALS,
    TARGETS,
    WANTED_SYMBOLS,
)
from shared.sessions import sessions_between

NOW = dt.datetime(2024, 6, 3, 19, 45, tzinfo=dt.UTC)
QUARTER = dt.timedelta(minutes=15)
RULES = PriceRules(dt.timedelta(minutes=10), Decimal(200))
DAYS = [s.date for s in sessions_between(dt.date(2024, 5, 1), dt.date(2024, 5, 31))]


def a_history(symbol: str) -> DailyHistory:
    closes = tuple(100.0 + (n % 3) for n in range(len(DAYS)))
    return DailyHistory(
        symbol=symbol,
        source="alpaca",
        adjustment="all",
        fetched_at=NOW,
        dates=tuple(DAYS),
        open=closes,
        high=closes,
        low=closes,
        close=closes,
        volume=closes,
    )


def a_finding(symbol: str, day: dt.date = dt.date(2024, 5, 29), **more: object) -> DataFinding:
    given = {"symbol": symbol, "gate": "partial bar", "dates": (day,), "spoils": "close", "verdict": "refused"}
    return DataFinding.model_validate(given | {"seen": "8 % of its volume", "expected": "30 %", "reach": 10} | more)


def a_quote(symbol: str, at: dt.datetime = NOW) -> Quote:
    return Quote(symbol=symbol, at=at, bid=Decimal("102.9"), bid_size=1, ask=Decimal("103.1"), ask_size=1)


def a_request(name: str = "r1", at: dt.datetime = NOW, origin: str = "http") -> RunRequested:
    return RunRequested.model_validate({"id": name, "correlation_id": f"c-{name}", "at": at, "origin": origin})


class House:
    """The service with twins for everything outside."""

    def __init__(self) -> None:
        self.history, self.bus, self.clock = MemoryHistory(), MemoryBus(), ManualClock(NOW)
        for symbol in ("SPY", "BIL"):
            self.history.put_history(a_history(symbol))
            self.history.put_quote(a_quote(symbol))
        self.manager = StrategyManager()
        self.manager.add_strategy(TreeStrategy("tree", when(rsi("SPY", 10) > 1, "SPY", "BIL")), Decimal("0.6"))
        self.manager.add_strategy(TreeStrategy("calm", hold("BIL")), Decimal("0.4"))
        self.decide = Decide(self.manager, self.history, self.bus, self.clock, account="acct", rules=RULES)

    def run(self, request: RunRequested | None = None) -> Outcome:
        outcome = self.decide.on_run_requested(request or a_request())
        assert self.bus.commit(outcome)
        return outcome


def facts(outcome: Outcome, stream: str) -> list[Message]:
    return [item.message for item in outcome.publications if item.stream == stream]


@pytest.fixture
def house() -> House:
    return House()


def test_a_run_says_signals_target_and_state_in_one_outcome(house: House) -> None:
    outcome = house.run()
    tree, calm = facts(outcome, SIGNALS)
    (target,) = facts(outcome, TARGETS)
    assert isinstance(tree, SignalIssued)
    assert isinstance(calm, SignalIssued)
    assert isinstance(target, TargetPortfolioSet)
    assert (tree.status, tree.weights, tree.share) == ("fresh", {"SPY": Decimal(1)}, Decimal("0.6"))
    assert target.weights == {"SPY": Decimal("0.6"), "BIL": Decimal("0.4")}
    assert target.by_strategy == {"tree": {"SPY": Decimal("0.6")}, "calm": {"BIL": Decimal("0.4")}}
    assert target.prices == {i.symbol: i.today_price for s in (tree, calm) for i in s.inputs if i.today_price}
    assert target.prices["SPY"] == Decimal("103.0")
    assert {m.correlation_id for m in (tree, calm, target)} == {"c-r1"}
    assert {m.run_id for m in (tree, calm, target)} == {run_id("acct", dt.date(2024, 6, 3), a_request())}
    assert facts(outcome, "strategy.alerts") == []
    assert SignalIssued.of(house.bus.get_all(LATEST_SIGNALS)["tree"]) == tree
    assert house.bus.get(LATEST_TARGETS, "latest") == target.encode()


def test_a_signal_explains_itself_down_to_the_source_of_each_input(house: House) -> None:
    (signal, _) = facts(house.run(), SIGNALS)
    assert isinstance(signal, SignalIssued)
    sources, asked, held = signal.explanation
    assert sources.text == (
        "input SPY, BIL: alpaca, adjustment all, closes up to 2024-05-31, today's price in the place of today's close"
    )
    assert (asked.text, asked.holds, asked.threshold) == ("RSI10(SPY) > 1", True, Decimal(1))
    assert asked.margin is not None
    assert asked.readings[0].value == asked.margin + 1
    assert held.text == "hold 100 % SPY"
    spy, bil = signal.inputs
    assert (spy.symbol, spy.source, spy.adjustment) == ("SPY", "alpaca", "all")
    assert (spy.last_session, spy.today_price) == (dt.date(2024, 5, 31), Decimal("103.0"))
    assert bil.symbol == "BIL"


def test_a_refused_close_undefines_what_needs_it_and_signal_and_alert_name_it(house: House) -> None:
    """One day's close among the eleven that RSI10 needs; what does not need it decides."""
    house.history.put_history(a_history("SPY").model_copy(update={"findings": (a_finding("SPY"),)}))
    outcome = house.run()
    tree, calm = facts(outcome, SIGNALS)
    assert isinstance(tree, SignalIssued)
    assert isinstance(calm, SignalIssued)
    assert (tree.status, calm.status) == ("failed", "fresh")
    assert "RSI10(SPY): 3 of 11 closes needed; SPY 2024-05-29: partial bar: 8 % of its volume" in tree.reason
    (alert,) = facts(outcome, "strategy.alerts")
    assert isinstance(alert, AlertRaised)
    assert "SPY 2024-05-29: partial bar" in alert.detail
    assert "input SPY: partial bar 2024-05-29" in tree.explanation[1].text


def test_repaired_days_stand_in_the_signal_with_their_source(house: House) -> None:
    repaired = a_finding("SPY", verdict="repaired", repaired_from="twelvedata")
    house.history.put_history(a_history("SPY").model_copy(update={"findings": (repaired,)}))
    (tree, _) = facts(house.run(), SIGNALS)
    assert isinstance(tree, SignalIssued)
    assert tree.status == "fresh"
    assert (tree.inputs[0].repaired, tree.inputs[0].repaired_from) == ((dt.date(2024, 5, 29),), "twelvedata")
    assert tree.explanation[1].text.endswith("(repaired from twelvedata)")


def test_the_same_request_is_the_same_run_whenever_it_is_repeated(house: House) -> None:
    first, again = house.decide.on_run_requested(a_request()), house.decide.on_run_requested(a_request())
    assert first == again
    other = house.decide.on_run_requested(a_request("r2"))
    assert {p.message.id for p in first.publications}.isdisjoint(p.message.id for p in other.publications)


@pytest.mark.parametrize(
    "different",
    [
        run_id("other", dt.date(2024, 6, 3), a_request()),
        run_id("acct", dt.date(2024, 6, 4), a_request()),
        run_id("acct", dt.date(2024, 6, 3), a_request("r2")),
    ],
)
def test_account_session_and_trigger_make_the_run(different: str) -> None:
    assert run_id("acct", dt.date(2024, 6, 3), a_request()) != different


def test_a_stale_price_makes_only_what_needs_it_undefined_and_the_signal_says_why(house: House) -> None:
    house.history.put_quote(a_quote("SPY", at=NOW - dt.timedelta(hours=1)))
    outcome = house.run()
    tree, calm = facts(outcome, SIGNALS)
    assert isinstance(tree, SignalIssued)
    assert isinstance(calm, SignalIssued)
    assert (tree.status, calm.status) == ("failed", "fresh")
    assert tree.reason == (
        "UndefinedDecision: RSI10(SPY): 0 of 11 closes needed; SPY 2024-06-03: no close of 2024-06-03 and no price in its place: "
        "the quote was 3600 s old, at most 600 s expected"
    )
    assert tree.explanation[0].text == "input SPY: alpaca, adjustment all, closes up to 2024-05-31"
    assert tree.explanation[2].text.startswith("input SPY: no close of 2024-06-03 and no price in its place: the quote")
    (alert,) = facts(outcome, "strategy.alerts")
    assert isinstance(alert, AlertRaised)
    assert (alert.severity, alert.correlation_id) == ("critical", "c-r1")
    assert "tree" in alert.title
    assert alert.detail == tree.reason


def test_after_a_failure_the_last_good_weights_stand_and_after_another_still_do(house: House) -> None:
    house.run()
    house.history.put_quote(a_quote("SPY", at=NOW - dt.timedelta(hours=1)))
    for name in ("r2", "r3"):
        outcome = house.run(a_request(name))
        tree, _ = facts(outcome, SIGNALS)
        (target,) = facts(outcome, TARGETS)
        (alert,) = facts(outcome, "strategy.alerts")
        assert isinstance(tree, SignalIssued)
        assert isinstance(target, TargetPortfolioSet)
        assert isinstance(alert, AlertRaised)
        assert (tree.status, tree.weights) == ("stale", {"SPY": Decimal(1)})
        assert target.weights == {"SPY": Decimal("0.6"), "BIL": Decimal("0.4")}
        assert target.stale[0].has_weights
        assert alert.severity == "warning"
    assert SignalIssued.of(house.bus.get_all(LAST_GOOD)["tree"]).status == "fresh"


def test_last_weights_that_cannot_be_read_are_not_known(house: House) -> None:
    house.bus.commit(Outcome(changes=(Put(LAST_GOOD, "tree", '{"weights": {}}'),)))
    house.history.put_quote(a_quote("SPY", at=NOW - dt.timedelta(hours=1)))
    (target,) = facts(house.run(), TARGETS)
    assert isinstance(target, TargetPortfolioSet)
    assert (target.unknown_share, target.weights) == (Decimal("0.6"), {"BIL": Decimal("0.4")})


def test_a_strategy_that_raises_costs_its_share_and_raises_an_alert(house: House) -> None:
    class Broken:
        name, symbols, closes_needed = "broken", ("SPY",), 1

        def decide(self, closes: Closes) -> Decision:
            raise ZeroDivisionError("division by zero")

    manager = StrategyManager()
    manager.add_strategy(Broken(), Decimal("0.25"))
    manager.add_strategy(TreeStrategy("calm", hold("BIL")), Decimal("0.75"))
    outcome = Decide(manager, house.history, house.bus, house.clock, account="acct", rules=RULES).on_run_requested(
        a_request()
    )
    (target,) = facts(outcome, TARGETS)
    (alert,) = facts(outcome, "strategy.alerts")
    assert isinstance(target, TargetPortfolioSet)
    assert isinstance(alert, AlertRaised)
    assert (target.weights, target.unknown_share) == ({"BIL": Decimal("0.75")}, Decimal("0.25"))
    assert alert.detail == "ZeroDivisionError: division by zero"


def test_a_scheduled_request_taken_up_after_its_close_is_a_missed_run_and_no_trade(house: House) -> None:
    request = a_request("scheduled-2024-06-03", origin="schedule")
    house.clock.set(dt.datetime(2024, 6, 3, 20, 0, tzinfo=dt.UTC))
    outcome = house.run(request)
    (alert,) = [item.message for item in outcome.publications]
    assert isinstance(alert, AlertRaised)
    assert alert.title == "A scheduled run was missed"
    assert outcome.changes == ()


def test_a_person_may_run_it_after_the_close_too(house: House) -> None:
    house.clock.set(dt.datetime(2024, 6, 3, 20, 5, tzinfo=dt.UTC))
    for symbol in ("SPY", "BIL"):
        house.history.put_quote(a_quote(symbol, at=dt.datetime(2024, 6, 3, 19, 59, tzinfo=dt.UTC)))
    (target,) = facts(house.run(), TARGETS)
    assert isinstance(target, TargetPortfolioSet)
    assert target.session == dt.date(2024, 6, 3)
    assert target.stale == ()


def test_the_schedule_asks_once_a_session_and_again_the_next_day(house: House) -> None:
    early = NOW - dt.timedelta(minutes=1)
    asked = [
        request_scheduled_run(house.bus, now, QUARTER)
        for now in (early, NOW, NOW + dt.timedelta(minutes=1), NOW + dt.timedelta(days=1), NOW + dt.timedelta(days=1))
    ]
    assert asked == [False, True, False, True, False]
    assert house.bus.depth(CONTROL) == 2
    assert house.bus.get_all(SCHEDULED_RUNS) == {
        "2024-06-03": "scheduled-2024-06-03",
        "2024-06-04": "scheduled-2024-06-04",
    }


def test_a_cold_start_waits_for_its_history_until_the_last_call(house: House) -> None:
    def ask(after: dt.timedelta, why_not: str | None) -> bool:
        return request_scheduled_run(house.bus, NOW + after, QUARTER, why_not_ready=lambda: why_not)

    assert not ask(dt.timedelta(minutes=1), "no daily history yet of SPY")
    assert house.bus.get_all(SCHEDULED_RUNS) == {}
    assert ask(dt.timedelta(minutes=2), None)
    later = dt.timedelta(days=1)
    assert not ask(later + dt.timedelta(minutes=7), "no daily history yet of SPY")
    assert ask(later + dt.timedelta(minutes=7, seconds=30), "no daily history yet of SPY")


def test_two_schedulers_at_the_same_instant_ask_once(house: House) -> None:
    """The record is missing for both; the named effect is what decides."""
    assert request_scheduled_run(house.bus, NOW, QUARTER)
    house.bus._state[SCHEDULED_RUNS].clear()
    assert not request_scheduled_run(house.bus, NOW, QUARTER)
    assert house.bus.depth(CONTROL) == 1


def test_what_is_needed_is_announced_until_it_is_known(house: House) -> None:
    assert announce_symbols(house.bus, house.manager.symbols)
    assert not announce_symbols(house.bus, house.manager.symbols)
    assert json.loads(house.bus.get_all(WANTED_SYMBOLS)["strategy"]) == ["SPY", "BIL"]


def test_the_scheduler_outlives_an_outage_of_bus_or_clock(house: House) -> None:
    troubles = [BusUnavailableError("gone"), BusUnavailableError("gone"), None]

    def request_run(_now: dt.datetime) -> bool:
        trouble = troubles.pop(0)
        if trouble is None:
            stop.set()
            return True
        raise trouble

    stop = threading.Event()
    Scheduler(house.clock, announce=lambda: True, request_run=request_run, poll_seconds=0.001).run(stop)
    assert troubles == []


def test_readiness_waits_for_histories_that_still_arrive_and_not_for_those_that_never_will() -> None:
    history, now = MemoryHistory(), [0.0]
    check = history_arrived(history, ("SPY", "BIL", "OKLO"), monotonic=lambda: now[0])
    assert check() == "no daily history yet of SPY, BIL, OKLO"
    now[0] = 100.0
    assert check() is not None, "nothing at all is never enough"
    history.put_history(a_history("SPY"))
    assert check() == "no daily history yet of BIL, OKLO"
    now[0] = 109.0
    history.put_history(a_history("BIL"))
    assert check() == "no daily history yet of OKLO"
    now[0] = 118.9
    assert check() is not None
    now[0] = 119.0
    assert check() is None


def test_the_schedule_waits_for_todays_prices_and_not_for_those_that_never_come() -> None:
    history, clock, now = MemoryHistory(), ManualClock(NOW), [0.0]
    check = prices_arrived(history, ("SPY", "BIL", "OKLO"), clock, RULES, monotonic=lambda: now[0])
    assert check() == "no price yet that stands in for today's close of SPY, BIL, OKLO"
    now[0] = 100.0
    assert check() is not None, "nothing at all is never enough"
    history.put_quote(a_quote("SPY"))
    history.put_quote(a_quote("BIL", at=NOW - dt.timedelta(days=3)))
    assert check() == "no price yet that stands in for today's close of BIL, OKLO"
    history.put_quote(a_quote("BIL"))
    assert check() == "no price yet that stands in for today's close of OKLO"
    now[0] = 104.9
    assert check() is not None
    now[0] = 105.0
    assert check() is None

"""Every command against the services' real HTTP faces: what it shows, what it asks for, and the code it ends with."""

from __future__ import annotations

import json
from collections.abc import Callable
from decimal import Decimal
from typing import Any

import pytest

from services.execution.domain import records
from services.execution.domain.broker import OrderRequest
from services.execution.domain.records import LegRecord, PlanRecord, TradingRecord
from shared.contracts import streams
from shared.contracts.control import CancelOrdersRequested, HaltRequested, RebalanceRequested, RunRequested
from shared.contracts.execution import OrderResult, Refusal, Trade
from shared.contracts.strategy import Reading, SignalIssued, Step, TargetPortfolioSet
from tests.integration.cli.house import LIVE_ACCOUNT, NOW, Ended, House

Run = Callable[..., Ended]
HUNDRED = Decimal(100)


def a_signal(**given: Any) -> SignalIssued:
    step = Step(
        text="RSI 10 of SPY above 79",
        holds=True,
        readings=(Reading(indicator="rsi10", symbol="SPY", value=Decimal("81.23456")),),
        threshold=Decimal(79),
    )
    defaults: dict[str, Any] = {
        "correlation_id": "run-1",
        "at": NOW,
        "run_id": "r1",
        "session": NOW.date(),
        "strategy": "nuclear",
        "share": Decimal("0.5"),
        "status": "fresh",
        "weights": {"UVXY": Decimal(1)},
        "explanation": (step,),
    }
    return SignalIssued(**(defaults | given))


def a_plan(**given: Any) -> PlanRecord:
    trade = Trade(
        symbol="TECL",
        side="buy",
        qty=Decimal(10),
        price=HUNDRED,
        notional=Decimal(1000),
        held_qty=Decimal(0),
        target_qty=Decimal(10),
        target_weight=Decimal("0.5"),
        reason="below target",
    )
    defaults: dict[str, Any] = {
        "plan_id": "p1",
        "run_id": "r1",
        "correlation_id": "c1",
        "created_at": NOW,
        "equity": Decimal(100_000),
        "cash": Decimal(50_000),
        "trades": (trade,),
        "refusals": (),
        "status": "completed",
    }
    return PlanRecord(**(defaults | given))


def a_result(**given: Any) -> OrderResult:
    defaults: dict[str, Any] = {
        "order_id": "p1-TECL-buy",
        "symbol": "TECL",
        "side": "buy",
        "outcome": "filled",
        "qty": Decimal(10),
        "filled_qty": Decimal(10),
        "average_price": Decimal("99.5"),
        "arrival_mid": HUNDRED,
        "slippage_bps": Decimal(-50),
        "children": 1,
        "seconds": 1.5,
    }
    return OrderResult(**(defaults | given))


def keep(house: House, plan: PlanRecord, *results: OrderResult) -> None:
    leg = LegRecord(leg_id="p1-buys", plan_id="p1", side="buy", status="done", results=results)
    house.put(records.PLANS, plan.plan_id, plan.model_dump_json())
    house.put(records.LEGS, leg.leg_id, leg.model_dump_json())


def test_status_is_0_when_all_are_ready_and_tells_how_trading_stands(house: House, alchemiser: Run) -> None:
    ended = alchemiser("status")
    assert (ended.code, ended.err) == (0, "")
    assert ended.out.count("ready") == 4
    assert "ACTIVE" in ended.out
    assert house.urls["strategy"] in ended.out


def test_status_is_1_when_one_is_not_ready_and_says_why(house: House, alchemiser: Run) -> None:
    house.missing["strategy"] = "no daily history yet of SPY"
    ended = alchemiser("status")
    assert ended.code == 1
    assert "redis: no daily history yet of SPY" in ended.out


def test_status_is_3_when_one_cannot_be_reached_and_shows_the_others(
    house: House, alchemiser: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ALCHEMISER_NOTIFIER_URL", "http://127.0.0.1:9")
    ended = alchemiser("status", "--json")
    assert ended.code == 3
    states = {row["service"]: row["state"] for row in json.loads(ended.out)["services"]}
    assert states == {"marketdata": "ready", "strategy": "ready", "execution": "ready", "notifier": "unreachable"}


def test_signals_show_weights_the_branch_and_its_numbers(house: House, alchemiser: Run) -> None:
    target = TargetPortfolioSet(
        correlation_id="run-1", at=NOW, run_id="r1", session=NOW.date(), weights={"UVXY": Decimal("0.5")}
    )
    house.put(streams.LATEST_SIGNALS, "nuclear", a_signal().encode())
    house.put(streams.LATEST_TARGETS, "latest", target.encode())
    ended = alchemiser("signals")
    assert ended.code == 0
    for part in ("nuclear", "UVXY 100.00 %", "yes RSI 10 of SPY above 79", "81.23", "50.00 %"):
        assert part in ended.out


def test_signals_that_failed_say_why(house: House, alchemiser: Run) -> None:
    failed = a_signal(status="failed", weights={}, explanation=(), reason="no closes of UVXY")
    house.put(streams.LATEST_SIGNALS, "nuclear", failed.encode())
    out = alchemiser("signals").out
    assert "failed" in out
    assert "no closes of UVXY" in out


def test_no_signal_yet_is_said(house: House, alchemiser: Run) -> None:
    assert "no signal yet" in alchemiser("signals").out


def test_json_is_what_the_service_answered(house: House, alchemiser: Run) -> None:
    house.put(streams.LATEST_SIGNALS, "nuclear", a_signal().encode())
    found = json.loads(alchemiser("signals", "--json").out)
    assert found["signals"][0]["weights"] == {"UVXY": "1"}


def test_positions_show_shares_prices_and_value(house: House, alchemiser: Run) -> None:
    house.broker.hold("TECL", Decimal("12.5"), Decimal(80))
    ended = alchemiser("positions")
    assert ended.code == 0
    for part in ("TECL", "12.5", "1,000.00", "100,000.00"):
        assert part in ended.out


def test_orders_show_what_is_open_and_whose_it_is(house: House, alchemiser: Run) -> None:
    house.broker.place(OrderRequest("theirs-1", "SPY", "buy", Decimal(3), Decimal("500.25")))
    out = alchemiser("orders").out
    for part in ("SPY", "buy", "500.25", "others", "theirs-1"):
        assert part in out


def test_markup_in_a_name_is_shown_and_not_obeyed(house: House, alchemiser: Run) -> None:
    house.broker.place(OrderRequest("[red]theirs[/]", "SPY", "buy", Decimal(3), Decimal("500.25")))
    assert "[red]theirs[/]" in alchemiser("orders").out


def test_plans_are_listed_and_one_is_shown_with_trades_refusals_and_results(house: House, alchemiser: Run) -> None:
    refusal = Refusal(symbol="SPY", side="sell", limit="spread", detail="80 bps, 50 allowed")
    keep(house, a_plan(refusals=(refusal,)), a_result())
    assert "p1" in alchemiser("plans").out
    ended = alchemiser("plans", "p1")
    for part in ("below target", "80 bps, 50 allowed", "filled", "99.50", "-50.0"):
        assert part in ended.out


def test_a_plan_that_is_not_there_is_1(house: House, alchemiser: Run) -> None:
    ended = alchemiser("plans", "p9")
    assert (ended.code, ended.err) == (1, "alchemiser: execution answered 404: no plan 'p9'\n")


def test_run_and_rebalance_ask_and_tell_the_correlation_id(house: House, alchemiser: Run) -> None:
    run, rebalance = alchemiser("run", "--json"), alchemiser("rebalance", "--json")
    assert (run.code, rebalance.code) == (0, 0)
    assert [m.correlation_id for m in house.asked(RunRequested)] == [json.loads(run.out)["correlation_id"]]
    assert [m.correlation_id for m in house.asked(RebalanceRequested)] == [json.loads(rebalance.out)["correlation_id"]]


def test_waiting_for_a_plan_that_never_comes_is_1(house: House, alchemiser: Run) -> None:
    ended = alchemiser("rebalance", "--wait", "--within", "1")
    assert ended.code == 1
    assert "no completed plan" in ended.err


@pytest.fixture
def fixed_id(monkeypatch: pytest.MonkeyPatch) -> str:
    """The correlation id that the next trigger will get, so that its plan can stand there before the question."""
    monkeypatch.setattr("uuid.uuid4", lambda: type("Fixed", (), {"hex": "c1"}))
    return "c1"


WIDE = Refusal(symbol="SPY", side="sell", limit="spread", detail="wide")


def test_waiting_is_0_when_all_of_the_plan_was_traded(house: House, alchemiser: Run, fixed_id: str) -> None:
    keep(house, a_plan(correlation_id=fixed_id), a_result())
    ended = alchemiser("rebalance", "--wait")
    assert (ended.code, ended.err) == (0, "")
    assert "99.50" in ended.out


@pytest.mark.parametrize(
    ("stored", "complaint"),
    [
        ((a_plan(), a_result(outcome="partly filled", filled_qty=Decimal(4))), "buy TECL partly filled"),
        ((a_plan(refusals=(WIDE,)), a_result()), "sell SPY refused: spread"),
        ((a_plan(), a_result(symbol="SPXL")), "buy TECL not placed"),
    ],
)
def test_waiting_is_1_when_anything_was_not_traded(
    house: House, alchemiser: Run, fixed_id: str, stored: tuple[PlanRecord, OrderResult], complaint: str
) -> None:
    keep(house, *stored)
    ended = alchemiser("rebalance", "--wait")
    assert ended.code == 1
    assert complaint in ended.err
    assert "99.50" in ended.out, "the plan is shown all the same"


def test_waiting_for_a_plan_of_a_disarmed_house_is_4(house: House, alchemiser: Run, fixed_id: str) -> None:
    keep(house, a_plan(dry_run=True))
    ended = alchemiser("rebalance", "--wait")
    assert ended.code == 4
    assert "disarmed" in ended.err


def test_halt_and_resume_come_back_when_they_are_in_force(house: House, alchemiser: Run) -> None:
    halted = alchemiser("halt", "looks wrong", "--state", "REDUCING")
    assert halted.code == 0
    assert "REDUCING" in halted.out
    assert "looks wrong" in halted.out
    assert [(m.state, m.reason) for m in house.asked(HaltRequested)] == [("REDUCING", "looks wrong")]  # type: ignore[attr-defined] # HaltRequested
    assert "ACTIVE" in alchemiser("resume", "seen to").out


def test_status_and_resume_say_what_stopped_trading_and_what_is_counted_anew(house: House, alchemiser: Run) -> None:
    stopped = TradingRecord(state="REDUCING", reason="drawdown: half of it", cause="drawdown")
    house.put(records.TRADING, records.NOW, stopped.model_dump_json())
    seen = alchemiser("status").out
    assert "REDUCING" in seen
    assert "drawdown: half of it" in seen
    assert "highest mark" in " ".join(alchemiser("resume", "seen to").out.split())


def test_limits_are_shown_with_bounds_and_readings(house: House, alchemiser: Run) -> None:
    shown = alchemiser("limits")
    assert shown.code == 0
    assert "daily turnover" in shown.out
    rows = json.loads(alchemiser("limits", "--json").out)
    assert {"limit": "open orders", "bound": "at most 100", "reading": "0"} in rows


def test_a_halt_that_is_not_in_force_in_time_is_1_and_says_that_trading_goes_on(house: House, alchemiser: Run) -> None:
    house.obeys.clear()
    ended = alchemiser("halt", "now", "--within", "0.3")
    assert (ended.code, ended.out) == (1, "")
    assert "not in force after 0.3 s: trading is ACTIVE" in ended.err


def test_a_halt_without_words_is_2_and_names_the_field(house: House, alchemiser: Run) -> None:
    ended = alchemiser("halt", "")
    assert ended.code == 2
    assert "reason" in ended.err
    assert house.asked(HaltRequested) == []


def test_cancel_names_the_symbols_or_means_all(house: House, alchemiser: Run) -> None:
    assert alchemiser("cancel", "tecl").code == 0
    assert "everything" in alchemiser("cancel").out
    assert [m.symbols for m in house.asked(CancelOrdersRequested)] == [("TECL",), ()]  # type: ignore[attr-defined] # CancelOrdersRequested


def test_arming_needs_the_account_of_the_process_and_ends_by_itself_or_by_disarm(house: House, alchemiser: Run) -> None:
    other = alchemiser("arm", "987654321", "--hours", "8")
    assert (other.code, "account" in other.err) == (2, True)
    armed = json.loads(alchemiser("arm", LIVE_ACCOUNT, "--hours", "8", "--json").out)
    assert (armed["armed"], armed["armed_until"]) == (True, "2024-06-04T03:40:00Z")
    assert json.loads(alchemiser("disarm", "--json").out)["armed"] is False


@pytest.mark.parametrize("command", [["run"], ["rebalance"], ["halt", "x"], ["resume", "x"], ["cancel"], ["disarm"]])
@pytest.mark.parametrize("token", [None, "a-wrong-token-0123"])
def test_without_the_token_every_command_that_acts_is_4(
    house: House, alchemiser: Run, monkeypatch: pytest.MonkeyPatch, command: list[str], token: str | None
) -> None:
    monkeypatch.delenv("ALCHEMISER_HTTP_TOKEN")
    if token is not None:
        monkeypatch.setenv("ALCHEMISER_HTTP_TOKEN", token)
    ended = alchemiser(*command)
    assert ended.code == 4
    assert "ALCHEMISER_HTTP_TOKEN" in ended.err
    assert token is None or token not in ended.err


@pytest.mark.parametrize("command", [["signals"], ["positions"], ["orders"], ["plans"], ["run"], ["halt", "x"]])
def test_a_service_that_does_not_answer_is_3_and_names_its_address(
    alchemiser: Run, monkeypatch: pytest.MonkeyPatch, command: list[str]
) -> None:
    for service in ("STRATEGY", "EXECUTION"):
        monkeypatch.setenv(f"ALCHEMISER_{service}_URL", "http://127.0.0.1:9")
    ended = alchemiser(*command)
    assert ended.code == 3
    assert "http://127.0.0.1:9" in ended.err
    assert ended.err.count("\n") == 1


def test_a_wrong_setting_is_78_and_named(alchemiser: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ALCHEMISER_STRATEGY_URL", "localhost:8002")
    ended = alchemiser("signals")
    assert ended.code == 78
    assert "ALCHEMISER_STRATEGY_URL" in ended.err
    assert "localhost:8002" in ended.err


@pytest.mark.parametrize(
    "command", [["no-such-command"], ["halt"], ["arm", "1"], ["plans", "--count", "0"], ["halt", "x", "--state", "OFF"]]
)
def test_wrong_usage_is_2(alchemiser: Run, command: list[str]) -> None:
    assert alchemiser(*command).code == 2

"""Facts on execution.events become metrics, once each, whoever wrote them."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal
from typing import Any

import pytest
from prometheus_client import REGISTRY

from services.execution.adapters.metrics_listener import (
    ExecutionMetrics,
    count_broker_call,
    equity_read,
    facts_runner,
    trading_state,
)
from shared.bus import NOTHING
from shared.bus.memory_bus import MemoryBus
from shared.contracts import Message, execution, streams
from shared.contracts.strategy import TargetPortfolioSet
from shared.runner import Runner
from tests.unit.execution.builders import a_quote, a_reading
from tests.unit.execution.worked_orders import ARRIVAL, measured

AT = dt.datetime(2024, 6, 3, 19, 45, tzinfo=dt.UTC)
COMMON: dict[str, Any] = {
    "correlation_id": "run-1",
    "plan_id": "p",
    "order_id": "p-SPY-buy",
    "symbol": "SPY",
    "side": "buy",
}


def at(seconds: float) -> dt.datetime:
    return AT + dt.timedelta(seconds=seconds)


class Gauge:
    """How far samples moved since this was made; the registry is shared by all tests."""

    def __init__(self) -> None:
        self._before: dict[tuple[str, tuple[tuple[str, str], ...]], float] = {}

    def since(self, name: str, **labels: str) -> float:
        key = (name, tuple(sorted(labels.items())))
        now = REGISTRY.get_sample_value(name, labels) or 0.0
        return now - self._before.setdefault(key, now)


class Watch:
    def __init__(self) -> None:
        self.bus = MemoryBus()
        counting = ExecutionMetrics()
        takes = {TargetPortfolioSet: lambda _target: NOTHING}
        self.runners = (
            Runner(self.bus, "execution", "c", [streams.TARGETS], takes, hooks=(counting,)),
            facts_runner(self.bus, "c", counting),
        )

    def hear(self, stream: str, *messages: Message) -> None:
        self.bus.publish(stream, *messages)
        for runner in self.runners:
            runner.step()


@pytest.fixture
def watch() -> Watch:
    return Watch()


def placed() -> execution.OrderPlaced:
    return execution.OrderPlaced(
        **COMMON,
        at=at(2),
        client_order_id="c1",
        broker_order_id="b1",
        qty=Decimal(2),
        order_type="limit",
        limit_price=Decimal(100),
        rung="mid",
        sent_at=at(2),
        acknowledged_at=at(2.5),
    )


def filled() -> execution.OrderFilled:
    return execution.OrderFilled(
        **COMMON,
        at=at(12),
        client_order_id="c1",
        execution_id="e1",
        qty=Decimal(2),
        price=Decimal(100),
        filled_qty=Decimal(2),
        average_price=Decimal(100),
        arrival_mid=Decimal(100),
        slippage_bps=Decimal("1.5"),
    )


def test_the_life_of_an_order_is_counted_and_timed(watch: Watch) -> None:
    gauge = Gauge()

    def seen() -> list[float]:
        return [
            gauge.since("alchemiser_orders_total", event="placed", side="buy"),
            gauge.since("alchemiser_orders_total", event="filled", side="buy"),
            gauge.since("alchemiser_order_ack_seconds_sum"),
            gauge.since("alchemiser_target_to_first_order_seconds_sum"),
            gauge.since("alchemiser_order_fill_seconds_sum"),
            gauge.since("alchemiser_order_slippage_bps_count", side="buy"),
            gauge.since("alchemiser_filled_notional_dollars_total", side="buy"),
        ]

    seen()
    target = TargetPortfolioSet(
        correlation_id="run-1", at=AT, run_id="r", session=AT.date(), weights={"SPY": Decimal(1)}
    )
    watch.hear(streams.TARGETS, target)
    watch.hear(streams.EXECUTION, placed())
    watch.hear(streams.EXECUTION, filled())
    assert seen() == pytest.approx([1, 1, 0.5, 2.5, 10, 1, 200])


def test_only_the_first_order_of_a_target_is_timed(watch: Watch) -> None:
    gauge = Gauge()
    gauge.since("alchemiser_target_to_first_order_seconds_count")
    watch.hear(
        streams.TARGETS, TargetPortfolioSet(correlation_id="run-1", at=AT, run_id="r", session=AT.date(), weights={})
    )
    watch.hear(streams.EXECUTION, placed(), placed())
    assert gauge.since("alchemiser_target_to_first_order_seconds_count") == 1


@pytest.mark.parametrize(
    ("message", "event"),
    [
        (execution.OrderUnknown(**COMMON, at=AT, client_order_id="c", reason="504"), "unknown"),
        (execution.OrderRefused(**COMMON, at=AT, limit="spread", detail="wide"), "refused"),
        (
            execution.OrderAbandoned(**COMMON, at=AT, filled_qty=Decimal(0), total_qty=Decimal(1), reason="late"),
            "abandoned",
        ),
        (
            execution.OrderChildEnded(**COMMON, at=AT, client_order_id="c", status="canceled", filled_qty=Decimal(0)),
            "canceled",
        ),
    ],
)
def test_every_end_of_an_order_is_counted(watch: Watch, message: Message, event: str) -> None:
    gauge = Gauge()
    gauge.since("alchemiser_orders_total", event=event, side="buy")
    watch.hear(streams.EXECUTION, message)
    assert gauge.since("alchemiser_orders_total", event=event, side="buy") == 1


def test_halts_and_resumptions_move_the_state(watch: Watch) -> None:
    def state() -> dict[str, float | None]:
        names = ("ACTIVE", "REDUCING", "HALTED")
        return {n: REGISTRY.get_sample_value("alchemiser_trading_state", {"state": n}) for n in names}

    trading_state("ACTIVE")
    watch.hear(streams.EXECUTION, execution.TradingHalted(correlation_id="c", at=AT, state="REDUCING", reason="me"))
    assert state() == {"ACTIVE": 0, "REDUCING": 1, "HALTED": 0}
    watch.hear(streams.EXECUTION, execution.TradingResumed(correlation_id="c", at=AT, reason="me"))
    assert state() == {"ACTIVE": 1, "REDUCING": 0, "HALTED": 0}


def test_a_fact_that_was_counted_is_not_counted_again_by_another_reader_of_the_group(watch: Watch) -> None:
    gauge = Gauge()
    gauge.since("alchemiser_orders_total", event="placed", side="buy")
    watch.hear(streams.EXECUTION, placed())
    facts_runner(watch.bus, "second", ExecutionMetrics()).step()
    assert gauge.since("alchemiser_orders_total", event="placed", side="buy") == 1


def test_costs_are_counted_in_dollars_lost_and_gained_by_part_and_by_rung(watch: Watch) -> None:
    gauge = Gauge()

    def seen() -> list[float]:
        dollars, by_rung = "alchemiser_order_cost_dollars_total", "alchemiser_fill_cost_dollars_total"
        return [
            gauge.since(dollars, part="execution", direction="gained"),
            gauge.since(dollars, part="execution", direction="lost"),
            gauge.since(dollars, part="saved", direction="gained"),
            gauge.since("alchemiser_order_costs_unknown_total", part="delay"),
            gauge.since("alchemiser_order_shortfall_bps_count", side="buy"),
            gauge.since(by_rung, rung="mid", direction="gained"),
            gauge.since("alchemiser_fill_dollars_total", rung="mid"),
            gauge.since("alchemiser_fill_effective_spread_bps_bucket", rung="mid", le="-5.0"),
            gauge.since("alchemiser_fill_realised_spread_bps_bucket", rung="mid", le="5.0"),
        ]

    seen()
    bargain = measured(("100", "100.02", ARRIVAL), later=a_quote(bid="99.95", ask="100.05"), decision_price=None)
    watch.hear(streams.EXECUTION, bargain)
    assert seen() == pytest.approx([3, 0, 8, 1, 0, 3, 10_002, 1, 1])


def test_calls_to_the_broker_are_counted_by_result() -> None:
    gauge = Gauge()
    gauge.since("alchemiser_broker_calls_total", call="place", result="unknown")
    count_broker_call("place", "unknown", 0.2)
    assert gauge.since("alchemiser_broker_calls_total", call="place", result="unknown") == 1


def test_refusals_are_counted_by_limit_at_planning_and_at_the_gate(watch: Watch) -> None:
    gauge = Gauge()
    counts = [lambda name=name: gauge.since("alchemiser_refusals_total", limit=name) for name in ("spread", "drawdown")]
    assert [count() for count in counts] == [0, 0]
    refused = execution.Refusal(symbol="SPY", side="buy", limit="spread", detail="wide")
    planned = execution.RebalancePlanned(
        correlation_id="run-1",
        at=AT,
        plan_id="p",
        run_id="r",
        equity=Decimal(1000),
        cash=Decimal(1000),
        trades=(),
        refusals=(refused,),
    )
    gated = execution.OrderRefused(**COMMON, at=AT, limit="drawdown", detail="too much")
    watch.hear(streams.EXECUTION, planned, gated)
    assert [count() for count in counts] == [1, 1]


def test_a_reading_of_the_equity_shows_what_is_lost() -> None:
    equity_read(a_reading("90000", high_water=Decimal(120_000)))
    values = [REGISTRY.get_sample_value(f"alchemiser_{name}_ratio") for name in ("daily_loss", "drawdown")]
    assert values == [0.1, 0.25]

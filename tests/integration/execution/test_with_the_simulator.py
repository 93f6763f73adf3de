"""Whole rebalances through real processes: service, RQ worker, Redis and the simulator, with faults and with killed workers."""

from __future__ import annotations

import signal
from collections import Counter
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from shared.contracts.execution import (
    OrderFilled,
    OrderPartlyFilled,
    OrderPlaced,
    RebalanceCompleted,
    TradingHalted,
    TradingResumed,
)
from tests.integration.execution.processes import Stack

PATIENT = {
    "EXECUTION_POLICY": "ladder",
    "EXECUTION_PATIENCE_SECONDS": "1.5",
    "EXECUTION_MAX_LEAN": "1",  # whatever the generator's sizes: something must be open when it is stopped
    "EXECUTION_LEASE_SECONDS": "1",
}


@pytest.fixture
def stack(redis_url: str, namespace: str, tmp_path: Path) -> Iterator[Stack]:
    with Stack(redis_url, namespace, tmp_path) as running:
        yield running


def positions(stack: Stack) -> dict[str, Decimal]:
    return {position["symbol"]: Decimal(position["qty"]) for position in stack.broker("/v2/positions")}


def all_orders(stack: Stack) -> list[dict[str, Any]]:
    return list(stack.broker("/v2/orders?status=all&limit=500"))


def check_truth(stack: Stack, done: RebalanceCompleted) -> None:
    """The report against the broker's own books."""
    assert done.cash_gap == 0, done
    assert done.cash_after == Decimal(stack.broker("/v2/account")["cash"])
    held = positions(stack)
    for holding in done.holdings:
        assert holding.qty == held.get(holding.symbol, Decimal(0))
        assert abs(holding.qty - holding.target_qty) <= max(Decimal(1), holding.target_qty / 100), holding
    told: Counter[str] = Counter()
    for fact in [*stack.told(OrderPartlyFilled, done.correlation_id), *stack.told(OrderFilled, done.correlation_id)]:
        told[fact.order_id] += fact.qty  # type: ignore[assignment]
    for order in done.orders:
        assert told[order.order_id] == order.filled_qty, "the facts add up to the result"
    open_orders = [order for order in all_orders(stack) if order["status"] in ("new", "partially_filled")]
    assert open_orders == []


def test_money_goes_in_and_out_again_with_every_fault_on_the_way(stack: Stack) -> None:
    done = stack.completed(stack.target(SPY="0.6", TLT="0.3"))
    assert done.outcome == "complete", done
    check_truth(stack, done)

    for fault in ("504_after_accept", "duplicated_fill_event", "reordered_events", "fill_wins_over_cancel"):
        stack.fault(fault)
    done = stack.completed(stack.target(QQQ="0.5", TLT="0.4"))
    assert done.outcome == "complete", done
    check_truth(stack, done)

    stack.fault("dropped_fill_event", 2)
    done = stack.completed(stack.target(BIL="0.2"))
    assert done.outcome == "complete", done
    check_truth(stack, done)

    stack.post("/rebalance")
    last = stack.eventually(lambda: (found := stack.told(RebalanceCompleted)) and len(found) == 4 and found[-1], 20)
    assert last.outcome == "nothing to do"
    duplicates = [name for name, count in Counter(o["client_order_id"] for o in all_orders(stack)).items() if count > 1]
    assert duplicates == []


def test_a_halt_by_http_ends_what_is_open_and_a_resume_trades_again(
    redis_url: str, namespace: str, tmp_path: Path
) -> None:
    with Stack(redis_url, namespace, tmp_path, **PATIENT) as stack:
        target = stack.target(SPY="0.5")
        stack.first(OrderPlaced, target)
        stack.post("/halt", {"reason": "a test wants it"})
        assert stack.completed(target).outcome == "halted"
        stack.eventually(lambda: stack.told(TradingHalted), 15)
        assert stack.broker("/v2/orders?status=open") == []
        stack.post("/resume", {"reason": "all is well"})
        stack.eventually(lambda: stack.told(TradingResumed), 10)
        done = stack.completed(stack.target(SPY="0.5"))
        assert done.outcome == "complete"
        check_truth(stack, done)


@pytest.mark.parametrize("how", [signal.SIGTERM, signal.SIGKILL])
def test_a_worker_that_ends_in_the_middle_is_replaced_and_nothing_is_doubled(
    redis_url: str, namespace: str, tmp_path: Path, how: signal.Signals
) -> None:
    with Stack(redis_url, namespace, tmp_path, **PATIENT) as stack:
        target = stack.target(SPY="0.5", QQQ="0.3")
        stack.first(OrderPlaced, target)
        code = stack.signal("worker-1", how)
        assert code == (0 if how is signal.SIGTERM else -signal.SIGKILL)
        assert stack.told(RebalanceCompleted, target.correlation_id) == []
        stack.start_worker("worker-2")
        done = stack.completed(target)
        assert done.outcome == "complete", done
        check_truth(stack, done)

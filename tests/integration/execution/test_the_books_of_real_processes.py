"""The account's books through real processes: killed in the middle, others on the account, fees at the end of the day."""

from __future__ import annotations

import signal
from collections import defaultdict
from decimal import Decimal
from pathlib import Path
from typing import Any

from shared.contracts.execution import OrderPlaced
from tests.integration.execution.processes import Stack


def brokers(stack: Stack) -> dict[str, Decimal]:
    return {position["symbol"]: Decimal(position["qty"]) for position in stack.broker("/v2/positions")}


def pnl(stack: Stack, by: str = "strategy") -> dict[str, Any]:
    answer = stack.http.get(f"{stack.execution}/pnl?by={by}").raise_for_status().json()
    assert isinstance(answer, dict)
    return answer


def check_books(stack: Stack) -> dict[str, Any]:
    """After a round: the strategies' positions sum to the broker's, cash is its cash, the rows sum to what was made."""
    report: dict[str, Any] = stack.post("/reconcile").json()
    assert [found for found in report["findings"] if found["what"] in ("difference", "books")] == [], report
    told, sums = pnl(stack), defaultdict[str, Decimal](Decimal)
    for position in told["positions"]:
        sums[position["symbol"]] += Decimal(position["qty"])
    assert dict(sums) == brokers(stack)
    cash = Decimal(stack.broker("/v2/account")["cash"])
    assert abs(Decimal(told["cash"]) - cash) < Decimal("0.01")
    made = Decimal(told["total"]["total"])
    assert Decimal(told["worth"]) == Decimal(told["put_in"]) + made
    return report


def test_books_that_several_strategies_share_survive_kills_and_others_on_the_account(
    redis_url: str, namespace: str, tmp_path: Path
) -> None:
    settings = {"EXECUTION_PATIENCE_SECONDS": "1", "EXECUTION_LEASE_SECONDS": "1", "SIM_FILLS": "realistic"}
    with Stack(redis_url, namespace, tmp_path, **settings) as stack:
        target = stack.shared_target(nuclear={"SPY": "0.3"}, tecl={"SPY": "0.1", "TLT": "0.2"})
        stack.first(OrderPlaced, target)
        stack.signal("execution", signal.SIGKILL)
        stack.start("execution", "services.execution")
        stack.wait_for(f"{stack.execution}/ready")
        stack.completed(target)
        assert check_books(stack)["is_clean"]
        owners = {(p["strategy"], p["symbol"]): Decimal(p["qty"]) for p in pnl(stack)["positions"]}
        assert abs(owners["nuclear", "SPY"] - 3 * owners["tecl", "SPY"]) < Decimal("1e-6")

        by_hand = {"symbol": "QQQ", "side": "buy", "type": "market", "time_in_force": "day", "qty": "3"}
        stack.http.post(f"{stack.simulator}/v2/orders", json=by_hand).raise_for_status()
        stack.eventually(lambda: brokers(stack).get("QQQ") == 3, 10)
        found = {finding["what"] for finding in check_books(stack)["findings"]}
        assert {"foreign trade", "foreign position"} <= found

        done = stack.completed(stack.shared_target(nuclear={"TLT": "0.2"}, tecl={"SPY": "0.1"}))
        assert done.outcome == "complete", done
        check_books(stack)
        assert brokers(stack)["QQQ"] == 3
        realised = {row["key"] for row in pnl(stack)["rows"] if Decimal(row["realised"])}
        assert "nuclear" in realised

        stack.http.post(f"{stack.simulator}/sim/clock", json={"advance_seconds": 12 * 3600}).raise_for_status()
        payments = [f for f in check_books(stack)["findings"] if f["what"] == "payment"]
        assert payments, "the fees of the day explain the broker's cash"
        assert Decimal(pnl(stack)["total"]["fees"]) < 0

"""`alchemiser plans`: what was planned, refused and traded."""

from __future__ import annotations

from typing import Annotated, Any

import typer
from rich.console import Group, RenderableType

from cli.endpoint import endpoint
from cli.tables import AsJson, bad, good, moment, money, price, shares, show, table


def plans(
    plan_id: Annotated[str | None, typer.Argument(metavar="[PLAN_ID]", help="One plan with its orders.")] = None,
    *,
    count: Annotated[int, typer.Option("--count", "-n", min=1, max=500, help="How many, newest first.")] = 20,
    as_json: AsJson = False,
) -> None:
    """The newest plans, or one of them with its trades, refusals and results."""
    execution = endpoint("execution")
    if plan_id is None:
        show(execution.get("/plans", limit=count), _plans_table, as_json=as_json)
    else:
        show(execution.get(f"/plans/{plan_id}"), plan_view, as_json=as_json)


def plan_view(answer: dict[str, Any]) -> RenderableType:
    """One plan as /plans/{id} tells it."""
    plan, results = answer["plan"], results_of(answer)
    parts = [_trades_table(plan), _refusals_table(refusals_of(answer)), _results_table(results)]
    head = f"plan {plan['plan_id']}: {plan['status']}{', dry run' if plan['dry_run'] else ''}"
    return Group(f"[bold]{head}[/]", f"equity {money(plan['equity'])}, cash {money(plan['cash'])}", *parts)


def results_of(answer: dict[str, Any]) -> list[dict[str, Any]]:
    """Every order's result, sells first."""
    return [result for leg in answer["legs"] for result in leg["results"]]


def refusals_of(answer: dict[str, Any]) -> list[dict[str, Any]]:
    """What the limits refused at planning, and what the cash that was really there no longer allowed."""
    return [*answer["plan"]["refusals"], *(refusal for leg in answer["legs"] for refusal in leg["refusals"])]


def _plans_table(rows: list[dict[str, Any]]) -> RenderableType:
    columns = ["plan", "made (UTC)", "status", "trades>", "refused>", "equity>", "correlation id"]
    return table("Plans", columns, [_plan_row(plan) for plan in rows])


def _plan_row(plan: dict[str, Any]) -> tuple[Any, ...]:
    status = plan["status"] + (", dry run" if plan["dry_run"] else "")
    counts = len(plan["trades"]), len(plan["refusals"])
    return plan["plan_id"], moment(plan["created_at"]), status, *counts, money(plan["equity"]), plan["correlation_id"]


def _trades_table(plan: dict[str, Any]) -> RenderableType:
    columns = ["side", "symbol", "shares>", "near>", "dollars>", "held>", "wanted>", "why"]
    rows = [
        (
            t["side"],
            t["symbol"],
            shares(t["qty"]),
            price(t["price"]),
            money(t["notional"]),
            shares(t["held_qty"]),
            shares(t["target_qty"]),
            t["reason"],
        )
        for t in plan["trades"]
    ]
    return table("Trades", columns, rows, empty="nothing to trade")


def _refusals_table(rows: list[dict[str, Any]]) -> RenderableType:
    return table("Refused", ["side", "symbol", "limit", "why"], [[r[c] for c in _REFUSAL] for r in rows])


_REFUSAL = ("side", "symbol", "limit", "detail")


def _results_table(rows: list[dict[str, Any]]) -> RenderableType:
    columns = ["side", "symbol", "outcome", "shares>", "filled>", "average>", "slippage bps>", "seconds>", "remark"]
    return table("Orders", columns, [_result_row(result) for result in rows])


def _result_row(result: dict[str, Any]) -> tuple[Any, ...]:
    outcome = good(result["outcome"]) if result["outcome"] == "filled" else bad(result["outcome"])
    slippage = None if result["slippage_bps"] is None else f"{float(result['slippage_bps']):.1f}"
    filled = shares(result["qty"]), shares(result["filled_qty"]), price(result["average_price"])
    return result["side"], result["symbol"], outcome, *filled, slippage, f"{result['seconds']:.1f}", result["detail"]

"""Waits for the plan that a request leads to, and says how it ended."""

from __future__ import annotations

import time
from typing import Annotated, Any

import typer

from cli.endpoint import Endpoint
from cli.exit_codes import CommandError, ExitCode, FailedError
from cli.plans import plan_view, refusals_of, results_of
from cli.tables import show

Wait = Annotated[bool, typer.Option("--wait", help="Come back when it is traded; exits 1 unless all of it was.")]
Within = Annotated[float, typer.Option("--within", min=1, max=86_400, help="With --wait: seconds to wait at most.")]
_PAUSE_SECONDS = 0.5
_NEWEST = 50


def follow(execution: Endpoint, correlation_id: str, seconds: float, *, as_json: bool) -> None:
    """Shows the completed plan. Raises FailedError when it is not complete in time or anything of it was not traded."""
    deadline = time.monotonic() + seconds
    while (plan := _completed(execution, correlation_id)) is None:
        if time.monotonic() > deadline:
            raise FailedError(
                f"no completed plan of {correlation_id} after {seconds:g} s (`alchemiser plans` shows what there is)"
            )
        time.sleep(_PAUSE_SECONDS)
    answer = execution.get(f"/plans/{plan['plan_id']}")
    show(answer, plan_view, as_json=as_json)
    if plan["dry_run"]:
        raise CommandError(ExitCode.REFUSED, "trading is disarmed: the plan was made, and nothing was placed")
    if missed := _missed(answer):
        raise FailedError("; ".join(missed))


def _missed(answer: dict[str, Any]) -> list[str]:
    """Whatever of the plan was not traded, and why: a trade that neither ended nor was refused was not placed."""
    results, refusals = results_of(answer), refusals_of(answer)
    missed = [f"{r['side']} {r['symbol']} {r['outcome']}" for r in results if r["outcome"] != "filled"]
    missed += [f"{r['side']} {r['symbol']} refused: {r['limit']}" for r in refusals]
    known = {(each["side"], each["symbol"]) for each in (*results, *refusals)}
    planned = [(trade["side"], trade["symbol"]) for trade in answer["plan"]["trades"]]
    return missed + [f"{side} {symbol} not placed" for side, symbol in planned if (side, symbol) not in known]


def _completed(execution: Endpoint, correlation_id: str) -> dict[str, Any] | None:
    plans: list[dict[str, Any]] = execution.get("/plans", limit=_NEWEST)
    found = (p for p in plans if p["correlation_id"] == correlation_id and p["status"] == "completed")
    return next(found, None)

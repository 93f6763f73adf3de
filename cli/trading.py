"""`alchemiser halt`, `resume`, `arm` and `disarm`: whether trading goes on. Each comes back only when it is in force."""

from __future__ import annotations

import time
from collections.abc import Callable
from enum import StrEnum
from typing import Annotated, Any

import typer
from rich.console import RenderableType

from cli.endpoint import Endpoint, endpoint
from cli.exit_codes import FailedError
from cli.tables import AsJson, bad, good, moment, show, table

Reason = Annotated[str, typer.Argument(metavar="REASON", help="Why; it stands in the log and in the mail.")]
_PAUSE_SECONDS = 0.2
Seconds = Annotated[float, typer.Option("--within", min=0.1, max=600, help="Seconds it may take to be in force.")]


class HaltState(StrEnum):
    HALTED = "HALTED"
    REDUCING = "REDUCING"


def halt(
    reason: Reason,
    *,
    state: Annotated[
        HaltState, typer.Option(help="HALTED: place nothing. REDUCING: sells only. Both cancel what is open.")
    ] = HaltState.HALTED,
    within: Seconds = 10,
    as_json: AsJson = False,
) -> None:
    """Stop trading and cancel open orders; it survives restarts until `resume`."""
    execution = endpoint("execution")
    execution.post("/halt", {"reason": reason, "state": state.value})
    show(_in_force(execution, within, lambda now: now["state"] == state.value), state_view, as_json=as_json)


def resume(reason: Reason, *, within: Seconds = 10, as_json: AsJson = False) -> None:
    """Let trading go on after a halt; a loss that stopped it is acknowledged by this, and counted anew."""
    execution = endpoint("execution")
    note = execution.post("/resume", {"reason": reason}).get("note", "")
    state = _in_force(execution, within, lambda now: now["state"] == "ACTIVE")
    show(state | {"note": note}, state_view, as_json=as_json)


def arm(
    account: Annotated[str, typer.Argument(metavar="ACCOUNT", help="The live account's number, typed again.")],
    *,
    hours: Annotated[int, typer.Option(min=1, max=168, help="After so many hours it is disarmed again.")],
    as_json: AsJson = False,
) -> None:
    """Let mode live place orders with real money, for so many hours."""
    execution = endpoint("execution")
    execution.post("/arm", {"account": account, "hours": hours})
    show(execution.get("/state"), state_view, as_json=as_json)


def disarm(*, as_json: AsJson = False) -> None:
    """Take that permission away at once."""
    execution = endpoint("execution")
    execution.post("/disarm")
    show(execution.get("/state"), state_view, as_json=as_json)


def state_view(state: dict[str, Any]) -> RenderableType:
    """How trading stands, as /state tells it."""
    rows: list[tuple[str, Any]] = [
        ("trading", good(state["state"]) if state["state"] == "ACTIVE" else bad(state["state"])),
        ("because", state["reason"]),
        ("stopped by", state.get("cause") if state["state"] != "ACTIVE" else None),
        ("since (UTC)", moment(state["since"])),
        ("mind", state.get("note")),
        ("mode", state["mode"]),
        ("account", state["account"]),
        ("armed", good("yes") if state["armed"] else bad(f"no: {state['disarmed_because']}")),
        ("armed until (UTC)", moment(state["armed_until"])),
        ("plan in progress", state["active_plan"]),
    ]
    return table("Trading", ["", ""], [row for row in rows if row[1]])


def _in_force(execution: Endpoint, seconds: float, holds: Callable[[dict[str, Any]], bool]) -> dict[str, Any]:
    """The state once it is as asked for. Raises FailedError when it is not in time: nobody may believe in a halt that is none."""
    deadline = time.monotonic() + seconds
    while True:
        state: dict[str, Any] = execution.get("/state")
        if holds(state):
            return state
        if time.monotonic() > deadline:
            raise FailedError(f"asked for, and not in force after {seconds:g} s: trading is {state['state']}")
        time.sleep(_PAUSE_SECONDS)

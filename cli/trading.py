"""`alchemiser halt` and `alchemiser resume`: stop trading and let it go on."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated, Any

import typer

from cli.endpoint import endpoint
from cli.tables import AsJson, show

Reason = Annotated[str, typer.Argument(metavar="REASON", help="Why; it stands in the log and in the mail.")]


class HaltState(StrEnum):
    HALTED = "HALTED"
    REDUCING = "REDUCING"


def halt(
    reason: Reason,
    *,
    state: Annotated[
        HaltState, typer.Option(help="HALTED: cancel what is open, place nothing. REDUCING: sells only.")
    ] = HaltState.HALTED,
    as_json: AsJson = False,
) -> None:
    """Stop trading and cancel open orders; it survives restarts until `resume`."""
    answer = endpoint("execution").post("/halt", {"reason": reason, "state": state.value})
    show(answer, lambda _: f"{state.value} asked for: {reason}", as_json=as_json)


def resume(reason: Reason, *, as_json: AsJson = False) -> None:
    """Let trading go on after a halt."""
    answer = endpoint("execution").post("/resume", {"reason": reason})
    show(answer, _resumed, as_json=as_json)


def _resumed(_: Any) -> str:
    return "resuming asked for"

"""`alchemiser tca`: what orders cost, against the decision and against a market order on arrival; docs/tca.md defines it all."""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any, Final

import typer
from pydantic import BaseModel, ValidationError

from cli.endpoint import endpoint
from cli.exit_codes import CommandError, ExitCode, FailedError
from cli.tables import AsJson, show
from cli.tca_groups import By
from cli.tca_table import costs_view
from shared.contracts.base import faults_in
from shared.contracts.execution import OrderCostsMeasured

_NEWEST: Final = 1_000
"""So many orders are looked at where no days are given; of given days, all that are kept."""
_MOST: Final = 10_000
_PATIENCE: Final = 60.0


class Answer(BaseModel):
    """What GET /tca says."""

    measured: tuple[OrderCostsMeasured, ...]
    waiting: tuple[OrderCostsMeasured, ...]


def tca(
    *,
    plan: Annotated[str | None, typer.Option(help="Only the orders of this plan.")] = None,
    since: Annotated[str | None, typer.Option("--from", metavar="DATE", help="From this New York day on.")] = None,
    until: Annotated[str | None, typer.Option("--to", metavar="DATE", help="Up to this day, itself included.")] = None,
    by: Annotated[By, typer.Option(help="What makes a line.")] = "order",
    count: Annotated[int, typer.Option("--count", "-n", min=1, help="How many lines; totals count everything.")] = 40,
    out: Annotated[
        Path | None, typer.Option("--out", metavar="FILE", help="Draw it: .svg, .html, or .png (needs Chromium).")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """What orders cost: shortfall, spreads, and what a market order on arrival would have cost instead."""
    limit = _NEWEST if since is None and until is None else _MOST
    answer = endpoint("execution", timeout_seconds=_PATIENCE).get(
        "/tca", plan_id=plan, limit=limit, **{"from": _day("--from", since), "to": _day("--to", until)}
    )
    found = _read(answer)
    orders = sorted((*found.waiting, *found.measured), key=lambda order: order.ended_at, reverse=True)
    if out is not None:
        if not orders:
            raise FailedError("there is no order to draw")
        _draw(orders, by, count, out)
    show(answer, lambda _answer: costs_view(orders, by, count, waiting=len(found.waiting)), as_json=as_json)


def _draw(orders: Sequence[OrderCostsMeasured], by: By, count: int, out: Path) -> None:
    from cli.drawing import save  # noqa: PLC0415 - only who draws needs it
    from cli.tca_picture import picture  # noqa: PLC0415

    save(picture(orders, "order" if by == "rung" else by, count), out)


def _read(answer: Any) -> Answer:
    try:
        return Answer.model_validate_json(json.dumps(answer))  # strict messages read numbers from JSON text only
    except ValidationError as error:
        raise FailedError(f"execution's answer cannot be read: {faults_in(error)[:300]}") from error


def _day(option: str, text: str | None) -> str | None:
    try:
        return None if text is None else dt.date.fromisoformat(text).isoformat()
    except ValueError as error:
        raise CommandError(ExitCode.USAGE, f"{option}: expected a date as 2024-06-03, got {text!r}") from error

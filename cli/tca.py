"""`alchemiser tca`: what orders cost, against the decision and against a market order on arrival; docs/tca.md defines it all."""

from __future__ import annotations

import datetime as dt
import json
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any, Final

import typer
from pydantic import BaseModel, ValidationError
from rich.console import Group as Together
from rich.console import RenderableType
from rich.text import Text

from cli.endpoint import endpoint
from cli.exit_codes import CommandError, ExitCode, FailedError
from cli.tables import AsJson, bad, counted, dollars, good, money, show, table
from cli.tca_groups import By, Group, RungGroup, Spread, group, grouped, rungs
from shared.contracts.base import faults_in
from shared.contracts.costs import Cost, Part
from shared.contracts.execution import OrderCostsMeasured

_ALL: Final = "total"


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
    answer = endpoint("execution").get(
        "/tca", plan_id=plan, **{"from": _day("--from", since), "to": _day("--to", until)}
    )
    found = _read(answer)
    orders = sorted((*found.waiting, *found.measured), key=lambda order: order.ended_at, reverse=True)
    if out is not None:
        if not orders:
            raise FailedError("there is no order to draw")
        _draw(orders, by, count, out)
    show(answer, lambda _answer: costs_view(orders, by, count, waiting=len(found.waiting)), as_json=as_json)


def costs_view(orders: Sequence[OrderCostsMeasured], by: By, count: int = 40, *, waiting: int = 0) -> RenderableType:
    """The table, the total below it, and what is missing in both."""
    if not orders:
        return Text("no order has been measured yet")
    whole = group(_ALL, orders)
    parts: list[RenderableType] = [_headline(whole)]
    if by == "rung":
        parts.append(table(None, _RUNG_COLUMNS, [_rung_row(one) for one in rungs(orders)]))
    else:
        groups = grouped(orders, by)
        rows = [_row(one) for one in groups[:count]]
        parts.append(table(None, [by, *_COLUMNS], [*rows, _row(whole)]))
        parts += [Text(f"{len(groups) - count} more; the total counts them", "dim")] if len(groups) > count else []
    return Together(*parts, *_remarks(orders, waiting))


def _headline(whole: Group) -> RenderableType:
    """In a sentence, what a person wants to know first."""
    said = [f"{name} {_both(whole, part)}" for part, name in _HEADLINES]
    return Text.assemble((f"{counted(len(whole.orders), 'order')}, {dollars(whole.wanted)}: ", "bold"), "; ".join(said))


_HEADLINES: Final[tuple[tuple[Part, str], ...]] = (
    ("shortfall", "shortfall"),
    ("market_on_arrival", "all at market on arrival"),
    ("saved", "saved against that"),
)
_COLUMNS = [
    "dollars>", "filled>", "delay>", "execution>", "missed>", "shortfall bps>", "$>", "at market>", "saved $>",
    "effective>", "realised>", "unknown>",
]  # fmt: skip
_RUNG_COLUMNS = ["rung", "fills>", "dollars>", "seconds>", "execution bps>", "$>", "effective>", "realised>"]


def _row(one: Group) -> tuple[Any, ...]:
    saved = one.cost("saved")
    return (
        one.label,
        money(one.wanted),
        "-" if not one.wanted else f"{one.filled / one.wanted * 100:.0f} %",
        *(_bps(one.cost(part)) for part in ("delay", "execution", "opportunity", "shortfall")),
        _dollars(one.cost("shortfall")),
        _bps(one.cost("market_on_arrival")),
        None if saved is None else (good if saved.dollars >= 0 else bad)(money(saved.dollars)),
        _spread(one.effective),
        _spread(one.realised),
        one.unknown or "",
    )


def _rung_row(one: RungGroup) -> tuple[Any, ...]:
    return (
        one.label,
        one.fills,
        money(one.dollars),
        None if one.seconds is None else f"{one.seconds:.1f}",
        _spread(one.execution),
        None if one.execution is None else money(one.execution.cost.dollars),
        _spread(one.effective),
        _spread(one.realised),
    )


def _remarks(orders: Sequence[OrderCostsMeasured], waiting: int) -> list[RenderableType]:
    """What is missing, and what that does to the figures above."""
    missing = Counter(reason.partition(":")[0] for order in orders for reason in order.costs.unknown)
    told = [f"{part}: not wholly known of {counted(number, 'order')}" for part, number in missing.items()]
    if any(order.costs.realised_qty < order.costs.filled_qty for order in orders):
        told.append("*: of the fills whose quotes are known")
    if waiting:
        told.append(f"{counted(waiting, 'order')} so far without the quote after the last fill: it is still to come")
    thin = sum(bool(order.costs.beyond_displayed) for order in orders)
    if thin:
        told.append(
            f"{counted(thin, 'order')} for more than was displayed: at market they would have cost more than is said"
        )
    return [Text(line, "dim") for line in told]


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


def _both(whole: Group, part: Part) -> str:
    cost, how_many = whole.cost(part), whole.of_how_many(part)
    if cost is None:
        return "not known"
    return f"{cost.bps:+.2f} bps ({dollars(cost.dollars)}{', ' + how_many if how_many else ''})"


def _bps(cost: Cost | None) -> str | None:
    return None if cost is None else f"{cost.bps:+.2f}"


def _dollars(cost: Cost | None) -> str | None:
    return None if cost is None else money(cost.dollars)


def _spread(found: Spread | None) -> str | None:
    """With a mark where it is not of all that was filled."""
    return None if found is None else f"{found.cost.bps:+.2f}{'' if found.share == 1 else '*'}"

"""`alchemiser pnl`: what was made, by strategy, day or symbol."""

from __future__ import annotations

import datetime as dt
from enum import StrEnum
from typing import Annotated, Any

import typer
from rich.console import Group, RenderableType

from cli.endpoint import endpoint
from cli.tables import AsJson, moment, money, price, shares, show, table

_DAY = ["%Y-%m-%d"]
From = Annotated[dt.datetime | None, typer.Option("--from", formats=_DAY, help="First New York date.")]
To = Annotated[dt.datetime | None, typer.Option("--to", formats=_DAY, help="Last New York date.")]


class By(StrEnum):
    STRATEGY = "strategy"
    DAY = "day"
    SYMBOL = "symbol"


def pnl(
    *,
    by: Annotated[By, typer.Option(help="What the rows are.")] = By.STRATEGY,
    first: From = None,
    last: To = None,
    as_json: AsJson = False,
) -> None:
    """Realised and unrealised profit, fees and income. Their sum is what the account made."""
    answer = endpoint("execution").get("/pnl", by=by.value, **dates(first, last))
    show(answer, pnl_view, as_json=as_json)


def dates(first: dt.datetime | None, last: dt.datetime | None) -> dict[str, str | None]:
    """The query of a span."""
    return {
        "from": None if first is None else first.date().isoformat(),
        "to": None if last is None else last.date().isoformat(),
    }


def pnl_view(answer: dict[str, Any]) -> RenderableType:
    columns = [answer["by"], "realised>", "unrealised>", "fees>", "income>", "other>", "total>"]
    rows = [_row(row) for row in (*answer["rows"], answer["total"])]
    held = [_held(position) for position in answer["positions"]]
    account = [(name.replace("_", " "), money(answer[name])) for name in ("put_in", "cash", "worth")]
    parts: list[RenderableType] = [
        table(f"Profit and loss since {moment(answer['since'])} UTC", columns, rows),
        "",
        table("Held", ["strategy", "symbol", "shares>", "cost>", "price>", "value>", "unrealised>"], held),
        "",
        table("Account", ["", "dollars>"], account),
    ]
    if answer["unpriced"]:
        parts.append(f"without a price: {', '.join(answer['unpriced'])}")
    return Group(*parts)


def _row(row: dict[str, Any]) -> tuple[Any, ...]:
    return row["key"], *(money(row[name]) for name in ("realised", "unrealised", "fees", "income", "other", "total"))


def _held(position: dict[str, Any]) -> tuple[Any, ...]:
    value, unrealised = money(position["value"]), money(position["unrealised"])
    cost, now = money(position["cost"]), price(position["price"])
    return position["strategy"], position["symbol"], shares(position["qty"]), cost, now, value, unrealised

"""`alchemiser positions`: what the account holds."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from rich.console import Group, RenderableType

from cli.endpoint import endpoint
from cli.tables import AsJson, money, price, shares, show, table


def positions(*, as_json: AsJson = False) -> None:
    """What the account holds, and its cash."""
    execution = endpoint("execution")
    show({"account": execution.get("/account"), "positions": execution.get("/positions")}, _view, as_json=as_json)


def _view(answer: dict[str, Any]) -> RenderableType:
    return Group(account_view(answer["account"]), "", positions_view(answer["positions"]))


def account_view(account: dict[str, Any]) -> RenderableType:
    rows = [(name.replace("_", " "), money(account[name])) for name in ("equity", "cash", "buying_power")]
    state = "blocked" if account["is_blocked"] else account["status"]
    return table(f"Account {account['account']}", ["", "dollars>"], [*rows, ("status", state)])


def positions_view(rows: list[dict[str, Any]]) -> RenderableType:
    columns = ["symbol", "shares>", "available>", "bought at>", "price>", "value>"]
    return table("Positions", columns, [_row(position) for position in rows])


def _row(position: dict[str, Any]) -> tuple[Any, ...]:
    quantities = shares(position["qty"]), shares(position["available_qty"])
    bought, now = position["average_price"], position["price"]
    value = None if now is None else Decimal(position["qty"]) * Decimal(now)
    return position["symbol"], *quantities, price(bought), price(now), money(value)

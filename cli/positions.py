"""`alchemiser positions`: what the account holds."""

from __future__ import annotations

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
    return table("Account", ["", ">"], [(name.replace("_", " "), _figure(value)) for name, value in account.items()])


def positions_view(rows: list[dict[str, Any]]) -> RenderableType:
    return table(
        "Positions",
        ["symbol", "shares>", "bought at>", "price>", "value>"],
        [
            (p["symbol"], shares(p["qty"]), price(p.get("average_price")), price(p.get("price")), money(_value(p)))
            for p in rows
        ],
    )


def _value(position: dict[str, Any]) -> float | None:
    return None if position.get("price") is None else float(position["qty"]) * float(position["price"])


def _figure(value: Any) -> Any:
    """Money as money, words as words."""
    return value if isinstance(value, bool) or money(value) == "-" else money(value)

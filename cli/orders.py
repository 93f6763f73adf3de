"""`alchemiser orders` and `alchemiser cancel`: what is open at the broker."""

from __future__ import annotations

from typing import Annotated, Any

import typer
from rich.console import RenderableType

from cli.endpoint import endpoint
from cli.tables import AsJson, moment, price, shares, show, table


def orders(*, as_json: AsJson = False) -> None:
    """Orders that are open at the broker, ours and others."""
    show(endpoint("execution").get("/orders"), _orders_table, as_json=as_json)


def cancel(
    symbols: Annotated[
        list[str] | None, typer.Argument(metavar="[SYMBOL]...", help="Of these; none means all.")
    ] = None,
    *,
    as_json: AsJson = False,
) -> None:
    """Cancel our open orders: of these symbols, or all of them."""
    wanted = [symbol.upper() for symbol in symbols or ()]
    answer = endpoint("execution").post("/orders/cancel", {"symbols": wanted})
    show(answer, lambda _: f"asked to cancel {', '.join(wanted) or 'everything of ours'}", as_json=as_json)


def _orders_table(rows: list[dict[str, Any]]) -> RenderableType:
    columns = [
        "submitted (UTC)",
        "side",
        "symbol",
        "shares>",
        "filled>",
        "limit>",
        "status",
        "placed by",
        "client order id",
    ]
    return table("Open orders", columns, [_row(order) for order in rows])


def _row(order: dict[str, Any]) -> tuple[Any, ...]:
    return (
        moment(order["submitted_at"]),
        order["side"],
        order["symbol"],
        shares(order["qty"]),
        shares(order["filled_qty"]),
        price(order["limit_price"]) if order["limit_price"] is not None else "market",
        order["status"],
        "us" if order["is_ours"] else "others",
        order["client_order_id"],
    )

"""`alchemiser limits`: how far each limit lets an order go, and how the account stands against it now."""

from __future__ import annotations

from typing import Any

from rich.console import RenderableType

from cli.endpoint import endpoint
from cli.tables import AsJson, show, table


def limits(*, as_json: AsJson = False) -> None:
    """Every limit with its bound and its present reading."""
    show(endpoint("execution").get("/limits"), _limits_table, as_json=as_json)


def _limits_table(rows: list[dict[str, Any]]) -> RenderableType:
    columns = ["limit", "bound", "now"]
    return table("Limits", columns, [(row["limit"], row["bound"], row["reading"]) for row in rows])

"""`alchemiser reconcile`: compare with the broker now; take its word, or hand over what is foreign."""

from __future__ import annotations

from typing import Annotated, Any

import typer
from rich.console import Group, RenderableType

from cli.endpoint import endpoint
from cli.exit_codes import FailedError
from cli.tables import AsJson, bad, good, moment, money, show, table

_ALL = "A symbol, or all; may be given more than once."


def reconcile(
    *,
    accept: Annotated[list[str] | None, typer.Option(metavar="SYMBOL", help=f"Take the broker's word. {_ALL}")] = None,
    split: Annotated[bool, typer.Option("--split", help="With --accept: it is a split.")] = False,
    adopt: Annotated[
        list[str] | None, typer.Option(metavar="SYMBOL", help=f"Foreign shares become the portfolio's. {_ALL}")
    ] = None,
    reason: Annotated[str | None, typer.Option(help="Why; needed with --accept and --adopt.")] = None,
    last: Annotated[bool, typer.Option("--last", help="Only show the last comparison.")] = False,
    as_json: AsJson = False,
) -> None:
    """Compare orders, fills, positions and cash with the broker's; book what is missing. 1 while something differs."""
    execution = endpoint("execution", timeout_seconds=40)
    body = {"accept": _names(accept), "adopt": _names(adopt), "as_split": split, "reason": reason}
    answer = execution.get("/reconciliation") if last else execution.post("/reconcile", body)
    show(answer, reconciliation_view, as_json=as_json)
    whats = {found["what"] for found in answer["findings"]}
    if (accept or adopt) and not last and "decision" not in whats:
        raise FailedError("nothing was decided: none of these differs, or is foreign")
    open_ones = [found["subject"] for found in answer["findings"] if found["what"] in ("difference", "books")]
    if open_ones:
        raise FailedError(f"the books and the broker differ: {', '.join(open_ones)}")


def reconciliation_view(answer: dict[str, Any]) -> RenderableType:
    """What differed and what was done, as /reconciliation tells it."""
    rows = [(f["what"], f["subject"], f["differed"], f["done"]) for f in answer["findings"]]
    cash = answer["cash"]
    facts = [
        ("at (UTC)", moment(answer["at"])),
        ("orders looked at", answer["orders"]),
        ("newly booked", answer["booked"]),
        ("cash by the books", None if cash is None else money(cash["ours"])),
        ("cash at the broker", None if cash is None else money(cash["brokers"])),
        ("all as expected", good("yes") if answer["is_clean"] else bad("no")),
    ]
    differences = table("What differed", ["what", "which", "differed", "done"], rows, empty="nothing")
    return Group(table("Reconciliation", ["", ""], [fact for fact in facts if fact[1] is not None]), "", differences)


def _names(given: list[str] | None) -> list[str]:
    return [name.lower() if name.lower() in ("all", "cash") else name.upper() for name in given or ()]

"""`alchemiser export`: every execution and every closed lot as a file, for taxes and for spreadsheets."""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any, Final

import typer

from cli.endpoint import Endpoint, endpoint
from cli.exit_codes import CommandError, ExitCode
from cli.pnl import From, To, dates
from cli.tables import AsJson, show

_PAGE: Final = 5000


class Kind(StrEnum):
    FILLS = "fills"
    LOTS = "lots"


class Of(StrEnum):
    ACCOUNT = "account"
    STRATEGIES = "strategies"


def export(
    *,
    out: Annotated[Path, typer.Option(metavar="FILE", help="Ends in .csv or .parquet.")],
    kind: Annotated[Kind, typer.Option(help="Executions, or lots that were closed.")] = Kind.FILLS,
    of: Annotated[
        Of, typer.Option(help="Whose lots: the account's, as taxes see them, or each strategy's.")
    ] = Of.ACCOUNT,
    first: From = None,
    last: To = None,
    as_json: AsJson = False,
) -> None:
    """Write the account's history to a file: exact numbers, one line for each strategy's part."""
    if out.suffix not in (".csv", ".parquet"):
        raise CommandError(ExitCode.USAGE, f"--out: expected a name that ends in .csv or .parquet, got {out}")
    query = dates(first, last) | ({"of": of.value} if kind is Kind.LOTS else {})
    from cli.history_files import write  # noqa: PLC0415 - so that other commands start fast

    rows = _all_pages(endpoint("execution", timeout_seconds=60), f"/books/{kind.value}", query)
    try:
        write(out, rows, kind.value)
    except OSError as error:
        raise CommandError(ExitCode.FAILED, f"{out}: {error.strerror or error}") from error
    answer = {"file": str(out), "kind": kind.value, "rows": len(rows)}
    show(answer, lambda a: f"{a['rows']} {a['kind']} in {a['file']}", as_json=as_json)


def _all_pages(execution: Endpoint, path: str, query: Mapping[str, str | None]) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = []
    while True:
        page = execution.get(path, offset=len(rows), limit=_PAGE, **query)
        rows += page
        if len(page) < _PAGE:
            return rows

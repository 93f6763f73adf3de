"""`alchemiser settings`: every variable that can be set."""

from __future__ import annotations

from dataclasses import asdict
from typing import Annotated, Any

import typer

from cli.settings_catalogue import Setting, as_markdown, catalogue
from cli.tables import AsJson, show, table


def settings(
    *,
    as_markdown_table: Annotated[bool, typer.Option("--markdown", help="Print the table of the README.")] = False,
    as_json: AsJson = False,
) -> None:
    """Every setting: its variable, who reads it, what is expected, its default."""
    found = catalogue()
    if as_markdown_table:
        typer.echo(as_markdown(found))
        return
    show([asdict(each) for each in found] if as_json else found, _settings_table, as_json=as_json)


def _settings_table(found: tuple[Setting, ...]) -> Any:
    columns = ["variable", "read by", "expected", "default", "meaning"]
    return table("Settings", columns, [(s.variable, s.read_by, s.expected, s.default, s.meaning) for s in found])

"""How answers are shown: tables for a person at a terminal, JSON for a machine."""

from __future__ import annotations

import datetime as dt
import json
import os
import sys
from collections.abc import Callable, Iterable, Sequence
from decimal import Decimal, InvalidOperation
from typing import Annotated, Any

import typer
from rich.console import Console, Group, RenderableType
from rich.markup import escape
from rich.table import Table

AsJson = Annotated[bool, typer.Option("--json", help="Print the answer as JSON.")]

# Where nobody looks at a terminal (a pipe, a log) lines must not be folded at 80 columns.
_PIPED_WIDTH = 160


def console() -> Console:
    width = None if sys.stdout.isatty() or "COLUMNS" in os.environ else _PIPED_WIDTH
    return Console(width=width, highlight=False, soft_wrap=False)


def show(answer: Any, as_table: Callable[[Any], RenderableType], *, as_json: bool) -> None:
    """Print `answer`, either way."""
    if as_json:
        sys.stdout.write(json.dumps(answer, indent=2, default=str) + "\n")
    else:
        console().print(as_table(answer))


def table(
    title: str | None, columns: Sequence[str], rows: Iterable[Sequence[Any]], *, empty: str = "none"
) -> RenderableType:
    """A table with numbers to the right (columns whose name ends in >); `empty` is said instead of a table of nothing."""
    lines = [[_cell(value) for value in row] for row in rows]
    if not lines:
        return escape(empty) if title is None else f"[bold]{escape(title)}[/]: {escape(empty)}"
    # The title stands apart: as a part of the table it would be folded to the table's width.
    drawn = Table(header_style="dim", box=None, pad_edge=False, show_header=any(name.strip(">") for name in columns))
    for name in columns:
        # Folded, never cut: half an id is of no use to anybody.
        drawn.add_column(name.removesuffix(">"), justify="right" if name.endswith(">") else "left", overflow="fold")
    for line in lines:
        drawn.add_row(*line)
    return drawn if title is None else Group(f"[bold]{escape(title)}[/]", drawn)


def money(value: Any) -> str:
    """Dollars and cents, with thousands apart; what is absent is a dash."""
    number = _decimal(value)
    return "-" if number is None else f"{number:,.2f}"


def dollars(value: Any) -> str:
    """money() with its sign and unit before it: -$1,234.50."""
    number = _decimal(value)
    return "-" if number is None else f"{'-' if number < 0 else ''}${abs(number):,.2f}"


def counted(number: int, what: str) -> str:
    """1 order, 2 orders."""
    return f"{number} {what}{'' if number == 1 else 's'}"


def price(value: Any) -> str:
    """A price to the cent, or as fine as it is when it is finer."""
    number = _decimal(value)
    return "-" if number is None else f"{number:,.{max(2, min(4, _places(number)))}f}"


def shares(value: Any) -> str:
    """A quantity without trailing zeros."""
    number = _decimal(value)
    return "-" if number is None else f"{number.normalize():,f}"


def percent(value: Any) -> str:
    """A weight as a percentage."""
    number = _decimal(value)
    return "-" if number is None else f"{number * 100:.2f} %"


def moment(value: Any) -> str | None:
    """An ISO instant to the second, in UTC."""
    if value is None:
        return None
    return dt.datetime.fromisoformat(str(value)).astimezone(dt.UTC).strftime("%Y-%m-%d %H:%M:%S")


def _cell(value: Any) -> str:
    return "-" if value is None else escape(str(value)) if not isinstance(value, Marked) else value.text


class Marked:
    """Text that may carry rich's markup; everything else is escaped."""

    def __init__(self, text: str) -> None:
        self.text = text


def good(text: str) -> Marked:
    return Marked(f"[green]{escape(text)}[/]")


def bad(text: str) -> Marked:
    return Marked(f"[red]{escape(text)}[/]")


def _decimal(value: Any) -> Decimal | None:
    if value is None:
        return None
    try:
        return Decimal(str(value))
    except InvalidOperation:
        return None


def _places(number: Decimal) -> int:
    exponent = number.normalize().as_tuple().exponent
    return -exponent if isinstance(exponent, int) else 0

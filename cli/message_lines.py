"""Messages of a stream as a person reads them: a headline each, and under it what is in them; `--json` tells everything."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from rich.console import Group, RenderableType
from rich.padding import Padding
from rich.text import Text

from cli.tables import moment


def message_lines(stream: str, rows: Sequence[Mapping[str, Any]]) -> RenderableType:
    """`rows` as StreamView.newest gives them."""
    title = Text(stream, style="bold")
    return Group(title, *(part for row in rows for part in _message(row))) if rows else Text(f"{stream}: no message")


def _message(row: Mapping[str, Any]) -> Iterator[RenderableType]:
    kind, when = (row["kind"] or "no kind", "cyan"), (str(moment(row["at"])), "dim")
    yield Text.assemble(when, "  ", kind, "  ", (_correlation(row), "dim"))
    content = row["content"]
    lines = [content] if isinstance(content, str) else list(_lines(content))
    yield Padding(Text("\n".join(lines)), (0, 0, 0, 4))


def _correlation(row: Mapping[str, Any]) -> str:
    return str(row["correlation_id"] or "no correlation id")


def _lines(content: Mapping[str, Any]) -> Iterator[str]:
    """What is one value on one line together; a list of things gets a line each."""
    if plain := [f"{name} {value}" for name, value in content.items() if not _is_list_of_things(value)]:
        yield ", ".join(_brief(plain))
    for name, value in content.items():
        if _is_list_of_things(value):
            yield from (f"{name}: {_thing(each)}" for each in value)


def _brief(told: Iterable[str]) -> Iterator[str]:
    """Without what says nothing."""
    return (text for text in told if not text.endswith((" ", " None", " []", " {}")))


def _is_list_of_things(value: Any) -> bool:
    return isinstance(value, list) and bool(value) and all(isinstance(each, dict) for each in value)


def _thing(thing: Mapping[str, Any]) -> str:
    return ", ".join(_brief(f"{name} {value}" for name, value in thing.items()))

"""What a letter says, before anything decides how it looks: a headline, facts, tables, reasons.

`plain_text.py` sets it for a terminal, adapters/html_mail.py for a phone; both show the same words.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal, TypeAlias, cast

Tone = Literal["good", "warning", "bad", "neutral"]


@dataclass(frozen=True, slots=True)
class Fact:
    label: str
    value: str
    tone: Tone = "neutral"


@dataclass(frozen=True, slots=True)
class Row:
    """One line of a table; `note` is a sentence below it."""

    cells: tuple[str, ...]
    note: str = ""
    tone: Tone = "neutral"


@dataclass(frozen=True, slots=True)
class Table:
    """The first column is text and stands left, the others are figures and stand right."""

    title: str
    columns: tuple[str, ...]
    rows: tuple[Row, ...]


@dataclass(frozen=True, slots=True)
class Reason:
    """One step of a decision; `answer` is yes, no or nothing where nothing was asked."""

    text: str
    answer: Literal["yes", "no", ""] = ""
    numbers: str = ""
    depth: int = 0


@dataclass(frozen=True, slots=True)
class Explanation:
    title: str
    conclusion: str
    reasons: tuple[Reason, ...]
    note: str = ""
    tone: Tone = "neutral"


@dataclass(frozen=True, slots=True)
class Paragraph:
    title: str
    text: str


Section: TypeAlias = Table | Explanation | Paragraph


@dataclass(frozen=True, slots=True)
class Brief:
    subject: str
    headline: str
    tone: Tone
    lead: str
    facts: tuple[Fact, ...] = ()
    sections: tuple[Section, ...] = ()
    footer: str = ""

    def rewritten(self, rewrite: Callable[[str], str]) -> Brief:
        """The same brief with every piece of text passed through `rewrite`."""
        return cast("Brief", _rewritten(self, rewrite))


def _rewritten(part: Any, rewrite: Callable[[str], str]) -> Any:
    if isinstance(part, str):
        return rewrite(part)
    if isinstance(part, tuple):
        return tuple(_rewritten(item, rewrite) for item in part)
    if dataclasses.is_dataclass(part) and not isinstance(part, type):
        changed = {f.name: _rewritten(getattr(part, f.name), rewrite) for f in dataclasses.fields(part)}
        return dataclasses.replace(part, **changed)
    return part

"""A brief set for a terminal: at most 78 columns, tables aligned, ASCII wherever the brief is."""

from __future__ import annotations

import textwrap
from collections.abc import Iterator, Sequence

from services.notifier.domain.brief import Brief, Explanation, Paragraph, Reason, Section, Table

WIDTH = 78
_GAP = "  "


def plain_text(brief: Brief) -> str:
    blocks = ["\n".join(_head(brief))]
    blocks += ["\n".join(_section(section)) for section in brief.sections]
    if brief.footer:
        blocks.append("\n".join(("-" * WIDTH, *_wrapped(brief.footer))))
    return "\n\n".join(blocks) + "\n"


def _head(brief: Brief) -> Iterator[str]:
    yield from _wrapped(brief.headline)
    yield "=" * min(WIDTH, len(brief.headline))
    if brief.lead:
        yield from _wrapped(brief.lead)
    if brief.facts:
        yield ""
    width = max((len(fact.label) for fact in brief.facts), default=0)
    for fact in brief.facts:
        yield from _wrapped(fact.value, first=f"{fact.label:<{width}}{_GAP}", rest=" " * (width + len(_GAP)))


def _section(section: Section) -> Iterator[str]:
    yield from _wrapped(section.title)
    yield "-" * min(WIDTH, len(section.title))
    match section:
        case Table():
            yield from _table(section)
        case Explanation():
            yield from _explanation(section)
        case Paragraph():
            for line in section.text.splitlines() or [""]:
                yield from _wrapped(line)


def _table(table: Table) -> Iterator[str]:
    lines = [table.columns, *(row.cells for row in table.rows)]
    widths = _widths(lines)
    yield _aligned(table.columns, widths)
    for row in table.rows:
        yield _aligned(row.cells, widths)
        if row.note:
            yield from _wrapped(row.note, first="    ", rest="    ")


def _widths(lines: Sequence[Sequence[str]]) -> list[int]:
    """Each column as wide as its widest cell; where that is too much, the first column gives way."""
    widths = [max(len(line[i]) for line in lines) for i in range(len(lines[0]))]
    excess = sum(widths) + len(_GAP) * (len(widths) - 1) - WIDTH
    return [max(8, widths[0] - max(0, excess)), *widths[1:]]


def _aligned(cells: Sequence[str], widths: Sequence[int]) -> str:
    first = textwrap.shorten(cells[0], widths[0], placeholder="..") if len(cells[0]) > widths[0] else cells[0]
    rest = (f"{cell:>{width}}" for cell, width in zip(cells[1:], widths[1:], strict=True))
    return _GAP.join((f"{first:<{widths[0]}}", *rest)).rstrip()[:WIDTH]


def _explanation(explanation: Explanation) -> Iterator[str]:
    yield from _wrapped(explanation.conclusion)
    if explanation.note:
        yield from _wrapped(explanation.note)
    for reason in explanation.reasons:
        yield from _reason(reason)


def _reason(reason: Reason) -> Iterator[str]:
    indent = "  " * min(reason.depth, 12)
    mark = f"{reason.answer or '-':<3} "
    numbers = f"  [{reason.numbers}]" if reason.numbers else ""
    yield from _wrapped(reason.text + numbers, first=indent + mark, rest=indent + " " * len(mark))


def _wrapped(text: str, *, first: str = "", rest: str = "") -> list[str]:
    flat = " ".join(text.split())
    return textwrap.wrap(flat, WIDTH, initial_indent=first, subsequent_indent=rest) or [first.rstrip()]


def short_text(brief: Brief) -> str:
    """For chat: the lead and the facts, without tables."""
    facts = "\n".join(f"{fact.label}: {fact.value}" for fact in brief.facts)
    return "\n".join(part for part in (brief.lead, facts) if part)

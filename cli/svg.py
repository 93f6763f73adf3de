"""Pieces of an SVG that needs nothing from elsewhere: text, bars, and an axis of round numbers."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from html import escape
from typing import Final, Literal

INK: Final = "#1f2937"
GREY: Final = "#6b7280"
GRID: Final = "#e5e7eb"
_FONT: Final = "font-family=\"system-ui,-apple-system,'Segoe UI',Roboto,Helvetica,Arial,sans-serif\""


def document(width: int, height: float, parts: Iterable[str]) -> str:
    body, tall = "\n".join(parts), math.ceil(height)
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="{tall}" viewBox="0 0 {width} {tall}" '
        f'{_FONT} font-size="13">\n<rect width="100%" height="100%" fill="#fff"/>\n{body}\n</svg>\n'
    )


def text(
    x: float,
    y: float,
    says: str,
    *,
    size: int = 13,
    colour: str = INK,
    anchor: Literal["start", "middle", "end"] = "start",
    bold: bool = False,
) -> str:
    weight = ' font-weight="600"' if bold else ""
    return (
        f'<text x="{x:.1f}" y="{y:.1f}" font-size="{size}" fill="{colour}" text-anchor="{anchor}"{weight}>'
        f"{escape(says)}</text>"
    )


def bar(x0: float, x1: float, y: float, height: float, colour: str, *, title: str = "") -> str:
    """From one x to another, whichever is further left; never thinner than can be seen."""
    left, width = min(x0, x1), max(1.5, abs(x1 - x0))
    told = f"<title>{escape(title)}</title>" if title else ""
    return (
        f'<rect x="{left:.1f}" y="{y:.1f}" width="{width:.1f}" height="{height}" rx="2" fill="{colour}">{told}</rect>'
    )


@dataclass(frozen=True, slots=True)
class Axis:
    """Numbers to pixels; `low` and `high` are the range to show, and zero is always in it."""

    low: float
    high: float
    start: float
    end: float

    @classmethod
    def over(cls, values: Iterable[float], start: float, end: float) -> Axis:
        """A range that holds all of them and zero, with a little room."""
        seen = [0.0, *values]
        low, high = min(seen), max(seen)
        room = (high - low) * 0.06 or 1.0
        return cls(low - room if low < 0 else 0.0, high + room if high > 0 or low == 0 else 0.0, start, end)

    def at(self, value: float) -> float:
        return self.start + (value - self.low) / (self.high - self.low) * (self.end - self.start)

    def ticks(self, most: int = 7) -> list[float]:
        step = _round_step((self.high - self.low) / most)
        first, last = math.ceil(self.low / step), math.floor(self.high / step)
        return [round(step * number, 9) for number in range(first, last + 1)]


def across(axis: Axis, top: float, bottom: float) -> Iterator[str]:
    """Vertical lines of the grid with their numbers below."""
    for tick in axis.ticks():
        x, colour = axis.at(tick), GREY if tick == 0 else GRID
        yield f'<path d="M{x:.1f} {top:.1f}V{bottom:.1f}" stroke="{colour}"/>'
        yield text(x, bottom + 15, f"{tick:g}", size=11, colour=GREY, anchor="middle")


def _round_step(least: float) -> float:
    """1, 2 or 5 times a power of ten, not below `least`."""
    power = 10.0 ** math.floor(math.log10(least))
    return next(step * power for step in (1, 2, 5, 10) if step * power >= least * (1 - 1e-9))

"""How time grows with a size, a panel per size, on logarithmic axes, as an SVG that needs nothing else."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from html import escape
from typing import Final

_WIDTH, _HEIGHT, _PANEL, _LEFT, _TOP, _BOTTOM = 980, 330, 320, 52, 70, 282
_INSIDE: Final = _PANEL - _LEFT - 16
_BLUE, _GREY, _RULE = "#2457c5", "#666", "#e3e6eb"


@dataclass(frozen=True, slots=True)
class Panel:
    """`points`: (size, seconds), from the smallest size up."""

    title: str
    axis: str
    points: Sequence[tuple[int, float]]

    @property
    def power(self) -> float:
        """The slope of the line through the points: time grows as size to this power."""
        x = [math.log(size) for size, _ in self.points]
        y = [math.log(seconds) for _, seconds in self.points]
        mean_x, mean_y = sum(x) / len(x), sum(y) / len(y)
        above = sum((a - mean_x) * (b - mean_y) for a, b in zip(x, y, strict=True))
        return above / sum((a - mean_x) ** 2 for a in x)


def svg(title: str, panels: Sequence[Panel]) -> str:
    """All panels have one axis of seconds, so that they can be compared."""
    seconds = [s for panel in panels for _, s in panel.points]
    low, high = 10 ** math.floor(math.log10(min(seconds))), 10 ** math.ceil(math.log10(max(seconds)))
    body = "\n".join(part for place, panel in enumerate(panels) for part in _panel(panel, place * _PANEL, low, high))
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{_WIDTH}" height="{_HEIGHT}" viewBox="0 0 {_WIDTH} {_HEIGHT}" '
        f'font-family="system-ui, sans-serif" font-size="12">\n<rect width="100%" height="100%" fill="#fff"/>\n'
        f"{_text(16, 26, title, size=16)}\n{body}\n</svg>\n"
    )


def _panel(panel: Panel, left: int, low: float, high: float) -> Iterator[str]:
    first, last = panel.points[0][0], panel.points[-1][0]

    def x(size: float) -> float:
        return left + _LEFT + math.log(size / first) / math.log(last / first) * _INSIDE

    def y(seconds: float) -> float:
        return _BOTTOM - math.log(seconds / low) / math.log(high / low) * (_BOTTOM - _TOP)

    yield _text(left + 16, 52, f"{panel.title}: as size to the power {panel.power:.2f}", weight="600", size=13)
    yield from _across(left, low, high, y)
    for size, _ in panel.points:
        yield _text(x(size), _BOTTOM + 17, f"{size:,}", anchor="middle", colour=_GREY)
    yield _text(left + _LEFT + _INSIDE / 2, _BOTTOM + 36, panel.axis, anchor="middle", colour=_GREY)
    yield f'<polyline fill="none" stroke="{_BLUE}" stroke-width="1.8" points="{_points(panel, x, y)}"/>'
    for size, seconds in panel.points:
        told = f"{seconds:.2g} s"
        yield f'<circle cx="{x(size):.1f}" cy="{y(seconds):.1f}" r="4" fill="{_BLUE}"><title>{size:,}: {told}</title></circle>'
        anchor = {first: "start", last: "end"}.get(size, "middle")
        yield _text(x(size), y(seconds) - 9, told, anchor=anchor)


def _across(left: int, low: float, high: float, y: Callable[[float], float]) -> Iterable[str]:
    at = low
    while at <= high * 1.001:
        yield f'<path d="M{left + _LEFT} {y(at):.1f}H{left + _LEFT + _INSIDE}" stroke="{_RULE}"/>'
        yield _text(left + _LEFT - 7, y(at) + 4, f"{at:g} s", anchor="end", colour=_GREY)
        at *= 10


def _points(panel: Panel, x: Callable[[float], float], y: Callable[[float], float]) -> str:
    return " ".join(f"{x(size):.1f},{y(seconds):.1f}" for size, seconds in panel.points)


def _text(
    x: float,
    y: float,
    text: str,
    *,
    anchor: str = "start",
    size: int = 12,
    weight: str = "400",
    colour: str = "#1c2330",
) -> str:
    return (
        f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}" font-size="{size}" font-weight="{weight}" fill="{colour}">'
        f"{escape(text)}</text>"
    )

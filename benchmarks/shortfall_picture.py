"""The shortfall of each policy with its interval, a panel per regime, as an SVG that needs nothing else."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from html import escape

from benchmarks.shortfall_report import DEFAULT, Line

_WIDTH, _LEFT, _RIGHT, _ROW, _HEAD, _GAP = 980, 170, 30, 24, 34, 44
_COLOURS = {"undecided are no fills": "#1f4e79", "undecided are fills": "#e07b39"}


def svg(found: Sequence[Line]) -> str:
    regimes: dict[str, list[Line]] = {}
    for line in found:
        regimes.setdefault(line.regime, []).append(line)
    parts, top = [*_legend()], 74
    for regime, of_regime in regimes.items():
        panel, height = _panel(regime, of_regime, top)
        parts += panel
        top += height + _GAP
    body = "\n".join(parts)
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{_WIDTH}" height="{top}" viewBox="0 0 {_WIDTH} {top}" '
        f'font-family="system-ui, sans-serif" font-size="13">\n<rect width="100%" height="100%" fill="#fff"/>\n{body}\n</svg>\n'
    )


def _legend() -> Iterable[str]:
    yield _text(16, 26, "Shortfall against the midpoint at arrival, bps (lower is better), 95 % intervals", size=16)
    at = 16
    for counting, colour in _COLOURS.items():
        yield f'<circle cx="{at + 5}" cy="46" r="5" fill="{colour}"/>'
        yield _text(at + 16, 50, counting)
        at += 190


def _panel(regime: str, of_regime: Sequence[Line], top: int) -> tuple[list[str], int]:
    policies = list(dict.fromkeys(line.policy for line in of_regime))
    low = min(0.0, *(line.bps.low for line in of_regime))
    high = max(line.bps.high for line in of_regime)
    height = _HEAD + _ROW * len(policies)

    def x(bps: float) -> float:
        return _LEFT + (bps - low) / (high - low) * (_WIDTH - _LEFT - _RIGHT)

    parts = [_text(16, top + 14, regime, weight="600")]
    for at in _ticks(low, high):
        colour = "#777" if at == 0 else "#e3e3e3"
        parts.append(f'<path d="M{x(at):.1f} {top + 22}V{top + height}" stroke="{colour}"/>')
        parts.append(_text(x(at), top + height + 15, f"{at:g}", anchor="middle", colour="#666"))
    for line in of_regime:
        y = top + _HEAD + _ROW * policies.index(line.policy) + (4 if line.counting == "undecided are no fills" else 12)
        parts += _mark(line, x(line.bps.low), x(line.bps.mean), x(line.bps.high), y)
    for row, policy in enumerate(policies):
        weight = "600" if policy == DEFAULT else "400"
        parts.append(_text(_LEFT - 12, top + _HEAD + _ROW * row + 13, policy, anchor="end", weight=weight))
    return parts, height


def _mark(line: Line, low: float, mean: float, high: float, y: int) -> Iterable[str]:
    colour = _COLOURS[line.counting]
    yield f'<path d="M{low:.1f} {y}H{high:.1f}" stroke="{colour}" stroke-width="2"/>'
    title = escape(f"{line.policy}, {line.counting}: {line.bps} bps")
    yield f'<circle cx="{mean:.1f}" cy="{y}" r="4" fill="{colour}"><title>{title}</title></circle>'


def _ticks(low: float, high: float) -> list[float]:
    step = next((one for one in (0.05, 0.1, 0.2, 0.5, 1.0) if (high - low) / one <= 10), 2.0)
    first = -int(-low // step)
    return [round(step * n, 6) for n in range(first, int(high // step) + 1)]


def _text(
    x: float, y: float, text: str, *, anchor: str = "start", size: int = 13, weight: str = "400", colour: str = "#222"
) -> str:
    return (
        f'<text x="{x:.1f}" y="{y}" text-anchor="{anchor}" font-size="{size}" font-weight="{weight}" fill="{colour}">'
        f"{escape(text)}</text>"
    )

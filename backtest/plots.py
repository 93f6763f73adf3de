"""The geometry of plots over sessions: scales, ticks and SVG paths. What they show and in which colours others decide."""

from __future__ import annotations

import datetime as dt
import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np

from services.strategy.domain.indicators import FloatArray

WIDTH: Final = 1000
LEFT: Final = 64
RIGHT: Final = 12
TOP: Final = 10
BOTTOM: Final = 24
_MOST_POINTS: Final = 1200
_TICKS: Final = 5
_MOST_YEARS: Final = 16
_FEWEST_SESSIONS_FOR_YEARS: Final = 300


@dataclass(frozen=True, slots=True)
class Tick:
    """A line of the grid: where it is and what it says."""

    at: float
    text: str


@dataclass(frozen=True, slots=True)
class Line:
    name: str
    colour: str
    path: str
    fill: bool = False
    faint: bool = False


@dataclass(frozen=True, slots=True)
class Chart:
    """`name` is the key of the hover data; coordinates are of a viewBox WIDTH wide."""

    name: str
    height: int
    lines: tuple[Line, ...]
    across: tuple[Tick, ...]
    up: tuple[Tick, ...]
    zero: float | None = None

    @property
    def right(self) -> int:
        return WIDTH - RIGHT

    @property
    def bottom(self) -> int:
        return self.height - BOTTOM


@dataclass(frozen=True, slots=True)
class Scale:
    """From values to pixels upwards; logarithmic where growth is what counts."""

    low: float
    high: float
    height: int
    is_log: bool = False

    def at(self, values: FloatArray) -> FloatArray:
        low, high = (math.log(self.low), math.log(self.high)) if self.is_log else (self.low, self.high)
        here = np.log(values) if self.is_log else values
        share: FloatArray = (here - low) / (high - low if high > low else 1.0)
        pixels: FloatArray = self.height - BOTTOM - share * (self.height - BOTTOM - TOP)
        return pixels

    def ticks(self, say: Callable[[float], str]) -> tuple[Tick, ...]:
        steps = _log_steps(self.low, self.high) if self.is_log else _steps(self.low, self.high)
        return tuple(Tick(round(float(self.at(np.array([step]))[0]), 1), say(step)) for step in steps)


def line_chart(
    name: str,
    sessions: Sequence[dt.date],
    lines: Sequence[tuple[str, str, FloatArray]],
    say: Callable[[float], str],
    *,
    height: int = 260,
    is_log: bool = False,
    filled: bool = False,
) -> Chart:
    """`lines`: (name, colour, values), the first in front and the others faint; NaN is a gap at the beginning."""
    known = np.concatenate([values[np.isfinite(values)] for _, _, values in lines])
    low, high = (float(known.min()), float(known.max())) if known.size else (0.0, 1.0)
    scale = Scale(low, high if high > low else low + abs(low) * 0.01 + 1e-9, height, is_log)
    drawn = [
        Line(text, colour, _path(values, scale, closed=filled and number == 0), filled and number == 0, number > 0)
        for number, (text, colour, values) in enumerate(lines)
    ]
    crosses = not is_log and low < 0 < high
    zero = round(float(scale.at(np.zeros(1))[0]), 1) if crosses else None
    return Chart(name, height, tuple(reversed(drawn)), _date_ticks(sessions), scale.ticks(say), zero)


def stacked_chart(
    name: str, sessions: Sequence[dt.date], layers: Sequence[tuple[str, str, FloatArray]], *, height: int = 260
) -> Chart:
    """Shares that add up, from the bottom; each point is the mean of its few sessions."""
    scale = Scale(0.0, 1.0, height)
    base = np.zeros(len(_binned(layers[0][2])))
    lines = []
    for text, colour, shares in layers:
        top = np.minimum(base + _binned(shares), 1.0)
        lines.append(Line(text, colour, _band(base, top, scale), fill=True))
        base = top
    return Chart(name, height, tuple(lines), _date_ticks(sessions), scale.ticks(lambda v: f"{v * 100:.0f} %"))


def across(count: int) -> FloatArray:
    """The pixels of `count` equal steps."""
    return LEFT + np.linspace(0.0, 1.0, max(count, 2))[:count] * (WIDTH - LEFT - RIGHT)


def _path(values: FloatArray, scale: Scale, *, closed: bool) -> str:
    x, y, there = across(len(values)), scale.at(values), np.isfinite(values)
    keep = np.flatnonzero(there)
    if not keep.size:
        return ""
    keep = _thinned(values, keep)
    drawn = "M" + "L".join(f"{a:.1f},{b:.1f}" for a, b in zip(x[keep].tolist(), y[keep].tolist(), strict=True))
    if not closed:
        return drawn
    floor = float(scale.at(np.zeros(1))[0])
    return f"{drawn}L{x[keep[-1]]:.1f},{floor:.1f}L{x[keep[0]]:.1f},{floor:.1f}Z"


def _thinned(
    values: FloatArray, keep: np.ndarray[tuple[int], np.dtype[np.intp]]
) -> np.ndarray[tuple[int], np.dtype[np.intp]]:
    """Each stretch of sessions by its lowest and its highest, so that no peak is lost."""
    if keep.size <= _MOST_POINTS:
        return keep
    chosen = {int(keep[0]), int(keep[-1])}
    for stretch in np.array_split(keep, _MOST_POINTS // 2):
        chosen |= {int(stretch[np.argmin(values[stretch])]), int(stretch[np.argmax(values[stretch])])}
    return np.array(sorted(chosen), dtype=np.intp)


def _binned(shares: FloatArray, bins: int = 260) -> FloatArray:
    if shares.size <= bins:
        return shares
    return np.array([float(part.mean()) for part in np.array_split(shares, bins)])


def _band(base: FloatArray, top: FloatArray, scale: Scale) -> str:
    """Steps, because weights stand still between evenings."""
    x = np.repeat(across(base.size + 1), 2)[1:-1].tolist()
    up = np.repeat(scale.at(top), 2).tolist()
    down = np.repeat(scale.at(base), 2).tolist()
    upper = [f"{a:.1f},{b:.1f}" for a, b in zip(x, up, strict=True)]
    lower = [f"{a:.1f},{b:.1f}" for a, b in zip(reversed(x), reversed(down), strict=True)]
    return "M" + "L".join(upper + lower) + "Z"


def _date_ticks(sessions: Sequence[dt.date]) -> tuple[Tick, ...]:
    """Years, or months where the period is short."""
    x = across(len(sessions)).tolist()
    by_year = len(sessions) > _FEWEST_SESSIONS_FOR_YEARS
    firsts = [
        row
        for row in range(1, len(sessions))
        if (sessions[row].year, by_year or sessions[row].month)
        != (sessions[row - 1].year, by_year or sessions[row - 1].month)
    ]
    every = max(1, math.ceil(len(firsts) / _MOST_YEARS))
    return tuple(
        Tick(round(x[row], 1), f"{sessions[row]:%Y}" if by_year else f"{sessions[row]:%b %y}")
        for row in firsts[::every]
    )


def _steps(low: float, high: float) -> list[float]:
    """About five round values."""
    raw = (high - low) / _TICKS or 1.0
    power = 10.0 ** math.floor(math.log10(raw))
    step = next(power * unit for unit in (1, 2, 2.5, 5, 10) if power * unit >= raw)
    first = math.ceil(low / step - 1e-9)
    return [round(n * step, 12) for n in range(first, math.floor(high / step + 1e-9) + 1)]


def _log_steps(low: float, high: float) -> list[float]:
    units = (1, 2, 5) if high / low < 1000 else (1,)  # noqa: PLR2004 - three decades hold nine lines
    powers = range(math.floor(math.log10(low)), math.ceil(math.log10(high)) + 1)
    steps = [unit * 10.0**power for power in powers for unit in units]
    inside = [step for step in steps if low <= step <= high]
    return inside if len(inside) > 1 else _steps(low, high)

"""What every indicator is: a named column function over closes that never looks ahead and never bridges a gap.

The rule for gaps: an indicator sees the unbroken run of closes that ends on the day; until that run holds enough
closes it is undefined (NaN). A leading gap is "not listed yet"; an interior gap starts the warm-up anew.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import ArrayLike, NDArray

FloatArray = NDArray[np.float64]

DEFAULT_WINDOWS: Final[Mapping[str, int]] = {"std-dev": 2}
"""A window that may be left out."""


@dataclass(frozen=True, slots=True, eq=False)
class Indicator:
    """Each exists once and is told from others by identity, which makes it a quick key.

    Call it with closes of shape (days,) or (days, symbols), NaN where there is none; the answer has the same shape.

    All its names stand here and nowhere else: `word` in Python and on the command line, `name` in `.clj` files,
    `composer_name` in JSON where that differs, `short_name` for people ("RSI" in RSI10(SPY)).
    """

    word: str
    name: str
    short_name: str
    windows: tuple[str, ...]
    smallest_window: int
    closes_needed: Callable[..., int]
    of_run: Callable[..., FloatArray]
    """(one unbroken run with enough closes, *windows) -> the values of its last len(run) - closes_needed + 1 days"""
    composer_name: str = ""

    @property
    def names(self) -> tuple[str, ...]:
        """Each once; on the command line words have dashes."""
        return tuple(dict.fromkeys((self.word.replace("_", "-"), self.name, self.composer_name or self.name)))

    def __call__(self, closes: ArrayLike, *windows: int) -> FloatArray:
        """Raises ValueError naming the window that is missing, too small or not a whole number."""
        self.check(*windows)
        table = np.asarray(closes, dtype=np.float64)
        if table.ndim == 1:
            return self._column(table, windows)
        if table.ndim == 2:  # noqa: PLR2004 - a matrix has two dimensions
            return np.column_stack([self._column(column, windows) for column in table.T])
        raise ValueError(f"closes: expected shape (days,) or (days, symbols), got {table.shape}")

    def check(self, *windows: int) -> None:
        if len(windows) != len(self.windows):
            raise ValueError(f"{self.name}: expected {len(self.windows)} windows {self.windows}, got {windows}")
        for field, window in zip(self.windows, windows, strict=True):
            if isinstance(window, bool) or not isinstance(window, int) or window < self.smallest_window:
                raise ValueError(
                    f"{self.name}: {field}: expected a whole number of at least {self.smallest_window}, got {window!r}"
                )

    def label(self, windows: tuple[int, ...], subject: str) -> str:
        """RSI10(SPY), close(SPY), cumulative-return 60 (QQQ)."""
        numbers = "/".join(str(window) for window in windows)
        if self.short_name == self.name and numbers:
            return f"{self.name} {numbers} ({subject})"
        return f"{self.short_name}{numbers}({subject})"

    def _column(self, closes: FloatArray, windows: tuple[int, ...]) -> FloatArray:
        needed = self.closes_needed(*windows)
        values = np.full(closes.shape, np.nan)
        for start, stop in unbroken_runs(closes):
            if stop - start >= needed:
                values[start + needed - 1 : stop] = self.of_run(closes[start:stop], *windows)
        return values


def unbroken_runs(closes: FloatArray) -> Iterator[tuple[int, int]]:
    """The stretches [start, stop) without a missing close."""
    there = np.concatenate(([False], ~np.isnan(closes), [False]))
    edges = np.flatnonzero(there[1:] != there[:-1])
    return zip(edges[::2].tolist(), edges[1::2].tolist(), strict=True)


def run_ending_at(closes: FloatArray, day: int) -> int:
    """How many closes the unbroken run that ends on row `day` holds; 0 when that day has none."""
    gaps = np.flatnonzero(np.isnan(closes[: day + 1]))
    return day - int(gaps[-1]) if gaps.size else day + 1


def sliding(values: FloatArray, window: int) -> FloatArray:
    """All windows of that length as rows of a view; each is computed alone, so that none depends on what came before."""
    return np.lib.stride_tricks.sliding_window_view(values, window)


def daily_returns(closes: FloatArray) -> FloatArray:
    """One-day returns in percent, one shorter than the closes."""
    return (closes[1:] / closes[:-1] - 1.0) * 100.0

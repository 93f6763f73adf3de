"""Rolling windows over finished curves: what was good in sample, and what it did on the sessions after it, out of sample.

One curve shows whether the past said anything about what came next; of several, the best of each window is held over the
sessions that follow it. A choice sees only returns before the sessions it is held over.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np

from backtest import statistics
from backtest.speakable import speakable
from services.strategy.domain.indicators import FloatArray

CHOICES: Final[Mapping[str, Callable[[FloatArray], float]]] = {
    "sharpe": statistics.sharpe,
    "sortino": statistics.sortino,
    "cagr": statistics.cagr,
    "calmar": statistics.calmar,
}


class WindowsError(ValueError):
    """Windows that cannot be rolled; says what was expected."""


@dataclass(frozen=True, slots=True)
class Windows:
    """`train` sessions in sample, then `hold` out of sample, again and again; `by` is what is best."""

    train: int
    hold: int
    by: str = "sharpe"

    @classmethod
    def of(cls, text: str, by: str) -> Windows:
        """From `504,126`. Raises WindowsError."""
        if by not in CHOICES:
            raise WindowsError(f"--by: expected one of {', '.join(CHOICES)}, got {by!r}")
        try:
            train, hold = (int(part) for part in text.split(","))
        except ValueError:
            raise WindowsError(f"--walk-forward: expected sessions such as 504,126, got {text!r}") from None
        if train < 2 or hold < 1:  # noqa: PLR2004 - a deviation needs two
            raise WindowsError(f"--walk-forward: expected at least 2,1 sessions, got {text!r}")
        return cls(train, hold, by)


@dataclass(frozen=True, slots=True)
class Sample:
    """The sessions whose returns are counted, and their figures."""

    first: str
    last: str
    figures: Mapping[str, float]


@dataclass(frozen=True, slots=True)
class Stretch:
    """`chosen` is the place of the best curve in sample."""

    chosen: int
    in_sample: Sample
    out_of_sample: Sample


@dataclass(frozen=True, slots=True)
class WalkForward:
    """`figures` are of the out-of-sample stretches joined together."""

    windows: Windows
    stretches: tuple[Stretch, ...]
    figures: Mapping[str, float]


def walk_forward(curves: Sequence[Mapping[str, float]], windows: Windows) -> WalkForward:
    """`curves`: session -> equity of each, on the same sessions. Raises WindowsError where they are too few."""
    sessions = list(curves[0])
    returns = np.array([statistics.daily_returns(np.array(list(curve.values()))) for curve in curves])
    if returns.shape[1] < windows.train + 2:
        raise WindowsError(f"walk-forward: expected more than {windows.train + 2} sessions, got {len(sessions)}")
    stretches, held = [], []
    for start in range(windows.train, returns.shape[1], windows.hold):
        past, stop = returns[:, start - windows.train : start], min(start + windows.hold, returns.shape[1])
        scores = [CHOICES[windows.by](row) for row in past]
        chosen = int(np.argmax(np.nan_to_num(scores, nan=-np.inf)))
        after = returns[chosen, start:stop]
        held.append(after)
        # A return belongs to the session that ends it.
        before = _sample(sessions[start - windows.train + 1 : start + 1], past[chosen])
        stretches.append(Stretch(chosen, before, _sample(sessions[start + 1 : stop + 1], after)))
    return WalkForward(windows, tuple(stretches), statistics.of_returns(np.concatenate(held)))


def _sample(sessions: Sequence[str], returns: FloatArray) -> Sample:
    return Sample(sessions[0], sessions[-1], statistics.of_returns(returns))


def as_json(found: WalkForward, parameters: Sequence[Mapping[str, Any]] = ()) -> dict[str, Any]:
    """With each choice by its parameters, where there was one."""
    said: dict[str, Any] = {
        "train": found.windows.train,
        "hold": found.windows.hold,
        "by": found.windows.by,
        "figures": dict(found.figures),
        "stretches": [dict(_said(stretch, parameters)) for stretch in found.stretches],
    }
    as_said: dict[str, Any] = speakable(said)
    return as_said


def _said(stretch: Stretch, parameters: Sequence[Mapping[str, Any]]) -> Iterator[tuple[str, Any]]:
    if parameters:
        yield "parameters", parameters[stretch.chosen]
    for name, sample in (("in_sample", stretch.in_sample), ("out_of_sample", stretch.out_of_sample)):
        yield name, {"first": sample.first, "last": sample.last, **sample.figures}

"""Would choosing by the past have helped: the best point of each stretch of sessions, held over the sessions after it.

Works on finished curves; a choice sees only returns before the sessions it is held over.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np

from backtest import statistics
from services.strategy.domain.indicators import FloatArray

CHOICES: Final[Mapping[str, Callable[[FloatArray], float]]] = {
    "sharpe": statistics.sharpe,
    "sortino": statistics.sortino,
    "cagr": statistics.cagr,
    "calmar": statistics.calmar,
}


@dataclass(frozen=True, slots=True)
class Stretch:
    """`chosen` is the place of the best point in training; both figures are of the measure chosen by."""

    first: str
    last: str
    chosen: int
    in_training: float
    held: float


@dataclass(frozen=True, slots=True)
class WalkForward:
    """`figures` are of the held stretches joined together."""

    stretches: tuple[Stretch, ...]
    figures: Mapping[str, float]


def walk_forward(curves: Sequence[Mapping[str, float]], train: int, hold: int, by: str) -> WalkForward:
    """`curves`: session -> equity of each point, on the same sessions. Raises ValueError where they are too few."""
    sessions = list(curves[0])
    returns = np.array([statistics.daily_returns(np.array(list(curve.values()))) for curve in curves])
    if returns.shape[1] < train + 2:
        raise ValueError(f"walk-forward: expected more than {train + 2} sessions, got {len(sessions)}")
    measure = CHOICES[by]
    stretches, held = [], []
    for start in range(train, returns.shape[1], hold):
        scores = [measure(row[start - train : start]) for row in returns]
        chosen = int(np.argmax(np.nan_to_num(scores, nan=-np.inf)))
        part = returns[chosen, start : start + hold]
        held.append(part)
        last = sessions[start + len(part)]
        stretches.append(Stretch(sessions[start + 1], last, chosen, scores[chosen], measure(part)))
    return WalkForward(tuple(stretches), statistics.of_returns(np.concatenate(held)))


def as_json(found: WalkForward, parameters: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """With each choice by its parameters."""
    stretches = [
        {"first": s.first, "last": s.last, "parameters": parameters[s.chosen], "trained": s.in_training, "held": s.held}
        for s in found.stretches
    ]
    return {"figures": dict(found.figures), "stretches": stretches}

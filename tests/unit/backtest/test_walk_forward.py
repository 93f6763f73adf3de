"""A choice by the past is held over what came after, and sees nothing of it."""

from __future__ import annotations

import numpy as np
import pytest

from backtest import statistics
from backtest.walk_forward import walk_forward
from tests.unit.backtest.builders import days


def curve(returns: list[float]) -> dict[str, float]:
    worth = np.cumprod(np.concatenate(([100.0], 1 + np.array(returns))))
    return dict(zip(map(str, days(len(worth))), worth.tolist(), strict=True))


EARLY = curve([0.02, 0.01] * 5 + [-0.01, -0.02] * 5)
LATE = curve([-0.01, -0.02] * 5 + [0.02, 0.01] * 5)


def test_the_best_of_each_stretch_is_held_over_the_next() -> None:
    found = walk_forward([EARLY, LATE], train=10, hold=5, by="sharpe")
    assert [stretch.chosen for stretch in found.stretches] == [0, 0]
    held = np.array([-0.01, -0.02] * 5)
    assert found.figures["total_return"] == pytest.approx(statistics.total_return(held))
    assert (found.stretches[0].first, found.stretches[-1].last) == (list(EARLY)[11], list(EARLY)[20])
    assert found.stretches[0].in_training > 0 > found.stretches[0].held


def test_the_future_of_a_choice_does_not_change_it() -> None:
    other = dict(EARLY) | dict.fromkeys(list(EARLY)[11:], 1.0)
    assert walk_forward([other, LATE], 10, 50, "cagr").stretches[0].chosen == 0


def test_too_few_sessions_are_refused() -> None:
    with pytest.raises(ValueError, match=r"expected more than 32 sessions, got 21"):
        walk_forward([EARLY], 30, 5, "sharpe")

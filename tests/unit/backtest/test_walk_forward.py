"""A choice by the past is held over what came after, and sees nothing of it."""

from __future__ import annotations

import numpy as np
import pytest

from backtest import statistics
from backtest.walk_forward import Windows, WindowsError, as_json, walk_forward
from tests.unit.backtest.builders import days


def curve(returns: list[float]) -> dict[str, float]:
    worth = np.cumprod(np.concatenate(([100.0], 1 + np.array(returns))))
    return dict(zip(map(str, days(len(worth))), worth.tolist(), strict=True))


EARLY = curve([0.02, 0.01] * 5 + [-0.01, -0.02] * 5)
LATE = curve([-0.01, -0.02] * 5 + [0.02, 0.01] * 5)


def test_the_best_of_each_stretch_is_held_over_the_next() -> None:
    found = walk_forward([EARLY, LATE], Windows(10, 5))
    assert [stretch.chosen for stretch in found.stretches] == [0, 0]
    held = np.array([-0.01, -0.02] * 5)
    assert found.figures["total_return"] == pytest.approx(statistics.total_return(held))
    first, last = found.stretches[0], found.stretches[-1]
    assert (first.in_sample.first, first.in_sample.last) == (list(EARLY)[1], list(EARLY)[10])
    assert (first.out_of_sample.first, last.out_of_sample.last) == (list(EARLY)[11], list(EARLY)[20])
    assert first.in_sample.figures["sharpe"] > 0 > first.out_of_sample.figures["sharpe"]


def test_the_future_of_a_choice_does_not_change_it() -> None:
    other = dict(EARLY) | dict.fromkeys(list(EARLY)[11:], 1.0)
    assert walk_forward([other, LATE], Windows(10, 50, "cagr")).stretches[0].chosen == 0


def test_too_few_sessions_are_refused() -> None:
    with pytest.raises(WindowsError, match=r"expected more than 32 sessions, got 21"):
        walk_forward([EARLY], Windows(30, 5))


def test_one_curve_is_told_in_sample_and_out_of_sample_with_nothing_chosen() -> None:
    (stretch,) = as_json(walk_forward([EARLY], Windows(10, 50)))["stretches"]
    assert "parameters" not in stretch
    assert stretch["in_sample"]["total_return"] == pytest.approx(1.02**5 * 1.01**5 - 1)
    assert stretch["out_of_sample"]["total_return"] == pytest.approx(0.99**5 * 0.98**5 - 1)


def test_no_session_is_in_two_stretches_out_of_sample() -> None:
    found = walk_forward([EARLY], Windows(7, 4))
    days = list(EARLY)
    ends = [(days.index(s.out_of_sample.first), days.index(s.out_of_sample.last)) for s in found.stretches]
    assert ends == [(8, 11), (12, 15), (16, 19), (20, 20)]
    assert [days.index(s.in_sample.last) + 1 for s in found.stretches] == [first for first, _ in ends]


@pytest.mark.parametrize(
    ("text", "by", "complaint"),
    [
        ("long", "sharpe", "expected sessions such as 504,126, got 'long'"),
        ("1,5", "sharpe", "expected at least 2,1 sessions, got '1,5'"),
        ("20,5", "luck", "--by: expected one of sharpe, sortino, cagr, calmar, got 'luck'"),
    ],
)
def test_windows_that_cannot_be_are_refused(text: str, by: str, complaint: str) -> None:
    with pytest.raises(WindowsError, match=complaint):
        Windows.of(text, by)

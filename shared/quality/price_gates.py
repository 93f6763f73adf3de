"""The gates of price: moves that come back, that are a split's, or that nothing before explains."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

import numpy as np

from shared.quality.doubts import Doubt, Gate, Surroundings, Thresholds
from shared.quality.series import Series

_FACTORS: Final = np.array([2, 3, 4, 5, 8, 10, 12, 15, 20, 25, 30, 40, 50, 100], dtype=np.float64)
_LOG_FACTORS: Final = np.concatenate([np.log(_FACTORS), -np.log(_FACTORS)])
_AS_GOOD_AS_WHOLE: Final = 0.02


def _unapplied_split(series: Series, _around: Surroundings, bounds: Thresholds) -> Iterator[Doubt]:
    """One move that is a split's factor, between two sessions, and stays. Really halved shares had a wild day, or were wild."""
    for row in np.flatnonzero(np.abs(series.moves) > bounds.split_move).tolist():
        move, sigma = float(series.moves[row]), series.usual_move(row)
        place = int(np.argmin(np.abs(_LOG_FACTORS - move)))
        off = abs(move - float(_LOG_FACTORS[place]))
        calm = _is_calm(series, row, sigma, bounds)
        sigmas = bounds.split_tolerance_sigmas if calm is None else bounds.calm_tolerance_sigmas
        is_near = off <= max(bounds.split_tolerance, sigmas * sigma)
        is_sudden = abs(move) >= bounds.split_sigmas * sigma if calm is None else calm
        if is_near and is_sudden and _stays(series, row):
            seen = f"{np.exp(move):.4g} times the close before"
            factor = _named(float(_LOG_FACTORS[place]))
            yield Doubt(
                "unapplied split", (series.dates[row],), seen, f"no step like a split {factor}", "before", move=move
            )


def _unexplained_jump(series: Series, _around: Surroundings, bounds: Thresholds) -> Iterator[Doubt]:
    """A spin-off or another action that was not applied: far beyond all moves before, overnight, on a day calm in itself."""
    for row in np.flatnonzero(np.abs(series.moves) > bounds.jump_move).tolist():
        move, sigma = float(series.moves[row]), series.usual_move(row)
        calm = _is_calm(series, row, sigma, bounds)
        if abs(move) < bounds.jump_sigmas * sigma or calm is False or not _stays(series, row):
            continue
        seen = f"{np.exp(move) - 1:+.1%} against the close before, {abs(move) / sigma:.0f} usual moves"
        expected = f"at most {bounds.jump_sigmas:g} overnight"
        yield Doubt("unexplained jump", (series.dates[row],), seen, expected, "before", calm is True, move)


def _outlier(series: Series, _around: Surroundings, bounds: Thresholds) -> Iterator[Doubt]:
    """A close that leaves and comes back."""
    out, back = series.moves[1:-1], series.moves[2:]
    least = np.minimum(np.abs(out), np.abs(back))
    turned = (out * back < 0) & (np.abs(out + back) < bounds.outlier_rest * least) & (least > bounds.outlier_move)
    for row in (np.flatnonzero(turned) + 1).tolist():
        usual = series.move_around(row)
        if least[row - 1] > bounds.outlier_sigmas * usual:
            move = float(series.moves[row])
            seen = f"{np.exp(move) - 1:+.1%} and back {np.exp(series.moves[row + 1]) - 1:+.1%}"
            expected = f"no return trip beyond {bounds.outlier_sigmas:g} usual moves of {usual:.2%}"
            yield Doubt("outlier", (series.dates[row],), seen, expected, move=move)


def whole_factor(move: float) -> float:
    """The logarithm of the split factor that it nearly is, else itself."""
    nearest = float(_LOG_FACTORS[int(np.argmin(np.abs(_LOG_FACTORS - move)))])
    return nearest if abs(nearest - move) < _AS_GOOD_AS_WHOLE else move


def _is_calm(series: Series, row: int, sigma: float, bounds: Thresholds) -> bool | None:
    """Whether the whole move was there at the open and the day went on quietly; None where only its close is known, or one trade."""
    if series.open is None or series.high is None or series.low is None or series.high[row] == series.low[row]:
        return None
    allowed = max(bounds.calm_range, bounds.calm_range_sigmas * sigma)
    day = float(np.log(series.high[row] / series.low[row]))
    after_open = abs(float(np.log(series.close[row] / series.open[row])))
    return day <= allowed and after_open <= allowed


def _stays(series: Series, row: int) -> bool:
    """The closes after it are nearer to it than to the one before. The newest close stays until it is known better."""
    after = series.close[row + 1 : row + 6]
    if not len(after):
        return True
    return abs(float(np.log(np.median(after) / series.close[row]))) < abs(float(series.moves[row])) / 2


def _named(log_factor: float) -> str:
    """2 for 1 where the price falls to the half; 1 for 10 where it rises tenfold."""
    factor = round(float(np.exp(abs(log_factor))))
    return f"1 for {factor}" if log_factor > 0 else f"{factor} for 1"


UNAPPLIED_SPLIT: Final = Gate("unapplied split", _unapplied_split, "price")
PRICE: Final = (
    Gate("outlier", _outlier, "price"),
    UNAPPLIED_SPLIT,
    Gate("unexplained jump", _unexplained_jump, "price"),
)

"""What daily prices must pass before anyone decides by them: each gate is one entry of GATES, and says what it saw.

The gates of presence come first; what they doubt is no evidence for the gates of price. Thresholds and their measured rates of
false alarms and hits: docs/data-quality.md.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Final, Literal

import numpy as np
from numpy.typing import NDArray

from shared.contracts.marketdata import GateName
from shared.quality.series import Series
from shared.sessions import session_on, sessions_between

Spoils = Literal["close", "before", "all", "nothing"]
_FACTORS: Final = np.array([2, 3, 4, 5, 8, 10, 12, 15, 20, 25, 30, 40, 50, 100], dtype=np.float64)
_LOG_FACTORS: Final = np.concatenate([np.log(_FACTORS), -np.log(_FACTORS)])
_AS_GOOD_AS_WHOLE: Final = 0.02
_WEEK: Final = 7
_UNTOLD_RUN: Final = 3


@dataclass(frozen=True, slots=True)
class Thresholds:
    """Where each gate begins to doubt. Moves are logarithms; sigmas are robust deviations of the daily move."""

    recent_sessions: int = 10
    """A close that is off by an ordinary move at most spoils decisions while it is among so many newest ones."""

    stray_rows: int = 5
    stray_gap_sessions: int = 20
    misdated_rows: int = 3
    misdated_weeks: float = 0.5
    ended_sessions: int = 20
    idle_sessions: int = 3
    idle_moves: float = 3.0
    flat_closes: int = 6
    flat_share: float = 0.1
    """A symbol that closes unchanged more often than this is flat by nature (bills)."""
    market_volume: float = 0.3
    market_symbols: int = 8
    half_day_share: float = 0.5
    own_volume: float = 0.15
    own_volume_sigmas: float = 6.0
    split_move: float = 0.6
    split_tolerance: float = 0.03
    split_tolerance_sigmas: float = 1.5
    calm_tolerance_sigmas: float = 3.0
    split_sigmas: float = 15.0
    jump_move: float = 0.2
    jump_sigmas: float = 20.0
    calm_range: float = 0.05
    calm_range_sigmas: float = 5.0
    outlier_move: float = 0.02
    outlier_sigmas: float = 8.0
    outlier_rest: float = 0.25
    """How much of the move may be left after the next close, for it to have come back."""


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What a series alone does not say: the last session that must be there, and each day's volume over the usual one, of the
    median symbol."""

    last_session: dt.date | None = None
    market_volume: Mapping[dt.date, float] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Doubt:
    """`move` is the logarithm of the doubted move, 0 where it is not about one. Not `refuses`: said, and used all the same."""

    gate: GateName
    dates: tuple[dt.date, ...]
    seen: str
    expected: str
    spoils: Spoils = "close"
    refuses: bool = True
    move: float = 0.0
    reach: int | None = None
    """How many sessions it spoils, as in DataFinding."""


Check = Callable[[Series, Surroundings, Thresholds], Iterable[Doubt]]


@dataclass(frozen=True, slots=True)
class Gate:
    name: GateName
    check: Check
    looks_at: Literal["presence", "price"]


def _wrong_time_zone(series: Series, _around: Surroundings, bounds: Thresholds) -> Iterator[Doubt]:
    """Rows on days without a session: now and then a feed's slip; week after week every bar is stamped off."""
    off = [day for day in series.dates if session_on(day) is None]
    if not off:
        return
    weeks = 1 + (off[-1] - off[0]).days // _WEEK
    is_shifted = len(off) >= bounds.misdated_rows and len(off) >= bounds.misdated_weeks * weeks
    seen = f"{len(off)} rows on days without a session" + (f", in {weeks} weeks" if is_shifted else "")
    expected = "every bar on the New York date of its session" if is_shifted else "rows on sessions only"
    yield Doubt("wrong time zone", tuple(off), seen, expected, "all" if is_shifted else "nothing", is_shifted)


def _stray_row(series: Series, _around: Surroundings, bounds: Thresholds) -> Iterator[Doubt]:
    """A few rows long before all others."""
    for row in range(1, min(bounds.stray_rows, len(series) - 1) + 1):
        gap = len(sessions_between(series.dates[row - 1], series.dates[row])) - 2
        if gap > bounds.stray_gap_sessions:
            seen = f"{row} rows, then {gap} sessions without one"
            yield Doubt("stray row", series.dates[:row], seen, "a history without a hole after its beginning")
            return


def _missing_session(series: Series, _around: Surroundings, _bounds: Thresholds) -> Iterator[Doubt]:
    if not len(series):
        return
    present = set(series.dates)
    sessions = sessions_between(series.dates[0], series.dates[-1])
    missing = tuple(s.date for s in sessions if s.date not in present)
    if missing:
        yield Doubt("missing session", missing, "no row", "a row for every session")


def _no_trade(series: Series, _around: Surroundings, bounds: Thresholds) -> Iterator[Doubt]:
    """A feed that saw no trade repeats a last print. For a day or two that may stand for the close; not when it is far from it."""
    if series.volume is None:
        return
    idle = _idle(series.volume == 0, series.moves != 0)
    traded = np.maximum.accumulate(np.where(idle, 0, np.arange(len(series))))
    wrong, right = list[dt.date](), list[dt.date]()
    for row in np.flatnonzero(idle).tolist():
        off = abs(float(np.log(series.close[row] / series.close[traded[row]])))
        stands = (
            off <= bounds.idle_moves * series.usual_move(row)
            and row - traded[row] <= bounds.idle_sessions
            and not idle[traded[row]]
        )
        (right if stands else wrong).append(series.dates[row])
    expected = "a trade of that session"
    if wrong:
        seen = (
            f"no trade (volume 0), a price far from the last close or the same for over {bounds.idle_sessions} sessions"
        )
        yield Doubt("stale price", tuple(wrong), seen, expected, reach=bounds.recent_sessions)
    if right:
        yield Doubt(
            "stale price", tuple(right), "no trade (volume 0), a price near the last close", expected, refuses=False
        )


def _idle(no_volume: NDArray[np.bool_], moved: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Rows without a trade. Prices that move for days without any volume have one that their source does not tell."""
    idle = no_volume.copy()
    rows = np.flatnonzero(no_volume)
    for run in np.split(rows, np.flatnonzero(np.diff(rows) > 1) + 1):
        if len(run) >= _UNTOLD_RUN and 2 * np.sum(moved[run]) > len(run):
            idle[run] = False
    return idle


def _unchanged(series: Series, _around: Surroundings, bounds: Thresholds) -> Iterator[Doubt]:
    """The same close again and again in a symbol that moves. With trades on those days it may be true, and is only said."""
    same = np.flatnonzero(series.moves[1:] == 0) + 1
    for run in np.split(same, np.flatnonzero(np.diff(same) > 1) + 1):
        others = max(1, len(series) - 1 - len(run))
        if len(run) + 1 >= bounds.flat_closes and (len(same) - len(run)) / others <= bounds.flat_share:
            dates = tuple(series.dates[row] for row in run)
            seen = f"{len(run) + 1} times the close {series.close[run[0]]:g}"
            reach, unknown = bounds.recent_sessions, series.volume is None
            yield Doubt("stale price", dates, seen, "a close that moves", refuses=unknown, reach=reach)


def _ends_early(series: Series, around: Surroundings, bounds: Thresholds) -> Iterator[Doubt]:
    """What has not traded for a month is no more: that is only said."""
    if not len(series) or around.last_session is None or series.dates[-1] >= around.last_session:
        return
    newest = series.dates[-1]
    missing = tuple(s.date for s in sessions_between(newest, around.last_session) if s.date > newest)
    if missing:
        seen, expected = f"it ends on {newest}", f"closes up to {around.last_session}"
        yield Doubt("stale price", missing, seen, expected, refuses=len(missing) <= bounds.ended_sessions)


def _unfinished(series: Series, _around: Surroundings, _bounds: Thresholds) -> Iterator[Doubt]:
    """A bar fetched before its session was over, early closes included."""
    if series.fetched_at is None or not len(series):
        return
    session = session_on(series.dates[-1])
    if session is not None and series.fetched_at < session.close:
        seen = f"fetched at {series.fetched_at:%Y-%m-%d %H:%M} UTC"
        yield Doubt("partial bar", (session.date,), seen, f"after the close at {session.close:%H:%M} UTC")


def _thin_market(series: Series, around: Surroundings, bounds: Thresholds) -> Iterator[Doubt]:
    """A day on which the median symbol of the feed traded far too little was cut off for all of them."""
    for day in series.dates:
        traded = around.market_volume.get(day)
        if traded is None:
            continue
        session = session_on(day)
        least = bounds.market_volume * (bounds.half_day_share if session and session.is_half_day else 1.0)
        if traded < least:
            seen = f"the feed's median symbol traded {traded:.0%} of its usual volume"
            yield Doubt("partial bar", (day,), seen, f"at least {least:.0%}", reach=bounds.recent_sessions)


def _thin_day(series: Series, _around: Surroundings, bounds: Thresholds) -> Iterator[Doubt]:
    """One symbol's volume alone is no proof: a second source is asked where there is one."""
    if series.volume is None:
        return
    relative = series.relative_volume
    for row in np.flatnonzero((relative > 0) & (relative < bounds.own_volume)):
        before = relative[max(0, row - 63) : row]
        logs = np.log(before[before > 0])
        if len(logs) < 21:  # noqa: PLR2004 - a month
            continue
        spread = max(0.2, 1.4826 * float(np.median(np.abs(logs - np.median(logs)))))
        sigmas = (float(np.median(logs)) - float(np.log(relative[row]))) / spread
        if sigmas > bounds.own_volume_sigmas:
            seen = f"{relative[row]:.1%} of the usual volume, {sigmas:.0f} deviations under it"
            expected = f"at most {bounds.own_volume_sigmas:g} deviations"
            yield Doubt("partial bar", (series.dates[row],), seen, expected, "nothing", refuses=False)


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


UNFINISHED = Gate("partial bar", _unfinished, "presence")
UNAPPLIED_SPLIT = Gate("unapplied split", _unapplied_split, "price")
GATES: tuple[Gate, ...] = (
    Gate("wrong time zone", _wrong_time_zone, "presence"),
    Gate("stray row", _stray_row, "presence"),
    Gate("missing session", _missing_session, "presence"),
    Gate("stale price", _no_trade, "presence"),
    Gate("stale price", _unchanged, "presence"),
    Gate("stale price", _ends_early, "presence"),
    UNFINISHED,
    Gate("partial bar", _thin_market, "presence"),
    Gate("partial bar", _thin_day, "presence"),
    Gate("outlier", _outlier, "price"),
    UNAPPLIED_SPLIT,
    Gate("unexplained jump", _unexplained_jump, "price"),
)


def examine(
    series: Series,
    around: Surroundings = Surroundings(),
    bounds: Thresholds = Thresholds(),
    gates: tuple[Gate, ...] = GATES,
) -> tuple[Doubt, ...]:
    """What is doubtful, gate by gate; a date is doubted once, by the first gate that does."""
    doubts: list[Doubt] = []
    left, judged = series, False
    for gate in gates:
        if gate.looks_at == "price" and not judged:
            doubtful = {day for doubt in doubts if doubt.spoils == "close" for day in doubt.dates}
            left = left.without(doubtful | {day for day in left.dates if session_on(day) is None})
            judged = True
        told = {doubt.dates for doubt in doubts if doubt.spoils == "before"}
        found = [d for d in gate.check(left, around, bounds) if d.dates not in told] if len(left) else []
        doubts += found
        left = left.without(_spoilt(found))
    return tuple(doubts)


def market_volume(
    many: Iterable[Series],
    bounds: Thresholds = Thresholds(),
) -> dict[dt.date, float]:
    """Each day's volume over the usual one, of the median symbol; days that too few symbols tell of are absent."""
    told: dict[dt.date, list[float]] = {}
    for series in many:
        for day, relative in zip(series.dates, series.relative_volume.tolist(), strict=True):
            if relative == relative:  # noqa: PLR0124 - NaN is the one float unequal to itself
                told.setdefault(day, []).append(relative)
    return {day: float(np.median(each)) for day, each in told.items() if len(each) >= bounds.market_symbols}


def whole_factor(move: float) -> float:
    """The logarithm of the split factor that it nearly is, else itself."""
    nearest = float(_LOG_FACTORS[int(np.argmin(np.abs(_LOG_FACTORS - move)))])
    return nearest if abs(nearest - move) < _AS_GOOD_AS_WHOLE else move


def _spoilt(doubts: Iterable[Doubt]) -> set[dt.date]:
    return {day for doubt in doubts if doubt.refuses and doubt.spoils == "close" for day in doubt.dates}


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

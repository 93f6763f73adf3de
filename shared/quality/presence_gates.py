"""The gates of presence: rows that should not be there, are missing, are no trade of their session, or were cut off."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from typing import Final

import numpy as np
from numpy.typing import NDArray

from shared.quality.doubts import Doubt, Gate, Surroundings, Thresholds
from shared.quality.series import Series
from shared.sessions import session_on, sessions_between

_WEEK: Final = 7
_UNTOLD_RUN: Final = 3


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


UNFINISHED: Final = Gate("partial bar", _unfinished, "presence")
PRESENCE: Final = (
    Gate("wrong time zone", _wrong_time_zone, "presence"),
    Gate("stray row", _stray_row, "presence"),
    Gate("missing session", _missing_session, "presence"),
    Gate("stale price", _no_trade, "presence"),
    Gate("stale price", _unchanged, "presence"),
    Gate("stale price", _ends_early, "presence"),
    UNFINISHED,
    Gate("partial bar", _thin_market, "presence"),
    Gate("partial bar", _thin_day, "presence"),
)

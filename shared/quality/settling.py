"""What becomes of a doubt: repaired from the second source where that explains it, confirmed by it, accepted by a person,
or refused, so that what depends on it is undefined. Nothing is repaired by guessing.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace

import numpy as np

from shared.contracts.marketdata import DailyHistory, DataFinding, Verdict
from shared.quality.doubts import Doubt, Surroundings
from shared.quality.gates import examine
from shared.quality.price_gates import whole_factor
from shared.quality.second_opinion import Comparison, compare
from shared.quality.series import Series
from shared.sessions import session_on

_COLUMNS = ("open", "high", "low", "close", "volume")
_CLOSE, _VOLUME = 3, 4
_CONFIRMS = 0.25
_FULLER = 2.0
_GATHERED = frozenset({"sources disagree", "partial bar"})

Accepted = Collection[tuple[str, dt.date]]
"""Symbol and date of doubts that a person looked at and holds to be true."""


@dataclass(slots=True)
class _Desk:
    """One symbol's rows while they are being settled. `replaced` are the dates whose rows are the second source's."""

    history: DailyHistory
    second: DailyHistory | None
    rows: dict[dt.date, tuple[float, ...]]
    theirs: dict[dt.date, tuple[float, ...]]
    trusted: Series | None
    """The second source's rows that no gate doubts."""
    around: Surroundings
    accepted: Accepted
    findings: list[DataFinding] = field(default_factory=list)
    replaced: set[dt.date] = field(default_factory=set)

    def comparison(self, leaving_out: Collection[dt.date] = ()) -> Comparison | None:
        if self.trusted is None:
            return None
        days = [day for day in sorted(self.rows) if day not in leaving_out and session_on(day) is not None]
        if not days:
            return None
        closes, volumes = ([self.rows[day][column] for day in days] for column in (_CLOSE, _VOLUME))
        return Comparison(Series.of(self.history.symbol, days, closes, volume=volumes), self.trusted)

    def tell(self, doubt: Doubt, verdict: Verdict, dates: Sequence[dt.date] = (), seen: str = "") -> None:
        self.findings.append(
            DataFinding(
                symbol=self.history.symbol,
                gate=doubt.gate,
                dates=tuple(dates) or doubt.dates,
                spoils=doubt.spoils,
                verdict=verdict,
                seen=seen or doubt.seen,
                expected=doubt.expected,
                repaired_from=self.second.source if verdict == "repaired" and self.second else "",
                reach=doubt.reach,
            )
        )


def settled(
    history: DailyHistory,
    doubts: Sequence[Doubt],
    second: DailyHistory | None = None,
    around: Surroundings = Surroundings(),
    accepted: Accepted = frozenset(),
) -> DailyHistory:
    """The history with its findings, and with the second source's rows where they explain what was doubted."""
    theirs = {} if second is None else _rows_of(second)
    # How full the first source's feed was says nothing of the second's.
    around = Surroundings(around.last_session)
    trusted = None if second is None else _trusted(second, around)
    desk = _Desk(history, second, _rows_of(history), theirs, trusted, around, accepted)
    open_doubts = list(_not_accepted(desk, doubts))
    if desk.trusted is not None and any(d.spoils == "all" for d in open_doubts):
        return _replaced_whole(desk, open_doubts)
    spoilt = {day for doubt in open_doubts if doubt.spoils == "close" for day in doubt.dates}
    for doubt in (d for d in open_doubts if d.spoils == "before"):
        _settle_step(desk, doubt, spoilt)
    for doubt in (d for d in open_doubts if d.spoils != "before"):
        _settle_rows(desk, doubt, spoilt)
    return _compared(desk, spoilt)


def _not_accepted(desk: _Desk, doubts: Iterable[Doubt]) -> Iterator[Doubt]:
    """What is left to settle: a doubt of many days that was accepted for one of them stands for the others."""
    for doubt in doubts:
        true = [day for day in doubt.dates if (desk.history.symbol, day) in desk.accepted]
        left = [] if true and doubt.spoils != "close" else [day for day in doubt.dates if day not in true]
        if true:
            desk.tell(doubt, "accepted", true)
        if left:
            yield replace(doubt, dates=tuple(left))


def _rows_of(history: DailyHistory) -> dict[dt.date, tuple[float, ...]]:
    return dict(
        zip(history.dates, zip(*(getattr(history, name) for name in _COLUMNS), strict=True), strict=True),
    )


def _trusted(second: DailyHistory, around: Surroundings) -> Series | None:
    """Its moves that look like splits are left in: what they are is seen beside the first source's."""
    series = Series.of_history(second)
    doubts = examine(series, around)
    if any(doubt.spoils == "all" for doubt in doubts):
        return None
    series = series.without({day for d in doubts if d.refuses and d.spoils == "close" for day in d.dates})
    return series if len(series) else None


def _replaced_whole(desk: _Desk, doubts: Sequence[Doubt]) -> DailyHistory:
    """A history that is stamped off throughout is no evidence of anything: the second source's stands in its place."""
    assert desk.second is not None  # noqa: S101 - trusted comes from it
    doubted = examine(Series.of_history(desk.second), desk.around)
    theirs = settled(desk.second, doubted, around=desk.around, accepted=desk.accepted)
    for doubt in doubts:
        desk.tell(doubt, "repaired" if doubt.spoils == "all" else "noted")
    return theirs.model_copy(update={"findings": (*desk.findings, *theirs.findings)})


def _settle_step(desk: _Desk, doubt: Doubt, spoilt: Collection[dt.date]) -> None:
    """Does the second source have the move too? Then it is true. Has it none, the closes before are put on its scale."""
    comparison = desk.comparison(spoilt)
    step = None if comparison is None else comparison.step_at(doubt.dates[0])
    if step is None:
        desk.tell(doubt, "refused" if doubt.refuses else "noted")
    elif abs(step) < _CONFIRMS * abs(doubt.move):
        desk.tell(doubt, "confirmed")
    elif abs(step - doubt.move) < abs(doubt.move) / 2:
        factor = float(np.exp(whole_factor(step) if doubt.gate == "unapplied split" else step))
        _rescale_before(desk, doubt.dates[0], factor)
        desk.tell(doubt, "repaired", seen=f"{doubt.seen}; the closes before it were multiplied by {factor:.5g}")
    else:
        desk.tell(doubt, "refused", seen=f"{doubt.seen}; the second source has another move")


def _rescale_before(desk: _Desk, day: dt.date, factor: float) -> None:
    for date, (opened, high, low, close, volume) in desk.rows.items():
        if date < day:
            desk.rows[date] = (opened * factor, high * factor, low * factor, close * factor, volume / factor)


def _settle_rows(desk: _Desk, doubt: Doubt, spoilt: Collection[dt.date]) -> None:
    if doubt.spoils == "nothing":
        desk.tell(doubt, "noted")
        return
    comparison = desk.comparison(spoilt)
    if doubt.gate == "outlier" and comparison is not None and _has_the_same(desk, comparison, doubt):
        desk.tell(doubt, "confirmed")
        return
    repaired = [day for day in doubt.dates if comparison is not None and _replace(desk, comparison, day)]
    if repaired:
        desk.tell(doubt, "repaired", repaired)
    if left := [day for day in doubt.dates if day not in set(repaired)]:
        desk.tell(doubt, "refused" if doubt.refuses else "noted", left)


def _has_the_same(desk: _Desk, comparison: Comparison, doubt: Doubt) -> bool:
    """The second source's own gate doubts a true return trip as well, so its close is asked as it stands."""
    day, level = doubt.dates[0], comparison.level_near(doubt.dates[0])
    if level is None or day not in desk.theirs or day not in desk.rows:
        return False
    off = float(np.log(desk.rows[day][_CLOSE] / desk.theirs[day][_CLOSE])) - level
    return abs(off) < _CONFIRMS * abs(doubt.move)


def _replace(desk: _Desk, comparison: Comparison, day: dt.date) -> bool:
    """The second source's row of that day on the first's scale, where there is one that no gate doubts."""
    level = comparison.level_near(day)
    if level is None or day not in comparison.second.places:
        return False
    factor = float(np.exp(level))
    *prices, volume = desk.theirs[day]
    desk.rows[day] = (*(price * factor for price in prices), volume)
    desk.replaced.add(day)
    return True


def _compared(desk: _Desk, spoilt: Collection[dt.date]) -> DailyHistory:
    """What only the comparison shows, in the rows that are the first source's own and were not doubted before."""
    comparison = desk.comparison(set(spoilt) | desk.replaced)
    if comparison is None:
        return _history(desk)
    for doubt in _not_accepted(desk, compare(comparison)):
        if doubt.spoils == "all":
            return _replaced_whole(desk, [doubt])
        if doubt.spoils == "before":
            _settle_step(desk, doubt, spoilt)
        elif doubt.gate == "sources disagree":
            _settle_disagreement(desk, comparison, doubt)
        else:
            desk.tell(doubt, "noted")
    return _history(desk)


def _settle_disagreement(desk: _Desk, comparison: Comparison, doubt: Doubt) -> None:
    """The close of the fuller tape is the market's; where neither is plainly fuller nobody knows which is right."""
    day = doubt.dates[0]
    mine, theirs = desk.rows[day][_VOLUME], desk.theirs[day][_VOLUME]
    if theirs >= _FULLER * mine and _replace(desk, comparison, day):
        desk.tell(doubt, "repaired")
    elif mine >= _FULLER * theirs:
        desk.tell(doubt, "confirmed", seen=f"{doubt.seen}, which saw less of the trading")
    else:
        desk.tell(doubt, "refused")


def _history(desk: _Desk) -> DailyHistory:
    days = sorted(desk.rows)
    columns = {name: tuple(float(desk.rows[day][place]) for day in days) for place, name in enumerate(_COLUMNS)}
    given = desk.history.model_dump() | columns | {"dates": tuple(days), "findings": _in_order(desk.findings)}
    return DailyHistory.model_validate(given)


def _in_order(findings: Iterable[DataFinding]) -> tuple[DataFinding, ...]:
    return tuple(sorted(_gathered(findings), key=lambda finding: (finding.dates[-1], finding.gate)))


def _gathered(findings: Iterable[DataFinding]) -> Iterable[DataFinding]:
    """Single days of one kind with one outcome as one finding, which says what was seen on the newest."""
    kinds: dict[tuple[str, str], list[DataFinding]] = {}
    for finding in findings:
        if finding.gate in _GATHERED:
            kinds.setdefault((finding.gate, finding.verdict), []).append(finding)
        else:
            yield finding
    for several in kinds.values():
        newest = max(several, key=lambda finding: finding.dates[-1])
        dates = tuple(sorted({day for finding in several for day in finding.dates}))
        yield newest.model_copy(update={"dates": dates})

"""Which closes of a history nobody knows, and why: what its refused findings spoil."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Mapping, Sequence

from shared.contracts.marketdata import DataFinding
from shared.sessions import sessions_between

_LONGEST_CLOSURE = 14
"""Calendar days that hold a session for certain."""


def unknown_closes(
    dates: Sequence[dt.date], findings: Iterable[DataFinding], session: dt.date
) -> Mapping[dt.date, str]:
    """Date -> the finding in words, for a decision on `session`. Dates without a row are among them where a gate missed one."""
    unknown: dict[dt.date, str] = {}
    for finding in findings:
        if finding.verdict == "refused":
            why = f"{finding.gate}: {finding.seen}, expected {finding.expected}"
            since = None if finding.reach is None else _first_of_newest(finding.reach, session)
            unknown |= {day: why for day in _spoilt(finding, dates) if since is None or day >= since}
    return unknown


def _first_of_newest(count: int, session: dt.date) -> dt.date:
    sessions = sessions_between(session - dt.timedelta(days=_LONGEST_CLOSURE + 2 * count), session)
    return sessions[-count].date


def _spoilt(finding: DataFinding, dates: Sequence[dt.date]) -> Iterable[dt.date]:
    match finding.spoils:
        case "close":
            return finding.dates
        case "before":
            return (day for day in dates if day < finding.dates[0])
        case "all":
            return dates
        case "nothing":
            return ()

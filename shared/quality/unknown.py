"""Which closes of a history nobody knows, and why: what its refused findings spoil."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Mapping, Sequence

from shared.contracts.marketdata import DataFinding


def unknown_closes(dates: Sequence[dt.date], findings: Iterable[DataFinding]) -> Mapping[dt.date, str]:
    """Date -> the finding in words. Dates that have no row at all are among them where a gate missed them."""
    unknown: dict[dt.date, str] = {}
    for finding in findings:
        if finding.verdict == "refused":
            why = f"{finding.gate}: {finding.seen}, expected {finding.expected}"
            unknown |= dict.fromkeys(_spoilt(finding, dates), why)
    return unknown


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

"""What execution tells a person, in one shape."""

from __future__ import annotations

import datetime as dt

from shared.contracts.alerts import AlertRaised, Severity


def alert(
    name: str, at: dt.datetime, severity: Severity, title: str, detail: str, *, do: str = "", of: str | None = None
) -> AlertRaised:
    """`name` is its id, so that a repetition is recognised; `of` what it belongs to, where something older began that."""
    return AlertRaised(
        id=name,
        correlation_id=of or name,
        at=at,
        source="execution",
        severity=severity,
        title=title,
        detail=detail,
        what_to_do=do,
    )

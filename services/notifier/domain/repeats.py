"""One alert raised again and again is told once, and once more with a count when its window is over."""

from __future__ import annotations

import datetime as dt
import hashlib
from collections.abc import Iterable
from typing import Annotated

from pydantic import AwareDatetime, Field

from shared.contracts.alerts import AlertRaised
from shared.contracts.base import Value

_DETAILS = 10


class Repeats(Value):
    """An open window: the alert was told at `opened_at` and has been raised `count` more times since.

    Times are the notifier's own, since people read mail in real time whatever clock the market has.
    """

    opened_at: AwareDatetime
    last_at: AwareDatetime
    last: AlertRaised
    count: Annotated[int, Field(ge=0)] = 0
    details: tuple[str, ...] = ()
    """What the repetitions said, without duplicates; the first ten."""

    @classmethod
    def opened(cls, alert: AlertRaised, now: dt.datetime) -> Repeats:
        return cls(opened_at=now, last_at=now, last=alert)

    def with_another(self, alert: AlertRaised, now: dt.datetime) -> Repeats:
        is_news = alert.detail not in self.details and len(self.details) < _DETAILS
        details = (*self.details, alert.detail) if is_news else self.details
        return Repeats(opened_at=self.opened_at, last_at=now, last=alert, count=self.count + 1, details=details)

    def is_over(self, now: dt.datetime, window: dt.timedelta) -> bool:
        return now - self.opened_at >= window


def sameness(alert: AlertRaised) -> str:
    """Alerts with the same value are repetitions; details may differ (an age, a count) and are listed."""
    return hashlib.sha256(f"{alert.source}\x1f{alert.severity}\x1f{alert.title}".encode()).hexdigest()[:24]


def is_told_already(alert: AlertRaised, windows: Iterable[Repeats]) -> bool:
    """The same source told the same event in its own words: of the same correlation, or of the same instant and weight."""
    return any(_same_event(alert, window.last) for window in windows)


def _same_event(one: AlertRaised, other: AlertRaised) -> bool:
    same_moment = (one.at, one.severity) == (other.at, other.severity)
    return one.source == other.source and (one.correlation_id == other.correlation_id or same_moment)

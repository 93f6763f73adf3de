"""The venue's own time: a start instant and a speed, driven by monotonic seconds that the caller brings.

Speed 0 stands still until it is moved by hand. Virtual time never goes back.
"""

from __future__ import annotations

import datetime as dt

# Beyond this a year passes in under nine minutes and the float arithmetic of spans grows coarse.
MAX_SPEED = 86_400.0
# The exchange calendar ends in 2030.
LATEST = dt.datetime(2030, 12, 1, tzinfo=dt.UTC)


class ClockError(ValueError):
    """A clock command that cannot be obeyed; the message names field, value and expectation."""


class VirtualClock:
    """Maps monotonic seconds to virtual instants (UTC)."""

    def __init__(self, start: dt.datetime, speed: float, monotonic: float) -> None:
        if start.tzinfo is None:
            raise ClockError(f"start: expected an instant with a time zone, got {start.isoformat()}")
        self.start = start.astimezone(dt.UTC)
        self._base = self.start
        self._speed = _checked_speed(speed)
        self._anchor = monotonic
        self._steady = 0.0

    @property
    def speed(self) -> float:
        return self._speed

    def now(self, monotonic: float) -> dt.datetime:
        """The virtual instant, to the microsecond."""
        if self._speed == 0:
            return self._base
        elapsed = max(0.0, monotonic - self._anchor)
        return min(self._base + dt.timedelta(seconds=elapsed * self._speed), LATEST)

    def steady(self, monotonic: float) -> float:
        """Seconds for rate limits and armed faults: real ones while time runs, virtual ones while it stands still."""
        running = 0.0 if self._speed == 0 else max(0.0, monotonic - self._anchor)
        return self._steady + running

    def advance(self, seconds: float, monotonic: float) -> dt.datetime:
        if not 0 <= seconds < float("inf"):
            raise ClockError(f"advance_seconds: expected a number >= 0, got {seconds}")
        now = self.now(monotonic)
        if seconds > (LATEST - now).total_seconds():
            raise ClockError(f"advance_seconds: expected to end before {LATEST.date()}, got {seconds}")
        return self._rebase(now + dt.timedelta(seconds=seconds), monotonic)

    def jump(self, to: dt.datetime, monotonic: float) -> dt.datetime:
        if to.tzinfo is None:
            raise ClockError(f"to: expected an instant with a time zone, got {to.isoformat()}")
        now = self.now(monotonic)
        if not now <= to <= LATEST:
            raise ClockError(f"to: expected {now.isoformat()} or later, before {LATEST.date()}; got {to.isoformat()}")
        return self._rebase(to.astimezone(dt.UTC), monotonic)

    def set_speed(self, speed: float, monotonic: float) -> dt.datetime:
        checked = _checked_speed(speed)
        now = self._rebase(self.now(monotonic), monotonic)
        self._speed = checked
        return now

    def _rebase(self, to: dt.datetime, monotonic: float) -> dt.datetime:
        if self._speed == 0:
            self._steady += (to - self._base).total_seconds()
        else:
            self._steady += max(0.0, monotonic - self._anchor)
        self._base, self._anchor = to, monotonic
        return to


def _checked_speed(speed: float) -> float:
    if not 0 <= speed <= MAX_SPEED:
        raise ClockError(f"speed: expected 0..{MAX_SPEED:g}, got {speed}")
    return float(speed)

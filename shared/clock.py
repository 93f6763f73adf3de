"""Whose time it is: the wall's, a test's, or the simulated venue's. `domain` code gets `now` as an argument instead."""

from __future__ import annotations

import datetime as dt
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

import httpx


class Clock(Protocol):
    def now(self) -> dt.datetime:
        """The current instant, UTC-aware."""


class SystemClock:
    def now(self) -> dt.datetime:
        return dt.datetime.now(dt.UTC)


class ManualClock:
    """Stands still until told to move."""

    def __init__(self, start: dt.datetime) -> None:
        if start.tzinfo is None:
            raise ValueError(f"start: expected an instant with a time zone, got {start.isoformat()}")
        self._now = start.astimezone(dt.UTC)

    def now(self) -> dt.datetime:
        return self._now

    def advance(self, step: dt.timedelta) -> None:
        self._now += step

    def set(self, to: dt.datetime) -> None:
        self._now = to.astimezone(dt.UTC)


@dataclass(frozen=True, slots=True)
class _Anchor:
    venue: dt.datetime
    monotonic: float
    speed: float


class VenueClock:
    """The simulator's virtual time, asked over HTTP every `refresh_seconds` and run on at its speed in between.

    `url` answers {"now": ISO instant, "speed": factor}. Raises httpx.HTTPError while it has never been reached; later
    failures keep the last anchor, since virtual time runs on predictably.
    """

    def __init__(
        self,
        url: str,
        *,
        refresh_seconds: float = 1.0,
        monotonic: Callable[[], float] = time.monotonic,
        client: httpx.Client | None = None,
    ) -> None:
        self._url = url
        self._refresh = refresh_seconds
        self._monotonic = monotonic
        self._client = client or httpx.Client(timeout=3)
        self._anchor: _Anchor | None = None
        self._lock = threading.Lock()

    def now(self) -> dt.datetime:
        with self._lock:
            anchor, at = self._anchor, self._monotonic()
            if anchor is None or at - anchor.monotonic >= self._refresh:
                anchor = self._ask(anchor)
            return anchor.venue + dt.timedelta(seconds=(self._monotonic() - anchor.monotonic) * anchor.speed)

    def _ask(self, last: _Anchor | None) -> _Anchor:
        try:
            answer = self._client.get(self._url).raise_for_status().json()
        except httpx.HTTPError:
            if last is None:
                raise
            return last
        venue = dt.datetime.fromisoformat(answer["now"]).astimezone(dt.UTC)
        self._anchor = _Anchor(venue, self._monotonic(), float(answer["speed"]))
        return self._anchor

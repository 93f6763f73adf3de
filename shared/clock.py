"""Whose time it is: the wall's, a test's, or the simulated venue's. `domain` code gets `now` as an argument instead."""

from __future__ import annotations

import datetime as dt
import threading
import time
import weakref
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from typing import Protocol, Self, cast

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
        anchor = self._anchor
        if anchor is None or self._monotonic() - anchor.monotonic >= self._refresh:
            anchor = self._asked_by_one()
        return anchor.venue + dt.timedelta(seconds=(self._monotonic() - anchor.monotonic) * anchor.speed)

    def kept(self) -> Self:
        """Asked ahead by a thread of its own for as long as it is used, so that nobody in a hurry waits for an answer."""
        threading.Thread(target=_keep, args=(weakref.ref(self), self._refresh / 2), name="clock", daemon=True).start()
        return self

    def ask(self) -> None:
        """Ask anew. Raises httpx.HTTPError."""
        answer = self._client.get(self._url).raise_for_status().json()
        venue = dt.datetime.fromisoformat(answer["now"]).astimezone(dt.UTC)
        self._anchor = _Anchor(venue, self._monotonic(), float(answer["speed"]))

    def _asked_by_one(self) -> _Anchor:
        with self._lock:
            anchor = self._anchor
            if anchor is None or self._monotonic() - anchor.monotonic >= self._refresh:
                try:
                    self.ask()
                except httpx.HTTPError:
                    if anchor is None:
                        raise
            return cast("_Anchor", self._anchor)


def _keep(known: weakref.ref[VenueClock], pause: float) -> None:
    waiting = threading.Event()
    while (clock := known()) is not None:
        with suppress(httpx.HTTPError):
            clock.ask()
        del clock
        waiting.wait(pause)

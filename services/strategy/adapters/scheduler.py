"""The thread that watches the clock: asks for the run of each session, and keeps marketdata told of what is needed."""

from __future__ import annotations

import datetime as dt
import threading
import time
from collections.abc import Callable

import httpx

from services.strategy.settings import SERVICE
from shared import logs
from shared.bus import BusUnavailableError
from shared.clock import Clock


class Scheduler:
    """`poll_seconds` of real time: short, since a virtual clock may run a session in seconds."""

    def __init__(
        self,
        clock: Clock,
        *,
        announce: Callable[[], bool],
        request_run: Callable[[dt.datetime], bool],
        poll_seconds: float = 0.25,
        announce_every_seconds: float = 5.0,
    ) -> None:
        self._clock = clock
        self._announce_symbols = announce
        self._request_run = request_run
        self._poll = poll_seconds
        self._announce_every = announce_every_seconds
        self._next_announcement = 0.0
        self._trouble = ""
        self._log = logs.get(SERVICE)

    def run(self, stop: threading.Event) -> None:
        while not stop.is_set():
            try:
                self.tick()
                self._say_once("")
            except (BusUnavailableError, httpx.HTTPError) as error:
                self._say_once(f"{type(error).__name__}: {error}")
            stop.wait(self._poll)

    def tick(self) -> bool:
        """Once. True when a run was asked for. Raises BusUnavailableError, httpx.HTTPError (the venue's clock)."""
        self._announce()
        now = self._clock.now()
        asked = self._request_run(now)
        if asked:
            self._log.info("scheduled run requested", at=now.isoformat())
        return asked

    def _announce(self) -> None:
        """Again and again, since a Redis that lost its state must hear it too."""
        if time.monotonic() >= self._next_announcement:
            self._announce_symbols()
            self._next_announcement = time.monotonic() + self._announce_every

    def _say_once(self, trouble: str) -> None:
        if trouble != self._trouble:
            self._trouble = trouble
            if trouble:
                self._log.warning("the schedule waits", why=trouble)
            else:
                self._log.info("the schedule goes on")

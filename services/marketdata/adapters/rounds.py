"""What is done again and again: read what is wanted, ask REST where the stream does not deliver, keep history fresh."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable

from services.marketdata.domain.desk import RestQuotes, Wanted
from services.marketdata.domain.feed import PollFailed
from services.marketdata.domain.wanted import union_of
from services.marketdata.ports import Inbox, LatestQuotes, Observer, SourceUnavailableError
from shared.bus import NOTHING, Bus, BusUnavailableError, Outcome
from shared.contracts import streams


class WantedRound:
    """Reads what every subscriber wants; `current` is the newest union."""

    def __init__(self, bus: Bus, inbox: Inbox, observer: Observer, *, always: Iterable[str], seconds: float) -> None:
        self._bus, self._inbox, self._observer = bus, inbox, observer
        self._always, self._seconds = frozenset(always), seconds
        self._faults: dict[str, str] = {}
        self.current: frozenset[str] = frozenset()
        self.has_read = False

    def run(self, stop: threading.Event) -> None:
        while not stop.is_set():
            try:
                self.step()
            except BusUnavailableError as error:
                self._observer.bus_unavailable(error)
            stop.wait(self._seconds)

    def step(self) -> None:
        wanted, faults = union_of(self._bus.get_all(streams.WANTED_SYMBOLS), self._always)
        for subscriber, fault in faults.items():
            if self._faults.get(subscriber) != fault:
                self._observer.wanted_malformed(subscriber, fault)
        self._faults = faults
        if wanted != self.current:
            self.current = wanted
            self._inbox.put(Wanted(wanted))
        self.has_read = True


class PollRound:
    """Asks REST for what the desk cannot get from the stream."""

    def __init__(
        self, symbols: Callable[[], frozenset[str]], source: LatestQuotes, inbox: Inbox, *, seconds: float
    ) -> None:
        self._symbols, self._source, self._inbox, self._seconds = symbols, source, inbox, seconds

    def run(self, stop: threading.Event) -> None:
        while not stop.is_set():
            self.step()
            stop.wait(self._seconds)

    def step(self) -> None:
        symbols = self._symbols()
        if not symbols:
            return
        try:
            quotes = self._source.latest(sorted(symbols))
        except SourceUnavailableError as error:
            self._inbox.put(PollFailed(str(error)))
        else:
            self._inbox.put(RestQuotes(symbols, tuple(quotes)))


class HistoryRound:
    """Keeps the history of what is wanted fresh, and tells what was odd about it."""

    def __init__(self, refresh: Callable[[], Outcome], bus: Bus, observer: Observer, *, seconds: float) -> None:
        self._refresh, self._bus, self._observer, self._seconds = refresh, bus, observer, seconds

    def run(self, stop: threading.Event) -> None:
        while not stop.is_set():
            try:
                self.step()
            except BusUnavailableError as error:
                self._observer.bus_unavailable(error)
            stop.wait(self._seconds)

    def step(self) -> None:
        outcome = self._refresh()
        if outcome != NOTHING:
            self._bus.commit(outcome)

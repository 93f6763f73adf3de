"""What marketdata needs from outside. Each real adapter and its in-memory twin stand in adapters/ and pass one suite."""

from __future__ import annotations

import datetime as dt
import threading
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from services.marketdata.domain.desk import Observation
from services.marketdata.domain.feed import Refused, State
from services.marketdata.domain.history import Adjustment, DailyBar, SourceName
from services.marketdata.domain.quotes import ObservedQuote, Refusal
from shared.contracts.marketdata import DailyHistory, DataFinding, Quote


class SourceUnavailableError(ConnectionError):
    """A source could not answer now, or not readably; says which source and why, never a key."""


class Inbox(Protocol):
    """Where everything that is heard goes, from any thread."""

    def put(self, observation: Observation) -> None:
        """Never raises and never waits."""


class ReadableInbox(Inbox, Protocol):
    """The other side of it: one reader."""

    def take(self, *, wait_seconds: float, gather_seconds: float, count: int) -> list[Observation]:
        """What is there, at most `count`; waits for a first one, then gathers for a moment."""


class QuoteStream(Protocol):
    """A pushed feed of quotes and minute bars; it keeps itself connected and tells its inbox what it hears."""

    def run(self, stop: threading.Event) -> None:
        """Until `stop`; then the connection is closed in order, so that the server frees its slot."""

    def want(self, symbols: frozenset[str]) -> None:
        """Follow exactly these from now on, from any thread, connected or not."""

    def reconnect(self) -> None:
        """Give the present connection up and make a new one."""


class LatestQuotes(Protocol):
    """The newest quotes, asked for."""

    def latest(self, symbols: Sequence[str]) -> Sequence[ObservedQuote]:
        """Symbols without a quote are absent. Raises SourceUnavailableError."""


@dataclass(frozen=True, slots=True)
class Fetched:
    """Rows by symbol, oldest first; a symbol without data is in neither map, one that could not be read is in `faults`."""

    rows: Mapping[str, Sequence[DailyBar]]
    faults: Mapping[str, str] = field(default_factory=dict)


class HistorySource(Protocol):
    """A source of daily bars."""

    @property
    def name(self) -> SourceName: ...

    def daily(self, symbols: Sequence[str], first: dt.date, now: dt.datetime, adjustment: Adjustment) -> Fetched:
        """Everything from the New York date `first` to `now`. Raises SourceUnavailableError."""


class QuoteStore(Protocol):
    """Where quotes and bars are told to everybody else. Raises BusUnavailableError."""

    def put_quotes(self, quotes: Sequence[Quote], at: dt.datetime) -> None:
        """All of them as one fact, and the newest of each symbol as state, in one transaction."""

    def latest(self) -> Mapping[str, Quote]:
        """The newest quote of every symbol; what cannot be read is absent."""

    def latest_of(self, symbol: str) -> Quote | None: ...


class HistoryStore(Protocol):
    """The cache of daily history. Raises BusUnavailableError."""

    def put(self, history: DailyHistory, ttl: dt.timedelta) -> None:
        """Replaces what was there; gone after `ttl` of real time."""

    def get(self, symbol: str, adjustment: Adjustment) -> DailyHistory | None:
        """None when there is none, or nothing readable."""

    def present(self, symbols: Sequence[str], adjustment: Adjustment) -> frozenset[str]:
        """Which of these are cached."""


class Observer:
    """What metrics and logs may listen to; every method does nothing by itself."""

    def quotes_taken(self, quotes: Sequence[Quote], now: dt.datetime) -> None:
        """After they were stored."""

    def refused(self, refusals: Iterable[Refusal]) -> None:
        """Quotes and bars that were not taken."""

    def feed_changed(self, state: State, detail: str) -> None: ...

    def stream_refused(self, refusal: Refused) -> None: ...

    def overflowed(self, dropped: int) -> None:
        """The inbox was full; so many observations were thrown away in all."""

    def history_fetched(self, source: SourceName, result: str, symbols: Sequence[str], detail: str) -> None:
        """`result` is ok, empty, faulty or unavailable."""

    def judged(self, findings: Sequence[DataFinding]) -> None:
        """What the gates of data quality found in histories that were kept."""

    def wanted_malformed(self, subscriber: str, fault: str) -> None: ...

    def bus_unavailable(self, error: Exception) -> None: ...

    def clock_unavailable(self, error: Exception) -> None:
        """The venue has not told its time yet."""

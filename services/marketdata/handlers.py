"""What marketdata does with what it hears: quotes and the feed's state to the bus, daily history into its cache.

`FeedDesk` belongs to one thread and is spoken to through its inbox; `HistoryKeeper` may be used from several.
"""

from __future__ import annotations

import datetime as dt
import threading
import uuid
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final, Literal

from services.marketdata.domain import alerts
from services.marketdata.domain.desk import Desk, Effects
from services.marketdata.domain.feed import Moment
from services.marketdata.domain.history import (
    Adjustment,
    BadHistoryError,
    CheckedHistory,
    SourceName,
    checked,
    refresh_due,
)
from services.marketdata.domain.judging import Judge, newly_found
from services.marketdata.ports import (
    HistorySource,
    HistoryStore,
    Observer,
    QuoteStore,
    QuoteStream,
    ReadableInbox,
    SourceUnavailableError,
)
from shared.bus import NOTHING, Bus, BusUnavailableError, Outcome, Publication, Put
from shared.clock import Clock
from shared.contracts import streams
from shared.contracts.alerts import AlertRaised
from shared.contracts.control import BackfillRequested
from shared.contracts.marketdata import Bar, BarsClosed, DailyHistory, FeedStateChanged, Quote
from shared.quality import Doubt
from shared.quality.settling import Accepted

_BATCH_QUOTES = 200
_BATCH_SECONDS = 0.05
_KEPT_IN_OUTAGE = 2_000
_OUTAGE_PAUSE_SECONDS = 0.5
_REFUSED: Final = "refused"
_REPAIRED: Final = "repaired"


class FeedDesk:
    """Carries out what the desk decides, and keeps what the bus cannot take now: every fact, and the newest quotes."""

    def __init__(
        self,
        desk: Desk,
        *,
        inbox: ReadableInbox,
        stream: QuoteStream,
        store: QuoteStore,
        bus: Bus,
        clock: Clock,
        steady: Callable[[], float],
        observer: Observer,
    ) -> None:
        self._desk, self._inbox, self._stream, self._store = desk, inbox, stream, store
        self._bus, self._clock, self._steady, self._observer = bus, clock, steady, observer
        self._quotes: list[Quote] = []
        self._bars: list[Bar] = []
        self._facts: list[FeedStateChanged | AlertRaised] = []

    def run(self, stop: threading.Event) -> None:
        while not stop.is_set():
            self.step()
            try:
                self.flush()
            except BusUnavailableError as error:
                self._observer.bus_unavailable(error)
                stop.wait(_OUTAGE_PAUSE_SECONDS)

    def step(self) -> None:
        """Hear what has come, for a batch's time at most, and do what follows."""
        heard = self._inbox.take(wait_seconds=_BATCH_SECONDS, gather_seconds=_BATCH_SECONDS, count=_BATCH_QUOTES)
        effects = self._desk.hear(heard, Moment(self._steady(), self._clock.now()))
        if effects.follow is not None:
            self._stream.want(effects.follow)
        if effects.reconnect:
            self._stream.reconnect()
        self._quotes += effects.quotes
        self._bars += effects.bars
        self._facts += effects.facts
        self._show(effects)

    def flush(self) -> None:
        """Give the bus what it has not got yet. Raises BusUnavailableError and keeps it."""
        now = self._clock.now()
        if len(self._quotes) > _KEPT_IN_OUTAGE:
            self._quotes = list({quote.symbol: quote for quote in self._quotes}.values())
        while self._quotes:
            batch = self._quotes[:_BATCH_QUOTES]
            self._store.put_quotes(batch, now)
            del self._quotes[: len(batch)]
            self._observer.quotes_taken(batch, now)
        if self._bars:
            fact = BarsClosed(correlation_id=uuid.uuid4().hex, at=now, bars=tuple(self._bars))
            newest = {bar.symbol: bar for bar in sorted(self._bars, key=lambda bar: bar.at)}
            puts = tuple(Put(streams.LATEST_BARS, name, bar.model_dump_json()) for name, bar in newest.items())
            self._bus.commit(Outcome((Publication(streams.BARS, fact),), puts))
            self._bars.clear()
        if self._facts:
            self._bus.commit(Outcome(tuple(Publication(_stream_of(fact), fact) for fact in self._facts)))
            self._facts.clear()

    def _show(self, effects: Effects) -> None:
        self._observer.refused(effects.refusals)
        for refusal in effects.stream_refusals:
            self._observer.stream_refused(refusal)
        for state, detail in effects.changes:
            self._observer.feed_changed(state, detail)


def _stream_of(fact: FeedStateChanged | AlertRaised) -> str:
    return streams.FEED_STATUS if isinstance(fact, FeedStateChanged) else streams.alerts_of("marketdata")


@dataclass(frozen=True, slots=True)
class KeeperOptions:
    """`cross_check`: the second source is asked about doubtful histories, or about all of them."""

    first: dt.date
    ttl: dt.timedelta
    adjustments: tuple[Adjustment, ...] = ("all",)
    retry_seconds: float = 60.0
    cross_check: Literal["doubts", "all"] = "doubts"
    accepted: Accepted = frozenset()


@dataclass(slots=True)
class _Record:
    """What is known of one cached history. `settled_without`: every source answered, and none has it.

    `opinion_after`: when the second source is to be asked again, which could not answer.
    """

    fetched_at: dt.datetime | None = None
    source: SourceName | None = None
    not_before: float = 0.0
    settled_without: bool = False
    opinion_after: float | None = None


class HistoryKeeper:
    """Keeps the cache of daily history filled: from the first source that has it, and says so when it is not the first.

    What it keeps has passed the gates of data quality; where they doubt, the second source is asked.
    """

    def __init__(
        self,
        *,
        sources: Sequence[HistorySource],
        store: HistoryStore,
        clock: Clock,
        steady: Callable[[], float],
        observer: Observer,
        options: KeeperOptions,
    ) -> None:
        self._sources, self._store, self._clock = tuple(sources), store, clock
        self._steady, self._observer, self._options = steady, observer, options
        self._records: dict[tuple[str, Adjustment], _Record] = {}
        self._judge = Judge(options.accepted)
        self._lock = threading.Lock()

    def refresh(self, wanted: frozenset[str]) -> Outcome:
        """Fetch what is missing or due among these. Raises BusUnavailableError."""
        outcome = NOTHING
        for adjustment in self._options.adjustments:
            with self._lock:
                if due := self._due(sorted(wanted), adjustment):
                    outcome += self._fetch(due, adjustment)
        return outcome

    def backfill(self, request: BackfillRequested) -> Outcome:
        """Fetch these again. Raises SourceUnavailableError, so that the request is tried again, when a source failed."""
        outcome, symbols = NOTHING, sorted(set(request.symbols))
        for adjustment in self._options.adjustments:
            with self._lock:
                outcome += self._fetch(symbols, adjustment)
                failed = [s for s in symbols if self._record(s, adjustment).not_before > self._steady()]
                failed = [s for s in failed if not self._record(s, adjustment).settled_without]
            if failed:
                raise SourceUnavailableError(f"no source could give the daily history of {', '.join(failed)}")
        return outcome

    def unloaded(self, wanted: frozenset[str]) -> tuple[str, ...]:
        """Wanted symbols whose history is still to come; one that no source has is not among them. Raises BusUnavailableError."""
        symbols = sorted(wanted)
        missing = {
            symbol
            for adjustment in self._options.adjustments
            for symbol in set(symbols) - self._store.present(symbols, adjustment)
            if not self._record(symbol, adjustment).settled_without
        }
        return tuple(sorted(missing))

    def _record(self, symbol: str, adjustment: Adjustment) -> _Record:
        return self._records.setdefault((symbol, adjustment), _Record())

    def _due(self, symbols: Sequence[str], adjustment: Adjustment) -> list[str]:
        present = self._store.present(symbols, adjustment)
        return [symbol for symbol in symbols if self._is_due(symbol, adjustment, is_present=symbol in present)]

    def _is_due(self, symbol: str, adjustment: Adjustment, *, is_present: bool) -> bool:
        record = self._record(symbol, adjustment)
        if self._steady() < record.not_before:
            return False
        if is_present and record.fetched_at is None and (cached := self._store.get(symbol, adjustment)) is not None:
            record.fetched_at, record.source = cached.fetched_at, cached.source
        if not is_present or record.fetched_at is None:
            return True
        if record.opinion_after is not None and self._steady() >= record.opinion_after:
            return True
        # A little before the cache forgets it, so that there is never a hole.
        return refresh_due(record.fetched_at, self._clock.now(), self._options.ttl * 0.8) is not None

    def _fetch(self, symbols: Sequence[str], adjustment: Adjustment) -> Outcome:
        now, reasons = self._clock.now(), dict[str, str]()
        left, found, failed = list(symbols), dict[str, CheckedHistory](), False
        for source in self._sources:
            if not left:
                break
            try:
                found |= self._ask(source, left, adjustment, now, reasons)
            except SourceUnavailableError as error:
                failed = True
                reasons |= {symbol: _joined(reasons.get(symbol), str(error)) for symbol in left}
                self._observer.history_fetched(source.name, "unavailable", left, str(error))
            left = [symbol for symbol in left if symbol not in found]
        return self._kept(found, adjustment, reasons, now) + self._missed(left, adjustment, reasons, now, failed=failed)

    def _ask(
        self,
        source: HistorySource,
        symbols: Sequence[str],
        adjustment: Adjustment,
        now: dt.datetime,
        reasons: dict[str, str],
    ) -> dict[str, CheckedHistory]:
        fetched = source.daily(symbols, self._options.first, now, adjustment)
        found: dict[str, CheckedHistory] = {}
        for symbol in symbols:
            fault = fetched.faults.get(symbol) or (None if symbol in fetched.rows else f"{source.name} has none")
            try:
                if fault is None:
                    rows = fetched.rows[symbol]
                    found[symbol] = checked(symbol, rows, source=source.name, adjustment=adjustment, now=now)
                    continue
            except BadHistoryError as error:
                fault = f"{source.name}: {error}"
            reasons[symbol] = _joined(reasons.get(symbol), fault or "")
        self._observer.history_fetched(source.name, "ok" if found else "empty", sorted(found), "")
        return found

    def _kept(
        self, found: dict[str, CheckedHistory], adjustment: Adjustment, reasons: dict[str, str], now: dt.datetime
    ) -> Outcome:
        before = {symbol: self._store.get(symbol, adjustment) for symbol in found}
        histories, unanswered = self._judged(found, before, adjustment, now)
        newly_second: dict[SourceName, list[str]] = {}
        for symbol, history in histories.items():
            self._store.put(history, self._options.ttl)
            source, record = history.source, self._record(symbol, adjustment)
            if source != self._sources[0].name and record.source != source:
                newly_second.setdefault(source, []).append(symbol)
                reasons.setdefault(symbol, "its history from the first source is refused")
            again = self._steady() + self._options.retry_seconds * 5 if symbol in unanswered else None
            self._records[symbol, adjustment] = _Record(now, source, opinion_after=again)
        self._observer.judged([finding for history in histories.values() for finding in history.findings])
        return _raised(
            *(alerts.of_second_source(symbols, source, reasons, now) for source, symbols in newly_second.items()),
            *_told_of_closes(histories, before, now),
        )

    def _judged(
        self,
        found: dict[str, CheckedHistory],
        before: Mapping[str, DailyHistory | None],
        adjustment: Adjustment,
        now: dt.datetime,
    ) -> tuple[dict[str, DailyHistory], frozenset[str]]:
        """The histories with their findings; and the symbols about which the second source could not be asked.

        While it is asked, which may take minutes, what is not cached at all is cached as doubtful as it is.
        """
        doubts = self._judge.doubts(found, now)
        histories = {symbol: self._judge.settle(check, doubts[symbol], None, now) for symbol, check in found.items()}
        asked = [symbol for symbol, check in found.items() if self._wants_second(check, doubts[symbol])]
        for symbol, history in histories.items():
            if before[symbol] is None:
                self._store.put(history, self._options.ttl)
        theirs, unanswered = self._second_opinions(asked, adjustment, now) if asked else ({}, frozenset[str]())
        for symbol, second in theirs.items():
            histories[symbol] = self._judge.settle(found[symbol], doubts[symbol], second, now)
        return histories, unanswered

    def _wants_second(self, check: CheckedHistory, doubts: tuple[Doubt, ...]) -> bool:
        if len(self._sources) == 1 or check.history.source != self._sources[0].name:
            return False
        return self._options.cross_check == "all" or bool(doubts)

    def _second_opinions(
        self, symbols: Sequence[str], adjustment: Adjustment, now: dt.datetime
    ) -> tuple[dict[str, CheckedHistory], frozenset[str]]:
        """One by one, so that what was answered before it fell silent is not lost."""
        source, opinions = self._sources[1], dict[str, CheckedHistory]()
        for place, symbol in enumerate(symbols):
            try:
                opinions |= self._ask(source, [symbol], adjustment, now, {})
            except SourceUnavailableError as error:
                self._observer.history_fetched(source.name, "unavailable", symbols[place:], str(error))
                return opinions, frozenset(symbols[place:])
        return opinions, frozenset()

    def _missed(
        self, symbols: Sequence[str], adjustment: Adjustment, reasons: dict[str, str], now: dt.datetime, *, failed: bool
    ) -> Outcome:
        """A failure is tried again soon, a definite no late; each is told once."""
        new = [symbol for symbol in symbols if self._record(symbol, adjustment).not_before == 0]
        pause = self._options.retry_seconds * (1 if failed else 15)
        for symbol in symbols:
            record = self._record(symbol, adjustment)
            record.not_before, record.settled_without = self._steady() + pause, not failed
        alert = alerts.of_failed_fetch if failed else alerts.of_missing
        return _raised(alert(new, reasons, now)) if new else NOTHING


def _told_of_closes(
    histories: Mapping[str, DailyHistory], before: Mapping[str, DailyHistory | None], now: dt.datetime
) -> Iterable[AlertRaised]:
    """What is refused or repaired, unless it was told with the history that was kept before."""
    refused, repaired = (
        {s: told for s, history in histories.items() if (told := newly_found(history, before[s], verdict))}
        for verdict in (_REFUSED, _REPAIRED)
    )
    if refused:
        yield alerts.of_refused_closes(refused, now)
    if repaired:
        sources = {finding.repaired_from for told in repaired.values() for finding in told}
        yield alerts.of_repaired_closes(repaired, " and ".join(sorted(sources)), now)


def _joined(before: str | None, more: str) -> str:
    return f"{before}; {more}" if before else more


def _raised(*told: AlertRaised) -> Outcome:
    return Outcome(tuple(Publication(_stream_of(alert), alert) for alert in told))

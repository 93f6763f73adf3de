"""All that is known of the live feed, and what follows from what is heard: no I/O, only effects that others carry out."""

from __future__ import annotations

import datetime as dt
import uuid
from collections.abc import Sequence
from dataclasses import dataclass, field

from services.marketdata.domain import alerts, feed
from services.marketdata.domain.minute_bars import ObservedBar, bar_of
from services.marketdata.domain.quotes import ObservedQuote, QuoteBook, Refusal
from shared.contracts.alerts import AlertRaised
from shared.contracts.marketdata import Bar, Feed, FeedState, FeedStateChanged, Quote


@dataclass(frozen=True, slots=True)
class Subscribed:
    """The symbols whose quotes the server has confirmed to send."""

    symbols: frozenset[str]


@dataclass(frozen=True, slots=True)
class RestQuotes:
    """One answered poll."""

    asked: frozenset[str]
    quotes: tuple[ObservedQuote, ...]


@dataclass(frozen=True, slots=True)
class Wanted:
    """The symbols that someone needs data for have changed."""

    symbols: frozenset[str]


Observation = (
    ObservedQuote
    | ObservedBar
    | feed.Opened
    | feed.Lost
    | feed.Refused
    | Subscribed
    | RestQuotes
    | feed.PollFailed
    | Wanted
)


@dataclass(slots=True)
class Effects:
    """What follows, in order. `follow`: the symbols the stream should follow from now on."""

    quotes: list[Quote] = field(default_factory=list)
    bars: list[Bar] = field(default_factory=list)
    refusals: list[Refusal] = field(default_factory=list)
    stream_refusals: list[feed.Refused] = field(default_factory=list)
    facts: list[FeedStateChanged | AlertRaised] = field(default_factory=list)
    changes: list[tuple[feed.State, str]] = field(default_factory=list)
    follow: frozenset[str] | None = None
    reconnect: bool = False


class Desk:
    """`stream_limit`: how many symbols the plan lets the stream follow; the others are polled."""

    def __init__(
        self, book: QuoteBook, feed_name: Feed, patience: feed.Patience, *, stream_limit: int | None = None
    ) -> None:
        self._book, self._feed_name, self._patience, self._stream_limit = book, feed_name, patience, stream_limit
        self._said: FeedState | None = None
        self._refusals_told: set[int] = set()
        self._wanted: frozenset[str] = frozenset()
        self._confirmed: frozenset[str] = frozenset()
        self._unseen: frozenset[str] = frozenset()
        self.feed: feed.Feed | None = None
        """None while nothing is wanted."""

    @property
    def symbols_to_poll(self) -> frozenset[str]:
        """All of them while the stream does not deliver; else those it does not follow, and those never seen yet."""
        if self.feed is not None and self.feed.needs_polling:
            return self._wanted
        return (self._wanted - self._confirmed) | self._unseen

    def hear(self, heard: Sequence[Observation], moment: feed.Moment) -> Effects:
        """Take in what was heard since the last time, and let time pass."""
        effects = Effects()
        for observation in heard:
            if not isinstance(observation, ObservedQuote | ObservedBar):
                self._note(observation, moment, effects)
        self._judge([item for item in heard if isinstance(item, ObservedQuote | ObservedBar)], moment, effects)
        self._advance(feed.Ticked(), moment, effects)
        self._announce(moment.venue, effects)
        return effects

    def _note(self, observation: Observation, moment: feed.Moment, effects: Effects) -> None:
        match observation:
            case Wanted():
                self._serve(observation.symbols, moment, effects)
            case Subscribed():
                self._confirmed = observation.symbols
            case RestQuotes():
                self._unseen -= observation.asked
                taken = self._judge(observation.quotes, moment, effects)
                self._advance(feed.Polled(brought_news=taken > 0), moment, effects)
            case feed.Refused():
                self._refused(observation, moment.venue, effects)
                self._advance(observation, moment, effects)
            case feed.Lost():
                self._confirmed = frozenset()
                self._advance(observation, moment, effects)
            case feed.Opened() | feed.PollFailed():
                self._advance(observation, moment, effects)

    def _serve(self, wanted: frozenset[str], moment: feed.Moment, effects: Effects) -> None:
        self._unseen = (self._unseen | (wanted - self._wanted)) & wanted
        self._wanted = wanted
        if wanted and self.feed is None:
            self.feed = feed.begin(moment)
        effects.follow = frozenset(sorted(wanted)[: self._stream_limit])

    def _judge(self, observed: Sequence[ObservedQuote | ObservedBar], moment: feed.Moment, effects: Effects) -> int:
        """How many were taken. What came through the stream is a sign of life even when it is refused."""
        taken = 0
        for item in observed:
            judged = self._book.take(item, moment.venue) if isinstance(item, ObservedQuote) else bar_of(item)
            match judged:
                case Refusal():
                    effects.refusals.append(judged)
                    continue
                case Quote():
                    effects.quotes.append(judged)
                case Bar():
                    effects.bars.append(judged)
            taken += 1
        if any(isinstance(item, ObservedBar) or item.source == "stream" for item in observed):
            self._advance(feed.Arrived(), moment, effects)
        return taken

    def _advance(self, event: feed.Event, moment: feed.Moment, effects: Effects) -> None:
        if self.feed is None:
            return
        stepped = feed.step(self.feed, event, moment, self._patience)
        if stepped.feed.state != self.feed.state:
            effects.changes.append((stepped.feed.state, stepped.feed.detail))
        self.feed = stepped.feed
        effects.reconnect = effects.reconnect or stepped.reconnect

    def _announce(self, at: dt.datetime, effects: Effects) -> None:
        if self.feed is None or (state := feed.announcement(self.feed, self._said)) is None:
            return
        self._said, detail = state, self.feed.detail
        effects.facts.append(
            FeedStateChanged(correlation_id=uuid.uuid4().hex, at=at, state=state, feed=self._feed_name, detail=detail)
        )
        if (alert := alerts.of_feed(state, detail, at)) is not None:
            effects.facts.append(alert)

    def _refused(self, refusal: feed.Refused, at: dt.datetime, effects: Effects) -> None:
        """Each code once: a connection limit that is hit twenty times in a row is one thing to know."""
        effects.stream_refusals.append(refusal)
        if refusal.code not in self._refusals_told:
            self._refusals_told.add(refusal.code)
            effects.facts.append(alerts.of_refusal(refusal, at))

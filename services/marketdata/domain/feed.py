"""The feed's state as a table: what the stream and the REST polls tell, to what we say about the feed.

    starting ──► up ──silence──► mute ──polled──► degraded ──arrived──► recovered ──calm──► up
                  └──outage──► lost ──┘──poll fails──► down ──polled──► degraded

`starting` and `lost` are never published: nothing is known yet, or REST is still being asked. Silence outside sessions is
normal. No I/O, no clock: the moment is an argument.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass, replace
from types import MappingProxyType
from typing import Literal, get_args

from shared.contracts.marketdata import FeedState
from shared.sessions import session_at

State = Literal["starting", "lost"] | FeedState
Signal = Literal[
    "opened",  # logged in while the market is open: proves nothing before data arrives
    "opened_at_rest",  # logged in while it is closed: as much as can be seen
    "arrived",  # data came through the stream
    "silence",  # open, in session, and nothing came for too long
    "outage",  # not connected for longer than the grace
    "refused",  # the stream said no for good
    "polled",  # REST brought something the stream had not
    "polled_quiet",  # REST knows nothing newer either
    "poll_failed",  # REST failed, again and again
    "calm",  # recovered, and steady since
]


@dataclass(frozen=True, slots=True)
class Moment:
    """An instant on two clocks: steady real seconds, and the venue's time, which may run faster, stand or jump."""

    steady: float
    venue: dt.datetime

    def seconds_since(self, earlier: Moment) -> float:
        """By the slower of the two: a venue that stands still sends nothing, and a fast one is not mute after a blink."""
        return min(self.steady - earlier.steady, (self.venue - earlier.venue).total_seconds())


@dataclass(frozen=True, slots=True)
class Opened:
    """The stream is connected and logged in."""


@dataclass(frozen=True, slots=True)
class Lost:
    """The stream is not connected; why."""

    reason: str


@dataclass(frozen=True, slots=True)
class Refused:
    """The server said no. `for_good`: trying again cannot help (wrong key, no subscription)."""

    code: int
    message: str
    for_good: bool


@dataclass(frozen=True, slots=True)
class Arrived:
    """Data came through the stream."""


@dataclass(frozen=True, slots=True)
class Polled:
    """REST answered; whether it brought anything newer than what was known."""

    brought_news: bool


@dataclass(frozen=True, slots=True)
class PollFailed:
    reason: str


@dataclass(frozen=True, slots=True)
class Ticked:
    """Time has passed."""


Event = Opened | Lost | Refused | Arrived | Polled | PollFailed | Ticked


@dataclass(frozen=True, slots=True)
class Patience:
    """Seconds: of silence before the stream counts as mute, of disconnection before REST is asked, of calm before `up`."""

    mute: float = 20.0
    outage: float = 5.0
    calm: float = 10.0
    failed_polls: int = 3


@dataclass(frozen=True, slots=True)
class Feed:
    """What is known of the feed. `since` is when the state began, `quiet_since` the last sign of life."""

    state: State
    since: Moment
    quiet_since: Moment
    lost_since: Moment | None
    failed_polls: int = 0
    detail: str = "nothing heard yet"
    refused: bool = False

    @property
    def needs_polling(self) -> bool:
        return self.state in _POLLING


@dataclass(frozen=True, slots=True)
class Step:
    """The feed after an event, and whether the stream's connection should be made anew."""

    feed: Feed
    reconnect: bool = False


class ImpossibleSignalError(RuntimeError):
    """The table has no row for it; nothing was changed."""


_POLLING: frozenset[State] = frozenset({"lost", "mute", "degraded", "down"})
_SAID: frozenset[str] = frozenset(get_args(FeedState))

Row = Mapping[Signal, State]


def _row(
    *,
    opened: State,
    opened_at_rest: State,
    arrived: State,
    silence: State,
    outage: State,
    refused: State,
    polled: State,
    polled_quiet: State,
    poll_failed: State,
    calm: State | None = None,
) -> Row:
    """Every signal must be thought of; only `calm` cannot come in most states."""
    row: dict[Signal, State] = {
        "opened": opened,
        "opened_at_rest": opened_at_rest,
        "arrived": arrived,
        "silence": silence,
        "outage": outage,
        "refused": refused,
        "polled": polled,
        "polled_quiet": polled_quiet,
        "poll_failed": poll_failed,
    }
    return MappingProxyType(row if calm is None else {**row, "calm": calm})


# fmt: off
TABLE: Mapping[State, Row] = MappingProxyType({
    "starting": _row(opened="up", opened_at_rest="up", arrived="up", silence="mute", outage="lost", refused="lost",
                     polled="starting", polled_quiet="starting", poll_failed="starting"),
    "up": _row(opened="up", opened_at_rest="up", arrived="up", silence="mute", outage="lost", refused="lost",
               polled="up", polled_quiet="up", poll_failed="up"),
    "mute": _row(opened="mute", opened_at_rest="recovered", arrived="recovered", silence="mute", outage="mute",
                 refused="mute", polled="degraded", polled_quiet="up", poll_failed="down"),
    "lost": _row(opened="lost", opened_at_rest="up", arrived="up", silence="lost", outage="lost", refused="lost",
                 polled="degraded", polled_quiet="degraded", poll_failed="down"),
    "degraded": _row(opened="degraded", opened_at_rest="recovered", arrived="recovered", silence="degraded",
                     outage="degraded", refused="degraded", polled="degraded", polled_quiet="degraded",
                     poll_failed="down"),
    "down": _row(opened="down", opened_at_rest="recovered", arrived="recovered", silence="down", outage="down",
                 refused="down", polled="degraded", polled_quiet="degraded", poll_failed="down"),
    "recovered": _row(opened="recovered", opened_at_rest="recovered", arrived="recovered", silence="mute",
                      outage="lost", refused="lost", polled="recovered", polled_quiet="recovered",
                      poll_failed="recovered", calm="up"),
})
# fmt: on

# A mute socket is given up once REST has shown that the market is not just quiet, and again for every further silence.
_RECONNECTS: frozenset[tuple[State, Signal]] = frozenset(
    {("mute", "polled"), ("mute", "poll_failed"), ("degraded", "silence"), ("down", "silence"), ("lost", "silence")}
)


def begin(moment: Moment) -> Feed:
    return Feed("starting", moment, moment, moment)


def step(feed: Feed, event: Event, moment: Moment, patience: Patience) -> Step:
    """The feed after `event` at `moment`. Raises ImpossibleSignalError when the table has no row."""
    noted = _noted(feed, event, moment)
    signal = _signal(noted, event, moment, patience)
    if signal is None:
        return Step(noted)
    state = _next(noted.state, signal)
    reconnect = (noted.state, signal) in _RECONNECTS
    if reconnect or signal == "silence":
        noted = replace(noted, quiet_since=moment)
    if state != noted.state:
        noted = replace(noted, state=state, since=moment, detail=_detail(signal, noted, event, patience))
    return Step(noted, reconnect)


def announcement(feed: Feed, said: FeedState | None) -> FeedState | None:
    """What must be said now, when it differs from what was said last."""
    state: State = feed.state
    if state == said or state not in _SAID:
        return None
    return state  # type: ignore[return-value]  # just checked: one of FeedState


def _next(state: State, signal: Signal) -> State:
    try:
        return TABLE[state][signal]
    except KeyError:
        raise ImpossibleSignalError(f"{signal} cannot come in state {state}") from None


def _noted(feed: Feed, event: Event, moment: Moment) -> Feed:
    """The facts an event brings, whatever the state."""
    noted = feed
    match event:
        case Opened():
            noted = replace(feed, lost_since=None, quiet_since=moment, refused=False)
        case Lost():
            # Why it was refused says more than that it ended.
            detail = feed.detail if feed.refused else event.reason
            noted = replace(feed, lost_since=feed.lost_since or moment, detail=detail)
        case Refused():
            noted = replace(feed, refused=event.for_good, detail=f"refused: {event.code} {event.message}")
        case Arrived():
            noted = replace(feed, quiet_since=moment, lost_since=None)
        case Polled():
            noted = replace(feed, failed_polls=0)
        case PollFailed():
            noted = replace(feed, failed_polls=feed.failed_polls + 1)
        case Ticked() if session_at(moment.venue) is None:
            noted = replace(feed, quiet_since=moment)
    return noted


def _signal(feed: Feed, event: Event, moment: Moment, patience: Patience) -> Signal | None:
    signal: Signal | None = None
    match event:
        case Opened():
            signal = "opened" if session_at(moment.venue) is not None else "opened_at_rest"
        case Arrived():
            signal = "arrived"
        case Refused(for_good=True):
            signal = "refused"
        case Polled():
            signal = "polled" if event.brought_news else "polled_quiet"
        case PollFailed():
            signal = "poll_failed" if feed.failed_polls >= patience.failed_polls else None
        case Ticked():
            signal = _passing(feed, moment, patience)
    return signal


def _passing(feed: Feed, moment: Moment, patience: Patience) -> Signal | None:
    """What the mere passing of time means."""
    if feed.lost_since is not None:
        # Real seconds: a connection is gone by the wall, whatever the venue's clock does.
        return "outage" if moment.steady - feed.lost_since.steady >= patience.outage else None
    if moment.seconds_since(feed.quiet_since) >= patience.mute:
        return "silence"
    if feed.state == "recovered" and moment.steady - feed.since.steady >= patience.calm:
        return "calm"
    return None


_DETAILS: Mapping[Signal, str] = MappingProxyType(
    {
        "opened": "the stream is connected",
        "opened_at_rest": "the stream is connected",
        "arrived": "the stream delivers",
        "silence": "the stream is open and silent for {mute:g} s in session",
        "polled": "REST polling stands in; the stream: {was}",
        "polled_quiet": "REST has nothing newer; the stream: {was}",
        "poll_failed": "neither stream nor REST; the stream: {was}; REST: {reason}",
        "calm": "the stream is steady",
    }
)


def _detail(signal: Signal, feed: Feed, event: Event, patience: Patience) -> str:
    reason = event.reason if isinstance(event, PollFailed) else ""
    return _DETAILS.get(signal, "{was}").format(was=feed.detail, mute=patience.mute, reason=reason)

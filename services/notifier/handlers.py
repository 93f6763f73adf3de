"""From facts to letters: gathers signals and plans until their rebalance is over, tells alerts once, and puts what is to be
told into the outbox in the same commit that acknowledges the fact. Sending is another's work (adapters/postman.py).

One instance and one thread: windows of repeats are read and written here only.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from typing import TypeVar

from services.notifier.domain.alert_brief import (
    alert_brief,
    feed_alert,
    halted_brief,
    repeats_brief,
    resumed_brief,
    trial_brief,
)
from services.notifier.domain.brief import Brief
from services.notifier.domain.outbox import Letter, Posting, recorded
from services.notifier.domain.plain_text import plain_text, short_text
from services.notifier.domain.rebalance_brief import rebalance_brief
from services.notifier.domain.repeats import Repeats, is_told_already, sameness
from services.notifier.ports import JOURNAL, OUTBOX, PLANS, REPEATS, SIGNALS, Typesetter
from shared.bus import NOTHING, Bus, Change, Outcome, Put, Remove
from shared.clock import Clock
from shared.contracts import Message, Value
from shared.contracts.alerts import AlertRaised
from shared.contracts.execution import RebalanceCompleted, RebalancePlanned, TradingHalted, TradingResumed
from shared.contracts.marketdata import FeedStateChanged
from shared.contracts.strategy import SignalIssued
from shared.logs import masked
from shared.runner import Handler

_KEPT = 100
_M = TypeVar("_M", bound=Message)


class Correspondent:
    """Writes the letters. `channels` are the names every letter goes to; `window` collapses repeated alerts."""

    def __init__(
        self,
        bus: Bus,
        typesetter: Typesetter,
        clock: Clock,
        *,
        channels: Sequence[str],
        window: dt.timedelta,
        mode: str,
    ) -> None:
        self._bus = bus
        self._typesetter = typesetter
        self._clock = clock
        self._channels = tuple(channels)
        self._window = window
        self._mode = mode

    def handlers(self) -> Mapping[type[Message], Handler]:
        return {
            SignalIssued: self.gather_signal,
            RebalancePlanned: self.gather_plan,
            RebalanceCompleted: self.tell_rebalance,
            AlertRaised: self.tell_alert,
            FeedStateChanged: self.tell_feed,
            TradingHalted: self.tell_halt,
            TradingResumed: self.tell_resume,
        }

    def gather_signal(self, signal: SignalIssued) -> Outcome:
        return self._gather(SIGNALS, f"{signal.run_id}/{signal.strategy}", signal)

    def gather_plan(self, plan: RebalancePlanned) -> Outcome:
        return self._gather(PLANS, plan.plan_id, plan)

    def tell_rebalance(self, done: RebalanceCompleted) -> Outcome:
        """The signals of its run, whichever trigger traded them, and of its correlation id."""
        plan = self._bus.get(PLANS, done.plan_id)
        signals = [
            s
            for s in _decoded(SignalIssued, self._bus.get_all(SIGNALS)).values()
            if s.run_id == done.run_id or s.correlation_id == done.correlation_id
        ]
        known = None if plan is None else RebalancePlanned.of(plan)
        return self._post(rebalance_brief(done, known, signals, self._mode), done.id, done.correlation_id)

    def tell_alert(self, alert: AlertRaised) -> Outcome:
        """At once when it is new, in the count of its window when it is not."""
        now, windows = self._clock.now(), self._windows()
        name = sameness(alert)
        window = windows.get(name)
        if window is not None and not window.is_over(now, self._window):
            return _kept(REPEATS, name, window.with_another(alert, now))
        earlier = NOTHING if window is None else self._told_repeats(name, window)
        told = self._post(alert_brief(alert, self._mode), alert.id, alert.correlation_id)
        return earlier + told + _kept(REPEATS, name, Repeats.opened(alert, now))

    def tell_feed(self, change: FeedStateChanged) -> Outcome:
        """Unless marketdata raised an alert about that very change."""
        alert, now = feed_alert(change), self._clock.now()
        open_windows = (window for window in self._windows().values() if not window.is_over(now, self._window))
        if alert is None or is_told_already(alert, open_windows):
            return NOTHING
        return self.tell_alert(alert)

    def tell_halt(self, halt: TradingHalted) -> Outcome:
        return self._post(halted_brief(halt, self._mode), halt.id, halt.correlation_id)

    def tell_resume(self, resume: TradingResumed) -> Outcome:
        return self._post(resumed_brief(resume, self._mode), resume.id, resume.correlation_id)

    def trial(self, identity: str) -> Outcome:
        """A test message of that id."""
        return self._post(trial_brief(self._clock.now(), self._mode), identity, identity)

    def close_windows(self) -> Outcome:
        """Tell the counts of the windows that are over, and forget them."""
        now, outcome = self._clock.now(), NOTHING
        for name, window in self._windows().items():
            if window.is_over(now, self._window):
                outcome += self._told_repeats(name, window)
        return outcome

    def _told_repeats(self, name: str, window: Repeats) -> Outcome:
        forgotten = Outcome(changes=(Remove(REPEATS, name),))
        if window.count == 0:
            return forgotten
        identity = f"{window.last.id}-repeats"
        return forgotten + self._post(repeats_brief(window, self._mode), identity, window.last.correlation_id)

    def _post(self, brief: Brief, identity: str, correlation_id: str) -> Outcome:
        """Into the outbox, once for every channel. Whatever looks like a credential is masked before it is set."""
        clean, now = brief.rewritten(masked), self._clock.now()
        letter = Letter(
            id=identity,
            correlation_id=correlation_id,
            made_at=now,
            subject=" ".join(clean.subject.split()),
            text=plain_text(clean),
            html=self._typesetter.html(clean),
            short=short_text(clean),
        )
        if not self._channels:
            unsent = recorded(Posting(letter=letter, channel="none", not_before=now), "no channel", now, "")
            return _kept(JOURNAL, f"{identity}:none", unsent)
        postings = [Posting(letter=letter, channel=channel, not_before=now) for channel in self._channels]
        return Outcome(changes=tuple(Put(OUTBOX, p.key, p.model_dump_json()) for p in postings))

    def _gather(self, key: str, field: str, message: Message) -> Outcome:
        kept = _decoded(type(message), self._bus.get_all(key))
        oldest = sorted((m.at, name) for name, m in kept.items() if name != field)[: max(0, len(kept) - _KEPT + 1)]
        pruned: list[Change] = [Remove(key, name) for _, name in oldest]
        return Outcome(changes=(Put(key, field, message.encode()), *pruned))

    def _windows(self) -> dict[str, Repeats]:
        return {name: Repeats.model_validate_json(raw) for name, raw in self._bus.get_all(REPEATS).items()}


def _kept(key: str, field: str, value: Value) -> Outcome:
    return Outcome(changes=(Put(key, field, value.model_dump_json()),))


def _decoded(kind: type[_M], raw: Mapping[str, str]) -> dict[str, _M]:
    return {name: kind.of(value) for name, value in raw.items()}

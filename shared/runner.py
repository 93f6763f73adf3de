"""Takes messages from the bus to handlers, and commits what they answer.

Knows nothing of what the messages mean. Metrics and logs listen through hooks; a handler is a plain function from a message
to an Outcome, and may be called again for the same message until its commit has taken effect.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from shared.bus import Bus, BusUnavailableError, Delivery, Outcome
from shared.contracts import Message, UndecodableMessageError, decode

Handler = Callable[[Any], Outcome]


class Hooks:
    """What listeners may override; every method does nothing by itself and must not raise."""

    def received(self, delivery: Delivery, message: Message) -> None:
        """Before the handler."""

    def committed(self, delivery: Delivery, message: Message, outcome: Outcome, seconds: float) -> None:
        """After the commit took effect."""

    def failed(self, delivery: Delivery, message: Message | None, error: Exception) -> None:
        """The handler raised; the entry stays pending and will be tried again."""

    def buried(self, delivery: Delivery, error: str) -> None:
        """The entry went to the dead letters."""

    def unavailable(self, error: Exception) -> None:
        """The bus could not be reached."""


@dataclass(frozen=True, slots=True)
class RunnerOptions:
    batch: int = 50
    block_seconds: float = 1.0
    retry_after_seconds: float = 5.0
    """A failed or orphaned entry is taken up again after this long."""
    attempts: int = 5
    outage_pause_seconds: float = 0.5


class Runner:
    """One consumer of one group. `handlers` maps message classes to functions; other kinds are acknowledged unread."""

    def __init__(
        self,
        bus: Bus,
        group: str,
        consumer: str,
        streams: Sequence[str],
        handlers: Mapping[type[Message], Handler],
        *,
        hooks: Iterable[Hooks] = (),
        options: RunnerOptions = RunnerOptions(),
    ) -> None:
        self._bus = bus
        self._group = group
        self._consumer = consumer
        self._streams = tuple(streams)
        self._handlers = dict(handlers)
        self._hooks = tuple(hooks)
        self._options = options
        self._next_claim = 0.0
        self._may_have_left_some = True

    def run(self, stop: threading.Event) -> None:
        """Until `stop` is set; the entry in hand is finished first."""
        while not stop.is_set():
            try:
                self.step(block_seconds=self._options.block_seconds, stop=stop)
            except BusUnavailableError as error:
                self._each("unavailable", error)
                stop.wait(self._options.outage_pause_seconds)

    def step(self, *, block_seconds: float = 0.0, stop: threading.Event | None = None) -> int:
        """Take up what was left, what is stale and what is new, once. Returns how many entries were looked at."""
        try:
            return self._step(block_seconds, stop)
        except BusUnavailableError:
            self._may_have_left_some = True  # the rest of the batch, and what an answer carried that got lost
            raise

    def _step(self, block_seconds: float, stop: threading.Event | None) -> int:
        deliveries = (
            self._left()
            or self._stale()
            or self._bus.read(
                self._group, self._consumer, self._streams, count=self._options.batch, block_seconds=block_seconds
            )
        )
        for done, delivery in enumerate(deliveries):
            if stop is not None and stop.is_set():
                return done  # what is left stays pending and is claimed by the next life
            self._process(delivery)
        return len(deliveries)

    def _left(self) -> list[Delivery]:
        """At the start and after an outage: nobody else works at what was delivered to this consumer, so nobody is waited for."""
        if not self._may_have_left_some:
            return []
        found = self._bus.reclaim(self._group, self._consumer, self._streams, count=self._options.batch)
        self._may_have_left_some = len(found) == self._options.batch
        return found

    def _stale(self) -> list[Delivery]:
        now = time.monotonic()
        if now < self._next_claim:
            return []
        self._next_claim = now + self._options.retry_after_seconds / 5
        return self._bus.claim(
            self._group,
            self._consumer,
            self._streams,
            idle_seconds=self._options.retry_after_seconds,
            count=self._options.batch,
        )

    def _process(self, delivery: Delivery) -> None:
        try:
            message = decode(
                delivery.fields.get(b"kind", b"").decode(errors="replace"), delivery.fields.get(b"data", b"")
            )
        except UndecodableMessageError as error:
            self._bury(delivery, str(error))
            return
        handler = self._handlers.get(type(message))
        if handler is None:
            self._bus.commit(Outcome(), delivery)
            return
        self._handle(handler, message, delivery)

    def _handle(self, handler: Handler, message: Message, delivery: Delivery) -> None:
        started = time.monotonic()
        self._each("received", delivery, message)
        try:
            outcome = handler(message)
            took_effect = self._bus.commit(outcome, delivery)
        except BusUnavailableError:
            raise
        except Exception as error:  # noqa: BLE001 - any handler fault is retried, then kept as a dead letter
            self._each("failed", delivery, message, error)
            if delivery.attempt >= self._options.attempts:
                self._bury(delivery, f"{type(error).__name__}: {error}")
            return
        if took_effect:
            self._each("committed", delivery, message, outcome, time.monotonic() - started)

    def _bury(self, delivery: Delivery, error: str) -> None:
        self._bus.bury(delivery, error)
        self._each("buried", delivery, error)

    def _each(self, hook: str, *args: Any) -> None:
        for hooks in self._hooks:
            getattr(hooks, hook)(*args)

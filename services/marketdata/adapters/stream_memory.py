"""The stream's in-memory twin, and the server it talks to: what the contract suite can make a server do."""

from __future__ import annotations

import threading

from services.marketdata.domain.desk import Subscribed
from services.marketdata.domain.feed import Lost, Opened, Refused
from services.marketdata.domain.minute_bars import ObservedBar
from services.marketdata.domain.quotes import ObservedQuote
from services.marketdata.ports import Inbox


class MemoryStream:
    """`say`, `drop` and `refuse_next` are the server's side."""

    def __init__(self, inbox: Inbox) -> None:
        self._inbox = inbox
        self._changed = threading.Condition()
        self._wanted: frozenset[str] = frozenset()
        self._refusals: list[Refused] = []
        self.following: frozenset[str] = frozenset()
        self.is_connected = False
        self.logins = 0

    def want(self, symbols: frozenset[str]) -> None:
        with self._changed:
            self._wanted = symbols
            self._changed.notify_all()

    def reconnect(self) -> None:
        self.drop("closed by us")

    def run(self, stop: threading.Event) -> None:
        while not stop.is_set():
            with self._changed:
                if not self.is_connected and self._wanted and not self._log_in():
                    break
                self._subscribe()
                self._changed.wait(0.02)
        self.drop("closed by us")
        stop.wait()

    def say(self, observation: ObservedQuote | ObservedBar) -> None:
        """Lost when nobody follows that symbol, as on a real socket."""
        with self._changed:
            if self.is_connected and observation.symbol in self.following:
                self._inbox.put(observation)

    def drop(self, reason: str = "closed with code 1006") -> None:
        with self._changed:
            if self.is_connected:
                self.is_connected, self.following = False, frozenset()
                self._inbox.put(Lost(reason))
            self._changed.notify_all()

    def refuse_next(self, code: int, message: str, *, for_good: bool) -> None:
        with self._changed:
            self._refusals.append(Refused(code, message, for_good))

    def _log_in(self) -> bool:
        """False when it was refused for good."""
        self.logins += 1
        if self._refusals:
            refusal = self._refusals.pop(0)
            self._inbox.put(refusal)
            self._inbox.put(Lost(f"no login: {refusal.code} {refusal.message}"))
            return not refusal.for_good
        self.is_connected = True
        self._inbox.put(Opened())
        return True

    def _subscribe(self) -> None:
        if self.is_connected and self.following != self._wanted:
            self.following = self._wanted
            self._inbox.put(Subscribed(self._wanted))

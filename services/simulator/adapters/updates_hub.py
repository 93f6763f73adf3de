"""Hands trade events to the one trade_updates connection of their account, with the faults that can befall them.

What happens while nobody listens is lost, as on the real socket.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from typing import Final

from services.simulator.adapters.context import Faults
from services.simulator.adapters.wire import Json, event_json
from services.simulator.domain.trade_events import TradeEvent

STREAM = "trade_updates"


@dataclass(frozen=True, slots=True)
class Close:
    """The server ends the connection."""


@dataclass(frozen=True, slots=True)
class Garbage:
    """A frame that cannot be decoded."""


CLOSE: Final = Close()
GARBAGE: Final = Garbage()
Frame = Json | Close | Garbage


@dataclass(slots=True, eq=False)
class Subscriber:
    """One connection's outbox."""

    outbox: asyncio.Queue[Frame] = field(default_factory=asyncio.Queue)
    listens: bool = False
    held_back: Json | None = None


class UpdatesHub:
    def __init__(self, faults: Faults) -> None:
        self._faults = faults
        self._subscribers: dict[str, Subscriber] = {}

    def is_taken(self, account_key: str) -> bool:
        return account_key in self._subscribers

    def join(self, account_key: str, subscriber: Subscriber) -> None:
        self._subscribers[account_key] = subscriber

    def leave(self, account_key: str, subscriber: Subscriber) -> None:
        if self._subscribers.get(account_key) is subscriber:
            del self._subscribers[account_key]

    def close_all(self) -> None:
        for subscriber in self._subscribers.values():
            subscriber.outbox.put_nowait(CLOSE)
        self._subscribers.clear()

    def publish(self, event: TradeEvent, account_id: str) -> None:
        subscriber = self._subscribers.get(event.account_key)
        if subscriber is None or not subscriber.listens:
            return
        if self._faults.take("mute_trade_updates") or (event.is_fill and self._faults.take("dropped_fill_event")):
            return
        if self._faults.take("closed_trade_updates"):
            subscriber.outbox.put_nowait(CLOSE)
            return
        if self._faults.take("malformed_trade_update"):
            subscriber.outbox.put_nowait(GARBAGE)
        frame: Json = {"stream": STREAM, "data": event_json(event, account_id)}
        twice = event.is_fill and self._faults.take("duplicated_fill_event")
        for copy in (frame, frame) if twice else (frame,):
            self._send(subscriber, copy)

    def _send(self, subscriber: Subscriber, frame: Json) -> None:
        if subscriber.held_back is None and self._faults.take("reordered_events"):
            subscriber.held_back = frame
            return
        subscriber.outbox.put_nowait(frame)
        if subscriber.held_back is not None:
            subscriber.outbox.put_nowait(subscriber.held_back)
            subscriber.held_back = None

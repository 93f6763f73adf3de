"""The bus's in-memory twin: the same promises in one process, for tests, replays and backtests."""

from __future__ import annotations

import itertools
import threading
import time
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from shared.bus.ports import DeadLetter, Delivery, Outcome, Put
from shared.contracts import Message

_Entry = tuple[str, Mapping[bytes, bytes]]


@dataclass
class _Pending:
    consumer: str
    since: float
    attempt: int


@dataclass
class _Group:
    position: int = 0
    pending: dict[str, _Pending] = field(default_factory=dict)


class MemoryBus:
    """`monotonic` measures idle time; nothing else here reads a clock."""

    def __init__(self, monotonic: Callable[[], float] = time.monotonic) -> None:
        self._monotonic = monotonic
        self._changed = threading.Condition()
        self._streams: defaultdict[str, list[_Entry]] = defaultdict(list)
        self._groups: defaultdict[tuple[str, str], _Group] = defaultdict(_Group)
        self._state: defaultdict[str, dict[str, str]] = defaultdict(dict)
        self._done: set[tuple[str, str, str]] = set()
        self._dead: dict[str, DeadLetter] = {}
        self._ids = itertools.count(1)

    def publish(self, stream: str, *messages: Message) -> None:
        with self._changed:
            for message in messages:
                self._append(stream, {b"kind": message.kind.encode(), b"data": message.encode().encode()})

    def append_raw(self, stream: str, fields: Mapping[bytes, bytes]) -> None:
        """An entry as a stranger might write it."""
        with self._changed:
            self._append(stream, fields)

    def read(
        self, group: str, consumer: str, streams: Sequence[str], *, count: int, block_seconds: float
    ) -> list[Delivery]:
        with self._changed:
            found = self._take(group, consumer, streams, count)
            if not found and block_seconds > 0:
                self._changed.wait(block_seconds)
                found = self._take(group, consumer, streams, count)
            return found

    def claim(
        self, group: str, consumer: str, streams: Sequence[str], *, idle_seconds: float, count: int
    ) -> list[Delivery]:
        def is_stale(held: _Pending) -> bool:
            return self._monotonic() - held.since >= idle_seconds

        return self._taken_over(group, consumer, streams, count, is_stale)

    def reclaim(self, group: str, consumer: str, streams: Sequence[str], *, count: int) -> list[Delivery]:
        return self._taken_over(group, consumer, streams, count, lambda held: held.consumer == consumer)

    def commit(self, outcome: Outcome, delivery: Delivery | None = None, *, once: str | None = None) -> bool:
        with self._changed:
            if delivery is not None:
                outcome.unguarded()
            if any(self._state[g.key].get(g.field) != g.value for g in outcome.only_if):
                return False
            if delivery is not None and not self._finish(delivery):
                return False
            if delivery is None and once is not None:
                if ("", "", once) in self._done:
                    return False
                self._done.add(("", "", once))
            for item in outcome.publications:
                self._append(
                    item.stream, {b"kind": item.message.kind.encode(), b"data": item.message.encode().encode()}
                )
            for change in outcome.changes:
                if isinstance(change, Put):
                    self._state[change.key][change.field] = change.value
                else:
                    self._state[change.key].pop(change.field, None)
            return True

    def bury(self, delivery: Delivery, error: str) -> None:
        with self._changed:
            self._finish(delivery)
            letter = f"{next(self._ids)}-0"
            self._dead[letter] = DeadLetter(
                letter,
                delivery.stream,
                delivery.group,
                delivery.entry_id,
                error[:2000],
                delivery.attempt,
                delivery.fields,
            )

    def dead_letters(self, *, count: int = 100) -> list[DeadLetter]:
        with self._changed:
            return list(self._dead.values())[:count]

    def replay(self, dead_letter_id: str) -> bool:
        with self._changed:
            letter = self._dead.pop(dead_letter_id, None)
            if letter is not None:
                self._append(_retry(letter.group), letter.fields)
            return letter is not None

    def drop(self, dead_letter_id: str) -> bool:
        with self._changed:
            return self._dead.pop(dead_letter_id, None) is not None

    def get(self, key: str, field: str) -> str | None:
        with self._changed:
            return self._state[key].get(field)

    def get_all(self, key: str) -> dict[str, str]:
        with self._changed:
            return dict(self._state[key])

    def depth(self, stream: str) -> int:
        with self._changed:
            return len(self._streams[stream])

    def pending(self, group: str, stream: str) -> int:
        with self._changed:
            return len(self._groups[group, stream].pending)

    def _append(self, stream: str, fields: Mapping[bytes, bytes]) -> None:
        self._streams[stream].append((f"{next(self._ids)}-0", fields))
        self._changed.notify_all()

    def _take(self, group: str, consumer: str, streams: Sequence[str], count: int) -> list[Delivery]:
        found: list[Delivery] = []
        for name in (*streams, _retry(group)):
            state = self._groups[group, name]
            fresh = self._streams[name][state.position : state.position + count]
            state.position += len(fresh)
            for entry, fields in fresh:
                state.pending[entry] = _Pending(consumer, self._monotonic(), 1)
                found.append(Delivery(name, entry, group, fields, 1, name == _retry(group)))
        return found

    def _taken_over(
        self, group: str, consumer: str, streams: Sequence[str], count: int, is_meant: Callable[[_Pending], bool]
    ) -> list[Delivery]:
        with self._changed:
            found: list[Delivery] = []
            for name in (*streams, _retry(group)):
                fields = dict(self._streams[name])
                for entry, held in self._groups[group, name].pending.items():
                    if is_meant(held) and len(found) < count:
                        held.consumer, held.since, held.attempt = consumer, self._monotonic(), held.attempt + 1
                        found.append(Delivery(name, entry, group, fields[entry], held.attempt, name == _retry(group)))
            return found

    def _finish(self, delivery: Delivery) -> bool:
        self._groups[delivery.group, delivery.stream].pending.pop(delivery.entry_id, None)
        mark = (delivery.group, delivery.stream, delivery.entry_id)
        if mark in self._done:
            return False
        self._done.add(mark)
        return True


def _retry(group: str) -> str:
    return f"retry:{group}"

"""The bus on Redis streams. Every key carries the namespace as a hash tag, so one account stays on one cluster slot."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import wraps
from pathlib import Path
from typing import Any, Concatenate, ParamSpec, TypeVar, cast

import redis

from shared.bus.ports import BusUnavailableError, DeadLetter, Delivery, Outcome, Put
from shared.contracts import Message

_P = ParamSpec("_P")
_R = TypeVar("_R")
_COMMIT = (Path(__file__).parent / "commit.lua").read_text()
_UNREACHABLE = (redis.ConnectionError, redis.TimeoutError, redis.exceptions.ReadOnlyError)


@contextmanager
def reachable() -> Iterator[None]:
    """Say BusUnavailableError for every way in which Redis cannot be reached."""
    try:
        yield
    except _UNREACHABLE as error:
        raise BusUnavailableError(f"Redis cannot be reached: {error}") from error


def _reachable(
    method: Callable[Concatenate[RedisBus, _P], _R],
) -> Callable[Concatenate[RedisBus, _P], _R]:
    @wraps(method)
    def guarded(self: RedisBus, *args: _P.args, **kwargs: _P.kwargs) -> _R:
        with reachable():
            return method(self, *args, **kwargs)

    return cast("Callable[Concatenate[RedisBus, _P], _R]", guarded)


def encode_message(message: Message) -> dict[str, str]:
    """The fields of a stream entry."""
    return {"kind": message.kind, "data": message.encode()}


class RedisBus:
    """Keys: {ns}:<stream>, {ns}:retry:<group>, {ns}:done:<group>:<stream>, {ns}:once, {ns}:dead, {ns}:state:<key>.

    `stream_length` bounds every stream (approximately); a group must not lag by more than that.
    """

    def __init__(self, client: redis.Redis, namespace: str = "alchemiser", *, stream_length: int = 20_000) -> None:
        self._redis = client
        self._tag = f"{{{namespace}}}"
        self._length = stream_length
        self._commit = client.register_script(_COMMIT)

    def key(self, *parts: str) -> str:
        return ":".join((self._tag, *parts))

    def state_key(self, key: str) -> str:
        return self.key("state", key)

    @_reachable
    def publish(self, stream: str, *messages: Message) -> None:
        with self._redis.pipeline(transaction=True) as pipe:
            for message in messages:
                pipe.xadd(self.key(stream), cast("Any", encode_message(message)), maxlen=self._length, approximate=True)
            pipe.execute()

    @_reachable
    def read(
        self, group: str, consumer: str, streams: Sequence[str], *, count: int, block_seconds: float
    ) -> list[Delivery]:
        names = [*streams, self._retry(group)]
        wanted = dict.fromkeys((self.key(name) for name in names), ">")
        block = max(1, int(block_seconds * 1000)) if block_seconds > 0 else None
        try:
            answer = self._redis.xreadgroup(group, consumer, cast("Any", wanted), count=count, block=block)
        except redis.ResponseError as error:
            if "NOGROUP" not in str(error):
                raise
            self._make_groups(group, names)
            return self.read(group, consumer, streams, count=count, block_seconds=0)
        return [d for key, entries in _rows(answer) for d in self._deliveries(group, self._name(key), entries)]

    @_reachable
    def claim(
        self, group: str, consumer: str, streams: Sequence[str], *, idle_seconds: float, count: int
    ) -> list[Delivery]:
        found: list[Delivery] = []
        for name in (*streams, self._retry(group)):
            try:
                answer = cast(
                    "Any",
                    self._redis.xautoclaim(
                        self.key(name), group, consumer, int(idle_seconds * 1000), "0-0", count=count
                    ),
                )
            except redis.ResponseError as error:
                if "NOGROUP" not in str(error):
                    raise
                self._make_groups(group, [name])
                continue
            entries = [(i, f) for i, f in answer[1] if f is not None]
            found += self._deliveries(group, name, entries, attempts=self._attempts(group, name, entries))
        return found

    @_reachable
    def reclaim(self, group: str, consumer: str, streams: Sequence[str], *, count: int) -> list[Delivery]:
        found: list[Delivery] = []
        for name in (*streams, self._retry(group)):
            left = self._left_by(group, consumer, name, count)
            if not left:
                continue
            key, ids = self.key(name), cast("Any", list(left))
            entries = cast("Any", self._redis.xclaim(key, group, consumer, 0, ids))
            found += self._deliveries(group, name, entries, attempts=left)
        return found

    @_reachable
    def commit(self, outcome: Outcome, delivery: Delivery | None = None, *, once: str | None = None) -> bool:
        operations = self._operations(outcome)
        guards = [[self.state_key(g.key), g.field, False if g.value is None else g.value] for g in outcome.only_if]
        if delivery is not None:
            outcome.unguarded()
            stream, done = self.key(delivery.stream), self.key("done", delivery.group, delivery.stream)
            group, entry, score = delivery.group, delivery.entry_id, delivery.entry_id.split("-")[0]
        elif once is not None:
            stream, done, group, entry, score = "", self.key("once"), "", once, str(int(time.time() * 1000))
        else:
            stream, done, group, entry, score = "", "", "", "", "0"
        keys = [stream, done, *sorted({op[1] for op in operations} | {str(guard[0]) for guard in guards})]
        # Twice the stream's bound: trimming is approximate, and what the stream still holds must be known as done.
        texts = json.dumps(operations), json.dumps(guards)
        return bool(self._commit(keys=keys, args=[group, entry, 2 * self._length, score, *texts]))

    @_reachable
    def bury(self, delivery: Delivery, error: str) -> None:
        fields: dict[str | bytes, str | bytes] = {
            "stream": delivery.stream,
            "group": delivery.group,
            "entry_id": delivery.entry_id,
            "error": error[:2000],
            "attempts": str(delivery.attempt),
            **{b"raw." + name: value for name, value in delivery.fields.items()},
        }
        with self._redis.pipeline(transaction=True) as pipe:
            pipe.xadd(self.key("dead"), cast("Any", fields))
            pipe.xack(self.key(delivery.stream), delivery.group, delivery.entry_id)
            done = self.key("done", delivery.group, delivery.stream)
            pipe.zadd(done, {delivery.entry_id: float(delivery.entry_id.split("-")[0])})
            pipe.execute()

    @_reachable
    def dead_letters(self, *, count: int = 100) -> list[DeadLetter]:
        return [_dead_letter(i, f) for i, f in cast("Any", self._redis.xrange(self.key("dead"), count=count))]

    @_reachable
    def replay(self, dead_letter_id: str) -> bool:
        letter = self._find(dead_letter_id)
        if letter is None:
            return False
        with self._redis.pipeline(transaction=True) as pipe:
            pipe.xadd(self.key(self._retry(letter.group)), cast("Any", dict(letter.fields)))
            pipe.xdel(self.key("dead"), dead_letter_id)
            pipe.execute()
        return True

    @_reachable
    def drop(self, dead_letter_id: str) -> bool:
        return self._find(dead_letter_id) is not None and bool(self._redis.xdel(self.key("dead"), dead_letter_id))

    @_reachable
    def get(self, key: str, field: str) -> str | None:
        value = cast("bytes | None", self._redis.hget(self.state_key(key), field))
        return None if value is None else value.decode()

    @_reachable
    def get_all(self, key: str) -> dict[str, str]:
        found = cast("Mapping[bytes, bytes]", self._redis.hgetall(self.state_key(key)))
        return {name.decode(): value.decode() for name, value in found.items()}

    @_reachable
    def depth(self, stream: str) -> int:
        return self._redis.xlen(self.key(stream))

    @_reachable
    def pending(self, group: str, stream: str) -> int:
        try:
            return int(cast("Any", self._redis.xpending(self.key(stream), group))["pending"])
        except redis.ResponseError as error:
            if "NOGROUP" in str(error):
                return 0
            raise

    def _operations(self, outcome: Outcome) -> list[list[str]]:
        operations: list[list[str]] = []
        for item in outcome.publications:
            entry = [part for pair in encode_message(item.message).items() for part in pair]
            operations.append(["XADD", self.key(item.stream), "MAXLEN", "~", str(self._length), "*", *entry])
        for change in outcome.changes:
            if isinstance(change, Put):
                operations.append(["HSET", self.state_key(change.key), change.field, change.value])
            else:
                operations.append(["HDEL", self.state_key(change.key), change.field])
        return operations

    def _retry(self, group: str) -> str:
        return f"retry:{group}"

    def _name(self, key: bytes) -> str:
        return key.decode().removeprefix(self._tag + ":")

    def _make_groups(self, group: str, names: Sequence[str]) -> None:
        """From the first entry: nothing written before the group existed is lost, and the done set drops what was handled."""
        for name in names:
            try:
                self._redis.xgroup_create(self.key(name), group, id="0", mkstream=True)
            except redis.ResponseError as error:
                if "BUSYGROUP" not in str(error):
                    raise

    def _deliveries(
        self,
        group: str,
        name: str,
        entries: Sequence[tuple[bytes, dict[bytes, bytes]]],
        attempts: Mapping[bytes, int] | None = None,
    ) -> list[Delivery]:
        done = self._done(group, name, [entry for entry, _ in entries])
        replay = name == self._retry(group)
        return [
            Delivery(name, entry.decode(), group, fields, (attempts or {}).get(entry, 1), replay)
            for entry, fields in entries
            if entry not in done
        ]

    def _done(self, group: str, name: str, entries: Sequence[bytes]) -> set[bytes]:
        """Which of these were committed before (a rewound or re-made group delivers them again); they are acknowledged."""
        if not entries:
            return set()
        scores = cast("list[Any]", self._redis.zmscore(self.key("done", group, name), cast("Any", list(entries))))
        done = {entry for entry, score in zip(entries, scores, strict=True) if score is not None}
        if done:
            self._redis.xack(self.key(name), group, *done)
        return done

    def _attempts(self, group: str, name: str, entries: Sequence[tuple[bytes, dict[bytes, bytes]]]) -> dict[bytes, int]:
        if not entries:
            return {}
        rows = cast(
            "Any",
            self._redis.xpending_range(self.key(name), group, entries[0][0], entries[-1][0], len(entries) * 4 + 100),
        )
        return {row["message_id"]: int(row["times_delivered"]) for row in rows}

    def _left_by(self, group: str, consumer: str, name: str, count: int) -> dict[bytes, int]:
        """Entries pending with that consumer, and how often they will have been delivered once they are claimed."""
        try:
            rows = cast("Any", self._redis.xpending_range(self.key(name), group, "-", "+", count, consumer))
        except redis.ResponseError as error:
            if "NOGROUP" not in str(error):
                raise
            return {}
        return {row["message_id"]: int(row["times_delivered"]) + 1 for row in rows}

    def _find(self, dead_letter_id: str) -> DeadLetter | None:
        try:
            rows = cast("Any", self._redis.xrange(self.key("dead"), dead_letter_id, dead_letter_id))
        except redis.ResponseError:  # not an entry id at all
            return None
        return _dead_letter(*rows[0]) if rows else None


def _rows(answer: Any) -> list[tuple[bytes, list[tuple[bytes, dict[bytes, bytes]]]]]:
    """XREADGROUP's answer in RESP2 (pairs) or RESP3 (a map of lists of batches)."""
    if isinstance(answer, dict):
        return [(key, [entry for batch in batches for entry in batch]) for key, batches in answer.items()]
    return list(answer or ())


def _dead_letter(entry: bytes, fields: Mapping[bytes, bytes]) -> DeadLetter:
    return DeadLetter(
        id=entry.decode(),
        stream=fields[b"stream"].decode(),
        group=fields[b"group"].decode(),
        entry_id=fields[b"entry_id"].decode(),
        error=fields[b"error"].decode(),
        attempts=int(fields[b"attempts"]),
        fields={name.removeprefix(b"raw."): value for name, value in fields.items() if name.startswith(b"raw.")},
    )

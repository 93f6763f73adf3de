"""Streams as a reader without a group sees them: looking at them changes nothing."""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any, Self, cast

import redis

from shared.bus import DeadLetter
from shared.bus.redis_bus import RedisBus, reachable
from shared.contracts import Message, UndecodableMessageError, decode
from shared.settings import RedisSettings, read

_SHOWN_APART = ("kind", "id", "correlation_id", "at")
UNREAD_COUNTED = 1_000
Entry = tuple[bytes, Mapping[bytes, bytes]]


class StreamView:
    """Every method raises BusUnavailableError when Redis cannot be reached."""

    def __init__(self, client: redis.Redis, namespace: str) -> None:
        self._redis = client
        self.bus = RedisBus(client, namespace)

    @classmethod
    @contextmanager
    def open(cls, settings: RedisSettings | None = None) -> Iterator[Self]:
        """The Redis that the environment names."""
        settings = settings or read(RedisSettings)
        client = redis.Redis.from_url(settings.redis_url, socket_connect_timeout=3, socket_timeout=10)
        try:
            with reachable():
                client.ping()
            yield cls(client, settings.namespace)
        finally:
            client.close()

    def summary(self, stream: str) -> dict[str, Any]:
        """How much the stream holds and how far each group is."""
        key = self.bus.key(stream)
        with reachable():
            newest = cast("list[Entry]", self._redis.xrevrange(key, count=1))
            groups = cast("list[Any]", self._redis.xinfo_groups(key)) if self._redis.exists(key) else []
            found = [self._group(key, group) for group in groups]
        messages, newest_at = self.bus.depth(stream), written_at(newest[0][0].decode()) if newest else None
        return {"stream": stream, "messages": messages, "newest_at": newest_at, "groups": found}

    def _group(self, key: str, group: Mapping[str, Any]) -> dict[str, Any]:
        """`unread` is counted up to UNREAD_COUNTED where the server (before Redis 7) does not tell it."""
        unread = group.get("lag")
        if unread is None:
            after = "(" + group["last-delivered-id"].decode()
            unread = len(cast("list[Entry]", self._redis.xrange(key, after, "+", count=UNREAD_COUNTED)))
        return {"name": group["name"].decode(), "unfinished": group["pending"], "unread": unread}

    def newest(self, stream: str, count: int, correlation_id: str | None = None) -> list[dict[str, Any]]:
        """The newest entries first. `content` is an object, or the raw text of what cannot be decoded."""
        with reachable():
            # One run's messages may lie anywhere in what the stream still holds.
            limit = count if correlation_id is None else None
            entries = cast("list[Entry]", self._redis.xrevrange(self.bus.key(stream), count=limit))
        chosen = [e for e in entries if correlation_id is None or _correlation_id(e[1]) == correlation_id]
        return [_described(entry, fields) for entry, fields in chosen[:count]]

    def dead_letter(self, letter_id: str) -> DeadLetter | None:
        return next((found for found in self.bus.dead_letters(count=100_000) if found.id == letter_id), None)

    def after(self, positions: dict[str, str], *, block_seconds: float) -> list[tuple[str, Message]]:
        """Decodable messages past `positions` (stream -> entry id), which move on. Waits up to `block_seconds` for one."""
        keys = {self.bus.key(stream): stream for stream in positions}
        wanted = {key: positions[stream] for key, stream in keys.items()}
        with reachable():
            answer: Any = self._redis.xread(cast("Any", wanted), block=max(1, int(block_seconds * 1000)), count=500)
        found: list[tuple[str, Message]] = []
        for key, batches in answer.items() if isinstance(answer, dict) else answer or ():
            entries = [e for batch in batches for e in batch] if isinstance(answer, dict) else batches
            stream = keys[key.decode()]
            positions[stream] = entries[-1][0].decode()
            found += [(stream, message) for _, fields in entries if (message := _decoded(fields)) is not None]
        return found


def _decoded(fields: Mapping[bytes, bytes]) -> Message | None:
    try:
        return decode(fields.get(b"kind", b"").decode(errors="replace"), fields.get(b"data", b""))
    except UndecodableMessageError:
        return None


def _document(fields: Mapping[bytes, bytes]) -> dict[str, Any]:
    try:
        found = json.loads(fields.get(b"data", b""))
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}


def _correlation_id(fields: Mapping[bytes, bytes]) -> str | None:
    found = _document(fields).get("correlation_id")
    return found if isinstance(found, str) else None


def _described(entry: bytes, fields: Mapping[bytes, bytes]) -> dict[str, Any]:
    document = _document(fields)
    raw = fields.get(b"data", b"").decode(errors="backslashreplace")
    content = {name: value for name, value in document.items() if name not in _SHOWN_APART}
    return {
        "entry_id": entry.decode(),
        "at": document.get("at") or written_at(entry.decode()),
        "kind": fields.get(b"kind", b"").decode(errors="replace"),
        "correlation_id": document.get("correlation_id"),
        "content": content if document else raw,
    }


def written_at(entry_id: str) -> str:
    """A stream id begins with the server's clock in milliseconds."""
    moment = dt.datetime.fromtimestamp(int(entry_id.partition("-")[0]) / 1000, dt.UTC)
    return moment.isoformat(timespec="seconds")

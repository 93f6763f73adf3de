"""Execution's own stream of broker updates: the socket and reconciliation append to it, every desk reads it from its own place.

It never leaves execution, so it holds broker updates as they are and no message of shared/contracts.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import Any, Final, cast

import redis
from pydantic import TypeAdapter, ValidationError

from services.execution.domain.broker import BrokerUpdate, Status
from shared.bus.redis_bus import reachable

UPDATES: Final = "execution.broker_updates"
_APPEND = (Path(__file__).parent / "append_update.lua").read_text()
_UPDATE = TypeAdapter(BrokerUpdate)
_BATCH = 500
_KEEP_SECONDS = 7 * 86_400


@dataclass(frozen=True, slots=True)
class Seen:
    """What the stream has told of an order so far. `version` grows with every update of it."""

    filled_qty: Decimal = Decimal(0)
    notional: Decimal = Decimal(0)
    status: Status | None = None
    version: int = 0


class RedisUpdates:
    """The Updates port, and its writing end. A position is a Redis entry id; "0" is the beginning.

    `length` bounds the stream; a reader that lags by more must ask the broker, as after any start.
    """

    def __init__(self, client: redis.Redis, namespace: str = "alchemiser", *, length: int = 20_000) -> None:
        self._redis = client
        self._stream = f"{{{namespace}}}:{UPDATES}"
        self._seen_tag = f"{{{namespace}}}:execution:seen"
        self._length = length
        self._script = client.register_script(_APPEND)

    def after(self, position: str, *, block_seconds: float) -> tuple[str, Sequence[BrokerUpdate]]:
        block = max(1, int(block_seconds * 1000)) if block_seconds > 0 else None
        with reachable():
            answer = cast("Any", self._redis.xread({self._stream: position}, count=_BATCH, block=block))
        entries = _entries(answer)
        if not entries:
            return position, ()
        return entries[-1][0].decode(), tuple(u for _, fields in entries if (u := _update_in(fields)) is not None)

    def end(self) -> str:
        with reachable():
            newest = cast("Any", self._redis.xrevrange(self._stream, count=1))
        return newest[0][0].decode() if newest else "0"

    def append(self, update: BrokerUpdate, *, seen: Seen | None = None) -> bool:
        """False, with no effect, when this update is in the stream already, or `seen` is no longer the newest knowledge."""
        order = update.order
        notional = order.filled_qty * (order.filled_avg_price or Decimal(0))
        with reachable():
            answer = self._script(
                keys=[self._stream, self._seen_key(order.id)],
                args=[
                    identity_of(update),
                    _UPDATE.dump_json(update),
                    str(self._length),
                    str(_KEEP_SECONDS),
                    "" if seen is None else str(seen.version),
                    str(order.filled_qty),
                    str(notional),
                    order.status.value,
                    "1" if order.status.is_terminal else "0",
                ],
            )
        return cast("bytes", answer) == b"appended"

    def seen(self, order_id: str) -> Seen:
        """What was told of that order; nothing, when it was never heard of (or a week ago)."""
        with reachable():
            names = ("filled", "notional", "status", "version")
            row = cast("list[bytes | None]", self._redis.hmget(self._seen_key(order_id), names))
        filled, notional, status, version = (None if value is None else value.decode() for value in row)
        if version is None:
            return Seen()
        return Seen(Decimal(filled or "0"), Decimal(notional or "0"), Status(status) if status else None, int(version))

    def _seen_key(self, order_id: str) -> str:
        return f"{self._seen_tag}:{order_id}"


def identity_of(update: BrokerUpdate) -> str:
    """The same for every delivery of one update: its execution id, else what happened and when."""
    if update.execution_id is not None:
        return update.execution_id
    return f"{update.event}@{update.at.isoformat()}"


def _entries(answer: Any) -> list[tuple[bytes, Mapping[bytes, bytes]]]:
    """XREAD's answer in RESP2 (pairs) or RESP3 (a map of lists of batches)."""
    if isinstance(answer, dict):
        return [entry for batches in answer.values() for batch in batches for entry in batch]
    return [entry for _, entries in answer or () for entry in entries]


def _update_in(fields: Mapping[bytes, bytes]) -> BrokerUpdate | None:
    """None for an entry nobody here wrote: what it may have meant comes back through reconciliation."""
    try:
        return _UPDATE.validate_json(fields.get(b"data", b""))
    except ValidationError:
        return None

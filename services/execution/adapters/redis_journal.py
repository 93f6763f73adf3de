"""The order journal in Redis: an intent is checked against the fence and recorded in one step, and on disk before it is answered.

On disk means WAITAOF where the server has it (7.2 and later, append-only on); else the server's own appendfsync policy is the
promise: `always` loses nothing, `everysec` up to a second, after which reconciliation finds the order as one nobody journalled.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final, cast

import redis

from services.execution.adapters.intent_record import ENDED, intent_from, intent_to
from services.execution.adapters.redis_leases import FENCES
from services.execution.ports import FencedOutError, Intent
from shared.bus import BusUnavailableError
from shared.bus.redis_bus import reachable

_HERE = Path(__file__).parent
_INTEND, _SETTLE = (_HERE / "intend.lua").read_text(), (_HERE / "settle.lua").read_text()
_KEEP_SECONDS: Final = 400 * 86_400
"""Settled intents are kept for more than a year."""


class RedisJournal:
    """Keys: execution:intent:<client order id>, execution:intents:<plan>, execution:unsettled.

    `fsync_seconds` is how long to wait for the disk (0: do not). Raises BusUnavailableError when Redis cannot be reached or
    the disk was not in time: then nothing may be sent.
    """

    def __init__(self, client: redis.Redis, namespace: str = "alchemiser", *, fsync_seconds: float = 2.0) -> None:
        self._redis = client
        self._tag = f"{{{namespace}}}:execution"
        self._fences = f"{{{namespace}}}:{FENCES}"
        self._settle = client.register_script(_SETTLE)
        self._fsync_ms = int(fsync_seconds * 1000)
        self._can_wait = fsync_seconds > 0

    def intend(self, intent: Intent) -> bool:
        with reachable():
            answer = self._record(intent)
        if answer == b"fenced":
            raise FencedOutError(f"{intent.client_order_id}: fence {intent.fence} is no longer the newest of its lease")
        return answer == b"recorded"

    def settle(self, client_order_id: str, outcome: str, broker_order_id: str | None) -> None:
        with reachable():
            self._settle(
                keys=[self._intent_key(client_order_id), self._unsettled_key],
                args=[
                    client_order_id,
                    outcome,
                    broker_order_id or "",
                    "1" if outcome in ENDED else "0",
                    str(_KEEP_SECONDS),
                ],
            )

    def intents(self, plan_id: str) -> Sequence[tuple[Intent, str | None, str | None]]:
        with reachable():
            names = cast("list[bytes]", self._redis.lrange(self._plan_key(plan_id), 0, -1))
            return tuple(
                (intent_from(row[b"intent"]), _text(row, b"outcome"), _text(row, b"broker_order_id"))
                for row in self._rows(names)
            )

    def unsettled(self) -> Sequence[Intent]:
        with reachable():
            names = cast("list[bytes]", self._redis.zrange(self._unsettled_key, 0, -1))
            return tuple(intent_from(row[b"intent"]) for row in self._rows(names))

    def knows(self, client_order_id: str) -> bool:
        with reachable():
            return bool(self._redis.exists(self._intent_key(client_order_id)))

    def _record(self, intent: Intent) -> bytes:
        keys = [
            self._fences,
            self._intent_key(intent.client_order_id),
            self._plan_key(intent.plan_id),
            self._unsettled_key,
        ]
        args = [str(intent.fence), intent.client_order_id, intent_to(intent), str(_KEEP_SECONDS)]
        # One pipeline is one connection: WAITAOF waits for what its own connection wrote.
        with self._redis.pipeline(transaction=False) as pipe:
            pipe.eval(_INTEND, len(keys), *keys, *args)
            if self._can_wait:
                cast("Any", pipe).execute_command("WAITAOF", 1, 0, self._fsync_ms)
            answers = pipe.execute(raise_on_error=False)
        if isinstance(answers[0], Exception):
            raise answers[0]
        if self._can_wait and answers[0] != b"fenced":
            self._check_disk(answers[1])
        return cast("bytes", answers[0])

    def _check_disk(self, answer: Any) -> None:
        if isinstance(answer, redis.ResponseError):
            self._can_wait = False  # an older server, or one without an append-only file: its policy is the promise
        elif isinstance(answer, Exception):
            raise answer
        elif int(answer[0]) < 1:
            raise BusUnavailableError(f"the journal was not on disk within {self._fsync_ms / 1000:g} s")

    def _rows(self, names: Sequence[bytes]) -> list[Mapping[bytes, bytes]]:
        with self._redis.pipeline(transaction=False) as pipe:
            for name in names:
                pipe.hgetall(self._intent_key(name.decode()))
            return [row for row in pipe.execute() if row]

    def _intent_key(self, client_order_id: str) -> str:
        return f"{self._tag}:intent:{client_order_id}"

    def _plan_key(self, plan_id: str) -> str:
        return f"{self._tag}:intents:{plan_id}"

    @property
    def _unsettled_key(self) -> str:
        return f"{self._tag}:unsettled"


def _text(row: Mapping[bytes, bytes], field: bytes) -> str | None:
    value = row.get(field)
    return None if value is None else value.decode()

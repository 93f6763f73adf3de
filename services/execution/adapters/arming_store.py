"""Where the arming token of live trading lives: in Redis, until it expires or somebody takes it away."""

from __future__ import annotations

import datetime as dt
import json
from typing import cast

import redis

from services.execution.domain.arming import ArmingToken
from shared.bus.redis_bus import reachable


class ArmingStore:
    """One token per account namespace. Whatever cannot be read counts as none: that disarms."""

    def __init__(self, client: redis.Redis, namespace: str = "alchemiser") -> None:
        self._redis = client
        self._key = f"{{{namespace}}}:execution:arming"

    def arm(self, token: ArmingToken) -> None:
        document = json.dumps({"account": token.account, "expires_at": token.expires_at.isoformat()})
        with reachable():
            self._redis.set(self._key, document, pxat=int(token.expires_at.timestamp() * 1000))

    def disarm(self) -> None:
        with reachable():
            self._redis.delete(self._key)

    def token(self) -> ArmingToken | None:
        with reachable():
            raw = cast("bytes | None", self._redis.get(self._key))
        if raw is None:
            return None
        try:
            found = json.loads(raw)
            expires_at = dt.datetime.fromisoformat(found["expires_at"])
            return ArmingToken(str(found["account"]), expires_at) if expires_at.tzinfo is not None else None
        except (ValueError, KeyError, TypeError):
            return None

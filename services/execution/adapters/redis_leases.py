"""Leases in Redis: one owner per name, and a fencing token that grows with every take-over. The journal asks for the token."""

from __future__ import annotations

from pathlib import Path
from typing import Final, Literal, cast

import redis

from shared.bus.redis_bus import reachable

FENCES: Final = "execution:fences"
_LEASES: Final = "execution:leases"
_LAST: Final = "execution:fence"
_SCRIPT = (Path(__file__).parent / "take_lease.lua").read_text()


class RedisLeases:
    """Lifetimes are measured by the server's clock. Raises BusUnavailableError when Redis cannot be reached."""

    def __init__(self, client: redis.Redis, namespace: str = "alchemiser") -> None:
        self._keys = [f"{{{namespace}}}:{name}" for name in (_LEASES, FENCES, _LAST)]
        self._script = client.register_script(_SCRIPT)

    def take(self, name: str, owner: str, ttl_seconds: float) -> int | None:
        fence = self._run("take", name, owner, 0, ttl_seconds)
        return None if fence is None else int(fence)

    def renew(self, name: str, owner: str, fence: int, ttl_seconds: float) -> bool:
        return self._run("renew", name, owner, fence, ttl_seconds) is not None

    def release(self, name: str, owner: str, fence: int) -> None:
        self._run("release", name, owner, fence, 0)

    def is_held(self, name: str) -> bool:
        return self._run("held", name, "", 0, 0) is not None

    def newest(self, name: str) -> int | None:
        fence = self._run("newest", name, "", 0, 0)
        return None if fence is None else int(fence)

    def _run(
        self,
        what: Literal["take", "renew", "release", "held", "newest"],
        name: str,
        owner: str,
        fence: int,
        ttl_seconds: float,
    ) -> bytes | None:
        with reachable():
            args = [what, name, owner, str(fence), str(int(ttl_seconds * 1000))]
            return cast("bytes | None", self._script(keys=self._keys, args=args))

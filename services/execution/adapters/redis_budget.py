"""The account's request budget in Redis: the service and all workers of the namespace spend from one bucket."""

from __future__ import annotations

from pathlib import Path
from typing import Final, cast

import redis

from services.execution.domain.request_budget import WINDOW_SECONDS, Allowance, Purpose
from shared.bus.redis_bus import reachable

_SCRIPT = (Path(__file__).parent / "spend_request.lua").read_text()
_ANY_NUMBER: Final = -1


class RedisBudget:
    """The RequestBudget port; time is the server's. Raises BusUnavailableError when Redis cannot be reached."""

    def __init__(
        self, client: redis.Redis, namespace: str, allowance: Allowance, *, window_seconds: float = WINDOW_SECONDS
    ) -> None:
        self._keys = [f"{{{namespace}}}:execution:requests", f"{{{namespace}}}:execution:requests_shut"]
        self._allowance = allowance
        self._window = window_seconds
        self._script = client.register_script(_SCRIPT)

    def spend(self, purpose: Purpose) -> float:
        if self._allowance.is_unlimited:
            return 0.0
        most = self._allowance.most_for(purpose)
        return self._run("spend", _ANY_NUMBER if most is None else most, self._window)

    def shut(self, seconds: float) -> None:
        if not self._allowance.is_unlimited and seconds > 0:
            self._run("shut", 0, seconds)

    def _run(self, what: str, most: int, seconds: float) -> float:
        with reachable():
            answer = self._script(keys=self._keys, args=[what, str(most), str(max(1, int(seconds * 1000)))])
        return cast("int", answer) / 1000

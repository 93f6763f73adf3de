"""How questions are asked over HTTP: with a timeout, a few times, and as late as the server says.

Only for questions that may be asked twice.
"""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass

_REPEATED = frozenset({429, 500, 502, 503, 504})


@dataclass(frozen=True, slots=True)
class Politeness:
    """`sleep` waits so many seconds, or less when the process is stopping."""

    attempts: int = 4
    connect_seconds: float = 3.0
    read_seconds: float = 10.0
    first_wait_seconds: float = 0.5
    longest_wait_seconds: float = 65.0
    """A minute's rate limit and a little: waiting longer than that for one answer helps nobody."""
    sleep: Callable[[float], None] = time.sleep
    epoch: Callable[[], float] = time.time

    def wait_seconds(self, attempt: int, headers: Mapping[str, str]) -> float:
        """Before asking again after `attempt` tries: what the server's headers say, else doubling with some spread."""
        asked = self._asked_to_wait(headers)
        grown = self.first_wait_seconds * 2.0 ** (attempt - 1) * (1 + random.random() / 4)
        return min(grown if asked is None else asked, self.longest_wait_seconds)

    def _asked_to_wait(self, headers: Mapping[str, str]) -> float | None:
        """Retry-After in seconds, or X-RateLimit-Reset as epoch seconds; None when neither is there or readable."""
        try:
            if "Retry-After" in headers:
                return max(0.0, float(headers["Retry-After"]))
            if "X-RateLimit-Reset" in headers:
                return max(0.0, float(headers["X-RateLimit-Reset"]) - self.epoch())
        except ValueError:
            return None
        return None


def worth_repeating(status: int) -> bool:
    return status in _REPEATED

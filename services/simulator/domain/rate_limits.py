"""How many requests an account may still make: windows of one minute that start with their first request."""

from __future__ import annotations

from dataclasses import dataclass

WINDOW_SECONDS = 60.0


@dataclass(frozen=True, slots=True)
class Allowance:
    """The verdict on one request; `resets_in` is what is left of the window, in seconds."""

    allowed: bool
    limit: int
    remaining: int
    resets_in: float


class RateLimits:
    """`limit` requests a minute for each payer; 0 = no limit. `now`: seconds that never go back."""

    def __init__(self, limit: int) -> None:
        if limit < 0:
            raise ValueError(f"limit: expected >= 0, got {limit}")
        self.limit = limit
        self._windows: dict[str, tuple[float, int]] = {}

    def spend(self, payer: str, now: float) -> Allowance | None:
        """Counts one request; None where there is no limit."""
        if self.limit == 0:
            return None
        start, used = self._windows.get(payer, (now, 0))
        if now >= start + WINDOW_SECONDS:
            start, used = now, 0
        allowed = used < self.limit
        used += allowed
        self._windows[payer] = (start, used)
        return Allowance(allowed, self.limit, self.limit - used, start + WINDOW_SECONDS - now)

"""How long to wait before the data stream is connected again."""

from __future__ import annotations

_PLAIN_FIRST, _PLAIN_LONGEST = 1.0, 30.0
# A server forgets a half-dead socket only after about 90 s; knocking faster keeps the slot taken.
_LIMITED_FIRST, _LIMITED_LONGEST = 5.0, 95.0


def reconnect_seconds(attempt: int, *, connection_limited: bool, spread: float) -> float:
    """Seconds before attempt number `attempt` + 1. `spread` in [0, 1) keeps many clients apart.

    After "connection limit exceeded" 5 s at least, growing to 95 s; otherwise from half a second to 30 s.
    """
    first, longest = (_LIMITED_FIRST, _LIMITED_LONGEST) if connection_limited else (_PLAIN_FIRST, _PLAIN_LONGEST)
    grown = min(first * 2.0 ** min(max(attempt, 1) - 1, 10), longest)
    if connection_limited:
        return min(grown * (1 + spread / 4), longest)
    return grown * (0.5 + spread / 2)

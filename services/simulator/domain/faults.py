"""The board of named fault switches: which misbehaviour is armed, and for how long.

Knows nothing of sockets: whoever can misbehave asks `take` (uses one shot up) or `active` (only looks). `now` is a
number of seconds on one clock that never goes back; the board does not care which.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

FAULTS: Mapping[str, str] = MappingProxyType(
    {
        "504_after_accept": "an order, replace, cancel or close request is carried out, then answered with 504",
        "504_before_accept": "an order, replace, cancel or close request is answered with 504 and never carried out",
        "429_burst": "API requests are answered with 429, whatever is left of the rate limit",
        "500": "API requests are answered with 500 and not carried out",
        "stalled_response": "an API request is carried out and its answer held back for 60 s",
        "connection_reset": "an API request is carried out and its connection reset instead of answered",
        "dropped_fill_event": "a fill or partial_fill is never sent on trade_updates",
        "duplicated_fill_event": "a fill or partial_fill is sent twice on trade_updates",
        "reordered_events": "a trade_updates event is held back and sent after the one that follows it",
        "mute_data_socket": "the data websocket stays open and sends nothing",
        "closed_data_socket": "the data websocket is closed by the server",
        "406_on_next_login": "the data websocket answers a login with 406 connection limit exceeded",
        "malformed_frame": "the data websocket sends a frame that cannot be decoded",
        "mute_trade_updates": "the trade_updates websocket stays open; its events are lost",
        "closed_trade_updates": "the trade_updates websocket is closed by the server instead of sending an event",
        "malformed_trade_update": "the trade_updates websocket sends a frame that cannot be decoded",
        "stuck_pending_cancel": "a cancel is answered with 204 and the order stays pending_cancel, unfilled, till it expires",
        "fill_wins_over_cancel": "a cancel is answered with 204 and the order fills instead",
        "fill_wins_over_replace": "a replace is answered with 200, then the old order fills and the new one is rejected",
    }
)


@dataclass(frozen=True, slots=True)
class Armed:
    """One armed switch: shots left, or the instant (seconds) until which it holds."""

    count: int | None
    until: float | None

    def holds_at(self, now: float) -> bool:
        return (self.count is not None and self.count > 0) or (self.until is not None and now < self.until)


@dataclass(frozen=True, slots=True)
class FaultLine:
    """One row of the listing."""

    name: str
    description: str
    armed: bool
    count: int | None
    seconds_left: float | None


class FaultBoard:
    """Which faults are armed. Arming a fault again replaces what was armed."""

    def __init__(self) -> None:
        self._armed: dict[str, Armed] = {}

    def arm(self, name: str, *, now: float, count: int | None = None, seconds: float | None = None) -> None:
        """Arms `name` for `count` shots or for `seconds`; exactly one of the two. Raises KeyError, ValueError."""
        if name not in FAULTS:
            raise KeyError(name)
        if (count is None) == (seconds is None):
            raise ValueError("exactly one of count and seconds is needed")
        if (count is not None and count < 1) or (seconds is not None and not 0 < seconds < float("inf")):
            raise ValueError("count and seconds must be > 0")
        self._armed[name] = Armed(count, None if seconds is None else now + seconds)

    def disarm(self) -> None:
        self._armed.clear()

    def active(self, name: str, now: float) -> bool:
        """Whether the fault would strike now; uses nothing up."""
        armed = self._armed.get(name)
        return armed is not None and armed.holds_at(now)

    def take(self, name: str, now: float) -> bool:
        """Whether the fault strikes now; uses one shot up when it was armed by count."""
        armed = self._armed.get(name)
        if armed is None:
            return False
        if not armed.holds_at(now):
            del self._armed[name]
            return False
        if armed.count is not None:
            self._armed[name] = Armed(armed.count - 1, armed.until)
        return True

    def listing(self, now: float) -> tuple[FaultLine, ...]:
        """Every switch there is, armed or not, in a fixed order."""
        return tuple(self._line(name, text, now) for name, text in FAULTS.items())

    def _line(self, name: str, text: str, now: float) -> FaultLine:
        armed = self._armed.get(name)
        if armed is None or not armed.holds_at(now):
            return FaultLine(name, text, armed=False, count=None, seconds_left=None)
        left = None if armed.until is None else round(armed.until - now, 3)
        return FaultLine(name, text, armed=True, count=armed.count, seconds_left=left)

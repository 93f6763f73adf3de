"""What every router of the venue shares: its time, its market, its faults, its logins and its rate limits.

How the rooms use it:
- HTTP: requests under /v1..., /v2... and /v3... have passed the gate (adapters/gate.py) before a router sees them:
  credentials, rate limit, HTTP faults, X-Request-ID and Date are done there. A router only answers.
- websockets: a socket calls `login(key, secret)` or `authenticate(headers)` itself, and asks `faults`.
- `context.market` is replaced by a reset: read it anew each time, never keep it.
- `context.listeners` are called, in the event loop, each time the venue was brought up to a new instant.
"""

from __future__ import annotations

import base64
import binascii
import datetime as dt
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from services.simulator.domain.credentials import TOKEN_KEY, KeyRing
from services.simulator.domain.faults import FaultBoard, FaultLine
from services.simulator.domain.market import Market
from services.simulator.domain.rate_limits import Allowance, RateLimits
from services.simulator.domain.virtual_clock import VirtualClock

Listener = Callable[[dt.datetime], None]


@dataclass(frozen=True, slots=True)
class Time:
    """The real clocks, as arguments, so that tests can hold them."""

    monotonic: Callable[[], float] = time.monotonic
    epoch: Callable[[], float] = time.time


@dataclass(slots=True)
class Faults:
    """The fault board on the venue's clock (real seconds; virtual ones while speed is 0)."""

    board: FaultBoard
    seconds: Callable[[], float]

    def take(self, name: str) -> bool:
        """Whether the fault strikes now; uses one shot up when it was armed by count."""
        return self.board.take(name, self.seconds())

    def active(self, name: str) -> bool:
        """Whether the fault would strike now; uses nothing up."""
        return self.board.active(name, self.seconds())

    def arm(self, name: str, *, count: int | None = None, seconds: float | None = None) -> None:
        self.board.arm(name, now=self.seconds(), count=count, seconds=seconds)

    def disarm(self) -> None:
        self.board.disarm()

    def listing(self) -> tuple[FaultLine, ...]:
        return self.board.listing(self.seconds())


@dataclass(slots=True)
class VenueContext:
    """Shared by all routers of one venue; lives in one event loop and is not thread-safe."""

    market: Market
    clock: VirtualClock
    keys: KeyRing
    limits: RateLimits
    is_basic: bool = False
    """The free market-data plan; otherwise everything may be asked."""
    time: Time = field(default_factory=Time)
    listeners: list[Listener] = field(default_factory=list)
    faults: Faults = field(init=False)

    def __post_init__(self) -> None:
        self.faults = Faults(FaultBoard(), self.seconds)

    def now(self) -> dt.datetime:
        """The virtual instant, UTC."""
        return self.clock.now(self.time.monotonic())

    def seconds(self) -> float:
        """Steady seconds: real ones while time runs, virtual ones while it stands still."""
        return self.clock.steady(self.time.monotonic())

    def login(self, key: str, secret: str) -> str | None:
        """The account name behind credentials from a websocket message, or None when refused."""
        return self.keys.admit(key, secret)

    def authenticate(self, headers: Mapping[str, str]) -> str | None:
        """The account name behind request headers (lower-case names), or None when they are absent or refused."""
        credentials = credentials_in(headers)
        return None if credentials is None else self.keys.admit(*credentials)

    def spend(self, payer: str) -> Allowance | None:
        """Counts one request of `payer` against its rate limit; None where there is no limit."""
        return self.limits.spend(payer, self.seconds())

    def epoch(self) -> float:
        """Epoch seconds as a client sees them: real ones while time runs, virtual ones while it stands still."""
        return self.now().timestamp() if self.clock.speed == 0 else self.time.epoch()


def credentials_in(headers: Mapping[str, str]) -> tuple[str, str] | None:
    """Key and secret from Alpaca's two headers, a Bearer token or Basic; None when there are none."""
    key, secret = headers.get("apca-api-key-id", ""), headers.get("apca-api-secret-key", "")
    if key and secret:
        return key, secret
    scheme, _, value = headers.get("authorization", "").partition(" ")
    if scheme.lower() == "bearer" and value.strip():
        return TOKEN_KEY, value.strip()
    if scheme.lower() == "basic":
        return _basic(value.strip())
    return None


def _basic(value: str) -> tuple[str, str] | None:
    try:
        key, _, secret = base64.b64decode(value, validate=True).decode().partition(":")
    except (binascii.Error, UnicodeDecodeError):
        return None
    return (key, secret) if key and secret else None

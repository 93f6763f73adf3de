"""The trade_updates websocket: every update goes to execution's own stream, every (re)connection asks for a reconciliation.

    connect ──► authenticate ──► listen ──► live ──► lost ──► wait (longer each time; to 95 s when told "too many") ──► connect
                     └─ refused: fatal, since no repetition makes a wrong key right

The socket has no memory: what happens while it is down, or silently muted, only reconciliation finds.
"""

from __future__ import annotations

import itertools
import json
import math
import random
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any, Protocol
from urllib.parse import urlsplit

from pydantic import SecretStr
from websockets.exceptions import ConnectionClosed, InvalidStatus, WebSocketException
from websockets.sync.client import ClientConnection, connect

from services.execution.adapters import alpaca_wire as wire
from services.execution.adapters.updates_stream import UPDATES
from services.execution.domain.broker import BrokerUpdate
from shared import logs
from shared.bus import Bus, BusUnavailableError, Delivery

_LIMITED = (HTTPStatus.TOO_MANY_REQUESTS, HTTPStatus.NOT_ACCEPTABLE)
_REFUSED = (HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN)


class UpdatesRefusedError(RuntimeError):
    """The broker does not let these credentials listen."""


class UpdatesSink(Protocol):
    """Where updates go; see updates_stream.py."""

    def append(self, update: BrokerUpdate) -> bool: ...


@dataclass(frozen=True, slots=True)
class Pace:
    """Seconds: the first pause after a loss and the longest, the same where the broker says "too many", and timeouts."""

    first: float = 0.5
    longest: float = 30
    limited_first: float = 5
    limited_longest: float = 95
    steady: float = 5
    """A login that was good for so long starts the pauses afresh: what is lost now and then is back soon."""
    answer: float = 10
    ping_interval: float = 10
    ping_timeout: float = 20

    def pause(self, last: float, *, limited: bool) -> float:
        """Longer than the last one, within its bounds: half as much again, or twice as long where it is too many already."""
        if limited:
            return min(self.limited_longest, max(self.limited_first, last * 2))
        return min(self.longest, max(self.first, last * 1.5))


class SocketListener:
    """What happens to the socket; every method does nothing by itself."""

    def listening(self) -> None:
        """Logged in and subscribed."""

    def lost(self, reason: str, pause_seconds: float) -> None:
        """The connection ended; the next attempt comes after the pause."""

    def unreadable(self, error: str) -> None:
        """A frame went to the dead letters."""


class LogListener(SocketListener):
    def __init__(self) -> None:
        self._log = logs.get("execution.updates")

    def listening(self) -> None:
        self._log.info("listening to trade updates")

    def lost(self, reason: str, pause_seconds: float) -> None:
        self._log.warning("trade updates lost", reason=reason, next_attempt_in_seconds=round(pause_seconds, 1))

    def unreadable(self, error: str) -> None:
        self._log.error("a trade update cannot be read", error=error)


class DeadFrames:
    """Keeps frames that cannot be read among the dead letters, with their raw bytes."""

    def __init__(self, bus: Bus) -> None:
        self._bus = bus
        self._numbers = itertools.count()

    def __call__(self, frame: bytes, error: str) -> None:
        entry = f"{int(time.time() * 1000)}-{next(self._numbers)}"
        fields = {b"kind": b"alpaca.trade_update", b"data": frame}
        self._bus.bury(Delivery(UPDATES, entry, "execution", fields), error)


class UpdatesSocket:
    """One connection at a time, as Alpaca allows. `reconcile` is called after each login and after each unreadable frame."""

    def __init__(
        self,
        url: str,
        key: SecretStr,
        secret: SecretStr,
        sink: UpdatesSink,
        quarantine: Callable[[bytes, str], None],
        *,
        reconcile: Callable[[], None],
        listener: SocketListener | None = None,
        pace: Pace = Pace(),
    ) -> None:
        self._url = url
        self._key = key
        self._secret = secret
        self._sink = sink
        self._quarantine = quarantine
        self._reconcile = reconcile
        self._listener = listener or SocketListener()
        self._pace = pace
        self._suspected = threading.Event()
        self._problem: str | None = "not connected yet"
        self._steady_since = math.inf
        """When the newest login was good; never, while none was."""

    def problem(self) -> str | None:
        """For /ready: why updates do not come, None while they do."""
        return self._problem

    def suspect(self) -> None:
        """Something arrived by another way that this socket should have told: take it for mute and connect anew."""
        self._suspected.set()

    def run(self, stop: threading.Event) -> None:
        """A part of a process. Raises UpdatesRefusedError when the broker refuses the credentials."""
        pause = 0.0
        while not stop.is_set():
            self._steady_since, limited = math.inf, False
            try:
                self._live(stop)
                reason = "suspected of being mute"
            except InvalidStatus as error:
                reason, limited = self._refusal(error)
            except (WebSocketException, OSError, _LostError) as error:
                reason = f"{type(error).__name__}: {str(error)[:200]}"
            if stop.is_set():
                return
            lived = time.monotonic() - self._steady_since
            pause = self._pace.pause(0.0 if lived >= self._pace.steady else pause, limited=limited)
            self._problem = f"trade updates lost: {reason}"
            self._listener.lost(reason, pause)
            # Never all at once: several installations lose the same broker at the same instant.
            stop.wait(min(pause * random.uniform(1, 1.25), self._pace.limited_longest))

    def _live(self, stop: threading.Event) -> None:
        local = urlsplit(self._url).scheme == "ws"
        with connect(
            self._url,
            compression=None,
            proxy=None if local else True,
            open_timeout=self._pace.answer,
            close_timeout=2,
            ping_interval=self._pace.ping_interval,
            ping_timeout=self._pace.ping_timeout,
            max_size=2**24,
        ) as socket:
            self._log_in(socket)
            self._steady_since = time.monotonic()
            self._suspected.clear()
            self._problem = None
            self._listener.listening()
            self._reconcile()
            while not stop.is_set() and not self._suspected.is_set():
                frame = _next_frame(socket, 0.25)
                if frame is not None:
                    self._take(frame, stop)

    def _log_in(self, socket: ClientConnection) -> None:
        credentials = {"key_id": self._key.get_secret_value(), "secret_key": self._secret.get_secret_value()}
        socket.send(json.dumps({"action": "authenticate", "data": credentials}))
        if self._answer(socket, "authorization").get("status") != "authorized":
            raise UpdatesRefusedError("trade updates: the broker refuses these credentials")
        socket.send(json.dumps({"action": "listen", "data": {"streams": ["trade_updates"]}}))
        if "trade_updates" not in self._answer(socket, "listening").get("streams", ()):
            raise _LostError("the broker does not let us listen to trade_updates")

    def _answer(self, socket: ClientConnection, stream: str) -> Mapping[str, Any]:
        frame = _next_frame(socket, self._pace.answer)
        if frame is None:
            raise _LostError(f"no answer ({stream}) within {self._pace.answer:g} s")
        envelope = _envelope(frame)
        if envelope is None or envelope.get("stream") != stream or not isinstance(envelope.get("data"), Mapping):
            raise _LostError(f"expected {stream}, got {frame[:120]!r}")
        data: Mapping[str, Any] = envelope["data"]
        return data

    def _take(self, frame: bytes, stop: threading.Event) -> None:
        envelope = _envelope(frame) or {}
        if envelope.get("stream") in ("listening", "authorization"):
            return
        try:
            update = wire.update_of(envelope.get("data"))
        except wire.UnreadableAnswerError as error:
            told = str(error)
            _until_done(lambda: self._quarantine(frame, told), stop)
            self._listener.unreadable(told)
            self._reconcile()
            return
        _until_done(lambda: self._sink.append(update), stop)

    def _refusal(self, error: InvalidStatus) -> tuple[str, bool]:
        status = error.response.status_code
        if status in _REFUSED:
            raise UpdatesRefusedError(f"trade updates: the broker answers HTTP {status} to these credentials") from None
        return f"HTTP {status} at the handshake", status in _LIMITED


class _LostError(Exception):
    """The connection is of no use."""


def _next_frame(socket: ClientConnection, seconds: float) -> bytes | None:
    try:
        frame = socket.recv(timeout=seconds)
    except TimeoutError:
        return None
    except ConnectionClosed as error:
        raise _LostError(f"closed by the broker: {error}") from None
    return frame.encode() if isinstance(frame, str) else bytes(frame)


def _envelope(frame: bytes) -> Mapping[str, Any] | None:
    try:
        found = json.loads(frame)
    except (ValueError, RecursionError):
        return None
    return found if isinstance(found, Mapping) else None


def _until_done(act: Callable[[], object], stop: threading.Event) -> None:
    """While Redis is away the socket waits, and with it the broker: nothing read is thrown away."""
    while True:
        try:
            act()
        except BusUnavailableError:
            if stop.wait(0.2):
                return
        else:
            return

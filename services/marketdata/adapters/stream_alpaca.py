"""Alpaca's data websocket, through alpaca-py, with what it lacks: codes told apart, a decent backoff, safe subscribing.

The client runs on a loop in a thread of its own; what it hears goes into the inbox and nowhere else, since anything a
handler raises would cost the rest of its batch.
"""

from __future__ import annotations

import asyncio
import contextlib
import random
import threading
from collections.abc import Callable, Coroutine
from typing import Any, Literal, Protocol

import msgpack
import websockets
from alpaca.data.enums import DataFeed
from alpaca.data.live import StockDataStream

from services.marketdata.adapters import alpaca_wire
from services.marketdata.domain.backoff import reconnect_seconds
from services.marketdata.domain.desk import Subscribed
from services.marketdata.domain.feed import Lost, Opened, Refused
from services.marketdata.ports import Inbox
from shared import logs
from shared.settings import Venue

_FOR_GOOD = frozenset({402, 409, 410, 411})
"""Authentication failed, insufficient subscription, invalid action for this feed, insufficient scope."""
_LIMITED = frozenset({406, 429})
_SOCKET = {"ping_interval": 10, "ping_timeout": 20, "max_queue": 4096, "max_size": 2**24, "close_timeout": 2}
_LOGIN_SECONDS = 15.0


class Backoff(Protocol):
    def __call__(self, attempt: int, *, connection_limited: bool) -> float:
        """Seconds before the next attempt."""


def decent_backoff(attempt: int, *, connection_limited: bool) -> float:
    return reconnect_seconds(attempt, connection_limited=connection_limited, spread=random.random())


class LoginRefusedError(websockets.WebSocketException):
    """No login; of this class, so that alpaca-py closes the socket, waits, and spares the log a traceback."""


class AlpacaStream:
    def __init__(
        self, venue: Venue, feed: Literal["iex", "sip"], inbox: Inbox, *, backoff: Backoff = decent_backoff
    ) -> None:
        self._venue = venue
        self._feed = feed
        self._inbox = inbox
        self._backoff = backoff
        self._wanted: frozenset[str] = frozenset()
        self._changed = threading.Event()
        self._client: _Client | None = None
        self._log = logs.get("marketdata.stream")

    def want(self, symbols: frozenset[str]) -> None:
        self._wanted = symbols
        self._changed.set()
        if self._client is not None:
            self._client.submit(self._client.follow())

    def reconnect(self) -> None:
        if self._client is not None:
            self._client.submit(self._client.close())

    def run(self, stop: threading.Event) -> None:
        while not stop.is_set():
            # alpaca-py spins at 100 % CPU while it has nothing to follow.
            if not self._wanted:
                self._changed.wait(0.2)
                self._changed.clear()
                continue
            client = _Client(self._venue, self._feed, self._inbox, lambda: self._wanted, self._backoff)
            self._live(client, stop)
            if client.refused_for_good:
                stop.wait()  # told; other credentials need a restart

    def _live(self, client: _Client, stop: threading.Event) -> None:
        self._client = client
        thread = threading.Thread(target=self._drive, args=(client,), name="alpaca-stream", daemon=True)
        thread.start()
        while thread.is_alive() and not stop.is_set():
            thread.join(0.1)
        client.submit(client.leave())
        thread.join(5)
        self._client = None
        stop.wait(0 if stop.is_set() else 0.1)

    def _drive(self, client: _Client) -> None:
        try:
            client.run()
        except Exception:  # noqa: BLE001 - the edge of the thread: said, and begun anew
            self._log.warning("the stream's client failed", exc_info=True)
            self._inbox.put(Lost("the client failed"))


class _Client(StockDataStream):
    """alpaca-py's client, listening to itself."""

    def __init__(
        self,
        venue: Venue,
        feed: Literal["iex", "sip"],
        inbox: Inbox,
        wanted: Callable[[], frozenset[str]],
        backoff: Backoff,
    ) -> None:
        super().__init__(
            venue.key.get_secret_value(),
            venue.secret.get_secret_value(),
            raw_data=True,
            feed=DataFeed(feed),
            websocket_params=dict(_SOCKET),
            url_override=venue.data_stream_url,
        )
        self._inbox = inbox
        self._wanted_now = wanted
        self._backoff = backoff
        self._is_open = False
        self._is_limited = False
        self.refused_for_good = False
        self._follow_wanted()

    def submit(self, work: Coroutine[Any, Any, None]) -> None:
        """Run it on the client's loop without waiting for it; dropped when the loop does not run."""
        loop: asyncio.AbstractEventLoop | None = self._loop
        if loop is None or not loop.is_running():
            work.close()
            return
        try:
            asyncio.run_coroutine_threadsafe(work, loop)
        except RuntimeError:  # it closed just now
            work.close()

    async def follow(self) -> None:
        """Follow what is wanted now. Not `subscribe_quotes`, which loses what is asked for between login and first use."""
        gone = self._follow_wanted()
        if not self._is_open:
            return  # the login that is coming subscribes to all of it
        with contextlib.suppress(websockets.WebSocketException, AttributeError):  # the next login makes good for it
            await self._send_subscribe_msg()
            for channel in ("quotes", "bars"):
                await self._send_unsubscribe_msg(channel, gone)

    async def leave(self) -> None:
        """Close in order, at once: the server frees the connection's slot."""
        await self.stop_ws()
        await self.close()

    def _follow_wanted(self) -> list[str]:
        wanted = self._wanted_now()
        quotes, bars = self._handlers["quotes"], self._handlers["bars"]
        gone = sorted(quotes.keys() - wanted)
        for symbol in gone:
            quotes.pop(symbol, None)
            bars.pop(symbol, None)
        for symbol in wanted:
            quotes[symbol], bars[symbol] = self._on_quote, self._on_bar
        return gone

    async def _on_quote(self, raw: dict[str, Any]) -> None:
        self._inbox.put(alpaca_wire.quote(raw.get("S"), raw, "stream"))

    async def _on_bar(self, raw: dict[str, Any]) -> None:
        self._inbox.put(alpaca_wire.minute_bar(raw.get("S"), raw))

    async def _start_ws(self) -> None:
        """Connect and log in, within a deadline: alpaca-py would wait for a silent server for ever."""
        self._follow_wanted()
        try:
            await asyncio.wait_for(super()._start_ws(), _LOGIN_SECONDS)
        except Exception as error:
            self._is_limited = self._is_limited or getattr(error, "status_code", None) in _LIMITED
            said = f"no login: {type(error).__name__}: {str(error)[:200]}"
            self._inbox.put(Lost(said))
            raise LoginRefusedError(said) from error
        self._is_open, self._is_limited = True, False
        self._inbox.put(Opened())

    async def _auth(self) -> None:
        """As alpaca-py's own, but with the code of a refusal, which it throws away."""
        socket: Any = self._ws
        await socket.send(msgpack.packb({"action": "auth", "key": self._api_key, "secret": self._secret_key}))
        answer = msgpack.unpackb(await socket.recv())[0]
        if answer.get("T") == "error":
            await self._refused(answer)
        elif answer.get("msg") != "authenticated":
            raise LoginRefusedError(f"expected authenticated, got {str(answer)[:100]}")

    async def _refused(self, answer: dict[str, Any]) -> None:
        refusal = _refusal(answer)
        self._is_limited = refusal.code in _LIMITED
        self._inbox.put(refusal)
        if refusal.for_good:
            self.refused_for_good = True
            await self.stop_ws()
        raise LoginRefusedError(f"{refusal.code} {refusal.message}")

    async def _dispatch(self, msg: dict[str, Any]) -> None:
        kind = msg.get("T")
        if kind == "subscription":
            self._inbox.put(Subscribed(frozenset(msg.get("quotes") or ())))
        elif kind == "error":
            self._inbox.put(_refusal(msg))
        else:
            await super()._dispatch(msg)

    async def close(self) -> None:
        was_open, self._is_open = self._is_open, False
        code = getattr(self._ws, "close_code", None)
        await super().close()
        if was_open:
            self._inbox.put(Lost("closed by us" if code is None else f"closed with code {code}"))

    def _reconnect_delay(self, retries: int) -> float:
        return self._backoff(retries, connection_limited=self._is_limited)


def _refusal(answer: dict[str, Any]) -> Refused:
    code = answer.get("code")
    code = code if isinstance(code, int) else 0
    return Refused(code, str(answer.get("msg", ""))[:200], for_good=code in _FOR_GOOD)

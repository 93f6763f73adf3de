"""The running venue: the exchange of the domain, brought up to virtual now by whoever asks, its events handed on.

Lives in one event loop; nothing here may be called from another thread.
"""

from __future__ import annotations

import asyncio
import datetime as dt
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from fastapi import Request

from services.simulator.adapters.context import VenueContext
from services.simulator.adapters.updates_hub import UpdatesHub
from services.simulator.domain.account import Account
from services.simulator.domain.exchange import Exchange
from services.simulator.domain.identity import Identity
from shared import logs

PUMP_SECONDS = 0.03
ACCOUNT_IN_SCOPE = "venue.account"


@dataclass(frozen=True, slots=True)
class World:
    """What one seed and one start make."""

    identity: Identity
    exchange: Exchange


class Venue:
    """`make` builds a world and puts its market and clock into the context; a reset calls it again.

    `keep` is told of every instant at which something happened, before any client can hear of it.
    """

    def __init__(
        self,
        context: VenueContext,
        make: Callable[[int | None, dt.datetime | None], World],
        keep: Callable[[dt.datetime], None] = lambda _now: None,
    ) -> None:
        self.context = context
        self.hub = UpdatesHub(context.faults)
        self._make = make
        self._keep = keep
        self._world = make(None, None)
        self._requests = 0

    @property
    def exchange(self) -> Exchange:
        return self._world.exchange

    def account_of(self, request: Request) -> Account:
        """The account the gate let in."""
        return self.exchange.account(request.scope[ACCOUNT_IN_SCOPE])

    def next_request_id(self) -> str:
        self._requests += 1
        return self._world.identity.uuid("request", self._requests).replace("-", "")

    def new_id(self, what: str, account: Account) -> str:
        return self._world.identity.uuid(what, account.key, account.count(what))

    @contextmanager
    def at_now(self) -> Iterator[dt.datetime]:
        """Brings the venue up to now, and hands on the events of whatever is done inside."""
        now = self.bring_up()
        try:
            yield now
        finally:
            self._hand_on()

    def bring_up(self) -> dt.datetime:
        # Never behind what was looked through already: requests of one instant see one market.
        now = max(self.context.now(), self.exchange.now)
        self.exchange.advance(now)
        self._hand_on()
        for listener in self.context.listeners:
            listener(now)
        return now

    async def pump(self) -> None:
        """Keeps the venue up to time while time runs by itself."""
        while True:
            await asyncio.sleep(PUMP_SECONDS)
            if self.context.clock.speed == 0:
                continue
            try:
                self.bring_up()
            except Exception:  # noqa: BLE001 - one bad moment of the market must not stop time for good
                logs.get("simulator").error("the venue could not be brought up to now", exc_info=True)

    def reset(self, seed: int | None, start: dt.datetime | None) -> None:
        """Everything as at the start: accounts, logins, faults, ids; None keeps what was configured."""
        self._world = self._make(seed, start)
        self._requests = 0
        self.context.faults.disarm()
        self.hub.close_all()

    def _hand_on(self) -> None:
        events = self.exchange.drain_events()
        if events:
            self._keep(self.exchange.now)
        for event in events:
            self.hub.publish(event, self.exchange.account(event.account_key).id)

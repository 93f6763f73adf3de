"""Where the arming token of live trading lives: in Redis, until it expires or somebody takes it away."""

from __future__ import annotations

import datetime as dt
import json
from typing import cast

import redis

from services.execution.domain.arming import Armed, ArmingToken, Disarmed, Mode, account_mismatch, arming_state
from services.execution.domain.broker import Account
from services.execution.ports import Broker
from shared.bus.redis_bus import reachable
from shared.clock import Clock
from shared.settings import SettingsError


class ArmingStore:
    """One token per account namespace. Whatever cannot be read counts as none: that disarms."""

    def __init__(self, client: redis.Redis, namespace: str = "alchemiser") -> None:
        self._redis = client
        self._key = f"{{{namespace}}}:execution:arming"

    def arm(self, token: ArmingToken) -> None:
        document = json.dumps({"account": token.account, "expires_at": token.expires_at.isoformat()})
        with reachable():
            self._redis.set(self._key, document, pxat=int(token.expires_at.timestamp() * 1000))

    def disarm(self) -> None:
        with reachable():
            self._redis.delete(self._key)

    def token(self) -> ArmingToken | None:
        with reachable():
            raw = cast("bytes | None", self._redis.get(self._key))
        if raw is None:
            return None
        try:
            found = json.loads(raw)
            expires_at = dt.datetime.fromisoformat(found["expires_at"])
            return ArmingToken(str(found["account"]), expires_at) if expires_at.tzinfo is not None else None
        except (ValueError, KeyError, TypeError):
            return None


class ArmingDesk:
    """This process's arming: the mode, the account it really trades (asked at start) and the stored token."""

    def __init__(self, mode: Mode, account: str, pinned: str | None, store: ArmingStore, clock: Clock) -> None:
        self.mode: Mode = mode
        self.account = account
        self._pinned = pinned
        self._store = store
        self._clock = clock

    def state(self) -> Armed | Disarmed:
        """Read anew each time: a token may end or be taken away at any moment."""
        token = self._store.token() if self.mode == "live" else None
        return arming_state(self.mode, self.account, self._pinned, token, self._clock.now())

    def obstacle(self) -> str | None:
        """Why nothing may be placed, None when it may. Raises BusUnavailableError: then nothing may."""
        state = self.state()
        return state.reason if isinstance(state, Disarmed) else None

    def arm(self, hours: int) -> Armed | Disarmed:
        until = self._clock.now() + dt.timedelta(hours=hours)
        self._store.arm(ArmingToken(self.account, until))
        return self.state()

    def disarm(self) -> None:
        self._store.disarm()


def fitting_account(broker: Broker, mode: Mode, pinned: str | None) -> Account:
    """The account behind the keys. Raises SettingsError, in one line, when it may not be used in this mode."""
    account = broker.account()
    mismatch = account_mismatch(mode, account.number, pinned)
    if mismatch is not None:
        raise SettingsError(mismatch)
    return account

"""Whether orders may leave at all: the account must fit the mode, and live money needs a pin and a token that still holds.

mode simulated, paper ──► armed          mode live ──► armed only with pinned account + token for it, not yet expired
"""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from typing import Final, Literal

Mode = Literal["simulated", "paper", "live"]
PAPER_PREFIX: Final = "PA"
"""How every paper account's number begins, and no live one's."""
MAX_HOURS: Final = 168
"""A token lives a week at most."""
_SHOWN: Final = 3


@dataclass(frozen=True, slots=True)
class ArmingToken:
    """Someone's deliberate yes to trading this account with real money until `expires_at`."""

    account: str
    expires_at: dt.datetime


@dataclass(frozen=True, slots=True)
class Armed:
    """Orders may be placed; `until` is None where nothing has to be renewed."""

    until: dt.datetime | None = None


@dataclass(frozen=True, slots=True)
class Disarmed:
    """Decide and report, place nothing."""

    reason: str


@dataclass(frozen=True, slots=True)
class Arming:
    """What the configuration says. `armed_until` is the end of the live arming token for `pinned_account`; None is no token."""

    mode: Mode
    pinned_account: str | None = None
    armed_until: dt.datetime | None = None

    def obstacle(self, account_number: str, now: dt.datetime) -> str | None:
        """Why nothing may be placed, None when it may. `account_number` is the broker's word."""
        token = None
        if self.armed_until is not None and self.pinned_account is not None:
            token = ArmingToken(self.pinned_account, self.armed_until)
        state = arming_state(self.mode, account_number, self.pinned_account, token, now)
        return state.reason if isinstance(state, Disarmed) else None


def account_mismatch(mode: Mode, account: str, pinned: str | None) -> str | None:
    """Why this account may not be used in this mode at all, in one line; None when it fits.

    In mode simulated any account fits: the simulator decides what its numbers look like, and shared/settings.py where it is.
    """
    is_paper = account.startswith(PAPER_PREFIX)
    if mode == "paper" and not is_paper:
        return f"mode is paper, but the keys open account {masked(account)}; expected one that begins with PA"
    if mode == "live" and is_paper:
        return f"mode is live, but the keys open the paper account {masked(account)}; expected a live account"
    if mode == "live" and pinned is not None and account != pinned:
        return f"EXECUTION_LIVE_ACCOUNT: expected the account that the live keys open ({masked(account)}), got {masked(pinned)}"
    return None


def arming_state(
    mode: Mode, account: str, pinned: str | None, token: ArmingToken | None, now: dt.datetime
) -> Armed | Disarmed:
    """Armed, or Disarmed with what is missing. Every doubt disarms."""
    mismatch = account_mismatch(mode, account, pinned)
    if mismatch is not None:
        return Disarmed(mismatch)
    return Armed() if mode != "live" else _live_state(account, pinned, token, now)


def _live_state(account: str, pinned: str | None, token: ArmingToken | None, now: dt.datetime) -> Armed | Disarmed:
    if pinned is None:
        return Disarmed("EXECUTION_LIVE_ACCOUNT is not set: live trading needs the account number pinned")
    if token is None:
        return Disarmed("live trading is not armed: `alchemiser arm` does it for some hours")
    if token.account != account:
        return Disarmed("live trading is armed for another account")
    if now >= token.expires_at:
        return Disarmed(f"live arming ended at {token.expires_at.isoformat()}")
    return Armed(token.expires_at)


def masked(account: str) -> str:
    """Enough of a number to recognise it by: PA…891."""
    return f"{account[:2]}…{account[-_SHOWN:]}" if len(account) > 2 * _SHOWN else "…"

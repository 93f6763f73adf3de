"""Whether orders may leave at all: paper and live kept apart, live only for the pinned account and a token that still holds."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True, slots=True)
class Arming:
    """What the configuration says. `armed_until` is the live arming token's end; None is no token."""

    mode: Literal["simulated", "paper", "live"]
    pinned_account: str | None = None
    armed_until: dt.datetime | None = None

    def obstacle(self, account_number: str, now: dt.datetime) -> str | None:
        """Why nothing may be placed, None when it may. `account_number` is the broker's word."""
        is_paper_account = account_number.startswith("PA")
        if self.mode == "simulated":
            return None
        if self.mode == "paper":
            return None if is_paper_account else f"mode is paper, the account {account_number} is not"
        return self._live_obstacle(account_number, now, is_paper_account=is_paper_account)

    def _live_obstacle(self, account_number: str, now: dt.datetime, *, is_paper_account: bool) -> str | None:
        if is_paper_account:
            return f"mode is live, the account {account_number} is a paper account"
        if self.pinned_account is None:
            return "mode is live and no account number is pinned"
        if self.pinned_account != account_number:
            return f"the pinned account is {self.pinned_account}, the broker's is {account_number}"
        if self.armed_until is None:
            return "live trading is not armed"
        return None if now < self.armed_until else f"live arming ended at {self.armed_until.isoformat()}"

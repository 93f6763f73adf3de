"""How one venue is set up: SIM_* in the environment, `.env` or SIM_*_FILE."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal
from pathlib import Path
from typing import Annotated, Literal, Self

from pydantic import Field, SecretStr, field_validator, model_validator
from pydantic_settings import SettingsConfigDict

from services.simulator.domain.virtual_clock import LATEST, MAX_SPEED
from shared.sessions import NEW_YORK
from shared.settings import Settings

_EARLIEST = dt.datetime(1998, 2, 1, tzinfo=dt.UTC)


class SimulatorSettings(Settings):
    model_config = SettingsConfigDict(env_prefix="SIM_")

    host: str = "127.0.0.1"
    """The address it listens on."""
    port: Annotated[int, Field(ge=0, le=65535)] = 18765
    """0: any free one."""
    seed: Annotated[int, Field(ge=0, lt=2**63)] = 7
    """The same seed and the same calls: the same bytes."""
    data: Path | None = None
    """A directory of recorded data; None: the generator."""
    start: str | None = None
    """New York time, as 2024-06-03T09:30, or an ISO instant with a zone; None: shortly before the close of a fixed session."""
    speed: Annotated[float, Field(ge=0, le=MAX_SPEED, allow_inf_nan=False)] = 1.0
    """Virtual seconds per second; 0 stands still until told to move."""
    fills: Literal["paper", "realistic"] = "paper"
    """As Alpaca's paper account fills, or with sizes, queue and fees."""
    plan: Literal["basic", "plus"] = "plus"
    """The market-data plan of every account: basic is refused the last fifteen minutes of the sip feed, as at Alpaca."""
    rate_limit: Annotated[int, Field(ge=0)] = 200
    """Requests a minute and account; 0 is none."""
    key: Annotated[str, Field(min_length=1)] | None = None
    """With the secret: the only login that is let in. Without, every new key is an account of its own."""
    secret: Annotated[SecretStr, Field(min_length=1)] | None = None
    """Goes with the key."""
    cash: Annotated[Decimal, Field(gt=0, le=Decimal(10) ** 12, decimal_places=2)] = Decimal(100_000)
    """What a new account begins with, in dollars."""
    state: Path | None = None
    """A directory in which accounts, orders and the clock outlive a restart; None: each start begins anew."""
    stall_seconds: Annotated[float, Field(gt=0, le=3600)] = 60.0
    """How long the fault stalled_response holds an answer back."""

    @field_validator("data")
    @classmethod
    def _is_a_directory(cls, data: Path | None) -> Path | None:
        if data is not None and not data.is_dir():
            raise ValueError("expected an existing directory")
        return data

    @field_validator("start")
    @classmethod
    def _is_an_instant(cls, start: str | None) -> str | None:
        if start is not None:
            parse_instant(start)
        return start

    @model_validator(mode="after")
    def _has_both_or_neither(self) -> Self:
        if (self.key is None) != (self.secret is None):
            raise ValueError("SIM_KEY, SIM_SECRET: expected both or neither")
        return self

    @property
    def start_instant(self) -> dt.datetime | None:
        return None if self.start is None else parse_instant(self.start)

    @property
    def pinned(self) -> tuple[str, str] | None:
        return None if self.key is None or self.secret is None else (self.key, self.secret.get_secret_value())


def parse_instant(text: str) -> dt.datetime:
    """UTC. Without a zone it is New York time. Raises ValueError saying what was expected."""
    expected = (
        f"expected New York time as 2024-06-03T09:30, or an ISO instant with a zone, {_EARLIEST.year}..{LATEST.year}"
    )
    try:
        instant = dt.datetime.fromisoformat(text.strip())
        zoned = instant if instant.tzinfo is not None else instant.replace(tzinfo=NEW_YORK)
        utc = zoned.astimezone(dt.UTC)
    except (ValueError, OverflowError):
        raise ValueError(expected) from None
    if not _EARLIEST <= utc <= LATEST:
        raise ValueError(expected)
    return utc

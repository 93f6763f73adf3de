"""What marketdata may be told: symbols, patience, cache, second source."""

from __future__ import annotations

import datetime as dt
from typing import Annotated, Final, Literal, Self

from pydantic import Field, SecretStr, model_validator
from pydantic_settings import SettingsConfigDict

from services.marketdata.domain.feed import Patience
from services.marketdata.domain.history import Adjustment
from services.marketdata.domain.wanted import not_symbols
from shared.settings import Settings

SERVICE: Final = "marketdata"

Seconds = Annotated[float, Field(gt=0, le=86_400, allow_inf_nan=False)]
_ADJUSTMENTS: Final[tuple[Adjustment, ...]] = ("raw", "split", "dividend", "all")


class MarketdataSettings(Settings):
    model_config = SettingsConfigDict(env_prefix="MARKETDATA_")

    symbols: str = ""
    """Symbols served whether or not anyone wants them, separated by commas."""
    history_start: dt.date = dt.date(2010, 1, 1)
    """The first session of daily history that is kept."""
    history_ttl_hours: Annotated[float, Field(gt=0, le=24 * 14, allow_inf_nan=False)] = 24
    """Daily history older than this is fetched again."""
    adjustments: str = "all"
    """Which adjustments of daily history are kept: of raw, split, dividend, all; separated by commas."""
    cross_check: Literal["doubts", "all"] = "doubts"
    """Which daily histories the second source is asked about as well: those that a gate doubts, or all."""
    accepted: str = ""
    """Doubted days that you know to be true, as SYMBOL:2022-02-02, separated by commas."""
    stale_seconds: Seconds = 60
    """A quote older than this is called stale."""
    mute_seconds: Seconds = 20
    """Silence in session after which an open stream counts as mute."""
    outage_seconds: Annotated[float, Field(ge=0, le=3600, allow_inf_nan=False)] = 5
    """Disconnection after which REST is asked and the feed called degraded."""
    calm_seconds: Seconds = 10
    """So long a recovered stream must deliver before the feed is called up again."""
    poll_seconds: Annotated[float, Field(ge=0.1, le=3600, allow_inf_nan=False)] = 2
    """How often REST is asked while the stream is down, and for symbols beyond its limit."""
    wanted_seconds: Annotated[float, Field(ge=0.1, le=60, allow_inf_nan=False)] = 1
    """How often it is looked which symbols the others want."""
    stream_symbol_limit: Annotated[int, Field(ge=1, le=100_000)] | None = None
    """How many symbols the plan lets the stream follow (30 on Alpaca's free one); the others are polled."""
    twelvedata_key: Annotated[SecretStr, Field(min_length=1)] | None = None
    """Without it there is no second source."""
    twelvedata_url: Annotated[str, Field(pattern=r"^https?://[^/\s]+(/[^\s?#]*)?$")] = "https://api.twelvedata.com"
    """Where the second source is."""

    @model_validator(mode="after")
    def _lists_read(self) -> Self:
        if bad := not_symbols(self.always):
            raise ValueError(f"MARKETDATA_SYMBOLS: expected symbols like SPY or BRK.B, got {bad[:3]}")
        if wrong := [part for part in _parts(self.accepted) if _accepted(part) is None]:
            raise ValueError(f"MARKETDATA_ACCEPTED: expected SYMBOL:DATE such as EXC:2022-02-02, got {wrong[:3]}")
        if not self.kept_adjustments or (wrong := [a for a in _parts(self.adjustments) if a not in _ADJUSTMENTS]):
            got = wrong if self.kept_adjustments else self.adjustments
            raise ValueError(f"MARKETDATA_ADJUSTMENTS: expected some of {', '.join(_ADJUSTMENTS)}, got {got!r}")
        return self

    @property
    def always(self) -> tuple[str, ...]:
        return _parts(self.symbols)

    @property
    def kept_adjustments(self) -> tuple[Adjustment, ...]:
        asked = _parts(self.adjustments)
        return tuple(known for known in _ADJUSTMENTS if known in asked)

    @property
    def accepted_doubts(self) -> frozenset[tuple[str, dt.date]]:
        return frozenset(filter(None, map(_accepted, _parts(self.accepted))))

    @property
    def history_ttl(self) -> dt.timedelta:
        return dt.timedelta(hours=self.history_ttl_hours)

    @property
    def patience(self) -> Patience:
        return Patience(mute=self.mute_seconds, outage=self.outage_seconds, calm=self.calm_seconds)


def _accepted(part: str) -> tuple[str, dt.date] | None:
    symbol, _, day = part.partition(":")
    try:
        return None if not_symbols([symbol]) else (symbol, dt.date.fromisoformat(day))
    except ValueError:
        return None


def _parts(text: str) -> tuple[str, ...]:
    return tuple(part.strip() for part in text.split(",") if part.strip())

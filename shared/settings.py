"""Settings every process shares: one class per concern, read once at start from the environment, `.env` and `*_FILE`.

A wrong or missing setting ends the process with one line that names it and says what was expected; a secret's value is
never part of that line.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Literal, Self, TypeVar

from pydantic import Field, SecretStr, ValidationError, model_validator
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource, SettingsConfigDict

EX_CONFIG = 78
"""sysexits.h: configuration error."""

Mode = Literal["simulated", "paper", "live"]
Port = Annotated[int, Field(ge=1, le=65535)]


class SettingsError(ValueError):
    """One line per wrong setting: NAME: what was expected, got what."""


class _FromFiles(PydanticBaseSettingsSource):
    """NAME_FILE=/run/secrets/x gives NAME the file's content, without its trailing newline."""

    def get_field_value(self, field: Any, field_name: str) -> tuple[Any, str, bool]:
        name = str(self.config.get("env_prefix", "") + field_name).upper()
        path = os.environ.get(f"{name}_FILE")
        if not path:
            return None, field_name, False
        try:
            return Path(path).read_text(encoding="utf-8").rstrip("\r\n"), field_name, False
        except (OSError, UnicodeDecodeError) as error:
            raise SettingsError(f"{name}_FILE: expected a readable text file, got {path}: {error}") from error

    def __call__(self) -> dict[str, Any]:
        found = {name: self.get_field_value(field, name)[0] for name, field in self.settings_cls.model_fields.items()}
        return {name: value for name, value in found.items() if value is not None}


class Settings(BaseSettings):
    """Base of every settings class. Environment beats `*_FILE` beats `.env` beats the default."""

    model_config = SettingsConfigDict(
        env_file=".env", env_file_encoding="utf-8", extra="ignore", frozen=True, env_ignore_empty=True
    )

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        return init_settings, env_settings, _FromFiles(settings_cls), dotenv_settings


_S = TypeVar("_S", bound=BaseSettings)


def read(cls: type[_S], **given: Any) -> _S:
    """That settings class from the environment. Raises SettingsError naming each wrong setting."""
    try:
        return cls(**given)
    except ValidationError as error:
        raise SettingsError("; ".join(_lines(cls, error))) from error


def read_or_exit(cls: type[_S], **given: Any) -> _S:
    """As `read`, but a wrong setting ends the process with one line on stderr and exit code 78."""
    with or_exit():
        return read(cls, **given)


@contextmanager
def or_exit() -> Iterator[None]:
    """Where a process is composed: a SettingsError inside ends it with one line on stderr and exit code 78."""
    try:
        yield
    except SettingsError as error:
        sys.stderr.write(f"wrong setting: {error}\n")
        raise SystemExit(EX_CONFIG) from error


def _lines(cls: type[BaseSettings], error: ValidationError) -> list[str]:
    prefix = str(cls.model_config.get("env_prefix", ""))
    return [_line(cls, prefix, fault) for fault in error.errors(include_url=False, include_context=False)]


def _line(cls: type[BaseSettings], prefix: str, fault: Mapping[str, Any]) -> str:
    if not fault["loc"]:
        return str(fault["msg"]).removeprefix("Value error, ")
    name = str(fault["loc"][0])
    expected = str(fault["msg"]).removeprefix("Value error, ")
    field = cls.model_fields.get(name)
    is_secret = field is not None and "Secret" in str(field.annotation)
    got = "" if fault["type"] == "missing" or is_secret else f", got {str(fault['input'])[:80]!r}"
    return f"{(prefix + name).upper()}: {expected}{got}"


class RedisSettings(Settings):
    """Where Redis is and under which name this account's keys stand."""

    model_config = SettingsConfigDict(env_prefix="ALCHEMISER_")

    redis_url: Annotated[str, Field(pattern=r"^(redis|rediss|unix)://")] = "redis://127.0.0.1:6379/0"
    """Where Redis is; a password stands in it as in redis://:password@host:6379/0."""
    namespace: Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9_-]{0,40}$")] = "alchemiser"
    """This account's name; every key in Redis begins with it."""


class HttpSettings(Settings):
    """Where a service listens and what its triggers ask for. Without a token one is generated at the first start."""

    model_config = SettingsConfigDict(env_prefix="ALCHEMISER_")

    http_host: str = "127.0.0.1"
    """The address a service listens on; 0.0.0.0 in a container."""
    http_port: Port | None = None
    """None: the service's own default, see SERVICE_PORTS."""
    http_token: Annotated[SecretStr, Field(min_length=16)] | None = None
    """What triggers ask for as a bearer token; without it one is generated at the first start and shown once."""


SERVICE_PORTS: Mapping[str, int] = {"marketdata": 8001, "strategy": 8002, "execution": 8003, "notifier": 8004}


class LogSettings(Settings):
    model_config = SettingsConfigDict(env_prefix="ALCHEMISER_")

    log_level: Literal["DEBUG", "INFO", "WARNING", "ERROR"] = "INFO"
    """What is too small to be logged is left out."""
    log_format: Literal["json", "console"] = "json"
    """One JSON object a line, or readable lines."""


@dataclass(frozen=True, slots=True)
class Venue:
    """Where one mode's broker is and who we are there. The secret never shows in a repr."""

    mode: Mode
    key: SecretStr
    secret: SecretStr
    trading_url: str
    data_url: str
    data_stream_url: str
    updates_url: str
    clock_url: str | None
    """Where virtual time is asked; None: the wall clock."""
    sees_whole_market: bool = False
    """Whether quotes and their sizes are those of all exchanges; those of IEX alone are about 2.5 % of it."""


class ClockSettings(Settings):
    """Mode and simulator: all that a service needs which talks to no broker but must know what time it is there."""

    model_config = SettingsConfigDict(env_prefix="")

    alchemiser_mode: Mode = "simulated"
    """Which broker: the simulator, Alpaca paper, or Alpaca with real money."""
    simulator_url: Annotated[str, Field(pattern=r"^https?://[^/]+$")] = "http://127.0.0.1:18765"
    """Where the simulator listens."""

    @property
    def clock_url(self) -> str | None:
        """Where virtual time is asked; None: the wall clock."""
        return f"{self.simulator_url}/sim/clock" if self.alchemiser_mode == "simulated" else None


class VenueSettings(ClockSettings):
    """Mode, feed and credentials. Paper and live have separate variables so that one can never stand for the other."""

    simulator_key: SecretStr = SecretStr("simulated")
    """Any key that is not empty is an account of its own."""
    simulator_secret: SecretStr = SecretStr("simulated")
    """The first one given with a key is its secret."""
    alpaca_feed: Literal["iex", "sip"] = "iex"
    """iex is free and about 2.5 % of the volume; sip is the whole market."""
    alpaca_paper_key: Annotated[SecretStr, Field(min_length=1)] | None = None
    """Needed in mode paper; begins with PK."""
    alpaca_paper_secret: Annotated[SecretStr, Field(min_length=1)] | None = None
    """Needed in mode paper."""
    alpaca_live_key: Annotated[SecretStr, Field(min_length=1)] | None = None
    """Needed in mode live; begins with AK."""
    alpaca_live_secret: Annotated[SecretStr, Field(min_length=1)] | None = None
    """Needed in mode live."""

    @model_validator(mode="after")
    def _has_its_credentials(self) -> Self:
        if self.alchemiser_mode == "simulated":
            return self
        for part in ("key", "secret"):
            if getattr(self, f"alpaca_{self.alchemiser_mode}_{part}") is None:
                mode = self.alchemiser_mode
                raise ValueError(f"ALPACA_{mode.upper()}_{part.upper()}: expected a value in mode {mode}, got none")
        return self

    @model_validator(mode="after")
    def _keys_fit_their_account(self) -> Self:
        """Alpaca's paper keys begin with PK and its live keys with AK: the cheapest guard against swapping them."""
        for mode, wrong in (("paper", "AK"), ("live", "PK")):
            key: SecretStr | None = getattr(self, f"alpaca_{mode}_key")
            if key is not None and key.get_secret_value().startswith(wrong):
                raise ValueError(f"ALPACA_{mode.upper()}_KEY: expected a {mode} key, got one that begins with {wrong}")
        return self

    @model_validator(mode="after")
    def _play_money_stays_at_home(self) -> Self:
        """Nothing is armed in mode simulated, so its address must never be a real broker's."""
        if "alpaca.markets" in self.simulator_url:
            raise ValueError(f"SIMULATOR_URL: expected a simulator, got {self.simulator_url}")
        return self

    def venue(self) -> Venue:
        """The one broker this mode talks to."""
        if self.alchemiser_mode == "simulated":
            return self._simulated()
        live = self.alchemiser_mode == "live"
        key = self.alpaca_live_key if live else self.alpaca_paper_key
        secret = self.alpaca_live_secret if live else self.alpaca_paper_secret
        if key is None or secret is None:  # the validator has refused this already
            raise SettingsError(f"no credentials for mode {self.alchemiser_mode}")
        host = "api.alpaca.markets" if live else "paper-api.alpaca.markets"
        return Venue(
            mode=self.alchemiser_mode,
            key=key,
            secret=secret,
            trading_url=f"https://{host}",
            data_url="https://data.alpaca.markets",
            data_stream_url=f"wss://stream.data.alpaca.markets/v2/{self.alpaca_feed}",
            updates_url=f"wss://{host}/stream",
            clock_url=None,
            sees_whole_market=self.alpaca_feed == "sip",
        )

    def _simulated(self) -> Venue:
        sockets = "ws" + self.simulator_url.removeprefix("http")
        return Venue(
            mode="simulated",
            key=self.simulator_key,
            secret=self.simulator_secret,
            trading_url=self.simulator_url,
            data_url=self.simulator_url,
            data_stream_url=f"{sockets}/v2/{self.alpaca_feed}",
            updates_url=f"{sockets}/stream",
            clock_url=self.clock_url,
            sees_whole_market=True,
        )

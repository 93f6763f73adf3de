"""Where letters go, and how patiently. Secrets come as SecretStr, from the environment or a *_FILE."""

from __future__ import annotations

import re
from typing import Annotated, Any, Literal, Self

from pydantic import Field, SecretStr, field_validator, model_validator
from pydantic_settings import NoDecode, SettingsConfigDict

from shared.settings import Mode, Port, Settings

_ADDRESS = re.compile(r"^(?:[^<>\r\n]*<)?[^\s<>@,]+@[A-Za-z0-9.-]+>?$")
_DEFAULT_PORTS = {"none": 25, "starttls": 587, "tls": 465}


class SmtpSettings(Settings):
    """No host: no mail. A password is never sent over an unencrypted connection."""

    model_config = SettingsConfigDict(env_prefix="NOTIFIER_SMTP_")

    host: Annotated[str, Field(pattern=r"^[A-Za-z0-9_.:-]+$")] | None = None
    """The mail server; without it no mail is sent."""
    port: Port | None = None
    """None: 25, 587 with STARTTLS, 465 with TLS from the first byte."""
    security: Literal["none", "starttls", "tls"] = "starttls"
    """STARTTLS, TLS from the first byte, or none (only without a password)."""
    ca_file: str | None = None
    """Certificate authorities to trust instead of the system's (PEM)."""
    user: str | None = None
    """Who we are at the mail server; together with the password or not at all."""
    password: SecretStr | None = None
    """Never sent over a connection that is not encrypted."""
    sender: str = Field(default="", alias="NOTIFIER_SMTP_FROM")
    """The address that mails come from."""
    to: Annotated[tuple[str, ...], NoDecode] = ()
    """Addresses, separated by commas."""
    timeout_seconds: Annotated[float, Field(gt=0, le=120)] = 15
    """How long the mail server may take to answer."""

    @property
    def port_or_default(self) -> int:
        return self.port or _DEFAULT_PORTS[self.security]

    @field_validator("to", mode="before")
    @classmethod
    def _split(cls, given: Any) -> Any:
        return tuple(part.strip() for part in given.split(",") if part.strip()) if isinstance(given, str) else given

    @model_validator(mode="after")
    def _is_whole(self) -> Self:
        if self.host is None:
            return self
        for name, addresses in (("NOTIFIER_SMTP_FROM", (self.sender,)), ("NOTIFIER_SMTP_TO", self.to or ("",))):
            wrong = [address for address in addresses if not _ADDRESS.match(address)]
            if wrong:
                raise ValueError(f"{name}: expected mail addresses like me@example.org, got {wrong[0]!r}")
        if (self.user is None) != (self.password is None):
            missing = "NOTIFIER_SMTP_PASSWORD" if self.password is None else "NOTIFIER_SMTP_USER"
            raise ValueError(f"{missing}: expected user and password together, or neither")
        if self.user is not None and self.security == "none":
            raise ValueError("NOTIFIER_SMTP_SECURITY: expected starttls or tls where a password is sent, got 'none'")
        return self


class NotifierSettings(Settings):
    model_config = SettingsConfigDict(env_prefix="NOTIFIER_")

    mode: Mode = Field(default="simulated", alias="ALCHEMISER_MODE")
    chat_urls: SecretStr | None = None
    """apprise URLs (https://github.com/caronc/apprise/wiki), separated by spaces; each holds its own secret."""
    collapse_seconds: Annotated[float, Field(ge=0, le=86_400)] = 300
    """The same alert within this time of the first is counted and told once more at its end."""
    give_up_after_hours: Annotated[float, Field(gt=0, le=720)] = 72
    """As long as a letter is tried again."""

    @field_validator("chat_urls")
    @classmethod
    def _are_urls(cls, given: SecretStr | None) -> SecretStr | None:
        parts = given.get_secret_value().split() if given is not None else []
        for place, part in enumerate(parts, 1):
            if not re.match(r"^[a-z][a-z0-9]*://\S+$", part):
                raise ValueError(f"expected apprise URLs separated by spaces; number {place} is none")
        return given

    def chats(self) -> tuple[SecretStr, ...]:
        return tuple(SecretStr(url) for url in (self.chat_urls.get_secret_value().split() if self.chat_urls else ()))

"""What the command line needs to know: where the services listen and with which token to ask them."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field, SecretStr
from pydantic_settings import SettingsConfigDict

from shared.settings import SERVICE_PORTS, Settings

Url = Annotated[str, Field(pattern=r"^https?://[^/]+$")]


def _local(service: str) -> str:
    return f"http://127.0.0.1:{SERVICE_PORTS[service]}"


class CliSettings(Settings):
    """Where the services listen, and the token for what they only do for their owner."""

    model_config = SettingsConfigDict(env_prefix="ALCHEMISER_")

    marketdata_url: Url = _local("marketdata")
    """Where the command line finds marketdata."""
    strategy_url: Url = _local("strategy")
    """Where the command line finds strategy."""
    execution_url: Url = _local("execution")
    """Where the command line finds execution."""
    notifier_url: Url = _local("notifier")
    """Where the command line finds the notifier."""
    http_token: SecretStr | None = None

    def url_of(self, service: str) -> str:
        return str(getattr(self, f"{service}_url"))

"""alpaca-py's session made safe to send orders with: timeouts on every request, no redirects, and two kinds of no answer."""

from __future__ import annotations

import time
from collections.abc import Callable
from http import HTTPStatus
from typing import Any

import requests
from alpaca.common.exceptions import APIError
from alpaca.trading.client import TradingClient
from pydantic import SecretStr
from requests.adapters import HTTPAdapter
from tenacity import RetryCallState

from services.execution.adapters.broker_errors import Refusal, refusal_of

CONNECT_SECONDS, READ_SECONDS = 3.0, 10.0
_LONGEST_PAUSE_SECONDS = 5.0


class RefusedError(Exception):
    """A definite answer outside 2xx."""

    def __init__(self, refusal: Refusal) -> None:
        super().__init__(refusal.text)
        self.refusal = refusal


class LostError(Exception):
    """No answer that can be read."""


class Transport(HTTPAdapter):
    """Every request gets a timeout, and an answer that is neither success nor refusal is none at all."""

    def send(self, request: requests.PreparedRequest, *args: Any, **kwargs: Any) -> requests.Response:
        kwargs["timeout"] = (CONNECT_SECONDS, READ_SECONDS)
        response = super().send(request, *args, **kwargs)
        if HTTPStatus.MULTIPLE_CHOICES <= response.status_code < HTTPStatus.BAD_REQUEST:
            raise requests.TooManyRedirects(f"HTTP {response.status_code}: redirects are never followed")
        return response


def trading_client(base_url: str, key: SecretStr, secret: SecretStr) -> TradingClient:
    """alpaca-py's client with our transport, and nothing of its own sent twice. `base_url` without a trailing slash."""
    client = TradingClient(
        key.get_secret_value(), secret.get_secret_value(), raw_data=True, url_override=base_url.rstrip("/")
    )
    client._retry = 0  # noqa: SLF001 - the constructor offers no way to switch off re-sending after 429 and 504
    session: requests.Session = client._session  # noqa: SLF001 - nor one to set timeouts
    # Proxies and certificate bundles of the environment are for the internet; a local simulator is reached directly.
    session.trust_env = base_url.startswith("https")
    transport = Transport(pool_connections=2, pool_maxsize=16, max_retries=0)
    session.mount("https://", transport)
    session.mount("http://", transport)
    return client


def close_connections(client: TradingClient) -> None:
    client._session.close()  # noqa: SLF001 - nor one to end its connections


def answer(send: Callable[[], Any]) -> Any:
    """The decoded body of a 2xx. Raises RefusedError or LostError, and nothing else."""
    try:
        return send()
    except APIError as error:
        response = error.response
        raise RefusedError(
            refusal_of(response.status_code, response.headers, response.text, epoch=time.time())
        ) from None
    except (requests.ConnectionError, requests.Timeout, requests.TooManyRedirects) as error:
        raise LostError(f"{type(error).__name__}: {str(error)[:300]}") from None
    except (requests.RequestException, OSError, ValueError) as error:
        # A body that is no JSON, a header that is none: such texts can repeat what was sent, credentials included.
        raise LostError(type(error).__name__) from None


def is_passing(error: BaseException) -> bool:
    return isinstance(error, LostError) or (isinstance(error, RefusedError) and error.refusal.is_passing)


def pause_before_next(state: RetryCallState) -> float:
    """What the broker asks for, else 0.2 s, 0.4 s; never long, since orders wait meanwhile."""
    error = state.outcome.exception() if state.outcome else None
    told = error.refusal.retry_after_seconds if isinstance(error, RefusedError) else None
    return min(_LONGEST_PAUSE_SECONDS, 0.2 * 2 ** (state.attempt_number - 1) if told is None else told)

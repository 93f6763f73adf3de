"""alpaca-py's data client, with what it lacks: timeouts, and retries that honour the rate limit's reset."""

from __future__ import annotations

import datetime as dt
from typing import Any

import requests
from alpaca.common.exceptions import APIError
from alpaca.data.historical import StockHistoricalDataClient
from tenacity import RetryCallState, Retrying, retry_if_exception_type, retry_if_result, stop_after_attempt

from services.marketdata.adapters.polite_http import Politeness, worth_repeating
from services.marketdata.ports import SourceUnavailableError
from shared.settings import Venue

_BAD_QUESTION = frozenset({400, 404, 422})
_REFUSALS = _BAD_QUESTION | {401, 403}
_UNREADABLE = (ValueError, TypeError, AttributeError, KeyError)


class PoliteSession(requests.Session):
    """A session whose every request has a timeout and is asked again, within bounds. For questions only."""

    def __init__(self, politeness: Politeness) -> None:
        super().__init__()
        self._politeness = politeness

    def request(self, *args: Any, **kwargs: Any) -> requests.Response:
        kwargs["timeout"] = (self._politeness.connect_seconds, self._politeness.read_seconds)
        answer: requests.Response = self._retrying()(super().request, *args, **kwargs)
        return answer

    def _retrying(self) -> Retrying:
        return Retrying(
            stop=stop_after_attempt(self._politeness.attempts),
            wait=self._wait,
            retry=retry_if_exception_type((requests.ConnectionError, requests.Timeout))
            | retry_if_result(lambda answer: worth_repeating(answer.status_code)),
            retry_error_callback=lambda state: state.outcome.result() if state.outcome else None,
            sleep=self._politeness.sleep,
        )

    def _wait(self, state: RetryCallState) -> float:
        failed = state.outcome is None or state.outcome.failed
        headers = {} if failed or state.outcome is None else state.outcome.result().headers
        return self._politeness.wait_seconds(state.attempt_number, headers)


def data_client(venue: Venue, politeness: Politeness) -> StockHistoricalDataClient:
    client = StockHistoricalDataClient(
        venue.key.get_secret_value(), venue.secret.get_secret_value(), raw_data=True, url_override=venue.data_url
    )
    client._retry = 0  # noqa: SLF001 - the constructor ignores 0, and its own retries ignore the reset time
    client._session = PoliteSession(politeness)  # noqa: SLF001 - the only place where a timeout can be given
    return client


class RefusedByAlpacaError(SourceUnavailableError):
    """An answer of 4xx: asking the same again gives the same."""

    def __init__(self, status: int, said: str) -> None:
        super().__init__(said)
        self.blames_the_question = status in _BAD_QUESTION
        """Something that was asked for is wrong, a symbol perhaps; not who asks (401, 403)."""


def unavailable(error: Exception) -> SourceUnavailableError:
    """Our word for whatever alpaca-py raised. APIError's own `code` and `message` raise on bodies that are not JSON."""
    if isinstance(error, APIError):
        status = error.status_code or 0
        said = f"alpaca: status {status}: {str(error)[:200]}"
        return RefusedByAlpacaError(status, said) if status in _REFUSALS else SourceUnavailableError(said)
    if isinstance(error, requests.RequestException):
        return SourceUnavailableError(f"alpaca: {type(error).__name__}")
    return SourceUnavailableError(f"alpaca: unreadable answer: {type(error).__name__}: {str(error)[:200]}")


ALPACA_ERRORS = (APIError, requests.RequestException, *_UNREADABLE)
"""Everything alpaca-py raises for a bad day at the server."""


def instant(value: Any) -> dt.datetime | None:
    """An instant as Alpaca writes it (RFC 3339 with up to nine decimals, or msgpack's timestamp), cut to microseconds."""
    try:
        found = value.to_datetime() if hasattr(value, "to_datetime") else value
        if isinstance(found, str):
            found = dt.datetime.fromisoformat(found)
    except (ValueError, OverflowError):
        return None
    return found if isinstance(found, dt.datetime) and found.tzinfo is not None else None

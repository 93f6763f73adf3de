"""Daily bars from TwelveData, the second source: one symbol a request, newest first, errors with status 200."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from typing import Any, Literal

import httpx
from pydantic import SecretStr
from tenacity import RetryCallState, Retrying, retry_if_exception_type, stop_after_attempt

from services.marketdata.adapters.alpaca_wire import MalformedRowError, day
from services.marketdata.adapters.polite_http import Politeness, worth_repeating
from services.marketdata.domain.history import Adjustment, DailyBar
from services.marketdata.ports import Fetched, SourceUnavailableError
from shared.sessions import new_york_date

_PAGE = 5000
_ADJUST = {"raw": "none", "split": "splits", "dividend": "dividends", "all": "all"}
_NO_DATA = frozenset({400, 404})
"""What it answers for a symbol it does not know, or has nothing of."""


class _BusyError(SourceUnavailableError):
    """Worth asking again; `headers` may say when."""

    def __init__(self, said: str, headers: Mapping[str, str]) -> None:
        super().__init__(said)
        self.headers = headers


class _NoDataError(LookupError):
    pass


class TwelveDataHistory:
    """The key travels in a header and never in a URL, so that no log and no error can show it."""

    name: Literal["twelvedata"] = "twelvedata"

    def __init__(self, base_url: str, key: SecretStr, politeness: Politeness) -> None:
        self._politeness = politeness
        self._client = httpx.Client(
            base_url=base_url,
            headers={"Authorization": f"apikey {key.get_secret_value()}"},
            timeout=httpx.Timeout(politeness.read_seconds, connect=politeness.connect_seconds),
        )

    def daily(self, symbols: Sequence[str], first: dt.date, now: dt.datetime, adjustment: Adjustment) -> Fetched:
        rows: dict[str, Sequence[DailyBar]] = {}
        faults: dict[str, str] = {}
        for symbol in symbols:
            try:
                rows[symbol] = self._all_pages(symbol, first, new_york_date(now), adjustment)
            except _NoDataError:
                continue
            except MalformedRowError as error:
                faults[symbol] = f"twelvedata: {symbol}: {error}"
        return Fetched(rows, faults)

    def _all_pages(self, symbol: str, first: dt.date, last: dt.date, adjustment: Adjustment) -> Sequence[DailyBar]:
        """Backwards from `last`: a full page may have something before it."""
        found: list[DailyBar] = []
        while True:
            try:
                page = [_row(raw) for raw in self._retrying()(self._page, symbol, first, last, adjustment)]
            except _NoDataError:
                if found:
                    return found
                raise
            page.reverse()
            found = page + found
            if len(page) < _PAGE or page[0].date <= first:
                return found
            last = page[0].date - dt.timedelta(days=1)

    def _page(self, symbol: str, first: dt.date, last: dt.date, adjustment: Adjustment) -> list[Any]:
        asked: dict[str, str | int] = {
            "symbol": symbol,
            "interval": "1day",
            "outputsize": _PAGE,
            "start_date": first.isoformat(),
            # The end is exclusive at midnight; an unfinished session that comes with it is left out later.
            "end_date": (last + dt.timedelta(days=1)).isoformat(),
            "adjust": _ADJUST[adjustment],
            "order": "desc",
        }
        try:
            answer = self._client.get("/time_series", params=asked)
        except httpx.HTTPError as error:
            raise _BusyError(f"twelvedata: {type(error).__name__}", {}) from error
        return _values(answer)

    def _retrying(self) -> Retrying:
        return Retrying(
            stop=stop_after_attempt(self._politeness.attempts),
            wait=self._wait,
            retry=retry_if_exception_type(_BusyError),
            sleep=self._politeness.sleep,
            reraise=True,
        )

    def _wait(self, state: RetryCallState) -> float:
        error = state.outcome.exception() if state.outcome else None
        headers = error.headers if isinstance(error, _BusyError) else {}
        return self._politeness.wait_seconds(state.attempt_number, headers)


def _values(answer: httpx.Response) -> list[Any]:
    """The rows. The body's own code counts, since errors arrive with status 200."""
    try:
        body = answer.json()
    except ValueError as error:
        if worth_repeating(answer.status_code):
            raise _BusyError(f"twelvedata: status {answer.status_code}", answer.headers) from error
        raise SourceUnavailableError(f"twelvedata: status {answer.status_code}, expected JSON") from error
    if not isinstance(body, Mapping):
        raise SourceUnavailableError(f"twelvedata: expected an object, got {type(body).__name__}")
    if body.get("status") == "error" or answer.is_error:
        _raise(body, answer)
    values = body.get("values")
    if not isinstance(values, list):
        raise SourceUnavailableError(f"twelvedata: values: expected a list, got {type(values).__name__}")
    if not values:
        raise _NoDataError
    return values


def _raise(body: Mapping[str, Any], answer: httpx.Response) -> None:
    code = body.get("code", answer.status_code)
    said = f"twelvedata: code {code}: {str(body.get('message', ''))[:200]}"
    if code in _NO_DATA:
        raise _NoDataError(said)
    if isinstance(code, int) and worth_repeating(code):
        raise _BusyError(said, answer.headers)
    raise SourceUnavailableError(said)


def _row(raw: Any) -> DailyBar:
    """Raises MalformedRowError naming the field."""
    if not isinstance(raw, Mapping):
        raise MalformedRowError(f"expected an object, got {str(raw)[:40]!r}")
    try:
        date = dt.date.fromisoformat(str(raw.get("datetime"))[:10])
    except ValueError:
        raise MalformedRowError(f"datetime: expected a date, got {str(raw.get('datetime'))[:40]!r}") from None
    get = raw.get
    return day(date, get("open"), get("high"), get("low"), get("close"), get("volume"))

"""Calls to Alpaca: each is paid for, timed and told to a listener; a question is asked again while its refusal passes, an action is sent once."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from http import HTTPStatus
from types import MappingProxyType
from typing import Any, Protocol, TypeVar

from alpaca.trading.client import TradingClient
from tenacity import Retrying, retry_if_exception, stop_after_attempt

from services.execution.adapters import alpaca_wire as wire
from services.execution.adapters.alpaca_transport import (
    LostError,
    RefusedError,
    answer,
    is_passing,
    pause_before_next,
)
from services.execution.adapters.broker_errors import Refusal, outcome_of
from services.execution.domain.broker import Rejected, Unknown
from services.execution.domain.request_budget import LONGEST_SHUT_SECONDS, SHUT_SECONDS, Purpose
from services.execution.ports import BrokerUnavailableError, RequestBudget
from shared.bus import BusUnavailableError

_T = TypeVar("_T")
_ATTEMPTS = 3
_PURPOSES: Mapping[str, Purpose] = MappingProxyType(
    dict.fromkeys(("order", "order_by_client_id", "open_orders", "orders_since"), "doubt")
)


class CallListener(Protocol):
    """Hears of every call: its name, what came of it (ok, rejected, unknown, unavailable, held back) and how long it took."""

    def __call__(self, call: str, result: str, seconds: float) -> None: ...


def nobody(call: str, result: str, seconds: float) -> None:
    """The listener of who does not listen."""


class AlpacaCalls:
    """Safe to share between threads. Every question and cancel is paid for out of `budget`; `pause` waits between attempts."""

    def __init__(
        self, client: TradingClient, *, listener: CallListener, pause: Callable[[float], None], budget: RequestBudget
    ) -> None:
        self._client = client
        self._listener = listener
        self._pause = pause
        self._budget = budget

    def act(self, call: str, send: Callable[[], Any], read: Callable[[Any], _T]) -> _T | Rejected | Unknown:
        """Sent once. Whatever cannot be read as a yes or a no is Unknown, since the request may be live."""
        started = time.monotonic()
        outcome: _T | Rejected | Unknown
        try:
            outcome = read(answer(send))
        except RefusedError as error:
            self._heed(error.refusal)
            outcome = outcome_of(error.refusal)
        except (LostError, wire.UnreadableAnswerError) as error:
            outcome = Unknown(str(error))
        result = {Rejected: "rejected", Unknown: "unknown"}.get(type(outcome), "ok")
        self._listener(call, result, time.monotonic() - started)
        return outcome

    def find(
        self, call: str, path: str, read: Callable[[Any], _T], params: Mapping[str, Any] | None = None
    ) -> _T | None:
        try:
            return self.ask(call, path, read, params)
        except _NotFoundError:
            return None

    def ask(self, call: str, path: str, read: Callable[[Any], _T], params: Mapping[str, Any] | None = None) -> _T:
        return readable(read, self._get(call, path, params))

    def pages(self, call: str, path: str, first: Mapping[str, Any], cursor: str, size: int) -> Iterator[Any]:
        """Every row once, page after page, until a page brings fewer rows than it may or none that is new."""
        seen: set[str] = set()
        params = dict(first)
        while True:
            rows = readable(_identified, self._get(call, path, params))
            fresh = [(name, row) for name, row in rows if name not in seen]
            yield from (row for _, row in fresh)
            if len(rows) < size or not fresh:
                return
            seen.update(name for name, _ in fresh)
            # A cursor stands for the place in the list; Alpaca forbids `after` beside an order cursor.
            params = {**first, cursor: rows[-1][0]}
            if cursor.endswith("order_id"):
                params.pop("after", None)

    def count_cancel(self) -> None:
        with suppress(BusUnavailableError):  # what takes away risk is sent, counted or not
            self._budget.spend("cancel")

    def _get(self, call: str, path: str, params: Mapping[str, Any] | None = None) -> Any:
        """A question, asked again a few times while the refusal is a passing one. Raises BrokerUnavailableError."""
        attempts = Retrying(
            stop=stop_after_attempt(_ATTEMPTS),
            retry=retry_if_exception(is_passing),
            wait=pause_before_next,
            sleep=self._pause,
            reraise=True,
        )
        try:
            return attempts(self._get_once, call, path, params)
        except RefusedError as error:
            if error.refusal.status == HTTPStatus.NOT_FOUND:
                raise _NotFoundError(error.refusal.text) from None
            raise BrokerUnavailableError(f"{call}: {error}") from None
        except LostError as error:
            raise BrokerUnavailableError(f"{call}: {error}") from None

    def _get_once(self, call: str, path: str, params: Mapping[str, Any] | None) -> Any:
        self._pay(call)
        started, result = time.monotonic(), "unavailable"
        try:
            found = answer(lambda: self._client.get(path, dict(params or {})))
            result = "ok"
        except RefusedError as error:
            self._heed(error.refusal)
            result = "unavailable" if error.refusal.is_passing else "rejected"
            raise
        finally:
            self._listener(call, result, time.monotonic() - started)
        return found

    def _pay(self, call: str) -> None:
        """Raises BrokerUnavailableError when a question has to wait."""
        try:
            wait = self._budget.spend(_PURPOSES.get(call, "question"))
        except BusUnavailableError as error:
            raise BrokerUnavailableError(f"{call}: the request budget cannot be asked: {error}") from None
        if wait > 0:
            self._listener(call, "held back", 0.0)
            raise BrokerUnavailableError(f"{call}: the request budget is spent for {wait:.1f} s")

    def _heed(self, refusal: Refusal) -> None:
        """Others use this account too: when the broker says "too many", everybody here keeps quiet for as long as it says."""
        if refusal.status == HTTPStatus.TOO_MANY_REQUESTS:
            told = refusal.retry_after_seconds
            with suppress(BusUnavailableError):
                self._budget.shut(SHUT_SECONDS if told is None else min(told, LONGEST_SHUT_SECONDS))


class _NotFoundError(BrokerUnavailableError):
    """404: where it was not a search, nothing can be concluded from it."""


def readable(read: Callable[[Any], _T], answer: Any) -> _T:
    try:
        return read(answer)
    except wire.UnreadableAnswerError as error:
        raise BrokerUnavailableError(f"the broker's answer cannot be read: {error}") from None


def _identified(answer: Any) -> list[tuple[str, Any]]:
    rows = [wire.raw_object(row, "row") for row in wire.raw_list(answer, "page")]
    for row in rows:
        if not isinstance(row.get("id"), str):
            raise wire.UnreadableAnswerError("id", "a text", row.get("id"))
    return [(row["id"], row) for row in rows]

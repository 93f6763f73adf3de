"""The Broker port on Alpaca's REST API: alpaca-py as the transport, with our own timeouts, no blind retries, our own parsing.

alpaca-py alone has no timeout, sends an order again after a 504, and turns exact numbers into floats; none of that happens here.
"""

from __future__ import annotations

import datetime as dt
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from decimal import Decimal
from http import HTTPStatus
from types import MappingProxyType
from typing import Any, Protocol, TypeVar
from urllib.parse import quote

import requests
from alpaca.trading.client import TradingClient
from pydantic import SecretStr
from tenacity import Retrying, retry_if_exception, stop_after_attempt

from services.execution.adapters import alpaca_wire as wire
from services.execution.adapters.alpaca_transport import (
    LostError,
    RefusedError,
    Transport,
    answer,
    is_passing,
    pause_before_next,
)
from services.execution.adapters.broker_errors import Refusal, outcome_of
from services.execution.adapters.memory_budget import MemoryBudget
from services.execution.domain.broker import (
    Account,
    Acknowledged,
    Activity,
    Asset,
    BrokerOrder,
    CancelOutcome,
    CancelRequested,
    Fill,
    OrderRequest,
    PlaceOutcome,
    Position,
    Rejected,
    RejectKind,
    Unknown,
)
from services.execution.domain.request_budget import LONGEST_SHUT_SECONDS, SHUT_SECONDS, UNLIMITED, Purpose
from services.execution.ports import BrokerUnavailableError, RequestBudget
from shared.bus import BusUnavailableError

_T = TypeVar("_T")
_ORDERS_PAGE, _ACTIVITIES_PAGE = 500, 100
_ATTEMPTS = 3
_PURPOSES: Mapping[str, Purpose] = MappingProxyType(
    dict.fromkeys(("order", "order_by_client_id", "open_orders", "orders_since"), "doubt")
)


class CallListener(Protocol):
    """Hears of every call: its name, what came of it (ok, rejected, unknown, unavailable, held back) and how long it took."""

    def __call__(self, call: str, result: str, seconds: float) -> None: ...


def nobody(call: str, result: str, seconds: float) -> None:
    """The listener of who does not listen."""


class AlpacaBroker:
    """`base_url` without a trailing slash. Safe to share between threads. `pause` waits between attempts at a question.

    Every request is paid for out of `budget`, but for new orders: who places pays before the intent is journalled.
    """

    def __init__(
        self,
        base_url: str,
        key: SecretStr,
        secret: SecretStr,
        *,
        listener: CallListener = nobody,
        pause: Callable[[float], None] = time.sleep,
        budget: RequestBudget | None = None,
    ) -> None:
        self._client = TradingClient(
            key.get_secret_value(), secret.get_secret_value(), raw_data=True, url_override=base_url.rstrip("/")
        )
        self._client._retry = 0  # noqa: SLF001 - the constructor offers no way to switch off re-sending after 429 and 504
        session: requests.Session = self._client._session  # noqa: SLF001 - nor one to set timeouts
        # Proxies and certificate bundles of the environment are for the internet; a local simulator is reached directly.
        session.trust_env = base_url.startswith("https")
        transport = Transport(pool_connections=2, pool_maxsize=16, max_retries=0)
        session.mount("https://", transport)
        session.mount("http://", transport)
        self._session = session
        self._listener = listener
        self._pause = pause
        self._budget = budget or MemoryBudget(UNLIMITED)

    def close(self) -> None:
        self._session.close()

    def account(self) -> Account:
        return self._ask("account", "/account", wire.account_of)

    def positions(self) -> Sequence[Position]:
        return self._ask("positions", "/positions", _each(wire.position_of, "positions"))

    def asset(self, symbol: str) -> Asset | None:
        return self._find("asset", f"/assets/{quote(symbol, safe='')}", wire.asset_of)

    def assets(self) -> Sequence[Asset]:
        """A row that cannot be read is left out: whoever misses it asks for it alone."""
        params = {"status": "active", "asset_class": "us_equity"}
        rows = self._ask("assets", "/assets", lambda answer: wire.raw_list(answer, "assets"), params)
        return tuple(asset for row in rows if (asset := wire.asset_or_none(row)) is not None)

    def order(self, order_id: str) -> BrokerOrder | None:
        return self._find("order", f"/orders/{quote(order_id, safe='')}", wire.order_of)

    def order_by_client_id(self, client_order_id: str) -> BrokerOrder | None:
        params = {"client_order_id": client_order_id}
        return self._find("order_by_client_id", "/orders:by_client_order_id", wire.order_of, params)

    def open_orders(self) -> Sequence[BrokerOrder]:
        first = {"status": "open", "direction": "desc", "limit": _ORDERS_PAGE}
        return self._order_pages("open_orders", first, "before_order_id")

    def orders_since(self, after: dt.datetime, symbols: Sequence[str] = ()) -> Sequence[BrokerOrder]:
        first = {"status": "all", "direction": "asc", "limit": _ORDERS_PAGE, "after": after.isoformat()}
        if symbols:
            first["symbols"] = ",".join(symbols)
        return self._order_pages("orders_since", first, "after_order_id")

    def fills_since(self, after: dt.datetime) -> Sequence[Fill]:
        first = {"after": after.isoformat(), "direction": "asc", "page_size": _ACTIVITIES_PAGE}
        pages = self._pages("fills_since", "/account/activities/FILL", first, "page_token", _ACTIVITIES_PAGE)
        return tuple(_readable(wire.fill_of, raw) for raw in pages)

    def activities_since(self, after: dt.datetime) -> Sequence[Activity]:
        first = {"after": after.isoformat(), "direction": "asc", "page_size": _ACTIVITIES_PAGE}
        pages = self._pages("activities_since", "/account/activities", first, "page_token", _ACTIVITIES_PAGE)
        told = (_readable(wire.activity_of, raw) for raw in pages if not wire.is_taken_back(raw))
        return tuple(sorted(told, key=lambda activity: activity.at))

    def place(self, request: OrderRequest) -> PlaceOutcome:
        fault = _fault_in(request.qty, request.limit_price)
        if fault is not None:
            return fault
        body = {
            "client_order_id": request.client_order_id,
            "symbol": request.symbol,
            "side": request.side,
            "qty": wire.exact(request.qty),
            "time_in_force": request.time_in_force,
            "type": "market" if request.limit_price is None else "limit",
        }
        if request.limit_price is not None:
            body["limit_price"] = wire.exact(request.limit_price)
        return self._send_order("place", request.client_order_id, lambda: self._client.post("/orders", body))

    def replace(self, order_id: str, *, client_order_id: str, qty: Decimal, limit_price: Decimal) -> PlaceOutcome:
        fault = _fault_in(qty, limit_price)
        if fault is not None:
            return fault
        body = {"client_order_id": client_order_id, "qty": wire.exact(qty), "limit_price": wire.exact(limit_price)}
        path = f"/orders/{quote(order_id, safe='')}"
        return self._send_order("replace", client_order_id, lambda: self._client.patch(path, body))

    def cancel(self, order_id: str) -> CancelOutcome:
        path = f"/orders/{quote(order_id, safe='')}"
        self._count_cancel()
        return self._act("cancel", lambda: self._client.delete(path), lambda _body: CancelRequested())

    def _send_order(self, call: str, client_order_id: str, send: Callable[[], Any]) -> PlaceOutcome:
        def read(answer: Any) -> Acknowledged:
            order = wire.order_of(answer)
            if order.client_order_id != client_order_id:
                raise wire.UnreadableAnswerError("client_order_id", client_order_id, order.client_order_id)
            return Acknowledged(order)

        return self._act(call, send, read)

    def _act(self, call: str, send: Callable[[], Any], read: Callable[[Any], _T]) -> _T | Rejected | Unknown:
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

    def _find(
        self, call: str, path: str, read: Callable[[Any], _T], params: Mapping[str, Any] | None = None
    ) -> _T | None:
        try:
            return self._ask(call, path, read, params)
        except _NotFoundError:
            return None

    def _ask(self, call: str, path: str, read: Callable[[Any], _T], params: Mapping[str, Any] | None = None) -> _T:
        return _readable(read, self._get(call, path, params))

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

    def _count_cancel(self) -> None:
        with suppress(BusUnavailableError):  # what takes away risk is sent, counted or not
            self._budget.spend("cancel")

    def _heed(self, refusal: Refusal) -> None:
        """Others use this account too: when the broker says "too many", everybody here keeps quiet for as long as it says."""
        if refusal.status == HTTPStatus.TOO_MANY_REQUESTS:
            told = refusal.retry_after_seconds
            with suppress(BusUnavailableError):
                self._budget.shut(SHUT_SECONDS if told is None else min(told, LONGEST_SHUT_SECONDS))

    def _order_pages(self, call: str, first: Mapping[str, Any], cursor: str) -> tuple[BrokerOrder, ...]:
        pages = self._pages(call, "/orders", first, cursor, _ORDERS_PAGE)
        return tuple(_readable(wire.order_of, raw) for raw in pages if wire.is_about_shares(raw))

    def _pages(self, call: str, path: str, first: Mapping[str, Any], cursor: str, size: int) -> Iterator[Any]:
        """Every row once, page after page, until a page brings fewer rows than it may or none that is new."""
        seen: set[str] = set()
        params = dict(first)
        while True:
            rows = _readable(_identified, self._get(call, path, params))
            fresh = [(name, row) for name, row in rows if name not in seen]
            yield from (row for _, row in fresh)
            if len(rows) < size or not fresh:
                return
            seen.update(name for name, _ in fresh)
            # A cursor stands for the place in the list; Alpaca forbids `after` beside an order cursor.
            params = {**first, cursor: rows[-1][0]}
            if cursor.endswith("order_id"):
                params.pop("after", None)


class _NotFoundError(BrokerUnavailableError):
    """404: where it was not a search, nothing can be concluded from it."""


def _readable(read: Callable[[Any], _T], answer: Any) -> _T:
    try:
        return read(answer)
    except wire.UnreadableAnswerError as error:
        raise BrokerUnavailableError(f"the broker's answer cannot be read: {error}") from None


def _each(read: Callable[[Any], _T], what: str) -> Callable[[Any], tuple[_T, ...]]:
    return lambda answer: tuple(read(raw) for raw in wire.raw_list(answer, what))


def _identified(answer: Any) -> list[tuple[str, Any]]:
    rows = [wire.raw_object(row, "row") for row in wire.raw_list(answer, "page")]
    for row in rows:
        if not isinstance(row.get("id"), str):
            raise wire.UnreadableAnswerError("id", "a text", row.get("id"))
    return [(row["id"], row) for row in rows]


def _fault_in(qty: Decimal, limit_price: Decimal | None) -> Rejected | None:
    """A number no order can have is refused here; NaN must never reach the wire."""
    for field, value in (("qty", qty), ("limit_price", limit_price)):
        if value is not None and not (value.is_finite() and value > 0):
            return Rejected(
                RejectKind.OTHER, 0, None, f"{field}: expected a number above 0, got {value}; nothing was sent"
            )
    return None

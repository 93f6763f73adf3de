"""The Broker port on Alpaca's REST API: alpaca-py as the transport, with our own timeouts, no blind retries, our own parsing.

alpaca-py alone has no timeout, sends an order again after a 504, and turns exact numbers into floats; none of that happens here.
"""

from __future__ import annotations

import datetime as dt
import time
from collections.abc import Callable, Mapping, Sequence
from decimal import Decimal
from typing import Any, TypeVar
from urllib.parse import quote

from pydantic import SecretStr

from services.execution.adapters import alpaca_wire as wire
from services.execution.adapters.alpaca_calls import AlpacaCalls, CallListener, nobody, readable
from services.execution.adapters.alpaca_transport import close_connections, trading_client
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
)
from services.execution.domain.request_budget import UNLIMITED
from services.execution.ports import RequestBudget

_T = TypeVar("_T")
_ORDERS_PAGE, _ACTIVITIES_PAGE = 500, 100


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
        self._client = trading_client(base_url, key, secret)
        self._calls = AlpacaCalls(
            self._client, listener=listener, pause=pause, budget=budget or MemoryBudget(UNLIMITED)
        )

    def close(self) -> None:
        close_connections(self._client)

    def account(self) -> Account:
        return self._calls.ask("account", "/account", wire.account_of)

    def positions(self) -> Sequence[Position]:
        return self._calls.ask("positions", "/positions", _each(wire.position_of, "positions"))

    def asset(self, symbol: str) -> Asset | None:
        return self._calls.find("asset", f"/assets/{quote(symbol, safe='')}", wire.asset_of)

    def assets(self) -> Sequence[Asset]:
        """A row that cannot be read is left out: whoever misses it asks for it alone."""
        params = {"status": "active", "asset_class": "us_equity"}
        rows = self._calls.ask("assets", "/assets", lambda answer: wire.raw_list(answer, "assets"), params)
        return tuple(asset for row in rows if (asset := wire.asset_or_none(row)) is not None)

    def order(self, order_id: str) -> BrokerOrder | None:
        return self._calls.find("order", f"/orders/{quote(order_id, safe='')}", wire.order_of)

    def order_by_client_id(self, client_order_id: str) -> BrokerOrder | None:
        params = {"client_order_id": client_order_id}
        return self._calls.find("order_by_client_id", "/orders:by_client_order_id", wire.order_of, params)

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
        pages = self._calls.pages("fills_since", "/account/activities/FILL", first, "page_token", _ACTIVITIES_PAGE)
        return tuple(readable(wire.fill_of, raw) for raw in pages)

    def activities_since(self, after: dt.datetime) -> Sequence[Activity]:
        first = {"after": after.isoformat(), "direction": "asc", "page_size": _ACTIVITIES_PAGE}
        pages = self._calls.pages("activities_since", "/account/activities", first, "page_token", _ACTIVITIES_PAGE)
        told = (readable(wire.activity_of, raw) for raw in pages if not wire.is_taken_back(raw))
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
        self._calls.count_cancel()
        return self._calls.act("cancel", lambda: self._client.delete(path), lambda _body: CancelRequested())

    def _send_order(self, call: str, client_order_id: str, send: Callable[[], Any]) -> PlaceOutcome:
        def read(answer: Any) -> Acknowledged:
            order = wire.order_of(answer)
            if order.client_order_id != client_order_id:
                raise wire.UnreadableAnswerError("client_order_id", client_order_id, order.client_order_id)
            return Acknowledged(order)

        return self._calls.act(call, send, read)

    def _order_pages(self, call: str, first: Mapping[str, Any], cursor: str) -> tuple[BrokerOrder, ...]:
        pages = self._calls.pages(call, "/orders", first, cursor, _ORDERS_PAGE)
        return tuple(readable(wire.order_of, raw) for raw in pages if wire.is_about_shares(raw))


def _each(read: Callable[[Any], _T], what: str) -> Callable[[Any], tuple[_T, ...]]:
    return lambda answer: tuple(read(raw) for raw in wire.raw_list(answer, what))


def _fault_in(qty: Decimal, limit_price: Decimal | None) -> Rejected | None:
    """A number no order can have is refused here; NaN must never reach the wire."""
    for field, value in (("qty", qty), ("limit_price", limit_price)):
        if value is not None and not (value.is_finite() and value > 0):
            return Rejected(
                RejectKind.OTHER, 0, None, f"{field}: expected a number above 0, got {value}; nothing was sent"
            )
    return None

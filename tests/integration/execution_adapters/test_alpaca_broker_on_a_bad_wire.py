"""What the Alpaca adapter makes of a wire that lies, stalls and breaks: never a second order, never a false no."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

import pytest
from pydantic import SecretStr

from services.execution.adapters import alpaca_broker, alpaca_transport
from services.execution.adapters.alpaca_broker import AlpacaBroker
from services.execution.domain.broker import (
    Acknowledged,
    CancelRequested,
    OrderRequest,
    Rejected,
    RejectKind,
    Status,
    Unknown,
)
from services.execution.ports import BrokerUnavailableError

SECRET = "top-secret-value"
REQUEST = OrderRequest("c1", "SPY", "buy", Decimal("0.3"), Decimal("527.30"))


@dataclass
class Said:
    """One answer of the wire; `how` as in conftest.py."""

    status: int = 200
    body: Any = None
    headers: dict[str, str] = field(default_factory=dict)
    how: str = "answer"


def order_json(**changes: Any) -> dict[str, Any]:
    at = "2024-06-03T19:45:00.123456789Z"
    order = {"id": "o1", "client_order_id": "c1", "symbol": "SPY", "side": "buy", "qty": "0.3", "filled_qty": "0"}
    return {**order, "status": "pending_new", "submitted_at": at, "created_at": at, **changes}


@dataclass
class Listening:
    broker: AlpacaBroker
    pauses: list[float]
    calls: list[tuple[str, str]]


@pytest.fixture
def on(wire: Any) -> Iterator[Listening]:
    pauses: list[float] = []
    calls: list[tuple[str, str]] = []

    def hear(call: str, result: str, seconds: float) -> None:
        calls.append((call, result))

    broker = AlpacaBroker(wire.url + "/", SecretStr("key"), SecretStr(SECRET), listener=hear, pause=pauses.append)
    yield Listening(broker, pauses, calls)
    broker.close()


def test_an_order_goes_out_as_exact_strings_under_its_own_name(wire: Any, on: Listening) -> None:
    wire.will(Said(body=order_json()))
    assert isinstance(on.broker.place(REQUEST), Acknowledged)
    ((method, path, headers, body),) = wire.requests
    assert (method, path) == ("POST", "/v2/orders")
    assert body == {
        "client_order_id": "c1",
        "symbol": "SPY",
        "side": "buy",
        "qty": "0.3",
        "limit_price": "527.3",
        "type": "limit",
        "time_in_force": "day",
    }
    assert headers["APCA-API-SECRET-KEY"] == SECRET
    assert on.calls == [("place", "ok")]


BAD_ANSWERS = [
    Said(504, {"code": 50410000, "message": "request timed out"}),
    Said(504, b"<html>504 Gateway Time-out</html>"),
    Said(500, {"code": 50010000, "message": "internal server error occurred"}),
    Said(503, b""),
    Said(408, {"message": "request timeout"}),
    Said(how="reset"),
    Said(body=order_json(), how="cut"),
    Said(200, b"<html>welcome</html>"),
    Said(200, b"\xff\xfe\x00"),
    Said(200, b""),
    Said(200, b"null"),
    Said(200, []),
    Said(200, {"order": "accepted"}),
    Said(200, order_json(filled_qty="NaN")),
    Said(200, order_json(client_order_id="another")),
    Said(302, b"", {"Location": "http://127.0.0.1:1/"}),
    Said(307, b"", {"Location": "/v2/orders/"}),
]


@pytest.mark.parametrize("said", BAD_ANSWERS, ids=lambda said: f"{said.status}-{said.how}-{str(said.body)[:24]}")
def test_no_trustworthy_answer_means_unknown_and_one_request(wire: Any, on: Listening, said: Said) -> None:
    wire.will(said)
    outcome = on.broker.place(REQUEST)
    assert isinstance(outcome, Unknown)
    assert SECRET not in outcome.reason
    assert wire.paths == ["POST /v2/orders"], "an order is sent once"
    assert (on.calls, on.pauses) == ([("place", "unknown")], [])


@pytest.mark.parametrize("said", BAD_ANSWERS[:7], ids=lambda said: f"{said.status}-{said.how}")
def test_a_replacement_and_a_cancel_are_sent_once_too(wire: Any, on: Listening, said: Said) -> None:
    wire.will(said)
    replaced = on.broker.replace("o1", client_order_id="c2", qty=Decimal(1), limit_price=Decimal(527))
    assert isinstance(replaced, Unknown)
    assert isinstance(on.broker.cancel("o1"), Unknown)
    assert wire.paths == ["PATCH /v2/orders/o1", "DELETE /v2/orders/o1"]


def test_an_answer_that_does_not_come_is_unknown_in_time(
    wire: Any, on: Listening, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(alpaca_transport, "READ_SECONDS", 0.2)
    wire.will(Said(how="stall"))
    outcome = on.broker.place(REQUEST)
    assert isinstance(outcome, Unknown)
    assert "Timeout" in outcome.reason
    assert len(wire.requests) == 1


def test_nobody_listening_is_unknown_and_unavailable() -> None:
    broker = AlpacaBroker("http://127.0.0.1:1", SecretStr("key"), SecretStr(SECRET), pause=lambda _seconds: None)
    assert isinstance(broker.place(REQUEST), Unknown)
    with pytest.raises(BrokerUnavailableError, match="account"):
        broker.account()


def test_a_rate_limited_order_is_refused_with_the_time_to_wait_and_not_repeated(wire: Any, on: Listening) -> None:
    wire.will(Said(429, {"code": 42910000, "message": "rate limit exceeded"}, {"Retry-After": "7"}))
    outcome = on.broker.place(REQUEST)
    assert isinstance(outcome, Rejected)
    assert (outcome.kind, outcome.retry_after_seconds) == (RejectKind.RATE_LIMITED, 7)
    assert (len(wire.requests), on.pauses) == (1, [])


def test_a_taken_client_order_id_says_so(wire: Any, on: Listening) -> None:
    wire.will(Said(422, {"code": 40010001, "message": "client_order_id must be unique"}))
    outcome = on.broker.place(REQUEST)
    assert isinstance(outcome, Rejected)
    assert outcome.kind is RejectKind.DUPLICATE_CLIENT_ID


def test_a_status_of_tomorrow_is_acknowledged_all_the_same(wire: Any, on: Listening) -> None:
    wire.will(Said(body=order_json(status="pending_settlement_v2", asset_class="us_equity_2")))
    outcome = on.broker.place(REQUEST)
    assert isinstance(outcome, Acknowledged)
    assert outcome.order.status is Status.UNRECOGNISED


def test_a_cancel_taken_is_only_a_request(wire: Any, on: Listening) -> None:
    wire.will(Said(204))
    assert on.broker.cancel("o1") == CancelRequested()


@pytest.mark.parametrize(
    "said",
    [Said(500, {"message": "oops"}), Said(504, b"<html>"), Said(how="reset"), Said(429, {"message": "slow down"})],
    ids=["500", "504", "reset", "429"],
)
def test_a_question_is_asked_again_a_few_times_then_given_up(wire: Any, on: Listening, said: Said) -> None:
    wire.will(said)
    with pytest.raises(BrokerUnavailableError, match="order_by_client_id"):
        on.broker.order_by_client_id("c1")
    assert (len(wire.requests), on.pauses) == (3, [0.2, 0.4])


def test_a_question_answered_at_last_is_answered(wire: Any, on: Listening) -> None:
    wire.will(Said(500, {"message": "oops"}), Said(how="reset"), Said(body=order_json()))
    found = on.broker.order_by_client_id("c1")
    assert found is not None
    assert found.id == "o1"
    assert on.calls == [
        ("order_by_client_id", "unavailable"),
        ("order_by_client_id", "unavailable"),
        ("order_by_client_id", "ok"),
    ]


def test_a_rate_limited_question_waits_as_told_but_never_long(wire: Any, on: Listening) -> None:
    limited = Said(429, {"code": 42910000, "message": "rate limit exceeded"}, {"Retry-After": "600"})
    wire.will(limited, Said(429, {}, {"Retry-After": "1"}), Said(body=[]))
    assert on.broker.positions() == ()
    assert on.pauses == [5.0, 1.0]


@pytest.mark.parametrize("said", [Said(401, {"message": "no"}), Said(403, {"message": "forbidden."}), Said(422, {})])
def test_a_definite_refusal_of_a_question_is_not_repeated(wire: Any, on: Listening, said: Said) -> None:
    wire.will(said)
    with pytest.raises(BrokerUnavailableError):
        on.broker.account()
    assert len(wire.requests) == 1


def test_only_a_404_means_that_there_is_none(wire: Any, on: Listening) -> None:
    wire.will(Said(404, {"code": 40410000, "message": "order not found for c1"}))
    assert on.broker.order_by_client_id("c1") is None
    assert on.broker.order("o1") is None
    assert on.broker.asset("BRK/B") is None
    assert wire.paths == [
        "GET /v2/orders:by_client_order_id?client_order_id=c1",
        "GET /v2/orders/o1",
        "GET /v2/assets/BRK%2FB",
    ]
    with pytest.raises(BrokerUnavailableError):
        on.broker.positions()


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"equity": "1"}, "status"),
        ([], "account"),
        ({"status": "ACTIVE", "account_number": "PA1", "equity": "x", "cash": "1", "buying_power": "1"}, "equity"),
    ],
)
def test_an_account_that_makes_no_sense_is_unavailable_by_field(
    wire: Any, on: Listening, body: Any, field: str
) -> None:
    wire.will(Said(body=body))
    with pytest.raises(BrokerUnavailableError, match=f"cannot be read: {field}"):
        on.broker.account()


def test_an_option_among_the_open_orders_does_not_hide_the_others(wire: Any, on: Listening) -> None:
    option = {"id": "x1", "asset_class": "", "order_class": "mleg", "symbol": "", "side": ""}
    wire.will(Said(body=[option, order_json()]))
    assert [order.id for order in on.broker.open_orders()] == ["o1"]


def test_a_share_order_that_cannot_be_read_makes_the_list_unavailable(wire: Any, on: Listening) -> None:
    wire.will(Said(body=[order_json(), order_json(id="o2", filled_qty=None)]))
    with pytest.raises(BrokerUnavailableError, match="filled_qty"):
        on.broker.open_orders()


def test_pages_that_never_end_end(wire: Any, on: Listening, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(alpaca_broker, "_ORDERS_PAGE", 2)
    page = Said(body=[order_json(id="o1"), order_json(id="o2")])
    wire.will(page, page)
    after = dt.datetime(2024, 6, 3, tzinfo=dt.UTC)
    assert [order.id for order in on.broker.orders_since(after)] == ["o1", "o2"]
    assert wire.paths[1] == "GET /v2/orders?status=all&direction=asc&limit=2&after_order_id=o2"


@pytest.mark.parametrize("secret", ["bad\nsecret", "sécret-№"])
def test_a_secret_that_fits_no_header_is_not_repeated_in_the_error(wire: Any, secret: str) -> None:
    broker = AlpacaBroker(wire.url, SecretStr("key"), SecretStr(secret), pause=lambda _seconds: None)
    outcome = broker.place(REQUEST)
    assert isinstance(outcome, Unknown)
    assert secret not in outcome.reason
    assert repr(secret)[1:-1] not in outcome.reason

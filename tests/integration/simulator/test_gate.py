"""The door of the API: logins, rate limits, request ids, refusals in Alpaca's shapes, never a redirect."""

from __future__ import annotations

import base64

import httpx
import pytest

from tests.integration.simulator.running import Running, Start


def test_without_credentials_nothing_is_told(simulator: Running) -> None:
    answer = simulator.http().get("/v2/account")
    assert (answer.status_code, answer.json()) == (401, {"code": 40110000, "message": "request is not authorized"})


def test_another_secret_for_a_known_key_is_forbidden_without_a_code(simulator: Running) -> None:
    simulator.get("/v2/account")
    wrong = simulator.http(**{**simulator.login, "APCA-API-SECRET-KEY": "other"})
    answer = wrong.get("/v2/account")
    assert (answer.status_code, answer.json()) == (403, {"message": "forbidden."})


@pytest.mark.parametrize(
    "header", ["Bearer some-token", "Basic " + base64.b64encode(b"basic-key:basic-secret").decode()]
)
def test_a_token_and_basic_authentication_open_accounts_too(simulator: Running, header: str) -> None:
    answer = simulator.http(Authorization=header).get("/v2/account")
    assert (answer.status_code, answer.json()["cash"]) == (200, "100000")


def test_a_pinned_login_shuts_everybody_else_out(start_simulator: Start) -> None:
    simulator = start_simulator(key="bot", secret="secret")
    assert simulator.api.get("/v2/account").status_code == 200
    stranger = simulator.http(**{"APCA-API-KEY-ID": "stranger", "APCA-API-SECRET-KEY": "x"})
    assert stranger.get("/v2/account").status_code == 403


def test_the_limit_is_told_and_then_kept(start_simulator: Start) -> None:
    simulator = start_simulator(rate_limit=3)
    answers = [simulator.api.get("/v2/account") for _ in range(4)]
    assert [answer.status_code for answer in answers] == [200, 200, 200, 429]
    assert [answer.headers["x-ratelimit-remaining"] for answer in answers] == ["2", "1", "0", "0"]
    assert answers[-1].json() == {"code": 42910000, "message": "rate limit exceeded"}
    now = simulator.venue.context.now().timestamp()
    assert int(answers[-1].headers["x-ratelimit-reset"]) == now + 60


def test_the_window_ends_with_its_minute_and_is_each_accounts_own(start_simulator: Start) -> None:
    simulator = start_simulator(rate_limit=1)
    assert simulator.api.get("/v2/account").status_code == 200
    assert simulator.api.get("/v2/account").status_code == 429
    other = simulator.http(**{"APCA-API-KEY-ID": "other", "APCA-API-SECRET-KEY": "x"})
    assert other.get("/v2/account").status_code == 200
    simulator.advance(60)
    assert simulator.api.get("/v2/account").status_code == 200


def test_every_api_answer_has_its_own_request_id(simulator: Running) -> None:
    ids = [simulator.api.get(path).headers["x-request-id"] for path in ("/v2/account", "/v2/nosuch", "/v2/clock")]
    assert len(set(ids)) == 3


@pytest.mark.parametrize(
    ("method", "path", "status", "code"),
    [
        ("GET", "/v2/nosuch", 404, 40410000),
        ("GET", "/v2/account/", 404, 40410000),
        ("POST", "/v2/account", 405, 40510000),
        ("GET", "/v2/orders/nope", 404, 40410000),
        ("DELETE", "/v2/orders/nope", 404, 40410000),
        ("PATCH", "/v2/orders/nope", 404, 40410000),
        ("GET", "/v2/orders:by_client_order_id", 422, 40010001),
        ("GET", "/v2/orders:by_client_order_id?client_order_id=nope", 404, 40410000),
        ("GET", "/v2/positions/NOPE", 404, 40410000),
        ("DELETE", "/v2/positions/SPY", 404, 40410000),
        ("DELETE", "/v2/positions/SPY?qty=0", 400, 40010001),
        ("DELETE", "/v2/positions/SPY?percentage=x", 400, 40010001),
        ("DELETE", "/v2/positions?cancel_orders=maybe", 400, 40010001),
        ("GET", "/v2/assets/NOPE", 404, 40410000),
        ("GET", "/v2/orders?status=weird", 400, 40010001),
        ("GET", "/v2/orders?limit=501", 400, 40010001),
        ("GET", "/v2/orders?limit=1.5", 400, 40010001),
        ("GET", "/v2/orders?after=yesterday", 400, 40010001),
        ("GET", "/v2/orders?direction=up", 400, 40010001),
        ("GET", "/v2/orders?side=hold", 400, 40010001),
        ("GET", "/v2/orders?before_order_id=a&after_order_id=b", 400, 40010001),
        ("GET", "/v2/orders?before_order_id=nope", 404, 40410000),
        ("GET", "/v2/orders?before_order_id=a&until=2024-01-01", 400, 40010001),
        ("GET", "/v2/calendar?start=2024-13-01", 400, 40010001),
        ("GET", "/v2/calendar?date_type=LUNAR", 400, 40010001),
        ("GET", "/v2/account/activities?page_size=0", 400, 40010001),
        ("GET", "/v2/account/activities?activity_types=FILL&category=trade_activity", 400, 40010001),
        ("GET", "/v2/account/portfolio/history?period=1X", 422, 42210000),
        ("GET", "/v2/account/portfolio/history?timeframe=7Min", 422, 42210000),
        ("GET", "/v2/account/portfolio/history?period=2M&timeframe=1Min", 422, 42210000),
        ("GET", "/v2/account/portfolio/history?period=1D&start=2024-05-01&end=2024-05-02", 422, 42210000),
    ],
)
def test_what_is_wrong_with_a_request_is_said_in_alpacas_shape(
    simulator: Running, method: str, path: str, status: int, code: int
) -> None:
    answer = simulator.api.request(method, path, json={} if method == "PATCH" else None)
    assert (answer.status_code, answer.json()["code"]) == (status, code)
    assert answer.json()["message"]


@pytest.mark.parametrize(
    "body",
    [b"{", b"[]", b"null", b'"order"', b'{"qty": NaN}', b'{"qty": Infinity}', b"\xff\xfe", b"[" * 100_000, b"1" * 9000],
)
@pytest.mark.parametrize(("method", "path"), [("POST", "/v2/orders"), ("PATCH", "/v2/account/configurations")])
def test_a_body_that_is_no_json_object_is_refused(simulator: Running, body: bytes, method: str, path: str) -> None:
    answer = simulator.api.request(method, path, content=body)
    assert (answer.status_code, answer.json()["code"]) == (400, 40010000)


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"suspend_trade": "yes"}, "suspend_trade"),
        ({"max_margin_multiplier": "3"}, "max_margin_multiplier"),
        ({"trade_confirm_email": "some"}, "trade_confirm_email"),
        ({"max_options_trading_level": [1]}, "max_options_trading_level"),
    ],
)
def test_a_wrong_configuration_is_named_and_changes_nothing(
    simulator: Running, changes: dict[str, object], field: str
) -> None:
    before = simulator.get("/v2/account/configurations")
    answer = simulator.api.patch("/v2/account/configurations", json={"no_shorting": True, **changes})
    assert (answer.status_code, answer.json()["code"]) == (422, 42210000)
    assert field in answer.json()["message"]
    assert simulator.get("/v2/account/configurations") == before


def test_idle_connections_are_kept(simulator: Running) -> None:
    with httpx.Client(base_url=simulator.url, headers=simulator.login, trust_env=False) as client:
        streams = [client.get("/v2/clock").extensions["network_stream"] for _ in range(2)]
        assert len({stream.get_extra_info("client_addr") for stream in streams}) == 1


def test_its_own_pages_need_no_login(simulator: Running) -> None:
    pages = simulator.http()
    assert pages.get("/health").json() == {"service": "simulator", "status": "ok"}
    assert pages.get("/ready").json()["ready"] is True
    simulator.get("/v2/account")
    assert (
        'alchemiser_simulator_requests_total{area="/v2/account",method="GET",status="200"}'
        in pages.get("/metrics").text
    )
    assert pages.get("/docs").status_code == 200
    assert "secret" not in pages.get("/metrics").text

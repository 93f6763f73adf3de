"""Whatever is thrown at the simulator's doors, it answers; never with a 500, never with something that is no JSON."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
import schemathesis
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from schemathesis import Case
from schemathesis.generation import GenerationMode

from tests.conformance.recording import recorded_simulator
from tests.conftest import need

OPENAPI = Path(__file__).resolve().parents[3] / "shared" / "openapi"
HEADERS = {"APCA-API-KEY-ID": "FUZZ", "APCA-API-SECRET-KEY": "fuzz"}
SERVED = r"^/v2/(account(?!.*events)|clock|calendar|assets(?!/fixed)|orders|positions(?!.*exercise)|stocks)"
EXAMPLES = 12
QUIET = [
    HealthCheck.too_slow,
    HealthCheck.filter_too_much,
    HealthCheck.function_scoped_fixture,
    HealthCheck.data_too_large,
]

need(f"Alpaca's OpenAPI files ({OPENAPI})", present=OPENAPI.is_dir())


def described(name: str) -> Any:
    schema = schemathesis.openapi.from_path(OPENAPI / name)
    schema.config.generation.update(modes=[GenerationMode.POSITIVE, GenerationMode.NEGATIVE])
    return schema.include(path_regex=SERVED)


trading = described("trading-api.json")
market_data = described("market-data-api.json")


@pytest.fixture(scope="module")
def url() -> Iterator[str]:
    with recorded_simulator() as (url, _recorder):
        yield url


def check(response: Any) -> None:
    assert response.status_code != 500, f"{response.request.method} {response.request.url}: {response.text[:500]}"
    assert not 300 <= response.status_code < 400, "alpaca-py does not follow redirects"
    if response.content:
        response.json()


@trading.parametrize()
@settings(max_examples=EXAMPLES, deadline=None, suppress_health_check=QUIET, derandomize=True)
def test_the_trading_api_never_breaks(case: Case, url: str) -> None:
    check(case.call(base_url=url, headers=HEADERS))


@market_data.parametrize()
@settings(max_examples=EXAMPLES, deadline=None, suppress_health_check=QUIET, derandomize=True)
def test_the_market_data_api_never_breaks(case: Case, url: str) -> None:
    check(case.call(base_url=url, headers=HEADERS))


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
    max_leaves=8,
)
WORDS = st.sampled_from(
    [
        "NaN",
        "Infinity",
        "-1",
        "0",
        "1e400",
        "1" * 400,
        "0.0000000001",
        "",
        " ",
        "SPY",
        "spy",
        "\u0000",
        "💸",
        "null",
        "true",
        "2024-13-99",
    ]
)
FIELDS = [
    "symbol",
    "qty",
    "notional",
    "side",
    "type",
    "time_in_force",
    "limit_price",
    "stop_price",
    "trail_price",
    "trail_percent",
]
FIELDS += ["extended_hours", "client_order_id", "order_class", "take_profit", "stop_loss", "position_intent", "legs"]


@given(body=st.dictionaries(st.sampled_from(FIELDS), WORDS | JSON, max_size=10) | JSON)
@settings(max_examples=300, deadline=None, suppress_health_check=QUIET, derandomize=True)
def test_any_order_body_is_answered(url: str, body: Any) -> None:
    check(httpx.post(f"{url}/v2/orders", json=body, headers=HEADERS))


@given(content=st.binary(max_size=60))
@settings(max_examples=100, deadline=None, suppress_health_check=QUIET, derandomize=True)
def test_any_bytes_as_a_body_are_answered(url: str, content: bytes) -> None:
    for method, path in (("POST", "/v2/orders"), ("PATCH", "/v2/orders/x"), ("PATCH", "/v2/account/configurations")):
        check(httpx.request(method, f"{url}{path}", content=content, headers=HEADERS))


@given(
    query=st.dictionaries(
        st.sampled_from(
            [
                "symbols",
                "timeframe",
                "start",
                "end",
                "limit",
                "page_token",
                "adjustment",
                "feed",
                "sort",
                "asof",
                "status",
            ]
        )
        | st.sampled_from(
            [
                "after",
                "until",
                "direction",
                "nested",
                "before_order_id",
                "after_order_id",
                "page_size",
                "period",
                "date_type",
            ]
        ),
        WORDS | st.text(max_size=12),
        max_size=6,
    ),
    path=st.sampled_from(
        [
            "/v2/orders",
            "/v2/stocks/bars",
            "/v2/stocks/quotes",
            "/v2/stocks/trades",
            "/v2/stocks/SPY/bars",
            "/v2/stocks/snapshots",
            "/v2/calendar",
            "/v2/assets",
            "/v2/account/activities",
            "/v2/account/portfolio/history",
            "/v2/stocks/quotes/latest",
        ]
    ),
)
@settings(max_examples=300, deadline=None, suppress_health_check=QUIET, derandomize=True)
def test_any_query_is_answered(url: str, path: str, query: dict[str, str]) -> None:
    check(httpx.get(f"{url}{path}", params=query, headers=HEADERS))


@given(body=JSON, path=st.sampled_from(["/sim/faults", "/sim/clock", "/sim/reset"]))
@settings(max_examples=150, deadline=None, suppress_health_check=QUIET, derandomize=True)
def test_the_control_surface_refuses_nonsense(url: str, path: str, body: Any) -> None:
    check(httpx.post(f"{url}{path}", json=body))

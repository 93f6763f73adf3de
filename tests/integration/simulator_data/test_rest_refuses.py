"""Bad parameters get a 400 that names what is wrong, and nothing gets a 500."""

from __future__ import annotations

import base64
import json
import random
from urllib.parse import quote

import httpx
import pytest

from tests.integration.simulator_data.venue import Venue

BARS = "/v2/stocks/bars?symbols=SPY&timeframe=1Day&start=2026-05-01"


@pytest.mark.parametrize(
    ("path", "message"),
    [
        ("/v2/stocks/bars?timeframe=1Day", "symbols is required"),
        ("/v2/stocks/bars?symbols=,,&timeframe=1Day", "symbols is required"),
        ("/v2/stocks/bars?symbols=SPY", "timeframe is required"),
        ("/v2/stocks/bars?symbols=SPY&timeframe=60Min", "invalid timeframe: 60Min"),
        ("/v2/stocks/bars?symbols=SPY&timeframe=24Hour", "invalid timeframe: 24Hour"),
        ("/v2/stocks/bars?symbols=SPY&timeframe=2Day", "invalid timeframe: 2Day"),
        ("/v2/stocks/bars?symbols=SPY&timeframe=5Month", "invalid timeframe: 5Month"),
        ("/v2/stocks/bars?symbols=SPY&timeframe=0Min", "invalid timeframe: 0Min"),
        ("/v2/stocks/bars?symbols=SPY%3BDROP&timeframe=1Day", "invalid symbol: SPY;DROP"),
        ("/v2/stocks/bars?symbols=spy&timeframe=1Day", "invalid symbol: spy"),
        (f"{BARS}&start=yesterday", "invalid start: yesterday"),
        (f"{BARS}&start=2026-02-30", "invalid start: 2026-02-30"),
        (f"{BARS}&start=2026-05-01T00:00:00", "invalid start: 2026-05-01T00:00:00"),
        (f"{BARS}&start=0001-01-01", "invalid start: 0001-01-01"),
        (f"{BARS}&end=9999-12-31T23:59:59Z", "invalid end: 9999-12-31T23:59:59Z"),
        (f"{BARS}&end=2026-04-01", "end should not be before start"),
        (f"{BARS}&limit=0", "invalid limit: 0"),
        (f"{BARS}&limit=10001", "invalid limit: 10001"),
        (f"{BARS}&limit=-1", "invalid limit: -1"),
        (f"{BARS}&limit=1e3", "invalid limit: 1e3"),
        (f"{BARS}&limit=%D9%A1", "invalid limit: \u0661"),
        (f"{BARS}&adjustment=most", "invalid adjustment: most"),
        (f"{BARS}&feed=bloomberg", "invalid feed: bloomberg"),
        (f"{BARS}&sort=up", "invalid sort: up"),
        (f"{BARS}&asof=now", "invalid asof: now"),
        (f"{BARS}&currency=EUR", "invalid currency: EUR"),
        (f"{BARS}&page_token=!!!", "invalid page_token"),
        (f"{BARS}&page_token=bnVsbA==", "invalid page_token"),
        ("/v2/stocks/quotes/latest?symbols=SPY&feed=cta", "invalid feed: cta"),
        ("/v2/stocks/NOSUCH/quotes/latest", "no quote found for NOSUCH"),
        ("/v2/stocks/NOSUCH/snapshot", "no snapshot found for NOSUCH"),
        ("/v2/stocks/snapshots", "symbols is required"),
    ],
)
def test_a_bad_parameter_is_named(venue: Venue, path: str, message: str) -> None:
    answer = httpx.get(venue.http + path)
    assert (answer.status_code, answer.json()) == (400, {"message": message})


NASTY = [
    "", "0", "-1", "NaN", "null", "[]", "{}", "\x00", "\u0661", "a" * 5000, "2026-06-01", "2026-06-01T00:00:00Z", "SPY", "SPY,BIL",
    "1Day", "all", "desc", "%", "+", "9" * 40, "1900-01-01", "2100-12-31", "2100-12-31T23:59:59.999999999+14:00", "1Min", "1Month",
    base64.b64encode(json.dumps(["SPY", "2026-06-01T00:00:00+00:00", 1]).encode()).decode(),
    base64.b64encode(json.dumps(["SPY", "0001-01-01T00:00:00+23:59", 1]).encode()).decode(),
    base64.b64encode(b'["SPY", 5, {}]').decode(), base64.b64encode(b"\xff").decode(),
]  # fmt: skip
FIELDS = [
    "symbols",
    "timeframe",
    "start",
    "end",
    "limit",
    "adjustment",
    "feed",
    "sort",
    "asof",
    "currency",
    "page_token",
]
PATHS = ["bars", "quotes", "trades", "bars/latest", "quotes/latest", "trades/latest", "snapshots"]


def test_no_input_makes_it_fail(venue: Venue) -> None:
    rng = random.Random(7)
    with httpx.Client(base_url=venue.http) as client:
        for _ in range(400):
            path = rng.choice([*PATHS, *(f"{quote(rng.choice(NASTY) or 'SPY', safe='')}/{path}" for path in PATHS)])
            asked = {field: rng.choice(NASTY) for field in rng.sample(FIELDS, rng.randint(0, 5))}
            base = {"symbols": "SPY", "timeframe": "1Day", "limit": "5"} if rng.random() < 0.7 else {}
            answer = client.get(f"/v2/stocks/{path}", params={**base, **asked})
            assert answer.status_code in {200, 400, 404}, (path, asked, answer.text)


def test_histories_without_data_are_empty_not_errors(venue: Venue) -> None:
    empty = {"bars": {}, "next_page_token": None}
    for query in ("symbols=NOSUCH", "symbols=SPY&feed=boats", "symbols=SPY&start=2027-01-01"):
        answer = httpx.get(f"{venue.http}/v2/stocks/bars?timeframe=1Day&{query}")
        assert (answer.status_code, answer.json()) == (200, empty)
    one = httpx.get(f"{venue.http}/v2/stocks/SPY/bars?timeframe=1Day&start=2027-01-01")
    assert one.json() == {"symbol": "SPY", "bars": [], "next_page_token": None}

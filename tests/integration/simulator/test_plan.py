"""What the free market-data plan is refused, as Alpaca refuses it."""

from __future__ import annotations

import httpx
import pytest

from tests.conformance.recording import recorded_simulator

HEADERS = {"APCA-API-KEY-ID": "k", "APCA-API-SECRET-KEY": "s"}
REFUSED = {"code": 42210000, "message": "subscription does not permit querying recent SIP data"}
BARS = {"timeframe": "1Min", "start": "2024-06-03T13:30:00Z"}


def ask(url: str, path: str, **query: str) -> httpx.Response:
    return httpx.get(f"{url}/v2/stocks/{path}", params={"symbols": "SPY", **query}, headers=HEADERS)


@pytest.mark.parametrize("path", ["quotes/latest", "trades/latest", "bars/latest", "snapshots"])
def test_the_newest_of_the_consolidated_feed_is_refused_and_iex_is_not(path: str) -> None:
    with recorded_simulator(plan="basic") as (url, _):
        refused, given = ask(url, path, feed="sip"), ask(url, path, feed="iex")
    assert (refused.status_code, refused.json()) == (403, REFUSED)
    assert given.status_code == 200


def test_a_history_up_to_now_is_refused_and_one_without_an_end_stops_fifteen_minutes_ago() -> None:
    with recorded_simulator(plan="basic") as (url, _):
        refused = ask(url, "bars", **BARS, feed="sip", end="2024-06-03T14:00:00Z")
        cut = ask(url, "bars", **BARS, feed="sip")
    assert (refused.status_code, refused.json()) == (403, REFUSED)
    assert cut.json()["bars"]["SPY"][-1]["t"] <= "2024-06-03T13:45:00Z"


def test_the_other_plan_is_refused_nothing() -> None:
    with recorded_simulator() as (url, _):
        assert ask(url, "quotes/latest", feed="sip").status_code == 200

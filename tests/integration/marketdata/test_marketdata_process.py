"""Marketdata as it runs: real Redis, unmodified alpaca-py, the simulator's market side with its faults, HTTP over a socket."""

from __future__ import annotations

import datetime as dt
import json
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
import redis

from cli.embedded_redis import EmbeddedRedis, free_port
from services.marketdata.domain.history import last_finished_session
from shared.bus.redis_bus import RedisBus
from shared.contracts import streams
from shared.contracts.control import BackfillRequested
from shared.contracts.marketdata import Bar, BarsClosed, DailyHistory, QuotesObserved
from shared.sessions import sessions_between
from tests.integration.marketdata.conftest import fully_served, is_streamed

Eventually = Callable[..., Any]
Start = Callable[..., Any]
BEARER = {"Authorization": "Bearer a-token-long-enough"}
ROOT = Path(__file__).resolve().parents[3]
SPY = '["SPY", "TQQQ"]'


@pytest.fixture
def served(start: Start, venue: Any, eventually: Eventually) -> Any:
    """Marketdata that follows SPY and TQQQ, ready, its feed up."""
    running = start(venue.url)
    running.want("strategy", SPY)
    fully_served(running)
    return running


def _newer_than(running: Any, symbol: str, at: dt.datetime, source: str) -> bool:
    quote = running.quote(symbol)
    return quote is not None and quote.at > at and quote.source == source


def test_quotes_flow_into_redis_as_facts_and_as_state(house: Any) -> None:
    served, _ = house
    facts = served.said(streams.QUOTES)
    assert all(isinstance(fact, QuotesObserved) for fact in facts)
    assert {quote.symbol for fact in facts for quote in fact.quotes} >= {"SPY"}
    assert served.states == ["up"]
    assert served.alerts == []


def test_daily_history_is_cached_up_to_the_prior_session(house: Any) -> None:
    served, venue = house
    history = DailyHistory.model_validate_json(served.redis.get(served.bus.key(streams.daily_history("SPY"))))
    assert history.dates[-1] == last_finished_session(venue.context.now()).date
    assert (history.source, history.adjustment) == ("alpaca", "all")
    assert len(history.dates) > 1000


def test_a_quote_is_shown_with_its_age(house: Any) -> None:
    served, _ = house
    answer = served.http.get("/quotes/SPY")
    body = answer.json()
    assert answer.status_code == 200
    assert (body["symbol"], body["source"], body["stale"]) == ("SPY", "stream", False)
    assert 0 <= body["age_seconds"] < 60
    assert float(body["bid"]) < float(body["ask"])


def test_bars_are_shown_newest_last(house: Any) -> None:
    served, venue = house
    body = served.http.get("/bars/SPY", params={"days": 5}).json()
    assert [bar["date"] for bar in body["bars"]] == sorted(bar["date"] for bar in body["bars"])
    assert len(body["bars"]) == 5
    assert body["bars"][-1]["date"] == last_finished_session(venue.context.now()).date.isoformat()
    assert (body["source"], body["missing_sessions"]) == ("alpaca", 0)


UNKNOWN = {
    "/quotes/NOPE": "no quote of NOPE is known: nobody wants it",
    "/quotes/BRK/B": "no quote of BRK/B is known",
    "/bars/NOPE": "no daily history of NOPE (all) is cached: nobody wants it",
    "/bars/SPY?adjustment=raw": "no daily history of SPY (raw) is cached: it is wanted",
}
BAD_QUERIES = {
    "/quotes/spy": "path.symbol",
    "/quotes/S%20P": "path.symbol",
    "/quotes/..%2F..%2Fetc": "path.symbol",
    "/quotes/%00": "path.symbol",
    "/bars/AAAAAAAAAAAAAAAAAAAAAAAAAAAAAA": "path.symbol",
    "/bars/SPY?days=0": "query.days",
    "/bars/SPY?days=-3": "query.days",
    "/bars/SPY?days=many": "query.days",
    "/bars/SPY?days=1e9": "query.days",
    "/bars/SPY?adjustment=none": "query.adjustment",
}
BAD_BODIES = {
    "{}": "body.symbols",
    '{"symbols": []}': "body.symbols",
    '{"symbols": "SPY"}': "body.symbols",
    '{"symbols": ["spy"]}': "body.symbols.0",
    '{"symbols": ["SPY", null]}': "body.symbols.1",
    '{"symbols": ["SPY"], "days": 5}': "body.days",
    "[]": "body",
    "null": "body",
    "": "body",
    '{"symbols": ': "body",
}


def _field(answer: Any) -> tuple[int, str]:
    """The status and the first field that is named."""
    return answer.status_code, answer.json()["faults"][0]["field"]


def test_bad_input_is_refused_with_its_field_or_its_reason(house: Any) -> None:
    served, _ = house
    asked_before = served.bus.depth(streams.CONTROL)
    reasons = {path: served.http.get(path) for path in UNKNOWN}
    assert {path: answer.status_code for path, answer in reasons.items()} == dict.fromkeys(UNKNOWN, 404)
    assert {path: UNKNOWN[path] in answer.json()["detail"] for path, answer in reasons.items()} == dict.fromkeys(
        UNKNOWN, True
    )
    queries = {path: _field(served.http.get(path)) for path in BAD_QUERIES}
    assert queries == {path: (422, field) for path, field in BAD_QUERIES.items()}
    headers = {**BEARER, "Content-Type": "application/json"}
    bodies = {body: _field(served.http.post("/backfill", content=body, headers=headers)) for body in BAD_BODIES}
    assert bodies == {body: (422, field) for body, field in BAD_BODIES.items()}
    assert served.bus.depth(streams.CONTROL) == asked_before


def test_a_backfill_without_the_token_is_401(house: Any) -> None:
    served, _ = house
    assert served.http.post("/backfill", json={"symbols": ["SPY"]}).status_code == 401


def test_a_backfill_fetches_history_again_and_can_be_followed(house: Any, eventually: Eventually) -> None:
    served, _ = house
    before = served.http.get("/bars/SPY").json()["fetched_at"]
    answer = served.http.post("/backfill", json={"symbols": ["SPY", "QQQ"]}, headers=BEARER)
    assert answer.status_code == 202
    request = served.said(streams.CONTROL)[-1]
    assert isinstance(request, BackfillRequested)
    assert answer.json() == {"id": request.id, "correlation_id": request.correlation_id}
    eventually(lambda: served.http.get("/bars/QQQ").is_success, what="history of a symbol nobody wants")
    eventually(lambda: served.http.get("/bars/SPY").json()["fetched_at"] > before, what="history fetched again")


def test_symbols_wanted_while_it_runs_are_streamed_and_back_filled(served: Any, eventually: Eventually) -> None:
    assert served.quote("TLT") is None
    assert served.http.get("/bars/TLT").status_code == 404
    served.want("execution", '["TLT", "not a symbol"]')
    eventually(lambda: is_streamed(served, "TLT"), what="a streamed quote of the new symbol")
    eventually(lambda: served.http.get("/bars/TLT").is_success, what="its history")
    eventually(served.is_ready, what="ready again")
    assert served.alerts == []


def test_a_mute_socket_goes_to_rest_and_back(start: Start, venue: Any, eventually: Eventually) -> None:
    served = start(venue.url, mute_seconds=2)
    served.want("strategy", SPY)
    fully_served(served)
    muted_at = venue.context.now()
    venue.arm("mute_data_socket", seconds=6)
    eventually(lambda: "degraded" in served.states, within=15, what="degraded")
    eventually(lambda: _newer_than(served, "SPY", muted_at, "rest"), what="a polled quote")
    eventually(lambda: served.states[-1] == "up", within=30, what="up again")
    assert served.states == ["up", "mute", "degraded", "recovered", "up"]
    assert [alert.severity for alert in served.alerts] == ["warning", "info"]
    eventually(lambda: _newer_than(served, "SPY", muted_at, "stream"), what="a streamed quote")


def test_a_closed_socket_is_opened_again_without_a_word(served: Any, venue: Any, eventually: Eventually) -> None:
    venue.arm("closed_data_socket", count=1)
    eventually(lambda: not venue.context.faults.active("closed_data_socket"), what="the socket was closed")
    closed_at = venue.context.now()
    eventually(lambda: _newer_than(served, "SPY", closed_at, "stream"), what="a streamed quote after it")
    assert "down" not in served.states


def test_a_connection_limit_is_waited_out_while_rest_stands_in(served: Any, venue: Any, eventually: Eventually) -> None:
    venue.arm("406_on_next_login", count=2)
    venue.arm("closed_data_socket", count=1)
    eventually(lambda: "degraded" in served.states, what="degraded")
    eventually(lambda: served.states[-1] == "up", within=15, what="up again")
    assert "406 connection limit exceeded" in [alert.detail for alert in served.alerts]


def test_malformed_frames_cost_nothing_but_themselves(served: Any, venue: Any, eventually: Eventually) -> None:
    venue.arm("malformed_frame", count=3)
    eventually(lambda: not venue.context.faults.active("malformed_frame"), what="the frames were sent")
    after = venue.context.now()
    eventually(lambda: _newer_than(served, "SPY", after, "stream"), what="a streamed quote after them")
    assert served.states == ["up"]


def test_a_venue_that_goes_away_is_down_and_comes_back(
    start: Start, start_venue: Callable[..., Any], eventually: Eventually
) -> None:
    first = start_venue()
    running = start(first.url)
    running.want("strategy", SPY)
    fully_served(running)
    first.stop()
    eventually(lambda: "down" in running.states, within=15, what="down")
    assert [alert.severity for alert in running.alerts] == ["critical"]
    start_venue(first.port)
    eventually(lambda: running.states[-1] in {"recovered", "up"}, within=15, what="recovered")


def test_a_venue_that_starts_later_is_waited_for(
    start: Start, start_venue: Callable[..., Any], eventually: Eventually
) -> None:
    port = free_port()
    running = start(f"http://127.0.0.1:{port}")
    running.want("strategy", SPY)
    eventually(running.answers, what="health")
    ready = running.http.get("/ready")
    assert ready.status_code == 503
    eventually(
        lambda: "still to come: SPY" in running.http.get("/ready").json()["checks"]["history"], what="the reason"
    )
    start_venue(port)
    eventually(running.is_ready, within=20, what="ready")


def test_minute_bars_are_told_when_their_minute_is_over(served: Any, venue: Any, eventually: Eventually) -> None:
    venue.context.clock.set_speed(30.0, venue.context.time.monotonic())
    eventually(lambda: served.bus.depth(streams.BARS) > 0, within=10, what="a minute bar")
    bars = [bar for fact in served.said(streams.BARS) if isinstance(fact, BarsClosed) for bar in fact.bars]
    assert {bar.timeframe for bar in bars} == {"1Min"}
    assert {bar.symbol for bar in bars} <= {"SPY", "TQQQ"}
    kept = {symbol: Bar.model_validate_json(raw) for symbol, raw in served.bus.get_all(streams.LATEST_BARS).items()}
    assert kept.keys() >= {bar.symbol for bar in bars}
    assert all(bar.at <= kept[bar.symbol].at for bar in bars), "the newest stands beside the stream"


def test_symbols_always_served_need_no_subscriber(start: Start, venue: Any, eventually: Eventually) -> None:
    running = start(venue.url, symbols="SPY", adjustments="all,raw")
    eventually(lambda: is_streamed(running, "SPY"), within=20, what="a streamed quote")
    eventually(lambda: running.http.get("/bars/SPY?adjustment=raw").is_success, what="raw history")
    raw = running.http.get("/bars/SPY?adjustment=raw&days=1").json()
    assert (raw["symbol"], raw["adjustment"], len(raw["bars"])) == ("SPY", "raw", 1)


def test_a_restart_finds_the_connections_slot_free(start: Start, venue: Any, eventually: Eventually) -> None:
    first = start(venue.url, symbols="SPY")
    eventually(lambda: is_streamed(first, "SPY"), within=20, what="a streamed quote")
    assert first.end() == []
    stopped_at = venue.context.now()
    second = start(venue.url, symbols="SPY")
    eventually(lambda: _newer_than(second, "SPY", stopped_at, "stream"), within=20, what="a streamed quote")
    assert second.alerts == []


def test_a_redis_that_restarts_costs_nothing_but_time(
    tmp_path: Path, start: Start, venue: Any, eventually: Eventually
) -> None:
    server = EmbeddedRedis(tmp_path)
    server.start()
    try:
        running = start(venue.url, redis_url=server.url, symbols="SPY")
        fully_served(running)
        server.stop()
        eventually(lambda: not running.is_ready(), what="not ready")
        restarted_at = venue.context.now()
        server.start()
        eventually(lambda: _newer_than(running, "SPY", restarted_at, "stream"), within=20, what="quotes go on")
        eventually(running.is_ready, what="ready again")
        assert running.states == ["up"]
        assert running.end() == []
    finally:
        server.stop()


class TwelveData(BaseHTTPRequestHandler):
    """Speaks enough of TwelveData to serve one symbol the venue has never heard of."""

    def do_GET(self) -> None:
        dates = [session.date for session in sessions_between(dt.date(2024, 1, 2), dt.date(2030, 1, 1))]
        value = {"open": "1.0", "high": "2.0", "low": "0.5", "close": "1.5", "volume": "10"}
        body = {"meta": {"symbol": "ELSEWHERE"}, "values": [{"datetime": str(d), **value} for d in reversed(dates)]}
        known = "symbol=ELSEWHERE" in self.path
        text = json.dumps({**body, "status": "ok"} if known else {"code": 404, "message": "no", "status": "error"})
        self.send_response(200)
        self.end_headers()
        self.wfile.write(text.encode())

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - the base class's name
        pass


def test_the_second_source_stands_in_for_what_alpaca_does_not_have(
    start: Start, venue: Any, eventually: Eventually
) -> None:
    server = ThreadingHTTPServer(("127.0.0.1", 0), TwelveData)
    thread = threading.Thread(target=server.serve_forever, args=(0.02,))
    thread.start()
    try:
        url = f"http://127.0.0.1:{server.server_address[1]}"
        running = start(venue.url, twelvedata_key="twelve-key", twelvedata_url=url)
        running.want("strategy", '["SPY", "ELSEWHERE", "NOWHERE"]')
        fully_served(running)
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
    body = running.http.get("/bars/ELSEWHERE?days=2").json()
    assert body["source"] == "twelvedata"
    assert body["bars"][-1]["date"] == last_finished_session(venue.context.now()).date.isoformat()
    assert running.http.get("/bars/SPY").json()["source"] == "alpaca"
    eventually(lambda: len(running.alerts) == 2, what="both alerts")
    assert ["ELSEWHERE" in running.alerts[0].detail, "NOWHERE" in running.alerts[1].detail] == [True, True]
    assert "twelve-key" not in str(running.alerts)


def test_the_namespace_keeps_two_houses_apart(house: Any) -> None:
    served, _ = house
    other = RedisBus(served.redis, "another-house")
    assert other.get_all(streams.LATEST_QUOTES) == {}


def _environment(redis_url: str, namespace: str, simulator_url: str, **more: str) -> dict[str, str]:
    mine = {
        "ALCHEMISER_REDIS_URL": redis_url,
        "ALCHEMISER_NAMESPACE": namespace,
        "ALCHEMISER_HTTP_PORT": str(free_port()),
        "ALCHEMISER_HTTP_TOKEN": "a-token-long-enough",
        "SIMULATOR_URL": simulator_url,
        "SIMULATOR_SECRET": "a-secret-of-its-own",
        "MARKETDATA_SYMBOLS": "SPY",
    }
    return {**os.environ, **mine, **more}


def test_the_real_process_serves_stops_on_sigterm_and_shows_no_secret(
    redis_url: str, namespace: str, venue: Any, eventually: Eventually, tmp_path: Path
) -> None:
    environment = _environment(redis_url, namespace, venue.url)
    bus = RedisBus(redis.Redis.from_url(redis_url), namespace)
    with (tmp_path / "log").open("w+") as log:
        process = subprocess.Popen(
            [sys.executable, "-m", "services.marketdata"], env=environment, cwd=ROOT, stdout=log, stderr=log
        )
        try:
            eventually(lambda: bus.get(streams.LATEST_QUOTES, "SPY") is not None, within=30, what="a quote")
            process.send_signal(signal.SIGTERM)
            assert process.wait(15) == 0
        finally:
            process.kill()
            process.wait()
    assert "a-secret-of-its-own" not in (tmp_path / "log").read_text()
    assert "a-token-long-enough" not in (tmp_path / "log").read_text()


def test_a_wrong_setting_ends_the_process_with_one_line(redis_url: str, namespace: str, tmp_path: Path) -> None:
    environment = _environment(redis_url, namespace, "http://127.0.0.1:9", MARKETDATA_MUTE_SECONDS="soon")
    done = subprocess.run(
        [sys.executable, "-m", "services.marketdata"],
        env={**environment, "PYTHONPATH": str(ROOT)},
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert done.returncode == 78
    (line,) = done.stderr.splitlines()
    assert line.startswith("wrong setting: MARKETDATA_MUTE_SECONDS: Input should be a valid number")
    assert line.endswith("got 'soon'")

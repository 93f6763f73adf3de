"""Real defects through the real doors: a venue that serves bars as recorded, a second source over HTTP, Redis, GET /bars."""

from __future__ import annotations

import csv
import datetime as dt
import json
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from itertools import pairwise
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from backtest.recorded_series import read_series
from cli.embedded_redis import free_port
from shared.contracts import streams
from shared.contracts.marketdata import DailyHistory
from shared.quality import unknown_closes

Start = Callable[..., Any]
Eventually = Callable[..., Any]
pytestmark = pytest.mark.data

NOW = dt.datetime(2024, 12, 31, 15, 0, tzinfo=dt.UTC)
SYMBOLS = ("SVXY", "EXC", "KMLM", "SPY", "QQQ", "TLT", "XLK", "XLF", "TQQQ", "UVXY")
"""Ten: how full the feed was on a day is told by eight at least."""


class Answering:
    """A server on a port of its own that answers each GET by a function of path and query."""

    def __init__(self, answer: Callable[[str, dict[str, str]], Any]) -> None:
        self.asked: list[dict[str, str]] = []
        outer = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                parts = urlsplit(self.path)
                query = {name: values[0] for name, values in parse_qs(parts.query).items()}
                outer.asked.append(query)
                body = json.dumps(answer(parts.path, query)).encode()
                self.send_response(200)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - the base class's name
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", free_port()), Handler)
        self._server.daemon_threads = True
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.02,))
        self._thread.start()
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}"

    def stop(self) -> None:
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()


@pytest.fixture
def answering() -> Iterator[Callable[..., Answering]]:
    started: list[Answering] = []

    def start(answer: Callable[[str, dict[str, str]], Any]) -> Answering:
        started.append(Answering(answer))
        return started[-1]

    yield start
    for server in started:
        server.stop()


@pytest.fixture(scope="module")
def feed(market_data_dir: Path) -> dict[str, list[dict[str, Any]]]:
    """The bars of the recorded feed as Alpaca's wire has them."""
    found = {}
    for symbol in SYMBOLS:
        with (market_data_dir / "daily_ohlcv" / f"{symbol}.csv").open() as file:
            found[symbol] = [
                {
                    "t": row["Date"].replace(" ", "T").replace("+00:00", "Z"),
                    "o": float(row["Open"]),
                    "h": float(row["High"]),
                    "l": float(row["Low"]),
                    "c": float(row["Close"]),
                    "v": float(row["Volume"]),
                }
                for row in csv.DictReader(file)
                if row["Date"] < "2024-12-31"
            ]
    return found


@pytest.fixture(scope="module")
def clean(market_data_dir: Path) -> dict[str, dict[dt.date, float]]:
    many = read_series(market_data_dir / "daily_close" / "klm69_2015_2024.csv.gz")
    return {s.symbol: dict(zip(s.dates, s.close.tolist(), strict=True)) for s in many if s.symbol in SYMBOLS}


@pytest.fixture
def venue_with_defects(answering: Callable[..., Answering], feed: dict[str, list[dict[str, Any]]]) -> Answering:
    """A clock, and bars; it has no socket and no quotes, which history does not need."""

    def answer(path: str, query: dict[str, str]) -> Any:
        if path == "/sim/clock":
            return {"now": NOW.isoformat(), "speed": 1.0, "is_open": True}
        if path == "/v2/stocks/bars":
            return {"bars": {s: feed[s] for s in query["symbols"].split(",") if s in feed}, "next_page_token": None}
        return {"quotes": {}}

    return answering(answer)


@pytest.fixture
def second_source(answering: Callable[..., Answering], clean: dict[str, dict[dt.date, float]]) -> Answering:
    """TwelveData's wire with the true closes and the whole tape's volume, newest first."""

    def answer(path: str, query: dict[str, str]) -> Any:
        closes = clean[query["symbol"]]
        first, last = dt.date.fromisoformat(query["start_date"]), dt.date.fromisoformat(query["end_date"])
        rows = [
            {"datetime": str(day), **dict.fromkeys(("open", "high", "low", "close"), str(closes[day])), "volume": "9e8"}
            for day in sorted(closes, reverse=True)
            if first <= day < last
        ]
        return {"meta": {"symbol": query["symbol"]}, "values": rows[:5000], "status": "ok"}

    return answering(answer)


def cached(running: Any, symbol: str) -> DailyHistory | None:
    text = running.redis.get(running.bus.key(streams.daily_history(symbol)))
    return None if text is None else DailyHistory.model_validate_json(text)


def verdicts(running: Any, symbol: str) -> dict[str, tuple[str, str]]:
    """Gate -> verdict and newest date, as GET /bars shows them."""
    findings = running.http.get(f"/bars/{symbol}").json()["findings"]
    return {finding["gate"]: (finding["verdict"], finding["dates"][-1]) for finding in findings}


def fetched(running: Any, eventually: Eventually) -> None:
    running.want("strategy", json.dumps(SYMBOLS))
    eventually(lambda: all(cached(running, symbol) for symbol in SYMBOLS), within=30, what="every history")
    eventually(lambda: running.alerts, within=30, what="what was told of it")


def told(running: Any) -> str:
    return " ".join(f"{alert.severity} {alert.title} {alert.detail}" for alert in running.alerts)


def test_defects_without_a_second_source_are_refused_named_and_shown(
    start: Start, venue_with_defects: Answering, eventually: Eventually
) -> None:
    running = start(venue_with_defects.url, history_start=dt.date(2020, 7, 1))
    fetched(running, eventually)
    assert verdicts(running, "SVXY") == {
        "unapplied split": ("refused", "2024-04-11"),
        "partial bar": ("refused", "2024-12-23"),
    }
    assert verdicts(running, "EXC")["unexplained jump"] == ("refused", "2022-02-02")
    assert verdicts(running, "KMLM")["missing session"] == ("refused", "2022-06-06")
    assert {verdicts(running, symbol)["partial bar"] for symbol in SYMBOLS} == {("refused", "2024-12-23")}
    eventually(lambda: "SVXY (" in told(running), what="the alert")
    for said in ("SVXY (unapplied split 2024-04-11", "EXC (unexplained jump 2022-02-02", "partial bar 2024-12-23"):
        assert said in told(running)
    history = cached(running, "SVXY")
    assert history is not None
    unknown = unknown_closes(history.dates, history.findings, NOW.date())
    assert dt.date(2024, 4, 10) in unknown
    assert dt.date(2024, 4, 11) not in unknown


def test_the_second_source_repairs_them_to_its_closes(
    start: Start,
    venue_with_defects: Answering,
    second_source: Answering,
    clean: dict[str, dict[dt.date, float]],
    eventually: Eventually,
) -> None:
    running = start(
        venue_with_defects.url,
        history_start=dt.date(2020, 7, 1),
        twelvedata_key="twelve-key",
        twelvedata_url=second_source.url,
    )
    fetched(running, eventually)
    eventually(lambda: "repaired from twelvedata" in told(running), within=30, what="what was repaired")
    assert {asked["adjust"] for asked in second_source.asked} == {"all"}
    assert verdicts(running, "SVXY")["unapplied split"] == ("repaired", "2024-04-11")
    assert verdicts(running, "EXC")["unexplained jump"] == ("repaired", "2022-02-02")
    assert verdicts(running, "KMLM")["missing session"] == ("repaired", "2022-06-06")
    for symbol in SYMBOLS:
        assert verdicts(running, symbol)["partial bar"] == ("repaired", "2024-12-23")
        history = cached(running, symbol)
        assert history is not None
        stray = {dt.date(2018, 11, 1)} if symbol == "SPY" else set()
        assert set(unknown_closes(history.dates, history.findings, NOW.date())) == stray
        assert history.source == "alpaca"
        assert widest_difference_of_moves(history, clean[symbol]) < 0.05
    assert "twelve-key" not in told(running)


def widest_difference_of_moves(history: DailyHistory, true: dict[dt.date, float]) -> float:
    """Of daily returns, since the two are adjusted from different last days."""
    mine = dict(zip(history.dates, history.close, strict=True))
    days = sorted(mine.keys() & true.keys())
    return max(abs(mine[b] / mine[a] - true[b] / true[a]) for a, b in pairwise(days))

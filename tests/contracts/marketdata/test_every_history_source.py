"""What every source of daily bars promises: one suite for Alpaca's and TwelveData's wires and for the in-memory twin."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from itertools import pairwise
from typing import Any

import pytest
from pydantic import SecretStr

from services.marketdata.adapters.alpaca_rest import data_client
from services.marketdata.adapters.history_alpaca import AlpacaHistory
from services.marketdata.adapters.history_memory import MemoryHistory
from services.marketdata.adapters.history_twelvedata import TwelveDataHistory
from services.marketdata.adapters.polite_http import Politeness
from services.marketdata.domain.history import DailyBar
from services.marketdata.ports import HistorySource, SourceUnavailableError
from shared.sessions import NEW_YORK, sessions_between
from shared.settings import Venue

FIRST, LAST = dt.date(2023, 5, 1), dt.date(2024, 6, 3)
NOW = dt.datetime(2024, 6, 3, 15, 0, tzinfo=dt.UTC)
DATES = [session.date for session in sessions_between(FIRST, LAST)]
BARS = {
    "SPY": [DailyBar(date, 100.5 + n, 102.0 + n, 99.0 + n, 101.25 + n, 1e6 + n) for n, date in enumerate(DATES)],
    "TQQQ": [DailyBar(date, 50.5, 52.0, 49.0, 51.25, 5e5) for date in DATES[-7:]],
}
HASTE = Politeness(attempts=3, first_wait_seconds=0.001, longest_wait_seconds=0.01, read_seconds=2)


class AlpacaBars:
    """Multi-symbol bars in pages of `page` points, symbol by symbol, as Alpaca serves them."""

    def __init__(self, server: Any, answer: type[Any], *, page: int = 100) -> None:
        self.server, self.answer, self.page = server, answer, page
        self.failures: list[Any] = []
        self.garbled: set[str] = set()
        server.answer = self.serve

    def serve(self, asked: Any) -> Any:
        if self.failures:
            return self.failures.pop(0)
        assert asked.path == "/v2/stocks/bars"
        first = dt.datetime.fromisoformat(asked.query["start"]).astimezone(NEW_YORK).date()
        last = dt.datetime.fromisoformat(asked.query["end"]).astimezone(NEW_YORK).date()
        points = [
            (symbol, row)
            for symbol in sorted(asked.query["symbols"].split(","))
            for row in BARS.get(symbol, [])
            if first <= row.date <= last
        ]
        start = int(asked.query.get("page_token", "0"))
        bars: dict[str, list[Any]] = {}
        for symbol, row in points[start : start + self.page]:
            bars.setdefault(symbol, []).append(self.point(symbol, row))
        more = start + self.page < len(points)
        return self.answer({"bars": bars, "next_page_token": str(start + self.page) if more else None})

    def point(self, symbol: str, row: DailyBar) -> dict[str, Any]:
        at = dt.datetime.combine(row.date, dt.time(), NEW_YORK).astimezone(dt.UTC)
        close = "n/a" if symbol in self.garbled else row.close
        stamp = at.isoformat().replace("+00:00", "Z")
        return {
            "t": stamp,
            "o": row.open,
            "h": row.high,
            "l": row.low,
            "c": close,
            "v": int(row.volume),
            "n": 1,
            "vw": 1,
        }

    def fail(self, status: int, times: int) -> None:
        self.failures += [self.answer({"message": "no"}, status)] * times


class TwelveSeries:
    """/time_series as TwelveData serves it: newest first, strings, errors with status 200."""

    def __init__(self, server: Any, answer: type[Any]) -> None:
        self.server, self.answer = server, answer
        self.failures: list[Any] = []
        self.garbled: set[str] = set()
        server.answer = self.serve

    def serve(self, asked: Any) -> Any:
        if self.failures:
            return self.failures.pop(0)
        query = asked.query
        assert (asked.path, query["interval"]) == ("/time_series", "1day")
        symbol, first, end = query["symbol"], query["start_date"], query["end_date"]
        rows = [row for row in BARS.get(symbol, []) if first <= row.date.isoformat() < end]
        if not rows:
            return self.answer({"code": 404, "message": f"symbol {symbol} not found", "status": "error"})
        newest = rows[-int(query["outputsize"]) :]
        return self.answer(
            {"meta": {"symbol": symbol}, "values": [self.point(symbol, r) for r in reversed(newest)], "status": "ok"}
        )

    def point(self, symbol: str, row: DailyBar) -> dict[str, str]:
        close = "n/a" if symbol in self.garbled else f"{row.close:.5f}"
        volume = str(int(row.volume))
        return {
            "datetime": row.date.isoformat(),
            "open": f"{row.open:.5f}",
            "high": f"{row.high:.5f}",
            "low": f"{row.low:.5f}",
            "close": close,
            "volume": volume,
        }

    def fail(self, status: int, times: int) -> None:
        self.failures += [self.answer({"code": status, "message": "no", "status": "error"})] * times


class TwinSide:
    def __init__(self, twin: MemoryHistory) -> None:
        self.twin = twin

    @property
    def garbled(self) -> Any:
        side = self

        class Marks:
            def add(self, symbol: str) -> None:
                side.twin.rows.pop(symbol)
                side.twin.faults[symbol] = "close: expected a number, got 'n/a'"

        return Marks()

    def fail(self, status: int, times: int) -> None:
        if times >= HASTE.attempts or status in {401, 403}:
            self.twin.outage = f"status {status}"


@pytest.fixture(params=["alpaca", "twelvedata", "memory"])
def both(request: pytest.FixtureRequest, a_venue: Callable[..., Venue], answer: type[Any]) -> tuple[HistorySource, Any]:
    """A source and the other end of its wire."""
    if request.param == "memory":
        twin = MemoryHistory(rows=BARS)
        return twin, TwinSide(twin)
    server = request.getfixturevalue("http_server")
    if request.param == "alpaca":
        source = AlpacaHistory(data_client(a_venue(server.url), HASTE), "iex", batch=2)
        return source, AlpacaBars(server, answer)
    return TwelveDataHistory(server.url, SecretStr("twelve-key"), HASTE), TwelveSeries(server, answer)


def test_all_rows_come_in_order_however_many_pages(both: tuple[HistorySource, Any]) -> None:
    source, _ = both
    fetched = source.daily(["SPY", "TQQQ"], FIRST, NOW, "all")
    assert {symbol: list(rows) for symbol, rows in fetched.rows.items()} == BARS
    assert all(a.date < b.date for a, b in pairwise(fetched.rows["SPY"]))


def test_nothing_before_the_first_date_is_brought(both: tuple[HistorySource, Any]) -> None:
    source, _ = both
    fetched = source.daily(["SPY"], dt.date(2024, 5, 28), NOW, "all")
    assert [row.date.day for row in fetched.rows["SPY"]] == [28, 29, 30, 31, 3]


def test_a_symbol_without_data_is_absent_and_costs_the_others_nothing(both: tuple[HistorySource, Any]) -> None:
    source, _ = both
    fetched = source.daily(["SPY", "NOPE", "TQQQ"], FIRST, NOW, "all")
    assert set(fetched.rows) == {"SPY", "TQQQ"}
    assert fetched.faults == {}


def test_a_symbol_that_cannot_be_read_is_named_and_costs_the_others_nothing(both: tuple[HistorySource, Any]) -> None:
    source, other_end = both
    other_end.garbled.add("TQQQ")
    fetched = source.daily(["SPY", "TQQQ"], FIRST, NOW, "all")
    assert set(fetched.rows) == {"SPY"}
    assert "close: expected a number, got 'n/a'" in fetched.faults["TQQQ"]


@pytest.mark.parametrize("status", [429, 500, 503])
def test_a_short_failure_is_outlived(both: tuple[HistorySource, Any], status: int) -> None:
    source, other_end = both
    other_end.fail(status, 2)
    assert set(source.daily(["SPY"], FIRST, NOW, "all").rows) == {"SPY"}


def test_a_lasting_failure_is_said_with_its_status(both: tuple[HistorySource, Any]) -> None:
    source, other_end = both
    other_end.fail(503, 50)
    with pytest.raises(SourceUnavailableError, match="503"):
        source.daily(["SPY"], FIRST, NOW, "all")

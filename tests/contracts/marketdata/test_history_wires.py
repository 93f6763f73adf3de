"""What only Alpaca's and TwelveData's own wires can do to us."""

from __future__ import annotations

import datetime as dt
import threading
import time
from collections.abc import Callable
from typing import Any

import pytest
from pydantic import SecretStr

from services.marketdata.adapters.alpaca_rest import data_client
from services.marketdata.adapters.history_alpaca import AlpacaHistory
from services.marketdata.adapters.history_twelvedata import TwelveDataHistory
from services.marketdata.adapters.latest_alpaca import AlpacaLatest
from services.marketdata.adapters.latest_memory import MemoryLatest
from services.marketdata.adapters.polite_http import Politeness
from services.marketdata.domain.quotes import ObservedQuote
from services.marketdata.ports import HistorySource, LatestQuotes, SourceUnavailableError
from shared.settings import Venue

FIRST = dt.date(2010, 1, 1)
NOW = dt.datetime(2024, 6, 3, 15, 0, tzinfo=dt.UTC)
HASTE = Politeness(attempts=2, first_wait_seconds=0.001, longest_wait_seconds=0.01, read_seconds=2)
BAR = {"t": "2024-05-31T04:00:00Z", "o": 1, "h": 2, "l": 0.5, "c": 1.5, "v": 10, "n": 1, "vw": 1}


@pytest.fixture
def alpaca(http_server: Any, a_venue: Callable[..., Venue]) -> AlpacaHistory:
    return AlpacaHistory(data_client(a_venue(http_server.url), HASTE), "iex")


@pytest.fixture
def twelvedata(http_server: Any) -> TwelveDataHistory:
    return TwelveDataHistory(http_server.url, SecretStr("twelve-key"), HASTE)


def test_alpaca_is_asked_with_feed_adjustment_range_and_credentials_spelled_out(
    alpaca: AlpacaHistory, http_server: Any, answer: type[Any]
) -> None:
    http_server.answer = lambda _asked: answer({"bars": {"SPY": [BAR]}, "next_page_token": None})
    alpaca.daily(["SPY"], FIRST, NOW, "all")
    (asked,) = http_server.asked
    assert asked.query["feed"] == "iex"
    assert asked.query["adjustment"] == "all"
    assert asked.query["timeframe"] == "1Day"
    assert asked.query["start"].startswith("2010-01-01T05:00:00")
    assert asked.query["end"].startswith("2024-06-03T15:00:00")
    assert (asked.headers["apca-api-key-id"], asked.headers["apca-api-secret-key"]) == ("the-key", "the-secret")


@pytest.mark.parametrize("status", [400, 422])
def test_one_symbol_that_alpaca_refuses_does_not_cost_the_others(
    alpaca: AlpacaHistory, http_server: Any, answer: type[Any], status: int
) -> None:
    def serve(asked: Any) -> Any:
        symbols = asked.query["symbols"].split(",")
        if "BAD" in symbols:
            return answer({"message": "invalid symbol: BAD"}, status)
        return answer({"bars": {symbol: [BAR] for symbol in symbols}, "next_page_token": None})

    http_server.answer = serve
    fetched = alpaca.daily(["SPY", "BAD", "QQQ"], FIRST, NOW, "all")
    assert set(fetched.rows) == {"SPY", "QQQ"}
    assert "invalid symbol: BAD" in fetched.faults["BAD"]


@pytest.mark.parametrize("status", [401, 403])
def test_a_wrong_key_is_an_outage_and_not_the_absence_of_data(
    alpaca: AlpacaHistory, http_server: Any, answer: type[Any], status: int
) -> None:
    http_server.answer = lambda _asked: answer({"message": "forbidden."}, status)
    with pytest.raises(SourceUnavailableError, match=str(status)):
        alpaca.daily(["SPY", "QQQ"], FIRST, NOW, "all")
    assert len(http_server.asked) == 1


def test_recent_sip_data_that_the_plan_forbids_is_given_up(
    http_server: Any, a_venue: Callable[..., Venue], answer: type[Any]
) -> None:
    def serve(asked: Any) -> Any:
        if asked.query["end"].startswith("2024-06-03T15:00"):
            return answer({"message": "subscription does not permit querying recent SIP data"}, 403)
        return answer({"bars": {"SPY": [BAR]}, "next_page_token": None})

    http_server.answer = serve
    source = AlpacaHistory(data_client(a_venue(http_server.url), HASTE), "sip")
    assert set(source.daily(["SPY"], FIRST, NOW, "all").rows) == {"SPY"}
    assert http_server.asked[-1].query["end"].startswith("2024-06-03T14:44")


@pytest.mark.parametrize(
    "body",
    [
        b"<html>502</html>",
        b"",
        b"[]",
        b"7",
        b'"bars"',
        b'{"bars": null}',
        b'{"bars": [1]}',
        b'{"nothing": {}}',
        b'{"bars": {}, "quotes": {}}',
        b'{"bars": {"SPY": ',
    ],
)
def test_an_answer_of_alpaca_that_is_no_answer_is_an_outage_and_not_an_empty_history(
    alpaca: AlpacaHistory, http_server: Any, answer: type[Any], body: bytes
) -> None:
    http_server.answer = lambda _asked: answer(body)
    with pytest.raises(SourceUnavailableError, match=r"^alpaca: "):
        alpaca.daily(["SPY"], FIRST, NOW, "all")


@pytest.mark.parametrize(
    ("row", "names"),
    [
        (7, "expected an object"),
        ({**BAR, "t": None}, "t: expected an instant"),
        ({**BAR, "t": "2024-05-31T04:00:00"}, "t: expected an instant with a time zone"),
        ({**BAR, "t": "yesterday"}, "t: expected an instant"),
        ({**BAR, "o": None}, "open: expected a number"),
        ({**BAR, "v": True}, "volume: expected a number"),
        ({k: v for k, v in BAR.items() if k != "l"}, "low: expected a number"),
    ],
)
def test_a_row_of_alpaca_that_cannot_be_read_names_its_field(
    alpaca: AlpacaHistory, http_server: Any, answer: type[Any], row: Any, names: str
) -> None:
    http_server.answer = lambda _asked: answer({"bars": {"SPY": [BAR, row]}, "next_page_token": None})
    fetched = alpaca.daily(["SPY"], FIRST, NOW, "all")
    assert "SPY" not in fetched.rows
    assert names in fetched.faults["SPY"]


def test_a_failing_page_costs_that_page_only(alpaca: AlpacaHistory, http_server: Any, answer: type[Any]) -> None:
    answers = [
        answer({"bars": {"SPY": [BAR]}, "next_page_token": "x"}),
        answer({"message": "rate limit exceeded"}, 429),
        answer({"bars": {"SPY": [{**BAR, "t": "2024-06-03T04:00:00Z"}]}, "next_page_token": None}),
    ]
    http_server.answer = lambda _asked: answers.pop(0)
    assert len(alpaca.daily(["SPY"], FIRST, NOW, "all").rows["SPY"]) == 2
    assert [asked.query.get("page_token") for asked in http_server.asked] == [None, "x", "x"]


@pytest.mark.parametrize("source_name", ["alpaca", "twelvedata"])
def test_the_servers_word_on_when_to_ask_again_is_kept(
    http_server: Any, a_venue: Callable[..., Venue], answer: type[Any], source_name: str
) -> None:
    waits: list[float] = []
    polite = Politeness(attempts=4, sleep=waits.append, epoch=lambda: 1_000.0, longest_wait_seconds=65)
    limited = {"code": 429, "message": "slow down", "status": "error"}
    answers = [
        answer(limited, 429, {"Retry-After": "7"}),
        answer(limited, 429, {"X-RateLimit-Reset": "1042"}),
        answer(limited, 429, {"X-RateLimit-Reset": "9999"}),
        answer({"message": "enough", "code": 403, "status": "error"}, 403),
    ]
    http_server.answer = lambda _asked: answers.pop(0)
    source: HistorySource = (
        AlpacaHistory(data_client(a_venue(http_server.url), polite), "iex")
        if source_name == "alpaca"
        else TwelveDataHistory(http_server.url, SecretStr("k"), polite)
    )
    with pytest.raises(SourceUnavailableError, match="403"):
        source.daily(["SPY"], FIRST, NOW, "all")
    assert waits == [7.0, 42.0, 65.0]


def test_a_server_that_stalls_is_given_up(http_server: Any, a_venue: Callable[..., Venue], answer: type[Any]) -> None:
    release = threading.Event()

    def stall(_asked: Any) -> Any:
        release.wait(10)
        return answer({})

    http_server.answer = stall
    hurry = Politeness(attempts=1, read_seconds=0.1)
    started = time.monotonic()
    try:
        with pytest.raises(SourceUnavailableError, match="ReadTimeout"):
            AlpacaHistory(data_client(a_venue(http_server.url), hurry), "iex").daily(["SPY"], FIRST, NOW, "all")
        with pytest.raises(SourceUnavailableError, match="ReadTimeout"):
            TwelveDataHistory(http_server.url, SecretStr("k"), hurry).daily(["SPY"], FIRST, NOW, "all")
    finally:
        release.set()
    assert time.monotonic() - started < 5


def test_nobody_there_is_an_outage(a_venue: Callable[..., Venue]) -> None:
    with pytest.raises(SourceUnavailableError, match="ConnectionError"):
        AlpacaHistory(data_client(a_venue("http://127.0.0.1:9"), HASTE), "iex").daily(["SPY"], FIRST, NOW, "all")
    with pytest.raises(SourceUnavailableError, match="ConnectError"):
        TwelveDataHistory("http://127.0.0.1:9", SecretStr("k"), HASTE).daily(["SPY"], FIRST, NOW, "all")


def test_twelvedatas_key_travels_in_a_header_and_never_in_the_url(
    twelvedata: TwelveDataHistory, http_server: Any, answer: type[Any]
) -> None:
    value = {"datetime": "2024-05-31", "open": "1", "high": "2", "low": "0.5", "close": "1.5", "volume": "10"}
    http_server.answer = lambda _asked: answer({"meta": {}, "values": [value], "status": "ok"})
    twelvedata.daily(["SPY"], FIRST, NOW, "all")
    (asked,) = http_server.asked
    assert asked.headers["authorization"] == "apikey twelve-key"
    assert "twelve-key" not in str(asked.query)
    assert (asked.query["adjust"], asked.query["outputsize"]) == ("all", "5000")


@pytest.mark.parametrize(("adjustment", "spelled"), [("raw", "none"), ("split", "splits"), ("dividend", "dividends")])
def test_twelvedata_is_told_the_adjustment_in_its_own_words(
    twelvedata: TwelveDataHistory, http_server: Any, answer: type[Any], adjustment: Any, spelled: str
) -> None:
    http_server.answer = lambda _asked: answer({"code": 404, "message": "none", "status": "error"})
    twelvedata.daily(["SPY"], FIRST, NOW, adjustment)
    assert http_server.asked[0].query["adjust"] == spelled


def test_twelvedata_is_asked_backwards_while_its_pages_are_full(
    twelvedata: TwelveDataHistory, http_server: Any, answer: type[Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("services.marketdata.adapters.history_twelvedata._PAGE", 2)
    days = ["2024-05-28", "2024-05-29", "2024-05-30", "2024-05-31"]

    def serve(asked: Any) -> Any:
        found = [day for day in days if day < asked.query["end_date"]][-2:]
        if not found:
            return answer({"code": 400, "message": "No data is available on the specified dates", "status": "error"})
        row = {"open": "1", "high": "2", "low": "0.5", "close": "1.5", "volume": "10"}
        return answer({"values": [{"datetime": day, **row} for day in reversed(found)], "status": "ok"})

    http_server.answer = serve
    fetched = twelvedata.daily(["SPY"], FIRST, NOW, "all")
    assert [row.date.isoformat() for row in fetched.rows["SPY"]] == days


@pytest.mark.parametrize(
    ("body", "status", "says"),
    [
        ({"code": 401, "message": "wrong key", "status": "error"}, 200, "code 401: wrong key"),
        ({"message": "forbidden"}, 403, "code 403: forbidden"),
        (b"<html>", 200, "expected JSON"),
        (b"<html>", 502, "status 502"),
        ([1], 200, "expected an object"),
        ({"status": "ok"}, 200, "values: expected a list"),
        ({"values": {"a": 1}}, 200, "values: expected a list"),
    ],
)
def test_an_answer_of_twelvedata_that_is_no_answer_is_an_outage(
    twelvedata: TwelveDataHistory, http_server: Any, body: Any, status: int, says: str
) -> None:
    http_server.answer = lambda _asked: http_server.Answer(body, status)
    with pytest.raises(SourceUnavailableError, match=says):
        twelvedata.daily(["SPY"], FIRST, NOW, "all")


@pytest.mark.parametrize(
    ("value", "names"),
    [
        ("row", "expected an object"),
        ({"datetime": "soon"}, "datetime: expected a date"),
        ({"datetime": "2024-05-31", "open": "1", "high": "x"}, "high: expected a number"),
        ({"datetime": "2024-05-31", "open": None}, "open: expected a number"),
    ],
)
def test_a_row_of_twelvedata_that_cannot_be_read_names_its_field(
    twelvedata: TwelveDataHistory, http_server: Any, answer: type[Any], value: Any, names: str
) -> None:
    http_server.answer = lambda _asked: answer({"values": [value], "status": "ok"})
    assert names in twelvedata.daily(["SPY"], FIRST, NOW, "all").faults["SPY"]


QUOTE = {"t": "2024-06-03T15:00:00.123456789Z", "bp": 10.0, "bs": 100, "ap": 10.1, "as": 200, "c": ["R"], "z": "C"}
SEEN = ObservedQuote("SPY", NOW.replace(microsecond=123456), 10.0, 100, 10.1, 200, "rest")


@pytest.fixture(params=["alpaca", "memory"])
def latest(
    request: pytest.FixtureRequest, http_server: Any, a_venue: Callable[..., Venue], answer: type[Any]
) -> tuple[LatestQuotes, Callable[[], None]]:
    """A source of newest quotes that knows SPY, and how to break it."""
    if request.param == "memory":
        twin = MemoryLatest()
        twin.quotes["SPY"] = SEEN
        return twin, lambda: setattr(twin, "outage", "status 500")
    http_server.answer = lambda _asked: answer({"quotes": {"SPY": QUOTE}})
    source = AlpacaLatest(data_client(a_venue(http_server.url), HASTE), "iex")
    return source, lambda: setattr(http_server, "answer", lambda _asked: answer({"message": "no"}, 500))


def test_the_newest_quotes_are_brought_and_unknown_symbols_are_absent(
    latest: tuple[LatestQuotes, Callable[[], None]],
) -> None:
    assert list(latest[0].latest(["NOPE", "SPY"])) == [SEEN]


def test_rest_that_fails_is_an_outage(latest: tuple[LatestQuotes, Callable[[], None]]) -> None:
    latest[1]()
    with pytest.raises(SourceUnavailableError, match="500"):
        latest[0].latest(["SPY"])


def test_alpacas_newest_quotes_are_asked_with_the_feed_spelled_out_and_in_bearable_portions(
    http_server: Any, a_venue: Callable[..., Venue], answer: type[Any]
) -> None:
    http_server.answer = lambda _asked: answer({"quotes": {}})
    AlpacaLatest(data_client(a_venue(http_server.url), HASTE), "sip").latest([f"X{n}" for n in range(450)])
    assert [len(asked.query["symbols"].split(",")) for asked in http_server.asked] == [200, 200, 50]
    assert {asked.query["feed"] for asked in http_server.asked} == {"sip"}


def test_a_symbol_that_alpaca_refuses_is_found_once_and_costs_the_others_nothing(
    http_server: Any, a_venue: Callable[..., Venue], answer: type[Any]
) -> None:
    def serve(asked: Any) -> Any:
        symbols = asked.query["symbols"].split(",")
        if "BAD" in symbols:
            return answer({"message": "invalid symbol: BAD"}, 400)
        return answer({"quotes": dict.fromkeys(symbols, QUOTE)})

    http_server.answer = serve
    source = AlpacaLatest(data_client(a_venue(http_server.url), HASTE), "iex")
    assert [quote.symbol for quote in source.latest(["AAA", "BAD", "CCC", "DDD"])] == ["AAA", "CCC", "DDD"]
    http_server.asked.clear()
    assert [quote.symbol for quote in source.latest(["AAA", "BAD", "CCC"])] == ["AAA", "CCC"]
    assert len(http_server.asked) == 1


def test_a_wrong_key_makes_rest_an_outage(http_server: Any, a_venue: Callable[..., Venue], answer: type[Any]) -> None:
    http_server.answer = lambda _asked: answer({"message": "forbidden."}, 403)
    source = AlpacaLatest(data_client(a_venue(http_server.url), HASTE), "iex")
    with pytest.raises(SourceUnavailableError, match="403"):
        source.latest(["SPY", "QQQ"])

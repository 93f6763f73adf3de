"""A recorded file that is not what it says is refused at load: file, line, field, value and expectation are named."""

from __future__ import annotations

from pathlib import Path

import pytest

from services.simulator.adapters.recorded_files import RecordedDataError
from services.simulator.adapters.recorded_market import recordings_in
from tests.unit.simulator.market.recordings import DAILY, DataDirectory

GOOD = "2024-06-03,10,11,9,10.5,1000"
MINUTE = "2019-12-24 09:30:00-05:00,10,11,9,10.5,100,0,0"
QUOTE = "34200000,100000,100000,100000,100000,100,100100,100100,100100,100100,100"
TRADE = "34200000,100000,100000,100000,100000,100"


@pytest.fixture
def data(tmp_path: Path) -> DataDirectory:
    return DataDirectory(tmp_path)


@pytest.mark.parametrize(
    ("row", "complaint"),
    [
        ("2024-06-04,x,11,9,10.5,1000", r"SPY.csv, line 3, Open: expected a price above 0, got 'x'"),
        ("2024-06-04,10,nan,9,10.5,1000", r"line 3, High: expected a price above 0, got 'nan'"),
        ("2024-06-04,10,inf,9,10.5,1000", r"line 3, High: expected a price above 0, got 'inf'"),
        ("2024-06-04,10,11,-9,10.5,1000", r"line 3, Low: expected a price above 0, got '-9'"),
        ("2024-06-04,10,11,9,0,1000", r"line 3, Close: expected a price above 0, got '0'"),
        ("2024-06-04,10,11,9,,1000", r"line 3, Close: expected a price above 0, got ''"),
        (
            "2024-06-04,10,10.2,9,10.5,1000",
            r"High/Low: expected a range around open 10.0 and close 10.5, got \(10.2, 9.0\)",
        ),
        ("2024-06-04,10,11,10.2,10.5,1000", r"High/Low: expected a range around open 10.0"),
        ("2024-06-04,10,11,9,10.5,-1", r"line 3, Volume: expected a number of shares, 0 or more, got '-1'"),
        ("2024-06-04,10,11,9,10.5,many", r"line 3, Volume: expected a number of shares, 0 or more, got 'many'"),
        ("2024-06-04,10,11,9,10.5,nan", r"line 3, Volume: expected"),
        ("2024-06-03,10,11,9,10.5,1000", r"line 3, Date: expected a date after 2024-06-03"),
        ("2024-06-08,10,11,9,10.5,1000", r"line 3, Date: expected the date of a trading session, got '2024-06-08'"),
        ("2024-13-01,10,11,9,10.5,1000", r"line 3, Date: expected a date as YYYY-MM-DD, got '2024-13-01'"),
        ("2024-06-04 09:30:00-04:00,10,11,9,10.5,10.5,1000", r"line 3, Date: expected 00:00 New York"),
        ("2024-06-04,10", r"line 3, number of fields: expected 7, got 2"),
        ("", r"line 3, number of fields: expected 7, got 1"),
    ],
)
def test_a_bad_daily_row_is_named(data: DataDirectory, row: str, complaint: str) -> None:
    data.daily("SPY", GOOD, row)
    with pytest.raises(RecordedDataError, match=complaint):
        recordings_in(data.root)


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("", r"SPY.csv, line 1, header: expected Date,Open,High,Low,Close,Adj Close,Volume, got ''"),
        (DAILY, r"SPY.csv: expected at least one line"),
        ("Date,Close\n2024-06-03,1", r"line 1, header: expected Date,Open"),
        (DAILY + ",Extra\n", r"line 1, header: expected"),
    ],
)
def test_a_daily_file_without_its_header_or_rows_is_refused(data: DataDirectory, text: str, complaint: str) -> None:
    data.write("daily_ohlcv/SPY.csv", text)
    with pytest.raises(RecordedDataError, match=complaint):
        recordings_in(data.root)


@pytest.mark.parametrize(
    ("lines", "complaint"),
    [
        (["date,SPY,SPY", "2024-06-03,1,2"], r"line 1, header: expected 'date' and different symbols"),
        (["day,SPY", "2024-06-03,1"], r"line 1, header: expected 'date' and different symbols"),
        (["date,SPY", "2024-06-03,zero"], r"line 2, SPY: expected a price above 0, got 'zero'"),
        (["date,SPY", "2024-06-03,-3"], r"line 2, SPY: expected a price above 0, got '-3'"),
        (["date,SPY", "2024-06-03,nan"], r"line 2, SPY: expected a price above 0, got 'nan'"),
        (["date,SPY", "2024-06-03,1", "2024-06-03,1"], r"line 3, date: expected a date after 2024-06-03"),
        (["date,SPY", "2024-06-02,1"], r"line 2, date: expected the date of a trading session"),
        (["date,SPY", "2024-06-03,1,2"], r"line 2, number of fields: expected 2, got 3"),
        (["date,SPY"], r"expected at least one line"),
    ],
)
def test_bad_adjusted_closes_are_named(data: DataDirectory, lines: list[str], complaint: str) -> None:
    data.adjusted(*lines)
    with pytest.raises(RecordedDataError, match=complaint):
        recordings_in(data.root)


@pytest.mark.parametrize(
    ("row", "complaint"),
    [
        ("2019-12-24 09:31:00,10,11,9,10.5,100,0,0", r"line 3, Datetime: expected a whole minute with its offset"),
        ("2019-12-24 09:31:30-05:00,10,11,9,10.5,100,0,0", r"line 3, Datetime: expected a whole minute"),
        ("noon,10,11,9,10.5,100,0,0", r"line 3, Datetime: expected an ISO date and time"),
        ("2019-12-25 09:31:00-05:00,10,11,9,10.5,100,0,0", r"line 3, Datetime: expected a minute of a trading session"),
        ("2019-12-24 09:31:00-05:00,10,9,9,10.5,100,0,0", r"line 3, High/Low"),
        (
            "2019-12-24 09:30:00-05:00,10,11,9,10.4,100,0,0",
            r"line 3, Open/High/Low/Close: expected the prices of line 2",
        ),
        ("2019-12-24 09:31:00-05:00,10,11,9,10.5,?,0,0", r"line 3, Volume"),
    ],
)
def test_a_bad_minute_is_named(data: DataDirectory, row: str, complaint: str) -> None:
    data.minutes("SPY", MINUTE, row)
    with pytest.raises(RecordedDataError, match=complaint):
        recordings_in(data.root)


@pytest.mark.parametrize(
    ("quotes", "trades", "complaint"),
    [
        (QUOTE.replace("34200000", "noon"), TRADE, r"quote.zip, line 1, Time: expected a whole number, got 'noon'"),
        (QUOTE + "\n" + QUOTE, TRADE, r"quote.zip, line 2, Time: expected milliseconds of the day, later than"),
        (QUOTE.replace("34200000", "86400000"), TRADE, r"line 1, Time: expected milliseconds of the day"),
        (QUOTE + ",7", TRADE, r"line 1, number of fields: expected 11, got 12"),
        (QUOTE.replace("100100", "-5"), TRADE, r"line 1, Ask Open: expected a price above 0"),
        (QUOTE, "34200000,100000,99999,100000,100000,100", r"trade.zip, line 1, High: expected a high and a low"),
        (QUOTE, "34200000,100000,100000.5,100000,100000,100", r"trade.zip, line 1, High: expected a whole number"),
        (QUOTE, "", r"trade.zip"),
    ],
)
def test_bad_ticks_are_named(data: DataDirectory, quotes: str, trades: str, complaint: str) -> None:
    data.ticks("ibm", "20131007", quotes, trades)
    with pytest.raises(RecordedDataError, match=complaint):
        recordings_in(data.root)


def test_what_is_no_file_of_its_kind_is_refused(data: DataDirectory, tmp_path: Path) -> None:
    data.write_bytes("daily_ohlcv/SPY.csv", b"\xff\xfe")
    with pytest.raises(RecordedDataError, match=r"SPY.csv: expected UTF-8 text, got byte 0xff"):
        recordings_in(data.root)
    other = DataDirectory(tmp_path / "other").write("daily_close/core.csv.gz", "date,SPY\n")
    with pytest.raises(RecordedDataError, match=r"core.csv.gz: expected a readable file"):
        recordings_in(other.root)
    third = DataDirectory(tmp_path / "third").write("lean/daily/spy.zip", "no zip")
    with pytest.raises(RecordedDataError, match=r"spy.zip: expected a zip of one CSV file"):
        recordings_in(third.root)
    fourth = DataDirectory(tmp_path / "fourth").zipped("lean/daily/spy.zip", "a", "b")
    with pytest.raises(RecordedDataError, match=r"expected a zip of one CSV file, got 2"):
        recordings_in(fourth.root)


@pytest.mark.parametrize(
    ("name", "complaint"),
    [
        ("20131005", "expected the date of a trading session in the name"),
        ("2013", "expected a name like 20131007_quote.zip"),
    ],
)
def test_the_date_in_a_name_is_checked(data: DataDirectory, name: str, complaint: str) -> None:
    data.ticks("ibm", name, QUOTE, TRADE)
    with pytest.raises(RecordedDataError, match=complaint):
        recordings_in(data.root)


def test_quotes_without_their_trades_are_refused(data: DataDirectory) -> None:
    data.zipped("lean/second/ibm/20131007_quote.zip", QUOTE)
    with pytest.raises(RecordedDataError, match=r"20131007_trade.zip: expected the trades that belong to"):
        recordings_in(data.root)


def test_a_directory_that_is_not_there_or_holds_nothing_is_refused(data: DataDirectory, tmp_path: Path) -> None:
    with pytest.raises(RecordedDataError, match="expected a directory of recorded market data"):
        recordings_in(tmp_path / "missing")
    with pytest.raises(RecordedDataError, match="expected daily_ohlcv"):
        recordings_in(tmp_path)


def test_a_file_name_that_is_no_symbol_is_refused(data: DataDirectory) -> None:
    data.daily("not a symbol", GOOD)
    with pytest.raises(RecordedDataError, match="expected a symbol as its name"):
        recordings_in(data.root)

"""Recorded prices from files, in every shape that is taken, and refused by name in every other."""

from __future__ import annotations

import gzip
import io
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from backtest.history import HistoryError, read_closes, read_folder

WIDE = "date,SPY,BIL\n2024-01-02,100.5,90\n2024-01-03,,91\n"
LONG = "symbol,date,close\nBIL,2024-01-02,90\nBIL,2024-01-03,91\nSPY,2024-01-02,100.5\n"


def written(folder: Path, name: str, text: str) -> Path:
    path = folder / name
    path.write_text(text)
    return path


@pytest.mark.parametrize("text", [WIDE, LONG, WIDE.replace("date", "Datetime"), LONG.replace("close", "Close")])
def test_wide_and_long_files_are_the_same_table(tmp_path: Path, text: str) -> None:
    closes = read_closes(written(tmp_path, "closes.csv", text)).closes
    assert [str(day) for day in closes.sessions] == ["2024-01-02", "2024-01-03"]
    np.testing.assert_array_equal(closes.column("SPY"), [100.5, np.nan])
    np.testing.assert_array_equal(closes.column("BIL"), [90, 91])


def test_a_compressed_file_reads_as_the_plain_one(tmp_path: Path) -> None:
    path = tmp_path / "closes.csv.gz"
    path.write_bytes(gzip.compress(WIDE.encode()))
    assert read_closes(path).closes.symbols == {"SPY", "BIL"}


@pytest.mark.parametrize("text", [WIDE, LONG])
def test_a_parquet_file_reads_as_the_plain_one(tmp_path: Path, text: str) -> None:
    path = tmp_path / "closes.parquet"
    pd.read_csv(io.StringIO(text)).to_parquet(path)
    assert read_closes(path).closes.column("BIL").tolist() == [90, 91]


def test_a_parquet_file_that_is_none_is_refused_by_name(tmp_path: Path) -> None:
    with pytest.raises(HistoryError, match=r"closes\.parquet: expected CSV or Parquet"):
        read_closes(written(tmp_path, "closes.parquet", WIDE))


def test_instants_are_sessions_of_new_york(tmp_path: Path) -> None:
    text = WIDE.replace("2024-01-02", "2024-01-03 01:00:00+00:00").replace("2024-01-03,", "2024-01-03 21:00:00+00:00,")
    closes = read_closes(written(tmp_path, "closes.csv", text)).closes
    assert [str(day) for day in closes.sessions] == ["2024-01-02", "2024-01-03"]


def test_a_folder_gives_opens_adjusted_as_the_closes_are(tmp_path: Path) -> None:
    written(tmp_path, "SPY.csv", "Date,Open,Close,Adj Close\n2024-01-02,99,100,50\n2024-01-03,0,102,51\n")
    history = read_folder(tmp_path)
    np.testing.assert_array_equal(history.closes.column("SPY"), [50, 51])
    np.testing.assert_array_equal(history.opens["SPY"], [49.5, np.nan])


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        (WIDE.replace("91", "-1"), "BIL: close on 2024-01-03: expected a positive number, got -1"),
        (WIDE.replace("91", "abc"), "BIL: on 2024-01-03: expected a number, got 'abc'"),
        (WIDE.replace("2024-01-03", "2024-01-02"), "2024-01-02: expected each date once, got it twice"),
        (WIDE.replace("2024-01-03", "soon"), "column date: expected dates such as 2024-12-31"),
        (LONG + "SPY,2024-01-02,101\n", "SPY on 2024-01-02: expected one close, got two"),
        ("date,SPY\n", "expected at least one row of closes, got none"),
        ("", "expected CSV or Parquet"),
    ],
)
def test_what_cannot_be_read_is_refused_by_name(tmp_path: Path, text: str, complaint: str) -> None:
    with pytest.raises(HistoryError, match=complaint):
        read_closes(written(tmp_path, "closes.csv", text))


def test_a_missing_file_and_an_empty_folder_are_refused(tmp_path: Path) -> None:
    with pytest.raises(HistoryError, match=r"nothing\.csv: expected a file of closes, there is none"):
        read_closes(tmp_path / "nothing.csv")
    with pytest.raises(HistoryError, match=r"expected files such as SPY\.csv"):
        read_folder(tmp_path)


def test_days_that_are_no_sessions_are_told(tmp_path: Path) -> None:
    history = read_closes(written(tmp_path, "closes.csv", WIDE.replace("2024-01-03", "2024-01-06")))
    assert history.notes[0] == "no session of the exchange, used as one: 2024-01-06"


def test_a_reused_ticker_has_its_stand_in_and_says_so(tmp_path: Path) -> None:
    history = read_closes(written(tmp_path, "closes.csv", "date,FNGO\n2024-01-02,10\n2024-01-03,11\n"))
    np.testing.assert_allclose(history.closes.column("FNGU"), [100, 115])
    assert "1.5 x the daily return of FNGO" in history.notes[0]


def test_a_feeds_rows_are_put_on_the_sessions_of_the_exchange(tmp_path: Path) -> None:
    rows = ["2024-01-02,1,10", "2024-01-04,1,11", "2024-01-06,1,99", "2024-01-08,1,12"]
    written(tmp_path, "SPY.csv", "Date,Open,Close\n" + "\n".join(rows) + "\n")
    closes = read_folder(tmp_path).closes
    assert [day.day for day in closes.sessions] == [2, 3, 4, 5, 8]
    np.testing.assert_array_equal(closes.column("SPY"), [10, np.nan, 11, np.nan, 12])


def test_a_table_is_taken_as_it_is_and_the_sessions_it_leaves_out_are_told(tmp_path: Path) -> None:
    history = read_closes(written(tmp_path, "closes.csv", WIDE.replace("2024-01-03", "2024-01-04")))
    assert len(history.closes) == 2
    assert history.notes == ("sessions of the exchange without a row: 2024-01-03",)


def test_symbols_are_spelled_as_they_are_traded(tmp_path: Path) -> None:
    history = read_closes(written(tmp_path, "closes.csv", WIDE.replace("SPY", "BRK/B"))).spelled_as_traded()
    assert history.closes.symbols == {"BRK.B", "BIL"}


@pytest.mark.parametrize(
    "written_as",
    [
        "2024-01-03 00:00:00+00:00",  # a table's date in UTC, not the evening before in New York
        "2024-01-03 00:00:00-05:00",
        "2024-01-03T05:00:00Z",
        "2024-01-03 21:00:00+00:00",
        "2024-01-03 16:00:00",
        "20240103",
        "2024/01/03",
        "01/03/2024",
        "03.01.2024",
    ],
)
def test_a_session_may_be_written_in_many_ways(tmp_path: Path, written_as: str) -> None:
    closes = read_closes(written(tmp_path, "closes.csv", WIDE.replace("2024-01-03", written_as))).closes
    assert [str(day) for day in closes.sessions] == ["2024-01-02", "2024-01-03"]


def test_a_parquet_files_midnights_of_utc_are_its_dates(tmp_path: Path) -> None:
    path = tmp_path / "closes.parquet"
    frame = pd.read_csv(io.StringIO(WIDE), index_col="date", parse_dates=True)
    frame.tz_localize("UTC").to_parquet(path)
    assert [str(day) for day in read_closes(path).closes.sessions] == ["2024-01-02", "2024-01-03"]


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        (WIDE.replace("2024-01-03", ""), "column date: expected dates such as 2024-12-31, got an empty one"),
        (WIDE.replace("2024-01-03", "1704240000"), "expected dates such as 2024-12-31, got '1704240000'"),
        (WIDE.replace("date", "when"), "expected a column date, got when, SPY, BIL"),
        (WIDE.replace("BIL", "SPY"), "SPY: expected one column of that name, got 2"),
        (WIDE.replace("BIL", "spy"), "SPY: expected one column of closes, got two"),
        (WIDE.replace("91", "1,5"), "expected CSV or Parquet"),
        (WIDE.replace(",91", ",soon"), "BIL: on 2024-01-03: expected a number, got 'soon'"),
        (LONG + ",2024-01-02,101\n", "column symbol: expected a symbol in every row, got an empty one"),
        (WIDE.replace(",", ";"), "expected a column date, got date;SPY;BIL"),
    ],
)
def test_a_refusal_names_the_place_and_the_value(tmp_path: Path, text: str, complaint: str) -> None:
    with pytest.raises(HistoryError, match=complaint) as refused:
        read_closes(written(tmp_path, "closes.csv", text))
    assert "\n" not in str(refused.value)


@pytest.mark.parametrize(
    "text",
    [
        WIDE.replace("SPY", "spy"),
        WIDE.replace("date", ""),  # what a frame with a nameless index writes
        WIDE.replace("\n", ",\n"),
        WIDE.replace("\n", "\r\n"),
        "\ufeff" + WIDE,
    ],
)
def test_small_differences_of_writing_change_nothing(tmp_path: Path, text: str) -> None:
    path = tmp_path / "closes.csv"
    path.write_bytes(text.encode())
    closes = read_closes(path).closes
    assert closes.symbols == {"SPY", "BIL"}
    np.testing.assert_array_equal(closes.column("SPY"), [100.5, np.nan])


def test_a_symbol_may_be_called_na(tmp_path: Path) -> None:
    closes = read_closes(written(tmp_path, "closes.csv", LONG.replace("BIL", "NA"))).closes
    assert closes.column("NA").tolist() == [90, 91]


def test_two_spellings_of_one_symbol_are_refused(tmp_path: Path) -> None:
    text = WIDE.replace("SPY", "BRK/B").replace("BIL", "EQUITIES::BRK.B//USD")
    history = read_closes(written(tmp_path, "closes.csv", text))
    with pytest.raises(HistoryError, match=r"BRK\.B: expected one column of closes, got BRK/B and EQUITIES"):
        history.spelled_as_traded()


def test_a_stand_ins_opens_move_as_its_closes_do(tmp_path: Path) -> None:
    written(tmp_path, "FNGO.csv", "Date,Open,Close\n2024-01-02,9,10\n2024-01-03,12,11\n")
    np.testing.assert_allclose(read_folder(tmp_path).opens["FNGU"], [np.nan, 130.0])


def test_a_table_of_very_many_symbols_reads_without_a_word(tmp_path: Path) -> None:
    names = [f"S{number:03}" for number in range(300)]
    text = "".join(f"2024-01-0{day}{',1.5' * 300}\n" for day in (2, 3))
    closes = read_closes(written(tmp_path, "closes.csv", f"date,{','.join(names)}\n{text}")).closes
    assert closes.symbols == set(names)

"""`alchemiser data check`: findings by symbol and date, for people and machines; its exit code says whether to trust a file."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from cli.main import main
from shared.contracts.marketdata import DailyHistory
from tests.unit.shared.quality.histories import a_history, scaled, with_columns, with_volume, without_rows

Check = Callable[..., Any]
CLEAN = a_history()
DAY = CLEAN.dates[120]


class Done(NamedTuple):
    returncode: int
    stdout: str
    stderr: str

    @property
    def findings(self) -> list[dict[str, Any]]:
        told = json.loads(self.stdout)["findings"]
        assert isinstance(told, list)
        return told


@pytest.fixture
def check(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Check:
    monkeypatch.setenv("COLUMNS", "200")

    def run(*arguments: object) -> Done:
        with pytest.raises(SystemExit) as end:
            main(["data", "check", *map(str, arguments)])
        captured = capsys.readouterr()
        return Done(int(end.value.code or 0), captured.out, captured.err)

    return run


def write(folder: Path, history: DailyHistory) -> Path:
    """As a feed's file, stamped at midnight in New York."""
    columns = zip(history.dates, history.open, history.high, history.low, history.close, history.volume, strict=True)
    lines = [f"{day} 05:00:00+00:00,{','.join(map(repr, row))}" for day, *row in columns]
    path = folder / f"{history.symbol}.csv"
    path.write_text("\n".join(["Date,Open,High,Low,Close,Volume", *lines]) + "\n")
    return path


def test_a_clean_file_is_let_pass(tmp_path: Path, check: Check) -> None:
    done = check(write(tmp_path, CLEAN))
    assert (done.returncode, done.stderr) == (0, "")
    assert "1 symbols, 250 closes: every gate lets them pass" in done.stdout


def test_a_refused_finding_ends_with_one_and_names_symbol_date_and_what_was_seen(tmp_path: Path, check: Check) -> None:
    done = check(write(tmp_path, scaled(CLEAN, slice(0, 120), 2)))
    assert done.returncode == 1
    assert done.stderr == "alchemiser: 1 findings make closes unknown, of SPY\n"
    assert f"SPY     {DAY}" in done.stdout
    assert "unapplied split" in done.stdout
    assert "no step like a split 2 for 1" in done.stdout


def test_the_same_for_machines(tmp_path: Path, check: Check) -> None:
    done = check(write(tmp_path, with_volume(scaled(without_rows(CLEAN, 50), slice(119, 120), 0.9), 119, 0)), "--json")
    assert [(f["symbol"], f["gate"], f["dates"], f["verdict"]) for f in done.findings] == [
        ("SPY", "missing session", [str(CLEAN.dates[50])], "refused"),
        ("SPY", "stale price", [str(DAY)], "refused"),
    ]
    assert done.returncode == 1


def test_a_second_source_repairs_what_it_has(tmp_path: Path, check: Check) -> None:
    spoiled = write(tmp_path, scaled(CLEAN, slice(0, 120), 2))
    (tmp_path / "second").mkdir()
    second = write(tmp_path / "second", with_columns(CLEAN, volume=[v * 40 for v in CLEAN.volume]))
    done = check(spoiled, "--second", second, "--json")
    assert [(f["gate"], f["verdict"]) for f in done.findings] == [("unapplied split", "repaired")]
    assert done.returncode == 0


def test_a_history_that_stops_before_the_others_is_stale(tmp_path: Path, check: Check) -> None:
    write(tmp_path, CLEAN)
    write(tmp_path, without_rows(a_history("QQQ"), -1))
    (finding,) = check(tmp_path, "--json").findings
    assert (finding["symbol"], finding["gate"], finding["dates"]) == ("QQQ", "stale price", [str(CLEAN.dates[-1])])


@pytest.mark.parametrize(
    ("text", "arguments", "said"),
    [
        (None, (), "expected a file of closes, there is none"),
        ("date,SPY\n2024-01-02,-1\n", (), "SPY on 2024-01-02: expected a close > 0, got -1.0"),
        ("date,SPY\n2024-01-02,1\n2024-01-02,1\n", (), "expected rising dates, got 2024-01-02 after 2024-01-02"),
        ("date,SPY\n2024-01-02,x\n", (), "SPY: on 2024-01-02: expected a number, got 'x'"),
        ("date,SPY,A_B\n2024-01-02,1,1\n", (), "A_B: symbol: String should match pattern"),
        ("date,BRK/B,BRK.B\n2024-01-02,1,1\n", (), "BRK.B: expected one column of closes, got BRK/B and BRK.B"),
        ("date,SPY\n2024-01-02,1\n", ("--symbol", "QQQ"), "--symbol: expected symbols of the file, got QQQ"),
    ],
)
def test_what_is_no_table_of_prices_is_a_wrong_command_line(
    tmp_path: Path, check: Check, text: str | None, arguments: tuple[str, ...], said: str
) -> None:
    path = tmp_path / "closes.csv"
    if text is not None:
        path.write_text(text)
    done = check(path, *arguments)
    assert done.returncode == 2
    assert said in done.stderr
    assert done.stderr.count("\n") == 1


def test_wide_and_long_tables_are_read_alike(tmp_path: Path, check: Check) -> None:
    wide, long = tmp_path / "wide.csv", tmp_path / "long.csv"
    rows = list(zip(CLEAN.dates, scaled(CLEAN, slice(0, 120), 2).close, strict=True))
    wide.write_text("date,SPY\n" + "".join(f"{day},{close!r}\n" for day, close in rows))
    long.write_text("symbol,date,close\n" + "".join(f"SPY,{day},{close!r}\n" for day, close in rows))
    assert check(wide, "--json").findings == check(long, "--json").findings != []


SPLIT = list(zip(CLEAN.dates, scaled(CLEAN, slice(0, 120), 2).close, strict=True))
SPELLINGS = {
    "small letters": "date,spy\n" + "".join(f"{day},{close!r}\n" for day, close in SPLIT),
    "small letters, long": "symbol,date,close\n" + "".join(f" spy,{day},{close!r}\n" for day, close in SPLIT),
    "the newest first": "date,SPY\n" + "".join(f"{day},{close!r}\n" for day, close in reversed(SPLIT)),
    "a comma at the end": "date,SPY,\n" + "".join(f"{day},{close!r},\n" for day, close in SPLIT),
    "a blank": "date,SPY,QQQ\n" + "".join(f"{day},{close!r}, \n" for day, close in SPLIT),
}


@pytest.mark.parametrize("spelling", SPELLINGS)
def test_every_spelling_that_a_backtest_reads_is_checked(tmp_path: Path, check: Check, spelling: str) -> None:
    path = tmp_path / "closes.csv"
    path.write_text(SPELLINGS[spelling])
    (finding,) = check(path, "--json").findings
    assert (finding["symbol"], finding["gate"], finding["dates"]) == ("SPY", "unapplied split", [str(DAY)])


def test_symbols_are_told_as_they_are_traded_and_matched_with_the_second_sources(tmp_path: Path, check: Check) -> None:
    closes, second = tmp_path / "closes.csv", tmp_path / "second.csv"
    closes.write_text("date,BRK/B\n" + "".join(f"{day},{close!r}\n" for day, close in SPLIT))
    clean = zip(CLEAN.dates, CLEAN.close, strict=True)
    second.write_text("date,BRK.B,EMPTY\n" + "".join(f"{day},{close!r},\n" for day, close in clean))
    done = check(closes, "--second", second, "--symbol", "brk/b", "--json")
    assert [(f["symbol"], f["verdict"]) for f in done.findings] == [("BRK.B", "repaired")]

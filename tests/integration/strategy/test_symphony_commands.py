"""`alchemiser symphony`, `indicator` and `strategy new` as a person and as a script run them."""

from __future__ import annotations

import csv
import gzip
import io
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as ET

import numpy as np
import pytest
import talib

from cli.main import main
from tests.conftest import need
from tests.unit.shared.quality.histories import a_history, scaled

ROOT = Path(__file__).parents[3]
EXAMPLES = ROOT / "examples" / "symphonies"
Run = Callable[..., tuple[int, str, str]]


@pytest.fixture
def alchemiser(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Run:
    monkeypatch.setenv("COLUMNS", "200")

    def run(*arguments: object) -> tuple[int, str, str]:
        with pytest.raises(SystemExit) as end:
            main([str(argument) for argument in arguments])
        captured = capsys.readouterr()
        return int(end.value.code or 0), captured.out, captured.err

    return run


@pytest.fixture
def closes(tmp_path: Path) -> Path:
    """Two years of sessions without a holiday to think of; TQQQ rises, BRK/B stands under its name in symphonies."""
    days = [f"{year}-{month:02}-{day:02}" for year in (2022, 2023) for month in range(1, 13) for day in range(3, 15)]
    path = tmp_path / "closes.csv"
    rng = np.random.default_rng(1)
    with path.open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["date", "TQQQ", "BRK/B", "SPY"])
        for place, day in enumerate(days):
            writer.writerow([day, 50 + place * 0.2 + rng.normal(), 300 + rng.normal(), 400 + rng.normal()])
    return path


@pytest.fixture
def symphony(tmp_path: Path) -> Path:
    path = tmp_path / "mine.clj"
    path.write_text(
        '(defsymphony "mine" {:asset-class "EQUITIES", :rebalance-threshold 0.05}\n'
        ' (if (> (current-price "TQQQ") (moving-average-price "TQQQ" {:window 200}))\n'
        '  [(weight-specified 0.6 (asset "TQQQ" nil) 0.4 (asset "BRK/B" "Berkshire"))]\n'
        '  [(filter (rsi {:window 10}) (select-top 1) [(asset "SPY" nil) (asset "BRK/B" nil)])]))\n'
    )
    return path


def answer(run: Run, *arguments: object, code: int = 0) -> dict[str, Any]:
    ended, out, err = run(*arguments, "--json")
    assert ended == code, err
    found: dict[str, Any] = json.loads(out)
    return found


def test_evaluate_prints_the_weights_of_a_day_as_the_file_of_closes_writes_its_symbols(
    alchemiser: Run, symphony: Path, closes: Path
) -> None:
    found = answer(alchemiser, "symphony", "evaluate", symphony, "--date", "2023-12-14", "--closes", closes)
    assert found["weights"] == {"TQQQ": 0.6, "BRK/B": 0.4}
    assert (found["symphony"], found["date"], found["rebalance"]) == ("mine", "2023-12-14", "corridor of 5 %")
    code, out, _ = alchemiser("symphony", "evaluate", symphony, "--closes", closes)
    assert code == 0
    assert "TQQQ" in out
    assert "60.00 %" in out


def test_several_dates_are_answered_in_one_call(alchemiser: Run, symphony: Path, closes: Path) -> None:
    dates = ("--date", "2023-12-14", "--date", "2023-11-14", "--date", "2022-01-05")
    found = answer(alchemiser, "symphony", "evaluate", symphony, *dates, "--closes", closes, code=1)
    assert list(found["days"]) == ["2023-12-14", "2023-11-14", "2022-01-05"]
    assert found["days"]["2023-11-14"]["weights"] == {"TQQQ": 0.6, "BRK/B": 0.4}
    assert found["days"]["2022-01-05"]["undefined"] == "SMA200(TQQQ): 3 of 200 closes needed"
    assert found["weights"] is None


def test_wide_and_long_plain_and_compressed_closes_say_the_same(
    alchemiser: Run, symphony: Path, closes: Path, tmp_path: Path
) -> None:
    with closes.open() as file:
        rows = list(csv.DictReader(file))
    long, packed = tmp_path / "long.csv.gz", tmp_path / "packed.csv.gz"
    packed.write_bytes(gzip.compress(closes.read_bytes()))
    with gzip.open(long, "wt", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["symbol", "date", "close"])
        writer.writerows((s, row["date"], row[s]) for s in ("TQQQ", "BRK/B", "SPY") for row in rows)
    found = [
        answer(alchemiser, "symphony", "evaluate", symphony, "--closes", path)["weights"]
        for path in (closes, packed, long)
    ]
    assert found == [{"TQQQ": 0.6, "BRK/B": 0.4}] * 3


@pytest.mark.parametrize(
    ("arguments", "fault"),
    [
        (("--date", "2023-12-16"), "expected a session of the closes, got 2023-12-16; before it 2023-12-14"),
        (("--date", "soon"), "--date: expected a date such as 2024-12-31, got 'soon'"),
    ],
)
def test_a_date_that_is_none_is_refused(
    alchemiser: Run, symphony: Path, closes: Path, arguments: tuple[str, ...], fault: str
) -> None:
    code, _, err = alchemiser("symphony", "evaluate", symphony, *arguments, "--closes", closes)
    assert (code, fault in err) == (2, True), err


def test_a_file_that_is_no_symphony_is_refused_with_file_and_place(
    alchemiser: Run, closes: Path, tmp_path: Path
) -> None:
    broken = tmp_path / "broken.clj"
    broken.write_text('(weight-equal\n  [(aset "SPY" nil)])')
    for path, fault in (
        (broken, "broken.clj: line 2, column 4: expected a node (asset,"),
        (tmp_path / "none.clj", "none.clj: expected a symphony file, got FileNotFoundError"),
    ):
        for command in (
            ("evaluate", path, "--closes", closes),
            ("check", path),
            ("convert", path, tmp_path / "x.json"),
        ):
            code, _, err = alchemiser("symphony", *command)
            assert code == 2
            assert fault in err


def test_check_tells_symbols_history_operators_and_what_the_closes_lack(
    alchemiser: Run, symphony: Path, closes: Path
) -> None:
    found = answer(alchemiser, "symphony", "check", symphony, "--closes", closes)
    assert (found["symbols"], found["held"]) == (["TQQQ", "BRK.B", "SPY"], ["TQQQ", "BRK.B", "SPY"])
    assert found["closes_needed"] == 200
    assert found["operators"]["weight-specified"] == 1
    assert found["data"]["missing"] == []
    code, out, err = alchemiser("symphony", "check", EXAMPLES / "holy_grail.clj", "--closes", closes)
    assert code == 1
    assert "closes needed   200" in out
    assert "the closes have no UVXY, TECL, SOXL, SQQQ, BSV" in err


def test_explain_tells_the_path_the_numbers_and_the_margin(alchemiser: Run, symphony: Path, closes: Path) -> None:
    found = answer(alchemiser, "symphony", "explain", symphony, "--date", "2023-12-14", "--closes", closes)
    asked = found["steps"][0]
    assert (asked["text"], asked["holds"]) == ("close(TQQQ) > SMA200(TQQQ)", True)
    assert float(asked["margin"]) == pytest.approx(
        float(asked["readings"][0]["value"]) - float(asked["readings"][1]["value"])
    )
    code, out, _ = alchemiser("symphony", "explain", symphony, "--closes", closes)
    assert code == 0
    assert "yes close(TQQQ) > SMA200(TQQQ)" in out
    assert f"by {abs(float(asked['margin'])):.4g}" in out
    code, _, err = alchemiser("symphony", "explain", symphony, "--date", "2022-01-05", "--closes", closes)
    assert (code, "undefined: SMA200(TQQQ): 3 of 200 closes needed" in err) == (1, True)


def test_convert_goes_to_the_other_form_and_back_exactly(alchemiser: Run, symphony: Path, tmp_path: Path) -> None:
    as_json, back, again = tmp_path / "a.json", tmp_path / "b.clj", tmp_path / "c.json"
    for source, target in ((symphony, as_json), (as_json, back), (back, again)):
        assert alchemiser("symphony", "convert", source, target)[0] == 0
    assert again.read_text() == as_json.read_text()
    assert json.loads(as_json.read_text())["rebalance-corridor-width"] == 0.05
    assert '"Berkshire"' in back.read_text()
    code, _, err = alchemiser("symphony", "convert", symphony, tmp_path / "a.txt")
    assert (code, "expected a name that ends in .clj or .json" in err) == (2, True)


def test_the_picture_lights_the_path_that_was_taken(
    alchemiser: Run, symphony: Path, closes: Path, tmp_path: Path
) -> None:
    out = tmp_path / "tree.svg"
    assert alchemiser("symphony", "tree", symphony, "--out", out, "--closes", closes, "--date", "2023-12-14")[0] == 0
    drawn = ET.parse(out).getroot()  # noqa: S314 - it is our own
    svg = "{http://www.w3.org/2000/svg}"
    lit = [g.findtext(f"{svg}text") for g in drawn.iter(f"{svg}g") if "lit" in str(g.get("class")).split()]
    assert str(lit[0]).startswith("close(TQQQ) > SMA200(TQQQ) · ")
    assert lit[1:] == ["weights", "TQQQ 60 %", "BRK.B 40 %"]
    texts = [text.text for text in drawn.iter(f"{svg}text")]
    assert "on the closes of 2023-12-14: TQQQ 60 %, BRK.B 40 %" in texts
    assert "1 highest RSI10" in texts  # what was not taken is there too, unlit
    assert alchemiser("symphony", "tree", "klm", "--out", out)[0] == 0
    assert "lit" not in out.read_text().split("</style>")[1]


def test_the_picture_as_png(alchemiser: Run, symphony: Path, tmp_path: Path) -> None:
    need("Chromium, which draws a PNG", present=shutil.which("chromium") is not None)
    out = tmp_path / "tree.png"
    code, _, err = alchemiser("symphony", "tree", symphony, "--out", out)
    assert code == 0, err
    assert out.read_bytes().startswith(b"\x89PNG")


def test_indicator_prints_the_series_with_all_its_digits(alchemiser: Run, closes: Path) -> None:
    code, out, _ = alchemiser("indicator", "rsi", "--window", "10", "--symbol", "SPY", "--closes", closes, "--csv")
    assert code == 0
    with closes.open() as file:
        spy = np.array([float(row["SPY"]) for row in csv.DictReader(file)])
    rows = list(csv.DictReader(io.StringIO(out)))
    expected = talib.RSI(spy, 10)
    assert [row["value"] for row in rows[:10]] == [""] * 10
    np.testing.assert_allclose([float(row["value"]) for row in rows[10:]], expected[10:], rtol=1e-9)
    macd = answer(
        alchemiser,
        "indicator",
        "macd",
        "--short-window",
        12,
        "--long-window",
        26,
        "--symbol",
        "SPY",
        "--closes",
        closes,
    )
    assert macd["indicator"] == "MACD12/26(SPY)"


def test_an_indicator_takes_a_symbol_in_any_spelling(alchemiser: Run, closes: Path) -> None:
    told = [
        alchemiser("indicator", "sma", "--window", 2, "--symbol", spelling, "--closes", closes)
        for spelling in ("BRK/B", "BRK.B", "brk.b")
    ]
    assert told[0][0] == 0
    assert told[0] == told[1] == told[2]


@pytest.mark.parametrize(
    ("arguments", "fault"),
    [
        (("rsj", "--window", "10", "--symbol", "SPY"), "rsj: expected one of"),
        (("rsi", "--symbol", "SPY"), "--window: expected a number of days for rsi"),
        (("rsi", "--window", "10", "--symbol", "GME"), "--symbol: expected one with closes in"),
    ],
)
def test_an_indicator_that_cannot_be_is_refused(
    alchemiser: Run, closes: Path, arguments: tuple[str, ...], fault: str
) -> None:
    code, _, err = alchemiser("indicator", *arguments, "--closes", closes)
    assert (code, fault in err) == (2, True), err


def test_a_new_strategy_works_with_its_test_and_is_traded_by_its_name(alchemiser: Run, tmp_path: Path) -> None:
    code, out, _ = alchemiser("strategy", "new", "my_strategy", "--in", tmp_path)
    assert code == 0
    assert "STRATEGY_PORTFOLIO=my_strategy:strategy=1" in out
    environment = {**os.environ, "PYTHONPATH": f"{tmp_path}{os.pathsep}{ROOT}"}
    tested = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "-p", "no:randomly", str(tmp_path)],
        env=environment,
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )
    assert tested.returncode == 0, tested.stdout
    assert "5 passed" in tested.stdout
    code, _, err = alchemiser("strategy", "new", "my_strategy", "--in", tmp_path)
    assert (code, "expected no such file yet" in err) == (2, True)
    for name in ("My-Strategy", "class", "../x"):
        code, _, err = alchemiser("strategy", "new", name, "--in", tmp_path)
        assert (code, "NAME: expected a Python name" in err) == (2, True)


def test_a_new_strategy_never_hides_another_module(alchemiser: Run, tmp_path: Path) -> None:
    for name in ("json", "services"):
        code, _, err = alchemiser("strategy", "new", name, "--in", tmp_path)
        assert (code, f"NAME: expected the name of no other Python module, got {name}" in err) == (2, True)
    assert not list(tmp_path.iterdir())


def test_the_ten_lines_in_the_documents_are_those_that_are_written(alchemiser: Run, tmp_path: Path) -> None:
    alchemiser("strategy", "new", "my_strategy", "--in", tmp_path)
    written = (tmp_path / "my_strategy.py").read_text().split("annotations\n\n", 1)[1]
    assert f"```python\n{written}```" in (ROOT / "docs" / "strategies.md").read_text()


@pytest.fixture
def doubtful_closes(tmp_path: Path) -> Path:
    """A year of ordinary days, with a close that left and came back on the sixth day before the last."""
    path = tmp_path / "doubtful.csv"
    history = scaled(a_history(), slice(-6, -5), 1.2)
    path.write_text("date,SPY\n" + "".join(f"{d},{c!r}\n" for d, c in zip(history.dates, history.close, strict=True)))
    return path


def test_with_gates_a_doubtful_close_undefines_the_decision_by_name(
    alchemiser: Run, tmp_path: Path, doubtful_closes: Path
) -> None:
    path = tmp_path / "calm.clj"
    path.write_text('(defsymphony "calm" {:rebalance-frequency :daily}\n (if (> (rsi "SPY" {:window 10}) 1)\n')
    path.write_text(path.read_text() + '  [(asset "SPY" "")]\n  [(asset "SPY" "")]))\n')
    last, before = str(a_history().dates[-1]), str(a_history().dates[-7])
    outlier = a_history().dates[-6]
    code, out, _ = alchemiser("symphony", "evaluate", path, "--closes", doubtful_closes, "--date", last, "--json")
    assert (code, json.loads(out)["weights"]) == (0, {"SPY": 1.0})
    gated = ("symphony", "evaluate", path, "--closes", doubtful_closes, "--gates", "--date", before, "--date", last)
    code, out, err = alchemiser(*gated, "--json")
    days = json.loads(out)["days"]
    assert (code, days[before]["weights"], days[last]["weights"]) == (1, {"SPY": 1.0}, None)
    assert f"RSI10(SPY): 5 of 11 closes needed; SPY {outlier}: outlier: +" in err
    code, out, _ = alchemiser("symphony", "check", path, "--closes", doubtful_closes, "--json")
    (refused,) = json.loads(out)["data"]["refused"]
    assert (code, refused.startswith(f"SPY: outlier {outlier}")) == (0, True)


def test_a_backtest_says_in_its_notes_what_the_gates_doubt(alchemiser: Run, doubtful_closes: Path) -> None:
    symphony = doubtful_closes.with_name("hold.clj")
    symphony.write_text('(defsymphony "hold" {:rebalance-frequency :daily}\n (asset "SPY" ""))\n')
    asked = ("backtest", "--symphony", symphony, "--closes", doubtful_closes, "--json")
    notes = [json.loads(alchemiser(*asked, *more)[1])["notes"] for more in ((), ("--gates",))]
    assert not [note for note in notes[0] if "outlier" in note]
    assert [note for note in notes[1] if note.startswith(f"SPY: outlier {a_history().dates[-6]}")]

"""`alchemiser backtest` as a person and as a script run it, on the real closes where they are there."""

from __future__ import annotations

import csv
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from cli.main import main

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
def closes(market_data_dir: Path) -> Path:
    return market_data_dir / "daily_close" / "klm69_2015_2024.csv.gz"


def figures(run: Run, *arguments: object) -> dict[str, Any]:
    code, out, err = run("backtest", *arguments, "--json")
    assert code == 0, err
    found: dict[str, Any] = json.loads(out)
    return found


PERIOD = ("--from", "2022-01-03", "--to", "2022-03-31")


def test_the_json_says_every_statistic_by_name_and_the_final_equity_first(alchemiser: Run, closes: Path) -> None:
    found = figures(alchemiser, "--strategies", "nuclear=0.3,tecl=0.5,klm=0.2", *PERIOD, "--closes", closes)
    assert next(iter(found)) == "final_equity"
    assert found["final_equity"] == found["equity"]["2022-03-31"]
    assert {"cagr", "volatility", "sharpe", "sortino", "max_drawdown", "calmar", "turnover", "costs"} <= set(found)
    assert found["total_return"] == pytest.approx(found["final_equity"] / 100_000 - 1)
    assert found["benchmarks"]["SPY"]["beta"] is not None
    assert set(found["contributions"]["strategies"]) == {"nuclear", "tecl", "klm"}
    assert set(found["monthly"]["2022"]) == {"1", "2", "3"}


def test_evening_by_evening_through_the_live_objects_it_is_the_same(alchemiser: Run, closes: Path) -> None:
    arguments = ("--strategies", "tecl=0.6,nuclear=0.4", *PERIOD, "--closes", closes, "--costs", "honest")
    quick, exact = figures(alchemiser, *arguments), figures(alchemiser, *arguments, "--exact")
    assert quick["final_equity"] == pytest.approx(exact["final_equity"], rel=1e-6)
    assert quick["costs"] == pytest.approx(exact["costs"], rel=1e-3)


def test_all_three_strategies_are_the_same_evening_by_evening(alchemiser: Run, closes: Path) -> None:
    arguments = ("--strategies", "nuclear=0.3,tecl=0.5,klm=0.2", "--from", "2024-06-03", "--to", "2024-06-21")
    quick, exact = (figures(alchemiser, *arguments, "--closes", closes, *more) for more in ((), ("--exact",)))
    for day, worth in quick["equity"].items():
        assert worth == pytest.approx(exact["equity"][day], rel=1e-6), day


def test_the_report_holds_every_day_and_every_trade(alchemiser: Run, closes: Path, tmp_path: Path) -> None:
    arguments = ("--strategies", "tecl", *PERIOD, "--closes", closes, "--report", tmp_path / "out")
    found = figures(alchemiser, *arguments)
    with (tmp_path / "out" / "days.csv").open() as file:
        days = list(csv.DictReader(file))
    with (tmp_path / "out" / "trades.csv").open() as file:
        trades = list(csv.DictReader(file))
    assert {day["date"]: float(day["equity"]) for day in days} == found["equity"]
    assert len(trades) == found["trades"] > 0
    for name, rows in (("days", days), ("trades", trades)):
        table = pd.read_parquet(tmp_path / "out" / f"{name}.parquet")
        assert list(table.columns) == list(rows[0])
        assert table["date"].astype(str).tolist() == [row["date"] for row in rows]
        number = "equity" if name == "days" else "price"
        assert table[number].tolist() == [float(row[number]) for row in rows]


def test_a_report_without_a_trade_is_written_too(alchemiser: Run, closes: Path, tmp_path: Path) -> None:
    period = ("--from", "2015-01-02", "--to", "2015-01-05")
    figures(alchemiser, "--strategies", "tecl", *period, "--closes", closes, "--report", tmp_path / "out")
    assert pd.read_parquet(tmp_path / "out" / "trades.parquet").empty
    assert "tecl kept what it held on 2 evenings" in (tmp_path / "out" / "index.html").read_text()


def test_next_open_needs_opens_and_takes_them_from_a_folder(
    alchemiser: Run, closes: Path, market_data_dir: Path
) -> None:
    code, _, err = alchemiser("backtest", "--strategies", "tecl", "--closes", closes, "--fill", "next-open")
    assert (code, "expected opens of" in err) == (2, True)
    found = figures(alchemiser, "--strategies", "tecl", *PERIOD, "--data", market_data_dir, "--fill", "next-open")
    assert found["conventions"]["fill"] == "next-open"
    assert found["equity"]["2022-01-03"] == 100_000


def test_a_stand_in_is_bought_at_the_open_too(alchemiser: Run, market_data_dir: Path) -> None:
    arguments = ("--data", market_data_dir, "--fill", "next-open", "--from", "2023-01-03", "--to", "2023-03-31")
    found = figures(alchemiser, "--strategies", "klm", *arguments)
    assert any("FNGU: 1.5 x the daily return of FNGO" in note for note in found["notes"])


def test_a_person_sees_tables_and_what_must_be_known(alchemiser: Run, closes: Path) -> None:
    code, out, _ = alchemiser("backtest", "--strategies", "klm", *PERIOD, "--closes", closes)
    assert code == 0
    assert "final equity" in out
    assert "decided on the very close it is traded at" in out


MONTHLY = """(defsymphony "Two markets" {:asset-class "EQUITIES", :rebalance-frequency :monthly}
  (weight-equal [(asset "SPY" nil) (asset "TLT" nil)]))"""


def test_a_symphony_file_is_tested_as_it_stands_with_its_own_rebalancing(
    alchemiser: Run, closes: Path, tmp_path: Path
) -> None:
    path = tmp_path / "two=markets.clj"
    path.write_text(MONTHLY)
    alone = figures(alchemiser, "--symphony", path, *PERIOD, "--closes", closes)
    assert (alone["strategies"], alone["trades"]) == ({"two_markets": 1.0}, 6)
    both = figures(alchemiser, "--symphony", f"{path}=0.4", "--strategies", "tecl", *PERIOD, "--closes", closes)
    assert both["strategies"] == {"tecl": 0.6, "two_markets": 0.4}


def test_both_forms_of_one_symphony_are_told_apart_and_are_the_same(
    alchemiser: Run, closes: Path, tmp_path: Path
) -> None:
    one, other = tmp_path / "months.clj", tmp_path / "months.json"
    one.write_text(MONTHLY)
    assert alchemiser("symphony", "convert", one, other)[0] == 0
    both = ("--symphony", f"{one}=0.5", "--symphony", other)
    found = figures(alchemiser, *both, *PERIOD, "--closes", closes)
    assert found["strategies"] == {"months.clj": 0.5, "months.json": 0.5}
    gained = found["contributions"]["strategies"]
    assert gained["months.clj"] == pytest.approx(gained["months.json"])


def test_a_monthly_symphony_alone_is_the_same_evening_by_evening_its_contributions_too(
    alchemiser: Run, closes: Path, tmp_path: Path
) -> None:
    path = tmp_path / "months.clj"
    path.write_text(MONTHLY)
    quick, exact = (
        figures(alchemiser, "--symphony", path, *PERIOD, "--closes", closes, *more) for more in ((), ("--exact",))
    )
    assert quick["final_equity"] == pytest.approx(exact["final_equity"], rel=1e-6)
    gained = [found["contributions"]["strategies"]["months"] for found in (quick, exact)]
    assert gained[0] == pytest.approx(gained[1], abs=1)
    assert gained[0] == pytest.approx(quick["final_equity"] - 100_000)


def test_what_cannot_be_valued_is_told_with_its_first_evening(alchemiser: Run, tmp_path: Path) -> None:
    path, table = tmp_path / "months.clj", tmp_path / "closes.csv"
    path.write_text(MONTHLY)
    table.write_text("date,SPY,TLT\n2024-01-02,100,50\n2024-01-03,101,51\n2024-01-04,102,\n2024-01-05,103,52\n")
    told = figures(alchemiser, "--symphony", path, "--closes", table)["undecided"]["months"]
    assert told == {"evenings": 1, "first": "2024-01-04", "reason": "what it holds cannot be valued"}


def test_a_symphony_that_cannot_be_read_is_refused_with_its_place(
    alchemiser: Run, closes: Path, tmp_path: Path
) -> None:
    path = tmp_path / "broken.clj"
    path.write_text(MONTHLY[:-2])
    code, _, err = alchemiser("backtest", "--symphony", path, "--closes", closes)
    assert (code, "broken.clj: line " in err) == (2, True)
    code, _, err = alchemiser("backtest", "--symphony", tmp_path / "none.clj", "--closes", closes)
    assert (code, "none.clj: expected a symphony file" in err) == (2, True)


def test_walking_forward_tells_in_sample_and_out_of_sample_apart(alchemiser: Run, closes: Path, tmp_path: Path) -> None:
    period = ("--from", "2022-01-03", "--to", "2022-12-30", "--closes", closes)
    arguments = ("--strategies", "nuclear", *period, "--walk-forward", "120,40", "--by", "cagr")
    found = figures(alchemiser, *arguments, "--report", tmp_path / "out")
    walked = found["walk_forward"]
    assert (walked["train"], walked["hold"], walked["by"]) == (120, 40, "cagr")
    first, last = walked["stretches"][0], walked["stretches"][-1]
    equity, days = found["equity"], list(found["equity"])
    assert (first["out_of_sample"]["first"], last["out_of_sample"]["last"]) == (days[121], days[-1])
    grown = equity[first["out_of_sample"]["last"]] / equity[days[120]] - 1
    assert first["out_of_sample"]["total_return"] == pytest.approx(grown)
    assert walked["figures"]["total_return"] == pytest.approx(equity[days[-1]] / equity[days[120]] - 1)
    assert f"{first['out_of_sample']['first']} to" in (tmp_path / "out" / "index.html").read_text()
    code, out, _ = alchemiser("backtest", *arguments)
    assert (code, "Walk-forward: 120 sessions in sample, 40 out of sample" in out) == (0, True)


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        (("--strategies", "tecl", "--walk-forward", "long"), "expected sessions such as 504,126, got 'long'"),
        (("--strategies", "tecl", "--walk-forward", "50,5"), "expected more than 52 sessions, got 2"),
        (("--strategies", "tecl", "--by", "luck"), "--by: expected one of sharpe"),
        (("--strategies", "nobody"), "nobody: expected one of klm, nuclear, tecl"),
        (("--strategies", "tecl=0.5"), "shares: expected a sum of 1, got 0.5"),
        (("--strategies", "tecl=half"), "tecl=half: expected a share such as 0.5 after =, got 'half'"),
        ((), "expected at least one strategy"),
        (("--strategies", "tecl", "--from", "soon"), "--from: expected a date such as 2015-01-02, got 'soon'"),
        (("--strategies", "tecl", "--from", "2050-01-01"), "the closes go from 2024-01-02 to 2024-01-03"),
        (("--strategies", "tecl", "--data", "."), "expected one of --closes PATH and --data DIR"),
        (("--strategies", "tecl", "--benchmark", "QQQ"), "benchmark QQQ: expected closes of it, the data has none"),
    ],
)
def test_wrong_usage_is_one_line_that_names_it(
    alchemiser: Run, tmp_path: Path, arguments: tuple[str, ...], complaint: str
) -> None:
    path = tmp_path / "closes.csv"
    path.write_text("date,SPY,BIL\n2024-01-02,100.5,90\n2024-01-03,101,91\n")
    code, _, err = alchemiser("backtest", *arguments, "--closes", path)
    assert code == 2
    assert complaint in err
    assert err.count("\n") == 1


def test_parity_tells_the_flips_of_the_recorded_minutes(alchemiser: Run, market_data_dir: Path, tmp_path: Path) -> None:
    path = tmp_path / "b.clj"
    path.write_text('(if (< (rsi "SPY" {:window 10}) 70) [(asset "TQQQ" nil)] [(asset "BIL" nil)])')
    arguments = ["parity", "--symphony", path, "--from", "2019-12-17", "--to", "2020-01-09"]
    arguments += ["--closes", market_data_dir / "daily_close" / "core26_2010_2024.csv.gz"]
    arguments += ["--minutes", market_data_dir / "intraday_1min"]
    code, out, err = alchemiser(*arguments, "--json")
    assert code == 0, err
    found = json.loads(out)
    assert found["sessions"] == found["at_time_sessions"] == 16
    assert found["previous_flips"] > found["at_time_flips"]
    assert {day["session"]: day["at_time"]["weights"] for day in found["days"]}["2019-12-24"] == {"BIL": 1.0}
    assert alchemiser(*arguments)[1].startswith("Decided on")

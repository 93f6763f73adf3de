"""Sweeps over real RQ workers and a real Redis: they end with the same figures, and go on where they were stopped."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from backtest.decisions import silent
from backtest.sweep import Ground, Point, Store, digest_of, parameters_of, points_of, work_here
from backtest.workers import UnfinishedError, spread
from services.strategy.domain.portfolio import PortfolioError
from tests.conftest import ROOT, eventually
from tests.integration.backtest.test_backtest_command import Run, alchemiser  # noqa: F401 - a fixture
from tests.unit.backtest.builders import random_history

SWITCH = "tests.unit.backtest.parametric:switch"


@pytest.fixture
def closes(tmp_path: Path) -> Path:
    table = random_history(("AAA", "BBB", "CCC"), 120, 5).closes
    path = tmp_path / "closes.csv"
    rows = [
        f"{day}," + ",".join(str(table.columns[s][n]) for s in table.columns) for n, day in enumerate(table.sessions)
    ]
    path.write_text("date," + ",".join(table.columns) + "\n" + "\n".join(rows) + "\n")
    return path


@pytest.fixture
def ground(closes: Path) -> Ground:
    return Ground(str(closes), digest_of(closes), None, None, "close", "zero", "fractional", 1000.0)


@pytest.fixture
def points(ground: Ground) -> tuple[Point, ...]:
    return points_of(SWITCH, parameters_of(["window=2,3,5", "level=40,60.5"]), ground)


@pytest.fixture(autouse=True)
def workers_find_the_tests(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join([str(ROOT), os.environ.get("PYTHONPATH", "")]))


def test_a_grid_has_every_combination_and_numbers_where_they_read_as_such(points: tuple[Point, ...]) -> None:
    assert [point.parameters for point in points][:3] == [
        {"window": 2, "level": 40},
        {"window": 2, "level": 60.5},
        {"window": 3, "level": 40},
    ]
    assert len({point.name for point in points}) == 6
    assert Point.of(points[0].encode()) == points[0]


def test_changed_data_is_another_point(closes: Path, ground: Ground) -> None:
    closes.write_text(closes.read_text() + "2024-12-31,1,1,1\n")
    assert digest_of(closes) != ground.digest


@pytest.mark.parametrize("text", ["window", "5=window", "window="])
def test_what_is_no_parameter_is_refused(text: str) -> None:
    with pytest.raises(PortfolioError, match="expected name=value,value"):
        parameters_of([text])


def test_workers_find_what_one_process_finds(points: tuple[Point, ...], tmp_path: Path, redis_url: str) -> None:
    here, there = Store(tmp_path / "here"), Store(tmp_path / "there")
    work_here(points, here, silent)
    spread(points, there, redis_url, 2, silent)
    assert [there.read(point) for point in points] == [here.read(point) for point in points]


def test_what_is_done_is_not_done_again(points: tuple[Point, ...], tmp_path: Path, redis_url: str) -> None:
    store = Store(tmp_path / "store")
    store.write(points[0], {"figures": {"marked": 1}, "equity": {}})
    spread(points[:2], store, redis_url, 1, silent)
    assert store.read(points[0])["figures"] == {"marked": 1}
    assert store.read(points[1])["figures"]["final_equity"] > 0


def test_a_point_that_fails_is_named_and_the_others_are_kept(ground: Ground, tmp_path: Path, redis_url: str) -> None:
    store = Store(tmp_path / "store")
    good = points_of(SWITCH, {"window": [2], "level": [50]}, ground)
    bad = points_of("tests.unit.backtest.parametric:breaks", {"window": [7]}, ground)
    with pytest.raises(UnfinishedError, match=r"1 points are not done, first {'window': 7}: .*no switch for 7"):
        spread([*bad, *good], store, redis_url, 1, silent)
    assert store.has(good[0])


def test_the_command_walks_forward_over_its_grid(alchemiser: Run, closes: Path, tmp_path: Path) -> None:  # noqa: F811
    arguments = ["sweep", SWITCH, "--param", "window=2,4", "--param", "level=45,55", "--closes", closes]
    arguments += ["--store", tmp_path / "store", "--walk-forward", "60,20", "--by", "cagr"]
    code, out, err = alchemiser(*arguments, "--json")
    assert code == 0, err
    found = json.loads(out)
    figures = [point["cagr"] for point in found["points"]]
    assert figures == sorted(figures, reverse=True)
    assert len(found["walk_forward"]["stretches"]) == 3
    assert alchemiser(*arguments)[0] == 0
    assert "expected sessions such as 504,126" in alchemiser(*arguments[:-4], "--walk-forward", "long")[2]


@pytest.mark.parametrize(
    ("more", "code", "complaint"),
    [
        (("--param", "level=x"), 2, "threshold: expected a number or an indicator of a symbol, got 'x'"),
        (("--param", "level=50", "--redis", "redis://127.0.0.1:1/0"), 3, "--redis: Error 111 connecting"),
        (("--param", "level=50", "--redis", "nowhere"), 3, "--redis: Redis URL must specify"),
        (("--param", "level=50", "--store", "/proc/nothing"), 1, "--store /proc/nothing: cannot be written"),
        (("--param", "level=50", "--walk-forward", "500,10"), 2, "expected more than 502 sessions, got 120"),
    ],
)
def test_what_a_sweep_cannot_do_is_one_line(
    alchemiser: Run,  # noqa: F811
    closes: Path,
    tmp_path: Path,
    *,
    more: tuple[str, ...],
    code: int,
    complaint: str,
) -> None:
    arguments = ["sweep", SWITCH, "--param", "window=2", "--closes", closes, "--store", tmp_path / "store"]
    ended, _, err = alchemiser(*arguments, *more)
    assert (ended, err.count("\n")) == (code, 1), err
    assert complaint in err


def test_workers_without_any_redis_are_refused_with_what_to_install(
    alchemiser: Run,  # noqa: F811
    closes: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setattr(sys, "prefix", str(tmp_path))
    arguments = ("--param", "window=2", "--param", "level=50", "--closes", closes, "--store", tmp_path / "store")
    code, _, err = alchemiser("sweep", SWITCH, *arguments, "--workers", 1)
    assert (code, err.count("\n")) == (1, 1), err
    assert "no redis-server: expected one on the PATH" in err


def test_a_sweep_that_is_killed_takes_its_workers_with_it_and_goes_on_when_called_again(
    closes: Path, tmp_path: Path
) -> None:
    store = tmp_path / "store"
    command = [sys.executable, "-m", "cli.main", "sweep", SWITCH, "--closes", str(closes), "--store", str(store)]
    command += ["--param", "window=2,3,4,5,6,7,8,9,10,11", "--param", "level=40,45,50,55,60,65", "--workers", "1"]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.DEVNULL) as killed:
        try:
            eventually(lambda: [*store.glob("*.json")], within=60)
            children = _children_of(killed.pid)
        finally:
            killed.terminate()
    assert len(children) == 2  # a Redis and a worker
    assert killed.returncode == 128 + signal.SIGTERM
    eventually(lambda: not [pid for pid in children if Path(f"/proc/{pid}").exists()], within=30)
    done = {path.name: path.stat().st_mtime_ns for path in store.glob("*.json")}
    subprocess.run(command, cwd=ROOT, stdout=subprocess.DEVNULL, check=True)
    after = {path.name: path.stat().st_mtime_ns for path in store.glob("*.json")}
    assert len(after) == 60
    assert {name: after[name] for name in done} == done


def _children_of(pid: int) -> list[int]:
    return [int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]

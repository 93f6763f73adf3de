"""Our backtest beside bt, backtesting, backtrader, vectorbt and zipline-reloaded on the same two tasks, in one run.

    .venv/bin/python -m benchmarks.backtest_peers [--closes PATH] [--venvs DIR] [--write]

Each tool is installed into an environment of its own, for the comparison only. Task A: ten ETFs in equal weights, rebalanced
at the close of each month's first session. Task B: TQQQ while RSI10(SPY) < 70 at the close, else BIL, traded at that close.
Timed: from closes in memory to the daily curve of equity; the median of each tool's runs after a first that is not counted.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import subprocess
import sys
import tempfile
import time
import venv
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np

from backtest.conventions import Conventions, Fill
from backtest.engine import run
from backtest.history import History, read_closes
from benchmarks import results_page
from services.strategy.domain.engine import TreeStrategy
from services.strategy.domain.language import Part, cash, equal, rsi, when
from services.strategy.domain.portfolio import Allotment, StrategyManager
from services.strategy.domain.rebalance import Calendar
from services.strategy.domain.tree import If

HERE = Path(__file__).resolve().parent
CLOSES = HERE.parent.parent / "shared" / "data" / "daily_close" / "core26_2010_2024.csv.gz"
PEERS = {
    "bt": ("event-driven", ["bt"]),
    "backtesting": ("event-driven", ["backtesting"]),
    "backtrader": ("event-driven", ["backtrader", "pandas"]),
    "zipline": ("event-driven", ["zipline-reloaded"]),
    "vectorbt": ("vectorised", ["vectorbt"]),
}
REPEAT = 25
SAME_BPS = 1.0


@dataclass(frozen=True)
class Row:
    task: str
    tool: str
    kind: str
    seconds: float
    ours: float
    apart_bps: float
    differs: str


def allotted(strategy: TreeStrategy) -> tuple[Allotment, ...]:
    manager = StrategyManager()
    manager.add_strategy(strategy, Decimal(1))
    return manager.allotments


def task_b(otherwise: Part) -> If:
    return when(rsi("SPY", 10) < 70, then="TQQQ", otherwise=otherwise)


TASKS = {
    "A": TreeStrategy("A", equal("SPY", "QQQ", "TLT", "IEF", "XLK", "XLF", "VTV", "IOO", "VOX", "BSV"), Calendar("monthly")),
    "B": TreeStrategy("B", task_b("BIL")),
    "B, cash for BIL": TreeStrategy("B", task_b(cash())),
}  # fmt: skip


def equity(task: str, history: History, fill: Fill = Fill.CLOSE) -> dict[str, float]:
    found = run(allotted(TASKS[task]), history, Conventions(fill=fill))
    return {str(day): worth for day, worth in zip(found.sessions, found.equity.tolist(), strict=True)}


def timed(task: str, history: History) -> float:
    portfolio = allotted(TASKS[task])
    times = []
    for _ in range(REPEAT):
        started = time.perf_counter()
        _ = run(portfolio, history, Conventions()).equity
        times.append(time.perf_counter() - started)
    return median(times[1:])


def installed(peer: str, packages: list[str], venvs: Path) -> Path | None:
    """The tool's Python; None where it cannot be installed."""
    python = venvs / peer / "bin" / "python"
    if not python.exists():
        print(f"installing {peer} ...", file=sys.stderr)
        venv.create(venvs / peer, with_pip=True)
        done = subprocess.run([python, "-m", "pip", "install", "-q", *packages], check=False)
        if done.returncode:
            return None
    return python


def answer_of(peer: str, python: Path, closes: Path) -> dict[str, Any] | None:
    script = HERE / "backtest_tasks" / f"run_{peer}.py"
    done = subprocess.run([python, "-W", "ignore", script, closes], capture_output=True, text=True, check=False)
    if done.returncode:
        print(f"{peer} failed:\n{done.stderr[-2000:]}", file=sys.stderr)
        return None
    found: dict[str, Any] = json.loads(done.stdout)
    return found


def like(peer: str, task: str, history: History) -> dict[str, float]:
    """Our curve under the tool's conventions, as far as they can be had."""
    if peer == "backtesting":
        return equity("B, cash for BIL", history)
    if peer == "zipline":  # filled one session later, at that close
        return equity(task, History(history.closes, history.closes.columns), Fill.NEXT_OPEN)
    return equity(task, history)


def apart(ours: dict[str, float], theirs: dict[str, float]) -> float:
    """The largest distance of the two curves on any day, in basis points."""
    if ours.keys() != theirs.keys():
        return float("nan")
    return max(abs(theirs[day] / ours[day] - 1) for day in ours) * 10_000


def rows_of(peer: str, kind: str, answer: dict[str, Any], history: History) -> list[Row]:
    """Our time is measured right beside the tool's, on the same machine in the same minute."""
    rows = []
    for task, told in answer["tasks"].items():
        distance = apart(like(peer, task, history), told["equity"])
        tool = f"{peer} {answer['version']}"
        rows.append(Row(task, tool, kind, median(told["times"]), timed(task, history), distance, told["differs"]))
    return rows


def table(rows: list[Row]) -> str:
    lines = [
        "| task | tool | kind | its time | ours | ratio | curves apart | what is different |",
        "|---|---|---|---:|---:|---:|---:|---|",
    ]
    lines += [
        f"| {row.task} | {row.tool} | {row.kind} | {row.seconds * 1e3:,.1f} ms | {row.ours * 1e3:.1f} ms "
        f"| {row.seconds / row.ours:,.0f}x | {row.apart_bps:.2g} bps | {row.differs} |"
        for row in sorted(rows, key=lambda r: (r.task, r.kind, -r.seconds))
    ]
    return "\n".join(lines)


def section(rows: list[Row]) -> str:
    head = f"Python {platform.python_version()}, numpy {np.__version__}, {os.cpu_count()} cores."
    return (
        "## Backtest against other libraries\n\n"
        "`.venv/bin/python -m benchmarks.backtest_peers --write`: tasks A and B of the script's first lines, 3,774 sessions, no costs, "
        f"fractional shares. {head} Ratios of medians in one run; 'curves apart' is the worst day's distance from our curve "
        "under the same conventions (for backtesting: cash for BIL; for zipline: filled at the next session's close).\n\n"
        f"{table(rows)}\n"
    )


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--closes", type=Path, default=CLOSES)
    parser.add_argument("--venvs", type=Path, default=Path(tempfile.gettempdir()) / "alchemiser-peers")
    parser.add_argument("--write", action="store_true", help="put the table into RESULTS.md")
    asked = parser.parse_args()
    history = read_closes(asked.closes)
    rows: list[Row] = []
    for peer, (kind, packages) in PEERS.items():
        python = installed(peer, packages, asked.venvs)
        answer = None if python is None else answer_of(peer, python, asked.closes.resolve())
        if answer is None:
            print(f"{peer}: could not be installed or run", file=sys.stderr)
            continue
        rows += rows_of(peer, kind, answer, history)
    print(table(rows))
    if asked.write:
        results_page.put(section(rows))
    slow = [r for r in rows if r.seconds / r.ours < (1 if r.kind == "vectorised" else 10)]
    far = [r for r in rows if not r.differs and not r.apart_bps <= SAME_BPS]
    for row in [*slow, *far]:
        print(f"not kept: {row.task} against {row.tool}", file=sys.stderr)
    return int(bool(slow or far))


if __name__ == "__main__":
    sys.exit(main())

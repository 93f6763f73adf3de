"""How a backtest's time and memory grow with sessions and symbols.

    .venv/bin/python benchmarks/backtest_scale.py [--write]      ends with 1 where 1,000 symbols x 20 years take more than 1 GB

Each size runs in a process of its own: a ranking of all symbols by RSI, the ten lowest held in equal weights, decided every evening,
honest costs; from closes in memory to figures, peak memory of the whole process.
"""

from __future__ import annotations

import argparse
import datetime as dt
import json
import resource
import subprocess
import sys
import time
from decimal import Decimal

import numpy as np
from backtest_peers import write

from backtest.conventions import Conventions, Costs
from backtest.engine import run
from backtest.history import History
from backtest.result import evaluate
from services.strategy.domain.closes import Closes
from services.strategy.domain.engine import TreeStrategy
from services.strategy.domain.indicators import RSI
from services.strategy.domain.language import by, lowest
from services.strategy.domain.portfolio import StrategyManager
from shared.sessions import sessions_between

YEAR = 252
SIZES = [(5 * YEAR, 100), (10 * YEAR, 100), (20 * YEAR, 100), (20 * YEAR, 250), (20 * YEAR, 500), (20 * YEAR, 1000)]
MOST_MB = 1024


def one(sessions: int, symbols: int) -> dict[str, float]:
    names = [f"S{number:04d}" for number in range(symbols)]
    rng = np.random.default_rng(1)
    days = [s.date for s in sessions_between(dt.date(2004, 1, 2), dt.date(2030, 12, 31))][:sessions]
    paths = 100 * np.exp(np.cumsum(rng.normal(0, 0.01, (symbols, sessions)), axis=1))
    history = History.of(Closes.of(days, dict(zip(names, paths, strict=True))))
    del paths
    manager = StrategyManager()
    manager.add_strategy(TreeStrategy("lowest", lowest(10, by(RSI, 10), *names)), Decimal(1))
    begun = time.perf_counter()
    found = evaluate(run(manager.allotments, history, Conventions(costs=Costs.HONEST)))
    spent = {"final": found.as_json()["final_equity"], "seconds": time.perf_counter() - begun}
    return {**spent, "mb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024}


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--one", nargs=2, type=int, help=argparse.SUPPRESS)
    parser.add_argument("--write", action="store_true", help="put the table into RESULTS.md")
    asked = parser.parse_args()
    if asked.one:
        print(json.dumps(one(*asked.one)))
        return 0
    lines, heaviest = ["| sessions | symbols | time | peak memory |", "|---:|---:|---:|---:|"], 0.0
    for sessions, symbols in SIZES:
        command = [sys.executable, __file__, "--one", str(sessions), str(symbols)]
        told = json.loads(subprocess.run(command, capture_output=True, text=True, check=True).stdout)
        heaviest = max(heaviest, told["mb"])
        lines.append(f"| {sessions:,} | {symbols:,} | {told['seconds']:.2f} s | {told['mb']:.0f} MB |")
        print(lines[-1])
    if asked.write:
        title = "## How a backtest grows\n\n`.venv/bin/python benchmarks/backtest_scale.py --write`: the ten lowest RSI10 of all symbols"
        write(
            f"{title}, decided every evening, honest costs, figures included; whole process.\n\n"
            + "\n".join(lines)
            + "\n"
        )
    return int(heaviest > MOST_MB)


if __name__ == "__main__":
    sys.exit(main())

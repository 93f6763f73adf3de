"""How long decisions take, on one core: python -m benchmarks.decisions [--write] (into RESULTS.md). Needs ../shared/data.

Each figure is the median of several runs, each from nothing: no indicator is known before the clock starts.
"""

from __future__ import annotations

import argparse
import os
import platform
import resource
import statistics
import time
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pandas as pd

from benchmarks import results_page
from benchmarks.generated_symphony import generated_symphony
from services.strategy.domain.closes import Closes
from services.strategy.domain.columns import Columns
from services.strategy.domain.day import evaluate_day
from services.strategy.domain.engine import TreeStrategy
from services.strategy.domain.portfolio import StrategyManager
from services.strategy.domain.proxies import with_stand_ins
from services.strategy.domain.strategies import BUILT_IN
from services.strategy.domain.survey import nodes_of
from services.strategy.domain.symphony.clj_reader import read_clj
from services.strategy.domain.tree import Node

ROOT = Path(__file__).resolve().parents[1]
CLOSES = ROOT.parent / "shared" / "data" / "daily_close" / "klm69_2015_2024.csv.gz"
TITLE = "## Decisions"
SHARES = {"nuclear": "0.3", "tecl": "0.5", "klm": "0.2"}


class Figure(NamedTuple):
    what: str
    seconds: float
    target: float
    detail: str


def median_seconds(work: Callable[[], object], runs: int) -> float:
    """Processor time on the one core: what else runs on the machine is no part of it."""
    taken = []
    for _ in range(runs):
        before = time.process_time()
        work()
        taken.append(time.process_time() - before)
    return statistics.median(taken)


def trees() -> dict[str, Node]:
    built = {name: BUILT_IN[name]() for name in SHARES}
    return {name: strategy.tree for name, strategy in built.items() if isinstance(strategy, TreeStrategy)}


def portfolio() -> StrategyManager:
    manager = StrategyManager()
    for name, share in SHARES.items():
        manager.add_strategy(BUILT_IN[name](), Decimal(share))
    return manager


def all_days(closes: Closes) -> None:
    columns = Columns(closes)
    for tree in trees().values():
        columns.allocation(tree)


def figures(closes: Closes) -> list[Figure]:
    five_years = complete(closes, 5 * 252)
    text = generated_symphony(sorted(five_years.symbols))
    tree = read_clj(text).tree
    manager = portfolio()
    size = f"{len(text) / 1e6:.1f} MB, {text.count('('):,} brackets, {len(nodes_of(tree)):,} distinct nodes"

    def parse_and_evaluate() -> None:
        evaluate_day(read_clj(text).tree, Columns(five_years))

    days = len(closes)
    return [
        Figure(
            "NUCLEAR, TECL and KLM, all daily decisions",
            median_seconds(lambda: all_days(closes), 7),
            1.0,
            f"{days:,} sessions, closes in memory to weights",
        ),
        Figure(
            "one live decision of all three, explained",
            median_seconds(lambda: manager.decide(closes, {}), 15),
            0.05,
            f"on {days:,} sessions of history",
        ),
        Figure(
            "a large symphony, five years", median_seconds(lambda: Columns(five_years).allocation(tree), 5), 10.0, size
        ),
        Figure("the same, read and decided for one day", median_seconds(parse_and_evaluate, 3), 5.0, size),
    ]


def complete(closes: Closes, rows: int) -> Closes:
    """The last rows, of the symbols that have a close on each of them."""
    columns = {s: c[-rows:] for s, c in closes.columns.items() if not np.isnan(c[-rows:]).any()}
    return Closes.of(closes.sessions[-rows:], columns)


def as_markdown(found: list[Figure]) -> str:
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    versions = f"Python {platform.python_version()}, numpy {np.__version__}"
    how = (
        f"`make bench-decisions`, or `.venv/bin/python -m benchmarks.decisions --write`. {versions}, one core, medians of processor time; "
        f"peak memory of the whole run {peak:.0f} MB."
    )
    lines = [
        TITLE,
        "",
        how,
        "",
        "| what | time | at most | size |",
        "|---|---:|---:|---|",
        *(f"| {f.what} | {f.seconds * 1000:,.0f} ms | {f.target * 1000:,.0f} ms | {f.detail} |" for f in found),
        "",
    ]
    return "\n".join(lines)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--write", action="store_true", help="put the table into RESULTS.md")
    arguments = parser.parse_args()
    os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})  # one core, numpy's libraries included
    found = figures(with_stand_ins(Closes.of_frame(pd.read_csv(CLOSES, index_col=0))))
    section = as_markdown(found)
    print(section)
    if arguments.write:
        results_page.put(section)
    missed = [figure.what for figure in found if figure.seconds > figure.target]
    if missed:
        raise SystemExit(f"slower than it should be: {', '.join(missed)}")


if __name__ == "__main__":
    main()

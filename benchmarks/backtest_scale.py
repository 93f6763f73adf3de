"""How a backtest's time and memory grow with sessions, symbols and nodes.

    .venv/bin/python -m benchmarks.backtest_scale [--write] [--plot FILE.svg]

Ends with 1 where 1,000 symbols x 20 years take more than 1 GB. Each size runs in a process of its own: processor time from closes
in memory to figures and contributions, honest costs, decided every evening; peak memory of the whole process. Days and symbols: the
ten lowest RSI10 of all symbols in equal weights. Nodes: a generated symphony (generated_symphony.py) of 50 symbols over ten years.
"""

from __future__ import annotations

import argparse
import datetime as dt
import json
import resource
import subprocess
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import Final

import numpy as np

from backtest.conventions import Conventions, Costs
from backtest.engine import run
from backtest.history import History
from backtest.result import evaluate
from benchmarks import results_page
from benchmarks.generated_symphony import generated_tree
from benchmarks.growth_picture import Panel, svg
from services.strategy.domain.closes import Closes
from services.strategy.domain.engine import TreeStrategy
from services.strategy.domain.indicators import RSI
from services.strategy.domain.language import by, lowest
from services.strategy.domain.portfolio import StrategyManager
from services.strategy.domain.survey import nodes_of
from services.strategy.domain.tree import Node
from shared.sessions import sessions_between

YEAR: Final = 252
MOST_MB: Final = 1024


@dataclass(frozen=True, slots=True)
class Size:
    """`chains` 0: the ranking of all symbols; else a generated symphony of so many pairs of else-chains."""

    sessions: int
    symbols: int
    chains: int = 0

    def tree(self, names: Sequence[str]) -> Node:
        return generated_tree(names, self.chains) if self.chains else lowest(10, by(RSI, 10), *names)


@dataclass(frozen=True, slots=True)
class Found:
    size: Size
    seconds: float
    mb: float
    nodes: int


BY_SESSIONS: Final = tuple(Size(years * YEAR, 100) for years in (2, 5, 10, 20))
BY_SYMBOLS: Final = tuple(Size(20 * YEAR, symbols) for symbols in (100, 250, 500, 1000))
BY_NODES: Final = tuple(Size(10 * YEAR, 50, chains) for chains in (1, 4, 16, 64))


def one(size: Size) -> Found:
    names = [f"S{number:04d}" for number in range(size.symbols)]
    history = History.of(random_closes(names, size.sessions))
    tree = size.tree(names)
    manager = StrategyManager()
    manager.add_strategy(TreeStrategy("measured", tree), Decimal(1))
    begun = time.process_time()
    evaluate(run(manager.allotments, history, Conventions(costs=Costs.HONEST))).as_json()
    seconds = time.process_time() - begun
    return Found(size, seconds, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024, len(nodes_of(tree)))


def random_closes(names: Sequence[str], sessions: int) -> Closes:
    days = [s.date for s in sessions_between(dt.date(2004, 1, 2), dt.date(2030, 12, 31))][:sessions]
    paths = 100 * np.exp(np.cumsum(np.random.default_rng(1).normal(0, 0.01, (len(names), sessions)), axis=1))
    return Closes.of(days, dict(zip(names, paths, strict=True)))


def measured(size: Size) -> Found:
    command = [
        sys.executable,
        "-m",
        "benchmarks.backtest_scale",
        "--one",
        json.dumps([size.sessions, size.symbols, size.chains]),
    ]
    told = json.loads(subprocess.run(command, capture_output=True, text=True, check=True).stdout)
    found = Found(size, *told)
    print(_row(found), flush=True)
    return found


def as_markdown(found: Sequence[Found]) -> str:
    head = "| sessions | symbols | distinct nodes | time | peak memory |\n|---:|---:|---:|---:|---:|"
    how = (
        "`make bench-decisions`, or `.venv/bin/python -m benchmarks.backtest_scale --write --plot docs/images/backtest_growth.svg`: processor time, honest costs, "
        "figures and contributions included, decided every evening; whole process. Up to 2 nodes a symbol: the ten lowest RSI10 of all symbols; the last "
        "rows: a generated symphony, long else-chains and rankings of composites."
    )
    picture = "![How time grows with sessions, symbols and nodes](../docs/images/backtest_growth.svg)"
    return "\n\n".join(("## How a backtest grows", how, picture, "\n".join((head, *map(_row, found))))) + "\n"


def _row(found: Found) -> str:
    size = found.size
    return f"| {size.sessions:,} | {size.symbols:,} | {found.nodes:,} | {found.seconds:.2f} s | {found.mb:.0f} MB |"


def as_picture(sessions: Sequence[Found], symbols: Sequence[Found], nodes: Sequence[Found]) -> str:
    panels = (
        Panel("Days", "sessions (100 symbols)", [(f.size.sessions, f.seconds) for f in sessions]),
        Panel("Symbols", "symbols (20 years)", [(f.size.symbols, f.seconds) for f in symbols]),
        Panel("Nodes", "distinct nodes (50 symbols, 10 years)", [(f.nodes, f.seconds) for f in nodes]),
    )
    return svg("A backtest's processor time, from closes in memory to figures", panels)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--one", type=json.loads, help=argparse.SUPPRESS)
    parser.add_argument("--write", action="store_true", help="put the table into RESULTS.md")
    parser.add_argument("--plot", type=Path, help="draw it into this SVG")
    asked = parser.parse_args()
    if asked.one:
        found = one(Size(*asked.one))
        print(json.dumps([found.seconds, found.mb, found.nodes]))
        return 0
    known: dict[Size, Found] = {size: measured(size) for size in dict.fromkeys((*BY_SESSIONS, *BY_SYMBOLS, *BY_NODES))}
    if asked.write:
        results_page.put(as_markdown(list(known.values())))
    if asked.plot:
        asked.plot.write_text(
            as_picture(*([known[size] for size in sizes] for sizes in (BY_SESSIONS, BY_SYMBOLS, BY_NODES)))
        )
    return int(max(found.mb for found in known.values()) > MOST_MB)


if __name__ == "__main__":
    sys.exit(main())

"""A report's folder: the tear sheet, the figures as JSON, every evening and every trade as CSV."""

from __future__ import annotations

import csv
import json
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

from backtest import statistics
from backtest.result import Result
from backtest.sheet import tear_sheet


def write_report(result: Result, folder: Path) -> None:
    """index.html, result.json, days.csv, trades.csv. Raises OSError where the folder cannot be written."""
    folder.mkdir(parents=True, exist_ok=True)
    parts = [f"{d.allotment.name} {float(d.allotment.share):.0%}" for d in result.outcome.targets.decided]
    title = parts[0].removesuffix(" 100%") if len(parts) == 1 else ", ".join(parts)
    (folder / "index.html").write_text(tear_sheet(result, title), encoding="utf-8")
    (folder / "result.json").write_text(json.dumps(result.as_json(), indent=1) + "\n", encoding="utf-8")
    write_days(result, folder / "days.csv")
    write_trades(result, folder / "trades.csv")


def write_days(result: Result, path: Path) -> None:
    """One row a session: equity, return, drawdown, cash, the benchmarks' equity, and dollars in each symbol held."""
    outcome = result.outcome
    places = [place for place in range(len(outcome.symbols)) if outcome.positions[:, place].any()]
    benchmarks = [f"benchmark {b.symbol}" for b in result.benchmarks]
    header = ["date", "equity", "return", "drawdown", "cash", *benchmarks, *(outcome.symbols[p] for p in places)]
    _write(path, header, _days(result, places))


def write_trades(result: Result, path: Path) -> None:
    outcome = result.outcome
    told = outcome.book.trades(outcome.targets.closes.sessions, outcome.costs.half_spread)
    header = ["date", "symbol", "side", "qty", "price", "notional", "spread_cost", "reason"]
    rows = (
        (t.session, t.symbol, "buy" if t.qty > 0 else "sell", abs(t.qty), t.price, t.notional, t.cost, t.reason)
        for t in told
    )
    _write(path, header, rows)


def _days(result: Result, places: Sequence[int]) -> Iterator[Sequence[Any]]:
    outcome = result.outcome
    returns = ["", *result.returns.tolist()]
    falls = statistics.drawdowns(result.curve).tolist()
    rows = zip(outcome.sessions, outcome.equity.tolist(), returns, falls, outcome.cash.tolist(), strict=True)
    for number, row in enumerate(rows):
        worth = (float(b.curve[number]) * outcome.conventions.cash for b in result.benchmarks)
        yield (*row, *worth, *outcome.positions[number, places].tolist())


def _write(path: Path, header: Sequence[str], rows: Iterable[Sequence[Any]]) -> None:
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(header)
        writer.writerows(rows)

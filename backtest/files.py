"""A report's folder: the tear sheet, the figures as JSON, every evening and every trade as CSV and as Parquet."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pandas as pd

from backtest import statistics
from backtest.result import Result
from backtest.sheet import tear_sheet


def write_report(result: Result, folder: Path) -> None:
    """index.html, result.json, and days and trades as .csv and .parquet. Raises OSError where the folder cannot be written."""
    folder.mkdir(parents=True, exist_ok=True)
    parts = [f"{d.allotment.name} {float(d.allotment.share):.0%}" for d in result.outcome.targets.decided]
    title = parts[0].removesuffix(" 100%") if len(parts) == 1 else ", ".join(parts)
    (folder / "index.html").write_text(tear_sheet(result, title), encoding="utf-8")
    (folder / "result.json").write_text(json.dumps(result.as_json(), indent=1) + "\n", encoding="utf-8")
    for name, table in (("days", days(result)), ("trades", trades(result))):
        table.to_csv(folder / f"{name}.csv", index=False, lineterminator="\n")
        table.to_parquet(folder / f"{name}.parquet", index=False)


def days(result: Result) -> pd.DataFrame:
    """One row a session: equity, return, drawdown, cash, the benchmarks' equity, and dollars in each symbol held."""
    outcome = result.outcome
    held = {s: worth for s, worth in zip(outcome.symbols, outcome.positions.T, strict=True) if worth.any()}
    return pd.DataFrame(
        {
            "date": list(outcome.sessions),
            "equity": outcome.equity,
            "return": np.concatenate(([np.nan], result.returns)),
            "drawdown": statistics.drawdowns(result.curve),
            "cash": outcome.cash,
            **{f"benchmark {b.symbol}": b.curve * outcome.conventions.cash for b in result.benchmarks},
            **held,
        }
    )


def trades(result: Result) -> pd.DataFrame:
    outcome = result.outcome
    told = outcome.book.trades(outcome.targets.closes.sessions, outcome.costs.half_spread)
    rows = (
        (t.session, t.symbol, "buy" if t.qty > 0 else "sell", abs(t.qty), t.price, t.notional, t.cost, t.reason)
        for t in told
    )
    return pd.DataFrame(rows, columns=["date", "symbol", "side", "qty", "price", "notional", "spread_cost", "reason"])

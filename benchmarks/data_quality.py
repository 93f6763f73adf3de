"""What the gates of data quality find, and what that does to decisions.

python -m benchmarks.data_quality [--data ../shared/data] [--write]   (into RESULTS.md)

Rates on clean closes and on a real feed's bars; and NUCLEAR and TECL decided each evening of 2023-07 to 2024-12 on the feed's closes
as they are, with what the gates refuse left unknown, and repaired from the true closes. Whoever differs from the last is wrong.
"""

from __future__ import annotations

import argparse
import datetime as dt
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np

from backtest.recorded_series import as_history, read_series
from benchmarks import results_page
from services.strategy.adapters.loading import load_strategy
from services.strategy.domain.closes import Closes
from services.strategy.domain.columns import Columns
from services.strategy.domain.day import evaluate_day
from services.strategy.domain.engine import TreeStrategy
from services.strategy.domain.proxies import with_sources, with_stand_ins
from services.strategy.domain.undefined import UndefinedDecision
from shared.contracts.marketdata import DailyHistory
from shared.quality import Doubt, Series, Surroundings, examine, market_volume, settled, unknown_closes
from shared.sessions import sessions_between

HEADING = "## Data quality"
FIRST, SINCE, UNTIL = dt.date(2020, 7, 27), dt.date(2023, 7, 3), dt.date(2024, 12, 31)
FULL_TAPE = 1e9

Histories = Mapping[str, DailyHistory]
Decision = Mapping[str, float] | None


def doubts_of(many: Sequence[Series]) -> dict[str, tuple[Doubt, ...]]:
    around = Surroundings(max(series.dates[-1] for series in many), market_volume(many))
    return {series.symbol: examine(series, around) for series in many}


def rates(name: str, many: Sequence[Series]) -> Iterable[str]:
    """A row per gate: findings and closes that it refuses, findings that it notes."""
    doubts = [doubt for told in doubts_of(many).values() for doubt in told]
    closes = sum(map(len, many))
    for gate in sorted({doubt.gate for doubt in doubts}):
        refused = [doubt for doubt in doubts if doubt.gate == gate and doubt.refuses]
        noted = [doubt for doubt in doubts if doubt.gate == gate and not doubt.refuses]
        days = sum(len(doubt.dates) for doubt in refused)
        told = f"| {gate} | {len(refused)} | {days:,} | {days / closes:.4%} | {sum(len(d.dates) for d in noted):,} |"
        yield f"| {name} ({len(many)} symbols, {closes:,} closes) {told}"


def judged(feed: Sequence[Series], true: Mapping[str, Series] | None) -> Histories:
    doubts = doubts_of(feed)
    found = {}
    for series in feed:
        other = None if true is None or series.symbol not in true else as_history(true[series.symbol], "twelvedata")
        if other is not None:
            other = other.model_copy(update={"volume": (FULL_TAPE,) * len(other.dates)})
        found[series.symbol] = settled(as_history(series, "alpaca"), doubts[series.symbol], other)
    return found


def table_on(histories: Histories, symbols: Iterable[str], session: dt.date) -> Closes:
    """As the strategy service makes it, for a decision on that session's closes."""
    days = [s.date for s in sessions_between(FIRST, session)]
    place = {day: row for row, day in enumerate(days)}
    columns, refused = {}, {}
    for symbol in symbols:
        if symbol not in histories:
            continue
        history = histories[symbol]
        unknown = unknown_closes(history.dates, history.findings, session)
        column = np.full(len(days), np.nan)
        for day, close in zip(history.dates, history.close, strict=True):
            if day in place and day not in unknown:
                column[place[day]] = close
        columns[symbol] = column
        if unknown:
            refused[symbol] = unknown
    return with_stand_ins(replace(Closes.of(days, columns), refused=refused))


def decided(strategy: TreeStrategy, histories: Histories, session: dt.date) -> Decision:
    closes = table_on(histories, with_sources(strategy.symbols), session)
    try:
        weights = evaluate_day(strategy.tree, Columns(closes)).weights
    except UndefinedDecision:
        return None
    return {symbol: round(weight, 9) for symbol, weight in weights.items() if weight}


def decisions(feed: Sequence[Series], true: Mapping[str, Series]) -> Iterable[str]:
    as_it_is = {series.symbol: as_history(series, "alpaca") for series in feed}
    ways = {"the closes as they are": as_it_is, "gates alone": judged(feed, None), "repaired": judged(feed, true)}
    sessions = [session.date for session in sessions_between(SINCE, UNTIL)]
    for name in ("nuclear", "tecl"):
        strategy = load_strategy(name)
        assert isinstance(strategy, TreeStrategy)
        truth = [decided(strategy, ways["repaired"], session) for session in sessions]
        for way, histories in ways.items():
            found = [decided(strategy, histories, session) for session in sessions]
            kinds = Counter(_kind(one, right) for one, right in zip(found, truth, strict=True))
            yield f"| {name} | {way} | {kinds['undefined']} | {kinds['other']} | {len(sessions)} |"


def _kind(found: Decision, right: Decision) -> str:
    return "undefined" if found is None else "same" if found == right else "other"


def section(data: Path) -> str:
    clean = {path.name: read_series(path) for path in sorted((data / "daily_close").glob("*.csv.gz"))}
    feed = read_series(data / "daily_ohlcv")
    true = {series.symbol: series for series in clean["klm69_2015_2024.csv.gz"]}
    lines = [
        HEADING,
        "",
        "`.venv/bin/python -m benchmarks.data_quality --write`. What the findings are: docs/data-quality.md.",
        "",
        "| closes | gate | findings that refuse | closes refused | share | closes noted |",
        "|---|---|---:|---:|---:|---:|",
        *(row for name, many in {**clean, "IEX feed": feed}.items() for row in rates(name, many)),
        "",
        f"Decisions on the IEX feed's closes, each session from {SINCE} to {UNTIL}, against those on repaired closes:",
        "",
        "| strategy | decided on | undefined | another decision | of |",
        "|---|---|---:|---:|---:|",
        *decisions(feed, true),
    ]
    return "\n".join(lines) + "\n"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, default=Path("../shared/data"))
    parser.add_argument("--write", action="store_true", help="put the tables into RESULTS.md")
    arguments = parser.parse_args()
    text = section(arguments.data)
    print(text)
    if arguments.write:
        results_page.put(text)


if __name__ == "__main__":
    main()

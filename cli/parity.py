"""`alchemiser parity`: which days would have been decided otherwise minutes or a day before the close, and what that cost."""

from __future__ import annotations

import datetime as dt
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.console import Group

from cli.backtest import (
    ClosesFile,
    DataFolder,
    From,
    Strategies,
    Symphonies,
    To,
    period_of,
    progress,
    read_history,
    refused_by_name,
)
from cli.tables import AsJson, show, table

if TYPE_CHECKING:
    from backtest.parity import Other, Parity

_MOST_ROWS = 60


def parity(
    *,
    strategies: Strategies = None,
    symphony: Symphonies = None,
    closes: ClosesFile = None,
    data: DataFolder = None,
    minutes: Annotated[Path | None, typer.Option(help="A folder of minute bars (SPY.csv: Datetime, Close).")] = None,
    minutes_before_close: Annotated[int, typer.Option(min=1, max=389, help="Decision time, as live.")] = 15,
    since: From = None,
    until: To = None,
    as_json: AsJson = False,
) -> None:
    """Compare the decision on the previous close, at decision time and on the official close: flips and their cost."""
    # Imported here so that the other commands start fast.
    from backtest import minutes as recorded, parity as flips, portfolio  # noqa: PLC0415, I001

    with refused_by_name(), progress() as tell:
        allotments = portfolio.allotments_of(strategies, symphony or ())
        bars = {} if minutes is None else recorded.read_minutes(minutes)
        early = dt.timedelta(minutes=minutes_before_close)
        found = flips.compare(allotments, read_history(closes, data), bars, period_of(since, until), early, tell=tell)
    show(found.as_json() if as_json else found, _as_tables, as_json=as_json)


def _as_tables(found: Parity) -> Group:
    said = found.summary()
    names = {"previous": "previous close", "at_time": "decision time"}
    totals = [
        [
            title,
            said[f"{key}_sessions"],
            said[f"{key}_flips"],
            said[f"{key}_undecided"],
            f"{said[f'{key}_cost_bps']:.1f}",
        ]
        for key, title in names.items()
    ]
    flipped = [day for day in found.days if day.previous.flipped or (day.at_time and day.at_time.flipped)]
    rows = [
        [day.session, _weights(day.official), *_other(day.previous), *_other(day.at_time)]
        for day in flipped[-_MOST_ROWS:]
    ]
    heads = ["session", "official close", "previous close", "bps>", "decision time", "bps>"]
    title = "Flips" if len(flipped) <= _MOST_ROWS else f"Flips: the last {_MOST_ROWS} of {len(flipped)}"
    return Group(
        table("Decided on", ["", "sessions>", "flips>", "undecided>", "cost in bps>"], totals),
        table(title, heads, rows),
        "A cost is what the official close's weights earned until the next close, less the other's; negative is a gain.",
    )


def _other(other: Other | None) -> list[Any]:
    if other is None:
        return ["no minute bars", ""]
    if not other.flipped:
        return ["same", ""]
    return [_weights(other.weights), "-" if other.cost_bps is None else f"{other.cost_bps:.1f}"]


def _weights(weights: dict[str, float]) -> str:
    return ", ".join(f"{symbol} {weight * 100:.4g}" for symbol, weight in weights.items()) or "cash"

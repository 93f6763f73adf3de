"""`alchemiser data check`: what the gates of data quality say of recorded prices, by symbol and date."""

from __future__ import annotations

import collections
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.console import Group, RenderableType
from rich.text import Text

from cli.backtest import refused_by_name
from cli.exit_codes import CommandError, ExitCode, FailedError
from cli.tables import AsJson, bad, show, table

if TYPE_CHECKING:
    from shared.contracts.marketdata import DataFinding
    from shared.quality import Series

data = typer.Typer(name="data", help="Recorded prices: what the gates of data quality say of them.")


@data.callback()
def _group() -> None:
    """So that `check` stays a word of its own."""


@data.command()
def check(
    path: Annotated[
        Path,
        typer.Argument(
            metavar="PATH", help="Closes as for --closes, an OHLCV file, or a folder of them (SPY.csv, ...)."
        ),
    ],
    *,
    second: Annotated[
        Path | None,
        typer.Option(metavar="PATH", help="A second source of the same prices: what it repairs or confirms."),
    ] = None,
    symbol: Annotated[list[str] | None, typer.Option(help="Only these; may be repeated.")] = None,
    as_json: AsJson = False,
) -> None:
    """Findings by symbol and date. Exit code 1 where one makes closes unknown."""
    many = _only(_read(path), symbol)
    findings = _findings(many, () if second is None else _read(second))
    counts = collections.Counter(f"{finding.gate}, {finding.verdict}" for finding in findings)
    refused = [finding for finding in findings if finding.verdict == "refused"]
    answer = {
        "symbols": len(many),
        "closes": sum(map(len, many)),
        "refused": len(refused),
        "counts": dict(sorted(counts.items())),
        "findings": [finding.model_dump(mode="json") for finding in findings],
    }
    show(answer, _view, as_json=as_json)
    if refused:
        symbols = sorted({finding.symbol for finding in refused})
        raise FailedError(f"{len(refused)} findings make closes unknown, of {', '.join(symbols)}")


def _read(path: Path) -> tuple[Series, ...]:
    from backtest.recorded_series import read_series  # noqa: PLC0415 - so that other commands start fast

    with refused_by_name():
        return read_series(path)


def _findings(many: Sequence[Series], second: Sequence[Series]) -> list[DataFinding]:
    from backtest.recorded_series import checked_series  # noqa: PLC0415 - as above

    with refused_by_name():
        return checked_series(many, {series.symbol: series for series in second})


def _only(many: tuple[Series, ...], symbols: Sequence[str] | None) -> tuple[Series, ...]:
    from backtest.history import traded_name  # noqa: PLC0415 - as above

    wanted = {traded_name(symbol.strip().upper()) for symbol in symbols or ()}
    if missing := sorted(wanted - {series.symbol for series in many}):
        raise CommandError(ExitCode.USAGE, f"--symbol: expected symbols of the file, got {', '.join(missing)}")
    return tuple(series for series in many if not wanted or series.symbol in wanted)


def _view(answer: dict[str, Any]) -> RenderableType:
    rows = [
        (
            finding["symbol"],
            finding["dates"][0],
            finding["dates"][-1] if len(finding["dates"]) > 1 else "",
            len(finding["dates"]),
            finding["gate"],
            bad("refused") if finding["verdict"] == "refused" else finding["verdict"],
            f"{finding['seen']}; expected {finding['expected']}",
        )
        for finding in answer["findings"]
    ]
    counts = ", ".join(f"{name} {count}" for name, count in answer["counts"].items()) or "nothing was found"
    return Group(
        table(
            f"{answer['symbols']} symbols, {answer['closes']} closes",
            ["symbol", "first", "last", "days>", "gate", "verdict", "seen"],
            rows,
            empty="every gate lets them pass",
        ),
        Text(counts, style="dim"),
    )

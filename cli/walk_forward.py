"""`--walk-forward` of backtest and sweep: its options, and its windows as tables."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.console import RenderableType

from cli.exit_codes import CommandError, ExitCode
from cli.tables import table

if TYPE_CHECKING:
    from backtest.walk_forward import Windows

WalkForwardOption = Annotated[
    str | None,
    typer.Option(
        "--walk-forward",
        metavar="TRAIN,HOLD",
        help="Rolling windows in sessions such as 504,126: in sample, then out of sample.",
    ),
]
By = Annotated[str, typer.Option("--by", help="sharpe, sortino, cagr or calmar: what is best in sample.")]


def windows_of(text: str | None, by: str) -> Windows | None:
    """Raises CommandError."""
    from backtest.walk_forward import Windows, WindowsError  # noqa: PLC0415 - so that other commands start fast

    try:
        windows = Windows.of(text or "2,1", by)
    except WindowsError as error:
        raise CommandError(ExitCode.USAGE, str(error)) from error
    return None if text is None else windows


def walk_forward_tables(walked: dict[str, Any]) -> list[RenderableType]:
    """From the JSON form."""
    by = walked["by"]
    heads = ["from", "to", *(["chosen"] if "parameters" in walked["stretches"][0] else [])]
    figures = list(dict.fromkeys([by, "cagr", "max_drawdown"]))
    heads += [f"{words} {name.replace('_', ' ')}>" for name in figures for words in ("in sample", "out")]
    rows = []
    for stretch in walked["stretches"]:
        inside, outside = stretch["in_sample"], stretch["out_of_sample"]
        pairs = [_figure(name, sample[name]) for name in figures for sample in (inside, outside)]
        rows.append([outside["first"], outside["last"], *([p] if (p := stretch.get("parameters")) else []), *pairs])
    joined = [[name.replace("_", " "), _figure(name, value)] for name, value in walked["figures"].items()]
    return [
        table(f"Walk-forward: {walked['train']} sessions in sample, {walked['hold']} out of sample", heads, rows),
        table("Out of sample, joined", ["", ">"], joined),
    ]


def _figure(name: str, value: float | None) -> str:
    if value is None:
        return "-"
    return f"{value:.2f}" if name in {"sharpe", "sortino", "calmar"} else f"{value * 100:.2f} %"

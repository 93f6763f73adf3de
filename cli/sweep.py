"""`alchemiser sweep`: one strategy over a grid of parameters, on any number of workers, going on where it was stopped."""

from __future__ import annotations

import signal
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.console import Group

from cli.backtest import (
    ClosesFile,
    Costs,
    DataFolder,
    Fill,
    From,
    Shares,
    To,
    period_of,
    progress,
    refused_by_name,
)
from cli.exit_codes import CommandError, ExitCode, FailedError, UnreachableError
from cli.tables import AsJson, show, table
from cli.walk_forward import By, WalkForwardOption, walk_forward_tables, windows_of

if TYPE_CHECKING:
    from backtest.decisions import Tell
    from backtest.sweep import Point, Store
    from backtest.walk_forward import Windows

_MOST_ROWS = 40


def sweep(
    strategy: Annotated[str, typer.Argument(help="module:factory, called with the parameters by name.")],
    *,
    param: Annotated[list[str], typer.Option(help="name=value,value,...; repeat for a grid.")],
    closes: ClosesFile = None,
    data: DataFolder = None,
    since: From = None,
    until: To = None,
    fill: Annotated[Fill, typer.Option()] = Fill.close,
    costs: Annotated[Costs, typer.Option()] = Costs.zero,
    shares: Annotated[Shares, typer.Option()] = Shares.fractional,
    cash: Annotated[float, typer.Option(min=1, max=1e12)] = 100_000,
    store: Annotated[Path, typer.Option(help="Results, one file a point; what is there is not done again.")] = Path(
        "sweep"
    ),
    workers: Annotated[int, typer.Option(min=0, help="RQ worker processes here; 0 with --redis: elsewhere only.")] = 0,
    redis: Annotated[str | None, typer.Option(help="Their Redis; without it a private one is started.")] = None,
    walk_forward: WalkForwardOption = None,
    by: By = "sharpe",
    as_json: AsJson = False,
) -> None:
    """Every combination of parameters as a backtest of its own; interrupted, the same command goes on."""
    from backtest import sweep as grid  # noqa: PLC0415 - so that other commands start fast

    windows = windows_of(walk_forward, by)
    period_of(since, until)
    digest = grid.digest_of(prices := _prices(closes, data))
    ground = grid.Ground(str(prices.resolve()), digest, since, until, fill.value, costs.value, shares.value, cash)
    kept = _store(store)
    with refused_by_name(), progress() as tell:
        points = grid.points_of(strategy, grid.parameters_of(param), ground)
        _work(points, kept, workers, redis, tell)
        answer = _answer([kept.read(point) for point in points], by, windows)
    show(answer, lambda found: _as_tables(found, by), as_json=as_json)


def _store(folder: Path) -> Store:
    from backtest.sweep import Store  # noqa: PLC0415 - as above

    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise FailedError(f"--store {folder}: cannot be written: {error}") from error
    return Store(folder)


def _prices(closes: Path | None, data: Path | None) -> Path:
    prices = closes or data
    if (closes is None) == (data is None) or prices is None or not prices.exists():
        raise CommandError(ExitCode.USAGE, "expected one of --closes PATH and --data DIR, and it must be there")
    return prices


def _answer(results: Sequence[dict[str, Any]], by: str, windows: Windows | None) -> dict[str, Any]:
    """The best point first; where windows were asked for, what choosing by the past was worth."""
    from backtest.walk_forward import as_json, walk_forward  # noqa: PLC0415 - as above

    best = sorted(results, key=lambda r: -(r["figures"][by] if r["figures"][by] is not None else float("-inf")))
    answer: dict[str, Any] = {"points": [{"parameters": r["parameters"], **r["figures"]} for r in best]}
    if windows is not None:
        found = walk_forward([result["equity"] for result in results], windows)
        answer["walk_forward"] = as_json(found, [result["parameters"] for result in results])
    return answer


def _work(points: Sequence[Point], store: Store, workers: int, redis: str | None, tell: Tell) -> None:
    from backtest import sweep as grid  # noqa: PLC0415 - as above

    if not workers and redis is None:
        grid.work_here(points, store, tell)
        return
    from backtest import workers as crew  # noqa: PLC0415 - needs RQ, which working here does not
    from cli.embedded_redis import NoRedisError, embedded_redis  # noqa: PLC0415

    try:
        if redis is not None:
            crew.spread(points, store, redis, workers, tell)
        else:
            with _ended_with_a_kill(), embedded_redis() as server:
                crew.spread(points, store, server.url, workers, tell)
    except (crew.UnfinishedError, NoRedisError) as error:
        raise FailedError(str(error)) from error
    except crew.NoQueueError as error:
        raise UnreachableError(f"--redis: {error}") from error


@contextmanager
def _ended_with_a_kill() -> Iterator[None]:
    """A kill ends workers and the private Redis too; what is done stays done."""
    before = signal.signal(signal.SIGTERM, lambda *_: sys.exit(128 + signal.SIGTERM))
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)


def _as_tables(answer: dict[str, Any], by: str) -> Group:
    names = list(answer["points"][0]["parameters"])
    figures = ["cagr", "volatility", "sharpe", "sortino", "max_drawdown", "calmar", "turnover"]
    rows = [
        [*p["parameters"].values(), *("-" if p[f] is None else f"{p[f]:.3f}" for f in figures)]
        for p in answer["points"]
    ]
    heads = [*(f"{name}>" for name in names), *(f"{figure}>" for figure in figures)]
    parts: list[Any] = [table(f"Best by {by}", heads, rows[:_MOST_ROWS])]
    if "walk_forward" in answer:
        parts += walk_forward_tables(answer["walk_forward"])
    return Group(*parts)

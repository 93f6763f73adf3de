"""`alchemiser sweep`: one strategy over a grid of parameters, on any number of workers, going on where it was stopped."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.console import Group

from cli.backtest import ClosesFile, Costs, DataFolder, Fill, From, Shares, To, period_of, progress
from cli.exit_codes import CommandError, ExitCode, FailedError
from cli.tables import AsJson, show, table

if TYPE_CHECKING:
    from backtest.decisions import Tell
    from backtest.sweep import Point, Store

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
    walk_forward: Annotated[
        str | None, typer.Option(metavar="TRAIN,HOLD", help="In sessions: choose by the past, hold, choose again.")
    ] = None,
    by: Annotated[str, typer.Option(help="sharpe, sortino, cagr or calmar: what is best.")] = "sharpe",
    as_json: AsJson = False,
) -> None:
    """Every combination of parameters as a backtest of its own; interrupted, the same command goes on."""
    # Imported here so that the other commands start fast.
    from backtest import history, engine, sweep as grid, walk_forward as forward  # noqa: PLC0415, I001
    from services.strategy.domain.portfolio import PortfolioError  # noqa: PLC0415

    prices = closes or data
    if (closes is None) == (data is None) or prices is None or not prices.exists():
        raise CommandError(ExitCode.USAGE, "expected one of --closes PATH and --data DIR, and it must be there")
    if by not in forward.CHOICES:
        raise CommandError(ExitCode.USAGE, f"--by: expected one of {', '.join(forward.CHOICES)}, got {by!r}")
    period_of(since, until)
    ground = grid.Ground(
        str(prices.resolve()), grid.digest_of(prices), since, until, fill.value, costs.value, shares.value, cash
    )
    kept = grid.Store(store)
    try:
        points = grid.points_of(strategy, grid.parameters_of(param), ground)
        with progress() as tell:
            _work(points, kept, workers, redis, tell)
        results = [kept.read(point) for point in points]
        walked = None if walk_forward is None else _walked(results, walk_forward, by)
    except (PortfolioError, history.HistoryError, engine.PeriodError, ValueError) as error:
        raise CommandError(ExitCode.USAGE, str(error)) from error
    best = sorted(results, key=lambda r: -(r["figures"][by] if r["figures"][by] is not None else float("-inf")))
    answer: dict[str, Any] = {"points": [{"parameters": r["parameters"], **r["figures"]} for r in best]}
    if walked is not None:
        answer["walk_forward"] = walked
    show(answer, lambda found: _as_tables(found, by), as_json=as_json)


def _work(points: Sequence[Point], store: Store, workers: int, redis: str | None, tell: Tell) -> None:
    from backtest import sweep as grid  # noqa: PLC0415 - as above

    if not workers and redis is None:
        grid.work_here(points, store, tell)
        return
    from backtest import workers as crew  # noqa: PLC0415 - needs RQ, which working here does not
    from cli.embedded_redis import embedded_redis  # noqa: PLC0415

    try:
        if redis is not None:
            crew.spread(points, store, redis, workers, tell)
        else:
            with embedded_redis() as server:
                crew.spread(points, store, server.url, workers, tell)
    except crew.UnfinishedError as error:
        raise FailedError(str(error)) from error


def _walked(results: Sequence[dict[str, Any]], asked: str, by: str) -> dict[str, Any]:
    from backtest import walk_forward as forward  # noqa: PLC0415 - as above

    try:
        train, hold = (int(part) for part in asked.split(","))
    except ValueError:
        raise ValueError(f"--walk-forward: expected sessions such as 504,126, got {asked!r}") from None
    if train < 2 or hold < 1:  # noqa: PLR2004 - a deviation needs two
        raise ValueError(f"--walk-forward: expected at least 2,1 sessions, got {asked!r}")
    found = forward.walk_forward([result["equity"] for result in results], train, hold, by)
    return forward.as_json(found, [result["parameters"] for result in results])


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
        walked = answer["walk_forward"]
        stretches = [
            [s["first"], s["last"], s["parameters"], f"{s['trained']:.2f}", f"{s['held']:.2f}"]
            for s in walked["stretches"]
        ]
        parts.append(table("Walk-forward", ["from", "to", "chosen", f"{by} before>", f"{by} held>"], stretches))
        parts.append(
            table("Held stretches together", ["", ">"], [[n, f"{v:.3f}"] for n, v in walked["figures"].items()])
        )
    return Group(*parts)

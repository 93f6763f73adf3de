"""`alchemiser demo`: the whole house on this machine, one rebalance, shown."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from cli.demo.options import Options
from cli.exit_codes import CommandError, ExitCode, FailedError


def demo(
    *,
    once: Annotated[bool, typer.Option("--once", help="End after the report instead of waiting for Ctrl-C.")] = False,
    data: Annotated[
        Path | None, typer.Option(help="Recorded market data; without it prices come from a generator.")
    ] = None,
    seed: Annotated[int, typer.Option(min=0, help="Of the generator; the same seed, the same market.")] = 7,
    start: Annotated[
        str | None, typer.Option(help="New York time at which the venue's clock begins, as 2024-06-03T15:40.")
    ] = None,
    logs: Annotated[
        Path | None, typer.Option(help="Keep logs and Redis's data here; else they go when all went well.")
    ] = None,
) -> None:
    """Start everything on this machine, run one whole rebalance and show it. No keys, no network."""
    if data is not None and not data.is_dir():
        raise CommandError(ExitCode.USAGE, f"DATA: expected a directory of recorded market data, got {str(data)!r}")
    from cli.demo.session import show  # noqa: PLC0415 - loaded for this command only, so that the others start fast

    kept = show(Options(None if data is None else data.resolve(), seed, start), logs, once=once)
    if not kept:
        raise FailedError("not every promise was kept; see above")

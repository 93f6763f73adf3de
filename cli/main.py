"""The `alchemiser` command: one file per command beside this one. Machines start services with `python -m services.<name>`."""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from typing import Any, NoReturn

import typer

from cli import (
    backtest,
    configuration,
    export,
    indicator,
    limits,
    orders,
    parity,
    plans,
    pnl,
    positions,
    rebalance,
    reconcile,
    run,
    signals,
    simulator,
    status,
    sweep,
    tca,
    trading,
)
from cli.data import data
from cli.demo.command import demo
from cli.exit_codes import CommandError, ExitCode
from cli.strategy_new import strategy
from cli.streams import streams
from cli.symphony import symphony
from shared.bus import BusUnavailableError
from shared.settings import SettingsError

app = typer.Typer(
    name="alchemiser",
    help="Decide what to hold, and trade into it.",
    epilog="Exit codes: 0 done, 1 failed, 2 wrong usage, 3 something cannot be reached, 4 refused, 78 wrong setting.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)
_GROUPS: dict[str, tuple[Callable[..., Any], ...]] = {
    "Try": (demo, simulator.simulator),
    "Look": (
        status.status,
        signals.signals,
        plans.plans,
        tca.tca,
        orders.orders,
        positions.positions,
        limits.limits,
        pnl.pnl,
        export.export,
        configuration.settings,
    ),
    "Act": (
        run.run,
        rebalance.rebalance,
        reconcile.reconcile,
        orders.cancel,
        trading.halt,
        trading.resume,
        trading.arm,
        trading.disarm,
    ),
}
_GROUPS["Test"] = (backtest.backtest, parity.parity, sweep.sweep)
for group, commands in _GROUPS.items():
    for command in commands:
        app.command(rich_help_panel=group)(command)
app.add_typer(streams, rich_help_panel="Look")
app.command(rich_help_panel="Test")(indicator.indicator)
app.add_typer(data, rich_help_panel="Test")
app.add_typer(symphony, rich_help_panel="Test")
app.add_typer(strategy, rich_help_panel="Test")


def main(arguments: Sequence[str] | None = None) -> NoReturn:
    """Run the command and exit; every expected trouble is one line on stderr and its code."""
    try:
        app(arguments)
    except CommandError as error:
        _end(error.code, str(error))
    except SettingsError as error:
        _end(ExitCode.CONFIGURATION, f"wrong setting: {error}")
    except BusUnavailableError as error:
        _end(ExitCode.UNREACHABLE, f"{error} (is it running? another address: ALCHEMISER_REDIS_URL)")
    raise SystemExit(ExitCode.OK)


def _end(code: ExitCode, message: str) -> NoReturn:
    sys.stderr.write(f"alchemiser: {message}\n")
    raise SystemExit(int(code))


if __name__ == "__main__":
    main()

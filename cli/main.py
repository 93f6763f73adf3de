"""The `alchemiser` command: one file per command beside this one. Machines start services with `python -m services.<name>`."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from typing import NoReturn

import typer

from cli import (
    configuration,
    demo_command,
    orders,
    plans,
    positions,
    rebalance,
    run,
    signals,
    simulator,
    status,
    trading,
)
from cli.demo.command import demo
from cli.exit_codes import CommandError, ExitCode
from cli.streams import streams
from shared.bus import BusUnavailableError
from shared.settings import SettingsError

app = typer.Typer(
    name="alchemiser",
    help="Decide what to hold and trade into it. Exit codes: 0 done, 1 failed, 2 wrong usage, 3 not reachable, 4 refused, 78 wrong setting.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)
for command in (
    demo,
    simulator.simulator,
    status.status,
    run.run,
    signals.signals,
    rebalance.rebalance,
    plans.plans,
    orders.orders,
    orders.cancel,
    positions.positions,
    trading.halt,
    trading.resume,
    configuration.settings,
):
    app.command()(command)
app.add_typer(streams)


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
    except BrokenPipeError:  # `alchemiser ... | head`
        sys.stderr.close()
        raise SystemExit(ExitCode.OK) from None
    raise SystemExit(ExitCode.OK)


def _end(code: ExitCode, message: str) -> NoReturn:
    sys.stderr.write(f"alchemiser: {message}\n")
    raise SystemExit(int(code))


if __name__ == "__main__":
    main()

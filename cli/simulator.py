"""`alchemiser simulator`: an exchange that speaks Alpaca's wire, for any bot."""

from __future__ import annotations

import signal
from pathlib import Path
from typing import Annotated, Any

import typer

from cli.exit_codes import CommandError, ExitCode
from shared.settings import SettingsError, read


def simulator(
    *,
    host: Annotated[str | None, typer.Option(help="The address it listens on.", show_default="127.0.0.1")] = None,
    port: Annotated[int | None, typer.Option(help="0 takes any free one.", show_default="18765")] = None,
    seed: Annotated[int | None, typer.Option(help="Same seed, same calls: same bytes.", show_default="7")] = None,
    data: Annotated[Path | None, typer.Option(help="Recorded market data; without it, a generator.")] = None,
    start: Annotated[str | None, typer.Option(help="New York time, as 2024-06-03T09:30.")] = None,
    speed: Annotated[float | None, typer.Option(help="Virtual seconds per second.", show_default="1")] = None,
    fills: Annotated[str | None, typer.Option(help="paper or realistic.", show_default="paper")] = None,
    rate_limit: Annotated[int | None, typer.Option(help="Requests a minute; 0: none.", show_default="200")] = None,
    plan: Annotated[str | None, typer.Option(help="Market-data plan: basic or plus.", show_default="plus")] = None,
    state: Annotated[Path | None, typer.Option(help="A directory in which the exchange outlives a restart.")] = None,
    key: Annotated[str | None, typer.Option(help="With --secret: the only login that is let in.")] = None,
    secret: Annotated[str | None, typer.Option(help="Better given as SIM_SECRET or SIM_SECRET_FILE.")] = None,
) -> None:
    """An exchange that speaks Alpaca's wire, for this house or any other bot. What is not given comes from SIM_*."""
    # Imported here so that the other commands start fast.
    from services.simulator.bootstrap import serve  # noqa: PLC0415
    from services.simulator.settings import SimulatorSettings  # noqa: PLC0415

    options = {"host": host, "port": port, "seed": seed, "data": data, "start": start, "speed": speed, "fills": fills}
    options |= {"rate_limit": rate_limit, "plan": plan, "state": state, "key": key, "secret": secret}
    given = {name: value for name, value in options.items() if value is not None}
    try:
        settings = read(SimulatorSettings, **given)
        # uvicorn stops in order on SIGTERM and then raises it again: being told to stop is no failure.
        signal.signal(signal.SIGTERM, _end)
        raise SystemExit(serve(settings))
    except SettingsError as error:
        raise _as_options(error, given) from error


def _end(_number: int, _frame: object) -> None:
    raise SystemExit(ExitCode.OK)


def _as_options(error: SettingsError, given: dict[str, Any]) -> CommandError:
    """The same complaint, naming the option where the value came from one."""
    message = str(error)
    for name in given:
        message = message.replace(f"SIM_{name.upper()}:", f"--{name.replace('_', '-')}:")
    return CommandError(ExitCode.USAGE if "--" in message else ExitCode.CONFIGURATION, message)

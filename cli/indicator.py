"""`alchemiser indicator`: an indicator's series on recorded closes, for anyone who wants to compare it with another tool's."""

from __future__ import annotations

import csv
import sys
from typing import TYPE_CHECKING, Annotated, Any

import typer

from cli.exit_codes import CommandError, ExitCode
from cli.recorded_closes import ClosesFile, closes_for
from cli.tables import AsJson, show, table

if TYPE_CHECKING:
    from services.strategy.domain.indicators import Indicator


def indicator(
    name: Annotated[str, typer.Argument(help="rsi, sma, ema, macd, ... or any word of the symphony language.")],
    symbol: Annotated[str, typer.Option()],
    closes: ClosesFile,
    *,
    window: Annotated[int | None, typer.Option(min=1)] = None,
    short_window: Annotated[int | None, typer.Option(min=1)] = None,
    long_window: Annotated[int | None, typer.Option(min=1)] = None,
    smooth_window: Annotated[int | None, typer.Option(min=1)] = None,
    std_dev: Annotated[int | None, typer.Option(min=1, help="Width of a Bollinger band; 2 unless told.")] = None,
    as_csv: Annotated[
        bool, typer.Option("--csv", help="date,value with all digits; no value where undefined.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """The series of one indicator of one symbol, day by day."""
    found = _found(name)
    told = {
        "window": window,
        "short-window": short_window,
        "long-window": long_window,
        "smooth-window": smooth_window,
        "std-dev": std_dev,
    }
    windows = tuple(_window(found, field, told[field]) for field in found.windows)
    for field in (field for field, days in told.items() if days is not None and field not in found.windows):
        raise CommandError(ExitCode.USAGE, f"--{field}: expected none for {found.name}, got {told[field]}")
    recorded, symbol = closes_for(closes), symbol.upper().replace("/", ".")
    if not recorded.has_any(symbol):
        raise CommandError(ExitCode.USAGE, f"--symbol: expected one with closes in {closes}, got {symbol}")
    try:
        values = found(recorded.columns[symbol], *windows).tolist()
    except ValueError as error:
        raise CommandError(ExitCode.USAGE, str(error)) from error
    series = {
        str(day): None if value != value else value  # noqa: PLR0124 - NaN is the one float unequal to itself
        for day, value in zip(recorded.sessions, values, strict=True)
    }
    if as_csv:
        _write_csv(series)
        return
    label = found.label(windows, symbol)
    show({"indicator": label, "values": series}, _view, as_json=as_json)


def _found(name: str) -> Indicator:
    from services.strategy.domain.indicators import ALL  # noqa: PLC0415 - so that other commands start fast

    known = {spelling: found for found in ALL for spelling in found.names}
    wanted = known.get(name.lower().replace("_", "-"))
    if wanted is None:
        raise CommandError(ExitCode.USAGE, f"{name}: expected one of {', '.join(sorted(known))}")
    return wanted


def _window(found: Indicator, field: str, days: int | None) -> int:
    from services.strategy.domain.indicators import DEFAULT_WINDOWS  # noqa: PLC0415 - as above

    if days is None and field in DEFAULT_WINDOWS:
        return DEFAULT_WINDOWS[field]
    if days is None:
        raise CommandError(ExitCode.USAGE, f"--{field}: expected a number of days for {found.name}")
    return days


def _write_csv(series: dict[str, float | None]) -> None:
    writer = csv.writer(sys.stdout, lineterminator="\n")
    writer.writerow(("date", "value"))
    writer.writerows((day, "" if value is None else repr(value)) for day, value in series.items())


def _view(answer: dict[str, Any]) -> Any:
    rows = [(day, "undefined" if value is None else f"{value:.6f}") for day, value in answer["values"].items()]
    return table(answer["indicator"], ["date", "value>"], rows)

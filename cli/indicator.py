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

_ALIASES = {
    "sma": "moving-average-price",
    "ema": "exponential-moving-average-price",
    "close": "current-price",
    "macd": "moving-average-convergence-divergence",
    "macd-signal": "moving-average-convergence-divergence-signal",
    "ppo": "percentage-price-oscillator",
    "ppo-signal": "percentage-price-oscillator-signal",
}


def indicator(
    name: Annotated[str, typer.Argument(help="rsi, sma, ema, macd, ... or any word of the symphony language.")],
    symbol: Annotated[str, typer.Option()],
    closes: ClosesFile,
    *,
    window: Annotated[int | None, typer.Option(min=1)] = None,
    short_window: Annotated[int | None, typer.Option(min=1)] = None,
    long_window: Annotated[int | None, typer.Option(min=1)] = None,
    smooth_window: Annotated[int | None, typer.Option(min=1)] = None,
    std_dev: Annotated[int, typer.Option(min=1, help="Width of a Bollinger band.")] = 2,
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
    from services.strategy.domain.indicators import BY_NAME  # noqa: PLC0415
    from services.strategy.domain.symphony.vocabulary import BY_COMPOSER_NAME  # noqa: PLC0415 - so that other commands start fast

    known = {**BY_COMPOSER_NAME, **BY_NAME, **{alias: BY_NAME[full] for alias, full in _ALIASES.items()}}
    if name not in known:
        raise CommandError(ExitCode.USAGE, f"{name}: expected one of {', '.join(sorted(known))}")
    return known[name]


def _window(found: Indicator, field: str, days: int | None) -> int:
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

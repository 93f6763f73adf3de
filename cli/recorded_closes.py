"""`--closes PATH` of the commands that decide on recorded closes: one reader for them all, symbols as Alpaca writes them."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from cli.exit_codes import CommandError, ExitCode

if TYPE_CHECKING:
    from services.strategy.domain.closes import Closes
    from shared.contracts.marketdata import DataFinding

ClosesFile = Annotated[
    Path, typer.Option("--closes", help="CSV or Parquet, wide date,SPY,... or long symbol,date,close; .gz too.")
]


@dataclass(frozen=True, eq=False, slots=True)
class Recorded:
    """Closes by symbols as Alpaca writes them (BRK.B), and how the file writes those that it writes otherwise (BRK/B)."""

    closes: Closes
    spellings: Mapping[str, str]

    def as_written(self, symbol: str) -> str:
        return self.spellings.get(symbol, symbol)


def closes_for(path: Path) -> Closes:
    return recorded(path).closes


def recorded(path: Path) -> Recorded:
    """With the stand-ins of re-used tickers."""
    from backtest.history import HistoryError, read_closes, traded_names  # noqa: PLC0415 - so that other commands start fast

    try:
        closes = read_closes(path).closes
        traded = traded_names(closes.columns)
    except HistoryError as error:
        raise CommandError(ExitCode.USAGE, str(error)) from error
    columns = {traded[name]: column for name, column in closes.columns.items()}
    return Recorded(replace(closes, columns=columns), {symbol: name for name, symbol in traded.items()})


def findings_in(path: Path, symbols: Iterable[str]) -> list[DataFinding]:
    """What the gates of data quality say of these symbols' closes, spelled as Alpaca does."""
    from backtest.history import HistoryError  # noqa: PLC0415 - as above
    from backtest.recorded_series import checked_series, read_series  # noqa: PLC0415

    try:
        return checked_series(read_series(path), {}, set(symbols))
    except HistoryError as error:
        raise CommandError(ExitCode.USAGE, str(error)) from error


def row_on(closes: Closes, day: str | None) -> int:
    """The newest where no day is told. What is no session of the table is refused with the sessions around it."""
    if day is None:
        return closes.last
    try:
        wanted = dt.date.fromisoformat(day)
    except ValueError:
        raise CommandError(ExitCode.USAGE, f"--date: expected a date such as 2024-12-31, got {day!r}") from None
    if wanted in closes.sessions:
        return closes.sessions.index(wanted)
    before = max((s for s in closes.sessions if s < wanted), default=None)
    after = min((s for s in closes.sessions if s > wanted), default=None)
    near = " and ".join(f"{word} it {s}" for word, s in (("before", before), ("after", after)) if s is not None)
    raise CommandError(ExitCode.USAGE, f"--date: expected a session of the closes, got {day}; {near}")

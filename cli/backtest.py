"""`alchemiser backtest`: what the strategies would have done with recorded prices, by the code that trades live."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.console import Console, Group
from rich.progress import BarColumn, Progress, TaskID, TextColumn, TimeRemainingColumn

from cli.exit_codes import CommandError, ExitCode, FailedError
from cli.recorded_closes import findings_in
from cli.tables import AsJson, money, show, table
from cli.walk_forward import By, WalkForwardOption, walk_forward_tables, windows_of

if TYPE_CHECKING:
    from backtest.bias import BiasCheck
    from backtest.decisions import Tell
    from backtest.history import History
    from backtest.result import Result


class Fill(StrEnum):
    close = "close"
    next_open = "next-open"


class Costs(StrEnum):
    zero = "zero"
    honest = "honest"


class Shares(StrEnum):
    fractional = "fractional"
    whole = "whole"


Strategies = Annotated[
    str | None, typer.Option(help="name=share,...; built-ins (nuclear, tecl, klm) or module:attribute of your own.")
]
Symphonies = Annotated[
    list[str] | None, typer.Option("--symphony", help="FILE or FILE=share: .clj or Composer's JSON; may be repeated.")
]
ClosesFile = Annotated[
    Path | None, typer.Option("--closes", help="CSV or Parquet: wide date,SPY,... or long symbol,date,close.")
]
DataFolder = Annotated[
    Path | None, typer.Option("--data", help="A folder of OHLCV files (SPY.csv), which next-open needs.")
]
From = Annotated[str | None, typer.Option("--from", metavar="DATE", help="First session; earlier closes warm up.")]
To = Annotated[str | None, typer.Option("--to", metavar="DATE", help="Last session.")]


def backtest(
    *,
    strategies: Strategies = None,
    symphony: Symphonies = None,
    closes: ClosesFile = None,
    data: DataFolder = None,
    since: From = None,
    until: To = None,
    fill: Annotated[Fill, typer.Option(help="Traded at the deciding close, or at the next open.")] = Fill.close,
    costs: Annotated[Costs, typer.Option(help="honest: spread, regulators' fees and live's sizing.")] = Costs.zero,
    shares: Annotated[Shares, typer.Option()] = Shares.fractional,
    cash: Annotated[float, typer.Option(min=1, max=1e12, help="Dollars at the beginning.")] = 100_000,
    benchmark: Annotated[list[str] | None, typer.Option(help="Beside SPY; may be repeated.")] = None,
    report: Annotated[Path | None, typer.Option(help="Write a tear sheet and every day and trade here.")] = None,
    exact: Annotated[bool, typer.Option("--exact", help="Evening by evening through the live objects; slow.")] = False,
    bias_check: Annotated[
        bool, typer.Option("--bias-check", help="Ask again with history cut at random evenings: the same answers?")
    ] = False,
    bias_days: Annotated[int, typer.Option(min=1, help="Of --bias-check.")] = 200,
    walk_forward: WalkForwardOption = None,
    by: By = "sharpe",
    gates: Annotated[
        bool, typer.Option("--gates", help="Say in the notes which closes the gates of data quality doubt.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """What the strategies would have done: the live decisions and sizing over recorded prices."""
    # Imported here so that the other commands start fast.
    from backtest import bias, conventions, engine, exact as slowly, portfolio, result  # noqa: PLC0415, I001

    windows, period = windows_of(walk_forward, by), period_of(since, until)
    assumed = conventions.Conventions(
        conventions.Fill(fill.value), conventions.Costs(costs.value), conventions.Shares(shares.value), cash
    )
    run = slowly.run_exact if exact else engine.run
    with refused_by_name(), progress() as tell:
        allotments = portfolio.allotments_of(strategies, symphony or ())
        history = read_history(closes, data)
        if gates:
            symbols = {symbol for allotment in allotments for symbol in allotment.symbols}
            history = with_doubts(history, closes or data or Path(), symbols)
        outcome = run(allotments, history, assumed, period, tell)
        checked = bias.check(outcome.targets, bias_days, tell=tell) if bias_check else None
        found = result.evaluate(outcome, benchmark or (), checked, windows)
        answer = found.as_json()
    if report is not None:
        _write_report(found, report)
    show(answer if as_json else found, _as_tables, as_json=as_json)
    if checked is not None:
        _require_no_bias(checked)


@contextmanager
def refused_by_name() -> Iterator[None]:
    """What cannot be tested is wrong usage, told in the words of who refused it."""
    from backtest.engine import PeriodError  # noqa: PLC0415 - as above
    from backtest.history import HistoryError  # noqa: PLC0415
    from backtest.walk_forward import WindowsError  # noqa: PLC0415
    from services.strategy.domain.portfolio import PortfolioError  # noqa: PLC0415

    try:
        yield
    except (PortfolioError, HistoryError, PeriodError, WindowsError) as error:
        raise CommandError(ExitCode.USAGE, str(error)) from error


def _require_no_bias(checked: BiasCheck) -> None:
    if checked.differences:
        raise FailedError(f"bias check: {len(checked.differences)} decisions differ, first {checked.differences[0]}")
    if checked.unchecked:
        raise FailedError(f"bias check: nothing to compare: {next(checked.told())}")


def read_history(closes: Path | None, data: Path | None) -> History:
    """From the one of --closes and --data that was given. Raises CommandError, HistoryError."""
    from backtest import history  # noqa: PLC0415 - as above

    if (closes is None) == (data is None):
        raise CommandError(ExitCode.USAGE, "expected one of --closes PATH and --data DIR")
    found = history.read_closes(closes) if closes is not None else history.read_folder(data or Path())
    return found.spelled_as_traded()


def with_doubts(history: History, path: Path, symbols: Iterable[str]) -> History:
    """With a note for each finding of the gates; a backtest decides on its closes as they are."""
    told = [f"{finding.symbol}: {finding}" for finding in findings_in(path, symbols)]
    return replace(history, notes=(*history.notes, *told))


def period_of(since: str | None, until: str | None) -> tuple[dt.date | None, dt.date | None]:
    return _date("--from", since), _date("--to", until)


def _date(option: str, text: str | None) -> dt.date | None:
    try:
        return None if text is None else dt.date.fromisoformat(text)
    except ValueError:
        raise CommandError(ExitCode.USAGE, f"{option}: expected a date such as 2015-01-02, got {text!r}") from None


@contextmanager
def progress() -> Iterator[Tell]:
    """A bar on stderr for what takes long, where somebody looks at a terminal."""
    columns = (TextColumn("{task.description}"), BarColumn(), TextColumn("{task.completed}/{task.total}"))
    stderr = Console(stderr=True)
    with Progress(
        *columns, TimeRemainingColumn(), console=stderr, transient=True, disable=not stderr.is_terminal
    ) as bar:
        tasks: dict[str, TaskID] = {}

        def tell(what: str, done: int, total: int) -> None:
            if what not in tasks:
                tasks[what] = bar.add_task(what, total=total)
            bar.update(tasks[what], completed=done, total=total)

        yield tell


def _write_report(found: Result, folder: Path) -> None:
    try:
        from backtest import files  # noqa: PLC0415 - as above

        files.write_report(found, folder)
    except ImportError as error:
        raise FailedError(f"--report: {error}; the tear sheet needs jinja2, the tables pyarrow") from error
    except OSError as error:
        raise FailedError(f"--report {folder}: {error}") from error


def _as_tables(found: Result) -> Group:
    figures, sessions = found.figures, found.outcome.sessions
    others = found.as_json()["benchmarks"]
    names = [name for name in figures if name != "starting_cash"]
    rows = [[_words(n), _figure(n, figures[n]), *(_figure(n, o.get(n)) for o in others.values())] for n in names]
    parts: list[Any] = [
        table(f"{sessions[0]} to {sessions[-1]}", ["", "portfolio>", *(f"{symbol}>" for symbol in others)], rows),
        table("Contribution", ["strategy", "dollars>"], _contribution_rows(found)),
    ]
    if found.walked is not None:
        parts += walk_forward_tables(found.as_json()["walk_forward"])
    if found.notes():
        parts.append(table("Notes", [""], [[note] for note in found.notes()]))
    return Group(*parts)


def _contribution_rows(found: Result) -> list[list[str]]:
    parts = found.contributions
    rows = [[name, money(dollars)] for name, dollars in parts.strategies.items()]
    return [*rows, ["costs", money(0 - parts.costs)]]


_DOLLARS = {"final_equity", "costs", "spread_costs", "fees"}
_COUNTS = {"trades", "sessions", "longest_drawdown_sessions"}
_RATIOS = {"sharpe", "sortino", "calmar", "turnover", "years"}


def _figure(name: str, value: float | None) -> str:
    if value is None or value != value:  # noqa: PLR0124 - NaN is the one float unequal to itself
        return "-"
    if name in _DOLLARS:
        return money(value)
    if name in _COUNTS:
        return f"{value:,.0f}"
    return f"{value:.2f}" if name in _RATIOS else f"{value * 100:.2f} %"


def _words(name: str) -> str:
    return name.replace("_", " ")

"""`alchemiser symphony ...`: what a symphony file says, on any day, and why; in both forms and as a picture."""

from __future__ import annotations

import collections
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.console import Group, RenderableType
from rich.markup import escape
from rich.text import Text

from cli.exit_codes import CommandError, ExitCode, FailedError
from cli.recorded_closes import ClosesFile, Recorded, closes_for, findings_in, recorded, row_on
from cli.signals import step_view
from cli.symphony_files import read, write
from cli.tables import AsJson, percent, show, table

if TYPE_CHECKING:
    from services.strategy.domain.closes import Closes
    from services.strategy.domain.columns import Columns
    from services.strategy.domain.symphony.symphony import Symphony

symphony = typer.Typer(
    name="symphony", help="Symphony files (.clj, or Composer's JSON): evaluate, check, explain, convert, draw."
)

FileArgument = Annotated[
    Path, typer.Argument(metavar="FILE", help="A symphony file, or the name of a built-in strategy.")
]
Date = Annotated[
    str | None, typer.Option("--date", metavar="DATE", help="A session of the closes; the newest unless told.")
]


@symphony.command()
def evaluate(
    file: FileArgument,
    closes: ClosesFile,
    date: Annotated[
        list[str] | None, typer.Option(metavar="DATE", help="May be repeated; the newest unless told.")
    ] = None,
    *,
    gates: Annotated[
        bool, typer.Option("--gates", help="Do without closes that the gates of data quality refuse, as live.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """The weights on a day's closes. Exit code 1 where they are undefined."""
    from services.strategy.domain.columns import Columns  # noqa: PLC0415 - so that other commands start fast

    found, table_of = read(file), recorded(closes)
    columns = Columns(table_of.closes)
    rows = [row_on(columns.closes, day) for day in date] if date else [columns.closes.last]
    gated = _gated(found, closes, columns.closes) if gates else lambda _row: columns
    days = {str(columns.closes.sessions[row]): _day(found, gated(row), row, table_of) for row in rows}
    last = list(days.values())[-1]
    answer = {"symphony": found.name, "date": list(days)[-1], **last, "rebalance": str(found.rebalance), "days": days}
    show(answer, _evaluated, as_json=as_json)
    undefined = [f"{day}: {told['undefined']}" for day, told in days.items() if told["undefined"]]
    if undefined:
        raise FailedError(f"undefined on {'; '.join(undefined)}")


def _gated(found: Symphony, path: Path, closes: Closes) -> Callable[[int], Columns]:
    """For each row its own table: what is refused depends on how long ago it was."""
    from backtest.recorded_series import without_refused  # noqa: PLC0415 - as above
    from services.strategy.domain.columns import Columns  # noqa: PLC0415
    from services.strategy.domain.survey import symbols_of  # noqa: PLC0415

    findings = findings_in(path, symbols_of(found.tree))
    return lambda row: Columns(without_refused(closes, findings, row))


def _day(found: Symphony, columns: Columns, row: int, table_of: Recorded) -> dict[str, Any]:
    from services.strategy.domain.day import evaluate_day  # noqa: PLC0415 - as above
    from services.strategy.domain.undefined import UndefinedDecision  # noqa: PLC0415

    flags = _stand_ins(found, columns)
    try:
        day = evaluate_day(found.tree, columns, row)
    except UndefinedDecision as undefined:
        return {"weights": None, "cash": None, "undefined": undefined.reason, "stand_ins": flags}
    weights = {table_of.as_written(symbol): weight for symbol, weight in day.weights.items() if weight}
    return {"weights": weights, "cash": day.cash, "undefined": None, "stand_ins": flags}


def _stand_ins(found: Symphony, columns: Columns) -> dict[str, str]:
    from services.strategy.domain.survey import symbols_of  # noqa: PLC0415 - as above

    told = columns.closes.stand_ins
    return {symbol: told[symbol] for symbol in symbols_of(found.tree) if symbol in told}


def _evaluated(answer: dict[str, Any]) -> RenderableType:
    parts: list[RenderableType] = []
    for day, told in answer["days"].items():
        rows = sorted((told["weights"] or {}).items(), key=lambda pair: -pair[1])
        cash = [("cash", told["cash"])] if told["cash"] else []
        parts.append(
            table(
                f"{answer['symphony']} on {day}",
                ["symbol", "weight>"],
                [(symbol, percent(weight)) for symbol, weight in [*rows, *cash]],
                empty="undefined" if told["undefined"] else "nothing",
            )
        )
        parts += [Text(f"{symbol}: {text}", style="dim") for symbol, text in told["stand_ins"].items()]
    return Group(*parts)


@symphony.command()
def check(
    file: FileArgument,
    closes: Annotated[Path | None, typer.Option(help="Tell what these closes lack.")] = None,
    *,
    as_json: AsJson = False,
) -> None:
    """Whether it reads, its symbols, the history it needs, its operators, and what a table of closes lacks for it."""
    found = read(file)
    answer = _checked(found)
    if closes is not None:
        answer["data"] = _lacking(found, closes, answer["closes_needed"])
    show(answer, _check_view, as_json=as_json)
    if answer.get("data", {}).get("missing"):
        raise FailedError(f"the closes have no {', '.join(answer['data']['missing'])}")


def _checked(found: Symphony) -> dict[str, Any]:
    from services.strategy.domain.survey import closes_needed, held_symbols, nodes_of, symbols_of  # noqa: PLC0415 - as above
    from services.strategy.domain.symphony.words import words_of  # noqa: PLC0415

    nodes = nodes_of(found.tree)
    words = collections.Counter(word for node in nodes for word in words_of(node))
    held = held_symbols(found.tree)
    return {
        "symphony": found.name,
        "rebalance": str(found.rebalance),
        "symbols": list(symbols_of(found.tree)),
        "held": list(held),
        "closes_needed": closes_needed(found.tree),
        "distinct_nodes": len(nodes),
        "operators": dict(words.most_common()),
    }


def _lacking(found: Symphony, path: Path, needed: int) -> dict[str, Any]:
    import numpy as np  # noqa: PLC0415 - as above

    from services.strategy.domain.survey import symbols_of  # noqa: PLC0415

    closes = closes_for(path)
    symbols = symbols_of(found.tree)
    short = {}
    for symbol in symbols:
        count = int((~np.isnan(closes.columns[symbol])).sum()) if closes.has_any(symbol) else 0
        if 0 < count < needed:
            short[symbol] = count
    unpriced = [s for s in symbols if closes.has_any(s) and np.isnan(closes.columns[s][-1])]
    return {
        "first": str(closes.sessions[0]),
        "last": str(closes.sessions[closes.last]),
        "missing": [symbol for symbol in symbols if not closes.has_any(symbol)],
        "short_history": short,
        "no_close_on_the_last_day": unpriced,
        "stand_ins": {s: t for s, t in closes.stand_ins.items() if s in symbols},
        "refused": [f"{f.symbol}: {f}" for f in findings_in(path, symbols) if f.verdict == "refused"],
    }


def _check_view(answer: dict[str, Any]) -> RenderableType:
    rows = [
        ("rebalances", answer["rebalance"]),
        ("symbols read", " ".join(answer["symbols"])),
        ("may hold", " ".join(answer["held"])),
        ("closes needed", answer["closes_needed"]),
        ("distinct nodes", answer["distinct_nodes"]),
        ("operators", ", ".join(f"{word} {count}" for word, count in answer["operators"].items())),
    ]
    data = answer.get("data")
    if data is not None:
        rows += [
            ("closes", f"{data['first']} to {data['last']}"),
            ("not in them", " ".join(data["missing"]) or "nothing is missing"),
            ("short history", ", ".join(f"{s} {count}" for s, count in data["short_history"].items()) or "none"),
            ("no last close", " ".join(data["no_close_on_the_last_day"]) or "none"),
            ("gates refuse", "\n".join(data["refused"]) or "none"),
            *((f"stand-in {symbol}", text) for symbol, text in data["stand_ins"].items()),
        ]
    return table(answer["symphony"], ["", ""], rows)


@symphony.command()
def explain(file: FileArgument, closes: ClosesFile, date: Date = None, *, as_json: AsJson = False) -> None:
    """The path taken on a day: every test, its numbers and the margin to the threshold."""
    from services.strategy.domain.columns import Columns  # noqa: PLC0415 - as above
    from services.strategy.domain.day import evaluate_day  # noqa: PLC0415
    from services.strategy.domain.undefined import UndefinedDecision  # noqa: PLC0415

    found, columns = read(file), Columns(closes_for(closes))
    row = row_on(columns.closes, date)
    undefined = ""
    try:
        steps = evaluate_day(found.tree, columns, row).steps
    except UndefinedDecision as why:
        steps, undefined = why.steps, why.reason
    flags = [{"text": f"input {s}: {t}", "holds": None, "depth": 0} for s, t in _stand_ins(found, columns).items()]
    told = [*flags, *(step.model_dump(mode="json") for step in steps)]
    answer = {"symphony": found.name, "date": str(columns.closes.sessions[row]), "steps": told, "undefined": undefined}
    show(answer, _explained, as_json=as_json)
    if undefined:
        raise FailedError(f"undefined: {undefined}")


def _explained(answer: dict[str, Any]) -> RenderableType:
    lines: list[RenderableType] = [Text.from_markup(f"[bold]{escape(answer['symphony'])}[/] on {answer['date']}")]
    for step in answer["steps"]:
        line = step_view(step)
        if step.get("margin") is not None:
            line.append(f" by {abs(float(step['margin'])):.4g}", style="dim")
        lines.append(line)
    return Group(*lines)


@symphony.command()
def convert(
    source: Annotated[Path, typer.Argument(metavar="IN")], target: Annotated[Path, typer.Argument(metavar="OUT")]
) -> None:
    """Write it in the other form (by OUT's suffix: .clj or .json); read again it is the same tree."""
    write(read(source), target)


@symphony.command()
def tree(
    file: FileArgument,
    out: Annotated[Path, typer.Option("--out", help="An .svg, or a .png (needs Chromium).")],
    closes: Annotated[Path | None, typer.Option(help="Light the path that these closes take.")] = None,
    date: Date = None,
) -> None:
    """Draw it, with the path of a day lit: yes goes right, no goes down."""
    from cli.drawing import save  # noqa: PLC0415 - as above
    from services.strategy.domain.columns import Columns  # noqa: PLC0415
    from services.strategy.domain.picture import PictureTooLargeError, picture  # noqa: PLC0415

    found = read(file)
    if closes is None and date is not None:
        raise CommandError(ExitCode.USAGE, "--date: expected --closes PATH with it")
    columns = None if closes is None else Columns(closes_for(closes))
    try:
        svg = picture(found.tree, found.name, columns, None if columns is None else row_on(columns.closes, date))
    except PictureTooLargeError as error:
        raise FailedError(f"{file}: {error}") from error
    save(svg, out)

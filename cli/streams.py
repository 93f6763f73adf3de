"""`alchemiser streams`: what runs through Redis, and what got stuck. The only command that talks to Redis itself."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from cli.exit_codes import CommandError, ExitCode, FailedError
from cli.message_lines import message_lines
from cli.stream_view import StreamView, written_at
from cli.tables import AsJson, bad, moment, show, table
from shared.bus import DeadLetter
from shared.contracts import streams as names
from shared.settings import SERVICE_PORTS

streams = typer.Typer(name="streams", help="What runs through Redis, and what got stuck.", no_args_is_help=True)
dead_letters = typer.Typer(
    name="dead-letters", help="Messages that could not be handled: look, replay, drop.", no_args_is_help=True
)
streams.add_typer(dead_letters)

_ALL = (*names.ALL, *(names.alerts_of(service) for service in SERVICE_PORTS))
LetterId = Annotated[str, typer.Argument(metavar="ID", help="As `streams dead-letters list` shows it.")]


@streams.command("list")
def list_streams(*, as_json: AsJson = False) -> None:
    """Every stream: how many messages, how old the newest, who reads it and what is not finished."""
    with StreamView.open() as view:
        show([view.summary(name) for name in _ALL], _streams_table, as_json=as_json)


@streams.command("show")
def show_stream(
    stream: Annotated[str, typer.Argument(metavar="STREAM", help="As `streams list` names it.")],
    count: Annotated[int, typer.Option("--count", "-n", min=1, max=10_000, help="How many, newest first.")] = 20,
    *,
    correlation_id: Annotated[str | None, typer.Option("--correlation-id", help="Only those of one run.")] = None,
    as_json: AsJson = False,
) -> None:
    """The newest messages of one stream."""
    if stream not in _ALL:
        raise CommandError(ExitCode.USAGE, f"STREAM: expected one of {', '.join(_ALL)}, got {stream!r}")
    with StreamView.open() as view:
        show(view.newest(stream, count, correlation_id), lambda rows: message_lines(stream, rows), as_json=as_json)


@dead_letters.command("list")
def list_dead_letters(
    count: Annotated[int, typer.Option("--count", "-n", min=1, max=10_000, help="How many, oldest first.")] = 100,
    *,
    as_json: AsJson = False,
) -> None:
    """Messages that could not be handled, oldest first."""
    with StreamView.open() as view:
        show([_letter(found) for found in view.bus.dead_letters(count=count)], _letters_table, as_json=as_json)


@dead_letters.command("show")
def show_dead_letter(letter_id: LetterId, *, as_json: AsJson = False) -> None:
    """One of them with its raw fields and the error that ended it."""
    with StreamView.open() as view:
        found = view.dead_letter(letter_id)
    if found is None:
        raise _no_such(letter_id)
    show(_letter(found) | {"fields": _text(found)}, _letter_table, as_json=as_json)


@dead_letters.command("replay")
def replay_dead_letters(
    letter_ids: Annotated[list[str] | None, typer.Argument(metavar="[ID]...", help="One or more of them.")] = None,
    *,
    every: Annotated[bool, typer.Option("--all", help="Every dead letter.")] = False,
) -> None:
    """Hand it again to the one reader that failed (after its cause is mended)."""
    with StreamView.open() as view:
        for letter_id in _chosen(view, letter_ids, every=every):
            if not view.bus.replay(letter_id):
                raise _no_such(letter_id)
            typer.echo(f"replayed {letter_id}")


@dead_letters.command("drop")
def drop_dead_letters(
    letter_ids: Annotated[list[str] | None, typer.Argument(metavar="[ID]...", help="One or more of them.")] = None,
    *,
    every: Annotated[bool, typer.Option("--all", help="Every dead letter.")] = False,
) -> None:
    """Forget it for ever."""
    with StreamView.open() as view:
        for letter_id in _chosen(view, letter_ids, every=every):
            if not view.bus.drop(letter_id):
                raise _no_such(letter_id)
            typer.echo(f"dropped {letter_id}")


def _chosen(view: StreamView, letter_ids: list[str] | None, *, every: bool) -> list[str]:
    if every == bool(letter_ids):
        raise CommandError(ExitCode.USAGE, "expected one or more ids, or --all")
    return [letter.id for letter in view.bus.dead_letters(count=100_000)] if every else list(letter_ids or ())


def _no_such(letter_id: str) -> FailedError:
    return FailedError(f"no dead letter {letter_id!r} (`alchemiser streams dead-letters list` shows them)")


def _letter(letter: DeadLetter) -> dict[str, Any]:
    return {
        "id": letter.id,
        "died_at": written_at(letter.id),
        "stream": letter.stream,
        "group": letter.group,
        "kind": letter.fields.get(b"kind", b"").decode(errors="replace"),
        "attempts": letter.attempts,
        "error": letter.error,
        "entry_id": letter.entry_id,
    }


def _text(letter: DeadLetter) -> dict[str, str]:
    """Raw fields as text; bytes that are none are shown as \\x escapes rather than lost."""
    return {n.decode(errors="backslashreplace"): v.decode(errors="backslashreplace") for n, v in letter.fields.items()}


def _streams_table(rows: list[dict[str, Any]]) -> Any:
    return table(
        "Streams",
        ["stream", "messages>", "newest (UTC)", "reader", "unfinished>", "unread>"],
        [
            (
                row["stream"] if first else "",
                row["messages"] if first else "",
                moment(row["newest_at"]) if first else "",
                group["name"],
                bad(str(group["unfinished"])) if group["unfinished"] else group["unfinished"],
                group["unread"],
            )
            for row in rows
            for first, group in _with_first(row["groups"] or [{"name": "-", "unfinished": "", "unread": ""}])
        ],
    )


def _with_first(groups: list[dict[str, Any]]) -> list[tuple[bool, dict[str, Any]]]:
    return [(number == 0, group) for number, group in enumerate(groups)]


def _letters_table(rows: list[dict[str, Any]]) -> Any:
    columns = ["id", "died_at", "group", "stream", "kind", "attempts", "error"]
    return table("Dead letters", columns, [[row[c] for c in columns] for row in rows])


def _letter_table(row: dict[str, Any]) -> Any:
    fields = [(f"raw {name}", value) for name, value in row["fields"].items()]
    return table("Dead letter", ["", ""], [*((k, v) for k, v in row.items() if k != "fields"), *fields])

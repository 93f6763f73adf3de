"""The demo around its play: the folder, the signals, and that everything it started ends with it."""

from __future__ import annotations

import shutil
import signal
import tempfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from rich.console import Console
from rich.markup import escape

from cli.demo.crew import Crew, CrewError
from cli.demo.environment_file import invitation
from cli.demo.options import Options
from cli.demo.play import Demo
from cli.embedded_redis import NoRedisError
from cli.exit_codes import CommandError, FailedError
from cli.tables import console

_INTERRUPTED = 128 + signal.SIGINT


def show(options: Options, logs: Path | None, *, once: bool) -> bool:
    """Whether every promise was kept. Raises FailedError when something did not come up; Ctrl-C before the end exits 130."""
    screen = console()
    screen.print("[bold]The Alchemiser[/]: one whole rebalance with real processes; simulated, no keys, no network")
    screen.print(f"[dim]prices {escape(options.prices)}[/]\n")
    with _signals_raise(), _folder(logs) as folder, _crew(folder, screen) as crew:
        try:
            kept = Demo(folder, options, screen).play(crew)
            if not once:
                _stay(crew, screen, folder)
        except (CrewError, NoRedisError, CommandError) as error:
            raise FailedError(f"the demo failed: {error}\nAll logs are in {folder}") from error
        except KeyboardInterrupt:
            raise SystemExit(_INTERRUPTED) from None
    return kept


def _stay(crew: Crew, screen: Console, folder: Path) -> None:
    """Until Ctrl-C, which is the expected end. Raises CrewError when a process ends by itself."""
    screen.print("\nEverything goes on running: look around. [bold]Ctrl-C[/] stops it all.")
    screen.print("The command line in another terminal (signals, positions, plans, rebalance, halt, streams ...):")
    # Not folded: it is there to be copied.
    screen.print(f"    {escape(invitation(folder))}", soft_wrap=True)
    pause = threading.Event()
    try:
        while not pause.wait(0.5):
            crew.check()
    except KeyboardInterrupt:
        screen.print()


@contextmanager
def _crew(folder: Path, screen: Console) -> Iterator[Crew]:
    crew = Crew(folder)
    try:
        yield crew
    finally:
        with screen.status("[dim]stopping everything[/]"):
            crew.stop()


@contextmanager
def _signals_raise() -> Iterator[None]:
    """SIGTERM and a closed terminal unwind everything, as Ctrl-C does; the exit code tells which it was."""

    def unwind(number: int, _frame: object) -> None:
        raise SystemExit(128 + number)

    before = {number: signal.signal(number, unwind) for number in (signal.SIGTERM, signal.SIGHUP)}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


@contextmanager
def _folder(wanted: Path | None) -> Iterator[Path]:
    """The wanted one, else a temporary one that goes when all went well and stays when something failed."""
    if wanted is not None:
        wanted.mkdir(parents=True, exist_ok=True)
        yield wanted.resolve()
        return
    folder = Path(tempfile.mkdtemp(prefix="alchemiser-demo-"))
    try:
        yield folder
    except SystemExit:
        shutil.rmtree(folder, ignore_errors=True)
        raise
    else:
        shutil.rmtree(folder, ignore_errors=True)

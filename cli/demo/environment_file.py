"""The settings of one run as a file for the shell, so that the command line in another terminal reaches it."""

from __future__ import annotations

import os
import shlex
import sys
from collections.abc import Mapping
from pathlib import Path

COMMAND_LINE_FILE = "cli.env"


def write_environment(path: Path, settings: Mapping[str, str]) -> None:
    """To be sourced. It holds the token, so only its owner may read it."""
    lines = [f"export {name}={shlex.quote(value)}\n" for name, value in sorted(settings.items())]
    path.unlink(missing_ok=True)
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
        file.writelines(lines)


def invitation(folder: Path) -> str:
    """The line to type in another terminal."""
    program = Path(sys.executable).with_name("alchemiser")
    here = program.relative_to(Path.cwd()) if program.is_relative_to(Path.cwd()) else program
    return f". {shlex.quote(str(folder / COMMAND_LINE_FILE))}; {shlex.quote(str(here))} status"

"""Symphony files of the file system, for the commands that work on them."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from cli.exit_codes import CommandError, ExitCode, FailedError

if TYPE_CHECKING:
    from services.strategy.domain.symphony.symphony import Symphony


def read(path: Path) -> Symphony:
    """Or the built-in strategy of that name. A file that is none ends the command with its line and column, or JSON path."""
    from services.strategy.domain.engine import TreeStrategy  # noqa: PLC0415 - so that other commands start fast
    from services.strategy.domain.strategies import BUILT_IN  # noqa: PLC0415
    from services.strategy.domain.symphony.forms import read_symphony  # noqa: PLC0415
    from services.strategy.domain.symphony.symphony import Symphony, SymphonyError  # noqa: PLC0415

    strategy = BUILT_IN[str(path)]() if str(path) in BUILT_IN and not path.exists() else None
    if isinstance(strategy, TreeStrategy):
        return Symphony(strategy.name, strategy.tree, strategy.rebalance)
    try:
        return read_symphony(path.read_text(encoding="utf-8"), path.stem)
    except SymphonyError as error:
        raise CommandError(ExitCode.USAGE, f"{path}: {error}") from error
    except (OSError, UnicodeDecodeError) as error:
        raise CommandError(
            ExitCode.USAGE, f"{path}: expected a symphony file, got {type(error).__name__}: {error}"
        ) from error


def write(symphony: Symphony, path: Path) -> None:
    from services.strategy.domain.symphony.forms import WRITERS  # noqa: PLC0415 - as above
    from services.strategy.domain.symphony.symphony import SymphonyError  # noqa: PLC0415

    writer = WRITERS.get(path.suffix)
    if writer is None:
        raise CommandError(ExitCode.USAGE, f"{path}: expected a name that ends in {' or '.join(WRITERS)}")
    try:
        path.write_text(writer(symphony), encoding="utf-8")
    except SymphonyError as error:
        raise FailedError(f"{path}: {error}") from error
    except OSError as error:
        raise FailedError(f"{path}: cannot be written: {error}") from error

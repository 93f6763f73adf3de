"""How a command ends, so that scripts can rely on it. README.md lists the same codes for people."""

from __future__ import annotations

from enum import IntEnum


class ExitCode(IntEnum):
    OK = 0
    FAILED = 1
    """It was tried, and did not succeed."""
    USAGE = 2
    """The command line, or a value in it, is wrong."""
    UNREACHABLE = 3
    """A service, or Redis, does not answer."""
    REFUSED = 4
    """Not allowed: no token, a wrong one, or the state of trading forbids it."""
    CONFIGURATION = 78
    """A setting is wrong or missing (sysexits.h)."""


class CommandError(Exception):
    """Ends a command with one line for a person and a code for a script."""

    def __init__(self, code: ExitCode, message: str) -> None:
        super().__init__(message)
        self.code = code


class UnreachableError(CommandError):
    def __init__(self, message: str) -> None:
        super().__init__(ExitCode.UNREACHABLE, message)


class FailedError(CommandError):
    def __init__(self, message: str) -> None:
        super().__init__(ExitCode.FAILED, message)

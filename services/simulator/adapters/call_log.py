"""The exchange kept in a directory: the calls that made it, a line each, and how far its clock had come.

A restarted venue repeats them. A call stands in the file before its client hears of it; the file is the operating system's
to write, so that a killed process loses nothing and a power cut may. Logins, watchlists and armed faults are not kept.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Annotated, Final

from pydantic import Field, TypeAdapter, ValidationError

from services.simulator.domain.calls import Call
from shared.contracts import faults_in

_SAVE_EVERY_SECONDS: Final = 1.0
CALL: TypeAdapter[Call] = TypeAdapter(Annotated[Call, Field(discriminator="did")])


class StateError(ValueError):
    """What is kept cannot be taken up; the message names the file, what stands in it and what was expected."""


@dataclass(frozen=True, slots=True)
class Setup:
    """What an exchange follows from, beside its calls; `start` is empty where it is left to the market."""

    seed: int
    start: str
    fills: str
    cash: str
    data: str


@dataclass(frozen=True, slots=True)
class Origin:
    """As configured, and what a reset chose in its place."""

    configured: Setup
    seed: int | None = None
    start: dt.datetime | None = None


@dataclass(frozen=True, slots=True)
class Kept:
    """An exchange to be made again: nothing but its origin when it is new. `clock` is how far it had come."""

    origin: Origin
    calls: Sequence[Call] = ()
    clock: dt.datetime | None = None


_ORIGIN = TypeAdapter(Origin)


class CallLog:
    """One directory for one venue. `monotonic` spaces out the saving of the clock. Raises StateError where it cannot be one."""

    def __init__(self, directory: Path, configured: Setup, monotonic: Callable[[], float]) -> None:
        self._calls = directory / "calls.jsonl"
        self._clock = directory / "clock"
        self._configured = configured
        self._monotonic = monotonic
        self._saved_at = -_SAVE_EVERY_SECONDS
        with _usable(directory):
            directory.mkdir(parents=True, exist_ok=True)

    def take_up(self) -> Kept:
        """What is kept. Raises StateError."""
        with _usable(self._calls):
            return self._taken_up()

    def _taken_up(self) -> Kept:
        text = self._calls.read_text() if self._calls.exists() else ""
        first, *rest = text.splitlines(keepends=True) or [""]
        if not first.endswith("\n"):
            return Kept(self.begin(None, None))
        origin = self._expected(first)
        # A line without its end was cut off by a kill: its client never heard of it.
        whole = [line for line in rest if line.endswith("\n")]
        calls = [self._call(number, line) for number, line in enumerate(whole, start=2)]
        _put(self._calls, first + "".join(whole))
        return Kept(origin, calls, self._kept_clock(calls))

    def begin(self, seed: int | None, start: dt.datetime | None) -> Origin:
        """A new exchange in the place of whatever was kept; None is as configured."""
        origin = Origin(self._configured, seed, start)
        self._clock.unlink(missing_ok=True)
        _put(self._calls, _ORIGIN.dump_json(origin).decode() + "\n")
        return origin

    def append(self, call: Call) -> None:
        with self._calls.open("a") as file:
            file.write(CALL.dump_json(call).decode() + "\n")

    def tick(self, now: dt.datetime) -> None:
        """Saves the clock, now and then."""
        if self._monotonic() - self._saved_at >= _SAVE_EVERY_SECONDS:
            self.save(now)

    def save(self, now: dt.datetime) -> None:
        self._saved_at = self._monotonic()
        _put(self._clock, now.isoformat())

    def _call(self, number: int, line: str) -> Call:
        try:
            return CALL.validate_json(line)
        except ValidationError as error:
            raise StateError(f"{self._calls}, line {number}: expected a call, got {faults_in(error)}") from error

    def _kept_clock(self, calls: Sequence[Call]) -> dt.datetime | None:
        known = [call.at for call in calls]
        if self._clock.exists():
            try:
                known.append(dt.datetime.fromisoformat(self._clock.read_text()))
            except ValueError as error:
                raise StateError(f"{self._clock}: expected an instant, got {error}") from error
        return max(known, default=None)

    def _expected(self, line: str) -> Origin:
        try:
            origin = _ORIGIN.validate_json(line)
        except ValidationError as error:
            raise StateError(f"{self._calls}, line 1: expected an exchange's origin, got {faults_in(error)}") from error
        for field in fields(Setup):
            kept, wanted = getattr(origin.configured, field.name), getattr(self._configured, field.name)
            if kept != wanted:
                raise StateError(
                    f"{self._calls}: keeps an exchange of {field.name} {kept or '(default)'}, configured is "
                    f"{wanted or '(default)'}; expected the same, or an empty directory for a new exchange"
                )
        return origin


@contextmanager
def _usable(path: Path) -> Iterator[None]:
    try:
        yield
    except (OSError, UnicodeDecodeError) as error:
        raise StateError(f"{path}: expected to read and write there, got {error}") from error


def _put(path: Path, text: str) -> None:
    """All of it or nothing."""
    beside = path.with_name(path.name + ".new")
    beside.write_text(text)
    beside.replace(path)

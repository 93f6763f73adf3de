"""The bus as the rest of the house sees it: streams with consumer groups, state beside them, one commit for all of it.

    publish ──► stream ──► group ──► Delivery ──► handler ──► Outcome ──► commit: outputs + state + acknowledgement
                             ▲                        │ fails N times, or cannot be decoded
                             └──── replay ◄──── dead letters ◄──── bury

Both implementations, `redis_bus.RedisBus` and its twin `memory_bus.MemoryBus`, pass tests/contracts/bus.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from shared.contracts import Message


class BusUnavailableError(ConnectionError):
    """The bus cannot be reached now. Whether the last commit took effect is not known; repeating it is safe."""


@dataclass(frozen=True, slots=True)
class Publication:
    """A message for a stream."""

    stream: str
    message: Message


@dataclass(frozen=True, slots=True)
class Put:
    """Set one field of a state hash."""

    key: str
    field: str
    value: str


@dataclass(frozen=True, slots=True)
class Remove:
    """Remove one field of a state hash."""

    key: str
    field: str


Change = Put | Remove


@dataclass(frozen=True, slots=True)
class Stands:
    """A field of state must hold just this when the outcome takes effect; None: nothing."""

    key: str
    field: str
    value: str | None


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a handler wants to be true: all of it happens, with the acknowledgement, or none. `only_if` guards what is committed
    apart from a delivery."""

    publications: tuple[Publication, ...] = ()
    changes: tuple[Change, ...] = ()
    only_if: tuple[Stands, ...] = ()

    def __add__(self, other: Outcome) -> Outcome:
        return Outcome(
            self.publications + other.publications, self.changes + other.changes, self.only_if + other.only_if
        )

    def unguarded(self) -> None:
        """Raises ValueError when it would be left out silently."""
        if self.only_if:
            raise ValueError(f"only_if: expected none with a delivery, got {self.only_if}")


NOTHING = Outcome()


@dataclass(frozen=True, slots=True)
class Delivery:
    """One entry handed to a consumer. `attempt` counts from 1; `fields` are the raw bytes of the entry."""

    stream: str
    entry_id: str
    group: str
    fields: Mapping[bytes, bytes]
    attempt: int = 1
    is_replay: bool = False


@dataclass(frozen=True, slots=True)
class DeadLetter:
    """An entry that could not be handled, with its raw fields and the error that ended it."""

    id: str
    stream: str
    group: str
    entry_id: str
    error: str
    attempts: int
    fields: Mapping[bytes, bytes] = field(default_factory=dict)


class Bus(Protocol):
    """Every method raises BusUnavailableError when the bus cannot be reached."""

    def publish(self, stream: str, *messages: Message) -> None:
        """Append messages, all or none."""

    def read(
        self, group: str, consumer: str, streams: Sequence[str], *, count: int, block_seconds: float
    ) -> list[Delivery]:
        """New entries for this group, and replays meant for it. The group sees a stream from its very first entry.

        A group that the server has forgotten is made again, and what it had already committed is not delivered again.
        """

    def claim(
        self, group: str, consumer: str, streams: Sequence[str], *, idle_seconds: float, count: int
    ) -> list[Delivery]:
        """Take over entries another consumer (or an earlier life of this one) read and never finished."""

    def reclaim(self, group: str, consumer: str, streams: Sequence[str], *, count: int) -> list[Delivery]:
        """What an earlier life of this consumer read and never finished, however lately; also what it read and never got."""

    def commit(self, outcome: Outcome, delivery: Delivery | None = None, *, once: str | None = None) -> bool:
        """Outputs, state and acknowledgement in one transaction. False, with no effect, when it was committed before.

        `once` names an effect that has no delivery (a schedule, a trigger) and must happen once. False, too, when something
        else stands than `outcome.only_if` says. Raises ValueError for such a guard with a delivery, which must have an end.
        """

    def bury(self, delivery: Delivery, error: str) -> None:
        """Move the entry to the dead letters and acknowledge it, in one transaction."""

    def dead_letters(self, *, count: int = 100) -> list[DeadLetter]:
        """Oldest first."""

    def replay(self, dead_letter_id: str) -> bool:
        """Hand it again to the group that failed, and to no other. False when there is no such dead letter."""

    def drop(self, dead_letter_id: str) -> bool:
        """Forget it. False when there is no such dead letter."""

    def get(self, key: str, field: str) -> str | None:
        """One field of a state hash."""

    def get_all(self, key: str) -> dict[str, str]:
        """A whole state hash, empty when there is none."""

    def depth(self, stream: str) -> int:
        """Entries the stream holds."""

    def pending(self, group: str, stream: str) -> int:
        """Entries delivered to the group and not finished; 0 when the group does not exist."""

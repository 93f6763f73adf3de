"""Letters and how each goes out: written down before it is tried, tried again until it is known to have gone.

    waiting ──try──► in flight ──sent──► (journal)
       ▲                │ not sent, or nobody knows
       └── backoff ◄────┘ ──patience over──► (journal: given up)

A posting found in flight at start was cut off by a crash: like every unknown outcome it goes out again under the same
Message-ID, so that a reader's mailbox can drop the second copy. That is at least once, never silently not at all.
"""

from __future__ import annotations

import datetime as dt
from typing import Annotated, Literal

from pydantic import AwareDatetime, Field

from shared.contracts.base import Value

_FIRST_WAIT = dt.timedelta(seconds=2)
_LONGEST_WAIT = dt.timedelta(minutes=5)

Result = Literal["sent", "waiting", "given up", "no channel"]


class Letter(Value):
    """Set and ready. `id` is the id of the message it is about, so the same fact never makes two letters."""

    id: str
    correlation_id: str
    made_at: AwareDatetime
    subject: str
    text: str
    html: str
    short: str
    """For chat: a few lines."""


class Posting(Value):
    """One letter on its way through one channel."""

    letter: Letter
    channel: str
    not_before: AwareDatetime
    attempts: Annotated[int, Field(ge=0)] = 0
    in_flight: bool = False
    problem: str = ""

    @property
    def key(self) -> str:
        return f"{self.letter.id}:{self.channel}"

    def is_due(self, now: dt.datetime) -> bool:
        return now >= self.not_before

    def tried(self) -> Posting:
        return self.model_copy(update={"attempts": self.attempts + 1, "in_flight": True})

    def failed(self, problem: str, now: dt.datetime) -> Posting:
        wait = wait_after(self.attempts)
        return self.model_copy(update={"in_flight": False, "problem": problem[:500], "not_before": now + wait})

    def is_hopeless(self, now: dt.datetime, patience: dt.timedelta) -> bool:
        return now - self.letter.made_at >= patience


class Record(Value):
    """What became of a letter, for GET /messages."""

    id: str
    correlation_id: str
    channel: str
    subject: str
    made_at: AwareDatetime
    at: AwareDatetime
    result: Result
    attempts: int
    detail: str = ""


def wait_after(attempts: int) -> dt.timedelta:
    """2 s, doubling to 5 minutes."""
    doublings: int = min(max(0, attempts - 1), 16)
    return min(_LONGEST_WAIT, _FIRST_WAIT * (1 << doublings))


def recorded(posting: Posting, result: Result, now: dt.datetime, detail: str) -> Record:
    return Record(
        id=posting.letter.id,
        correlation_id=posting.letter.correlation_id,
        channel=posting.channel,
        subject=posting.letter.subject,
        made_at=posting.letter.made_at,
        at=now,
        result=result,
        attempts=posting.attempts,
        detail=detail,
    )

"""What stands in the outbox while a letter is on its way, and what a round does when a channel fails."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable

from services.notifier.adapters.postman import Postman, records, waiting
from services.notifier.domain.outbox import Letter, Posting
from services.notifier.ports import JOURNAL, OUTBOX, NotSentError
from shared.bus import Outcome, Put
from shared.bus.memory_bus import MemoryBus
from shared.clock import ManualClock
from tests.unit.notifier.facts import AT


class Channel:
    """A channel whose behaviour the test gives."""

    def __init__(self, name: str, take: Callable[[Letter], None]) -> None:
        self.name, self.take, self.tries = name, take, 0

    def send(self, letter: Letter) -> str:
        self.tries += 1
        self.take(letter)
        return ""


def refuse(_letter: Letter) -> None:
    raise NotSentError("nobody there")


def break_down(_letter: Letter) -> None:
    raise UnicodeError("a letter that cannot be set")


def accept(_letter: Letter) -> None:
    """Takes anything."""


def posted(bus: MemoryBus, channel: str, count: int = 1) -> None:
    for number in range(count):
        letter = Letter(
            id=f"m{number}", correlation_id="c", made_at=AT, subject="s", text="t\n", html="<p>t</p>", short="t"
        )
        posting = Posting(letter=letter, channel=channel, not_before=AT)
        bus.commit(Outcome(changes=(Put(OUTBOX, posting.key, posting.model_dump_json()),)))


def postman(bus: MemoryBus, *channels: Channel) -> Postman:
    return Postman(bus, channels, ManualClock(AT), patience=dt.timedelta(hours=1))


def test_a_letter_is_marked_as_on_its_way_before_anything_leaves() -> None:
    bus, seen = MemoryBus(), list[tuple[bool, int]]()
    posted(bus, "mail")
    look = Channel("mail", lambda _letter: seen.extend((p.in_flight, p.attempts) for p in waiting(bus)))
    assert postman(bus, look).deliver_due() == 1
    assert seen == [(True, 1)]
    assert waiting(bus) == []


def test_a_channel_that_fails_is_left_alone_for_the_round_and_others_go_on() -> None:
    bus = MemoryBus()
    posted(bus, "mail", count=5)
    posted(bus, "chat-1", count=2)
    mail, chat = Channel("mail", refuse), Channel("chat-1", accept)
    man = postman(bus, mail, chat)
    assert man.deliver_due() == 2
    assert (mail.tries, chat.tries) == (1, 2)
    assert man.troubles == {"mail": "nobody there"}


def test_a_letter_that_cannot_be_set_stops_nobody_and_stays() -> None:
    bus = MemoryBus()
    posted(bus, "mail")
    assert postman(bus, Channel("mail", break_down)).deliver_due() == 0
    [posting] = waiting(bus)
    assert posting.problem == "outcome unknown: UnicodeError: a letter that cannot be set"


def test_a_letter_for_a_channel_that_is_gone_is_recorded_as_such() -> None:
    bus = MemoryBus()
    posted(bus, "chat-9")
    postman(bus, Channel("mail", accept)).deliver_due()
    assert [(r.channel, r.result) for r in records(bus, 10)] == [("chat-9", "no channel")]


def test_the_journal_stays_bounded() -> None:
    bus = MemoryBus()
    posted(bus, "mail", count=230)
    assert postman(bus, Channel("mail", accept)).deliver_due() == 230
    assert len(bus.get_all(JOURNAL)) == 200

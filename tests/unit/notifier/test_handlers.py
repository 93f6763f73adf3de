"""From facts to letters in the outbox."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence

import pytest

from services.notifier.adapters.html_mail import HtmlMail
from services.notifier.adapters.postman import records, waiting
from services.notifier.domain.outbox import Posting
from services.notifier.handlers import Correspondent
from services.notifier.ports import SIGNALS
from shared.bus.memory_bus import MemoryBus
from shared.clock import ManualClock
from shared.contracts import Message
from shared.contracts.execution import TradingResumed
from tests.unit.notifier.facts import AT, a_feed_change, a_halt, a_plan, a_rebalance, a_signal, an_alert

WINDOW = dt.timedelta(minutes=5)
LATER = dt.timedelta(seconds=10)


class Room:
    """A correspondent with its bus and clock."""

    def __init__(self, channels: Sequence[str] = ("mail",)) -> None:
        self.bus, self.clock = MemoryBus(), ManualClock(AT)
        self.writer = Correspondent(
            self.bus, HtmlMail(), self.clock, channels=channels, window=WINDOW, mode="simulated"
        )

    def hears(self, *messages: Message) -> None:
        for message in messages:
            self.bus.commit(self.writer.handlers()[type(message)](message))
            self.clock.advance(LATER)

    def closes_windows(self) -> None:
        self.bus.commit(self.writer.close_windows())

    @property
    def letters(self) -> list[Posting]:
        return waiting(self.bus)

    @property
    def subjects(self) -> list[str]:
        return [posting.letter.subject for posting in self.letters]


@pytest.fixture
def room() -> Room:
    return Room()


def test_a_rebalance_is_one_letter_with_its_signals_and_plan(room: Room) -> None:
    room.hears(a_signal("NUCLEAR"), a_signal("TECL"), a_plan(), a_rebalance())
    [posting] = room.letters
    for expected in ("Why NUCLEAR", "Why TECL", "no longer wanted", "400 of 442"):
        assert expected in posting.letter.text
    assert posting.letter.correlation_id == "c0ffee"


def test_a_rebalance_asked_for_by_hand_still_finds_the_signals_of_its_run(room: Room) -> None:
    room.hears(a_signal(), a_rebalance(correlation_id="by-hand"))
    assert "Why NUCLEAR" in room.letters[0].letter.text


def test_another_runs_signals_stay_out(room: Room) -> None:
    room.hears(a_signal(run_id="yesterday", correlation_id="old"), a_rebalance())
    assert "Why NUCLEAR" not in room.letters[0].letter.text


def test_signals_of_old_runs_are_forgotten(room: Room) -> None:
    room.hears(*(a_signal(run_id=f"run-{n:03}", at=AT + n * LATER) for n in range(120)))
    kept = sorted(room.bus.get_all(SIGNALS))
    assert (len(kept), kept[0]) == (100, "run-020/NUCLEAR")


def test_hearing_a_fact_again_makes_no_second_letter(room: Room) -> None:
    done = a_rebalance()
    room.hears(done, done)
    assert len(room.letters) == 1


def test_every_channel_gets_its_own_posting() -> None:
    room = Room(("mail", "chat-1"))
    room.hears(an_alert())
    assert [p.channel for p in room.letters] == ["chat-1", "mail"]


def test_without_a_channel_a_letter_is_at_least_listed() -> None:
    room = Room(())
    room.hears(an_alert())
    assert [(r.result, r.subject) for r in records(room.bus, 10)] == [
        ("no channel", "[simulated] WARNING: An order's outcome is unknown")
    ]


def test_an_alert_repeated_within_the_window_is_told_once_and_then_counted(room: Room) -> None:
    room.hears(*(an_alert(detail=f"attempt {n}") for n in range(4)))
    room.closes_windows()
    assert len(room.letters) == 1
    room.clock.advance(WINDOW)
    room.closes_windows()
    assert room.subjects[1] == "[simulated] WARNING, 3 more times: An order's outcome is unknown"
    assert "- attempt 1\n- attempt 2\n- attempt 3\n" in room.letters[1].letter.text


def test_a_window_without_repeats_closes_in_silence_and_the_alert_is_told_again(room: Room) -> None:
    room.hears(an_alert())
    room.clock.advance(WINDOW)
    room.closes_windows()
    room.hears(an_alert())
    assert room.subjects == ["[simulated] WARNING: An order's outcome is unknown"] * 2


def test_a_late_repeat_tells_the_count_of_the_old_window_first(room: Room) -> None:
    room.hears(an_alert(), an_alert())
    room.clock.advance(WINDOW)
    room.hears(an_alert())
    assert sorted(room.subjects)[1:] == [
        "[simulated] WARNING: An order's outcome is unknown",
        "[simulated] WARNING: An order's outcome is unknown",
    ]
    assert "1 more time" in min(room.subjects)


def test_different_alerts_are_not_one(room: Room) -> None:
    room.hears(an_alert(), an_alert(title="Another"), an_alert(severity="critical"), an_alert(source="strategy"))
    assert len(room.letters) == 4


@pytest.mark.parametrize("state", ["degraded", "down", "recovered"])
def test_a_feed_that_fails_or_comes_back_is_told(room: Room, state: str) -> None:
    room.hears(a_feed_change(state))
    assert "Market data" in room.subjects[0]


@pytest.mark.parametrize("state", ["up", "mute"])
def test_a_feed_that_merely_breathes_is_not_told(room: Room, state: str) -> None:
    room.hears(a_feed_change(state))
    assert room.letters == []


@pytest.mark.parametrize(
    ("correlation_id", "seconds_apart", "letters"), [("feed-degraded", 1, 1), ("another", 0, 1), ("another", 1, 2)]
)
def test_a_feed_change_that_was_an_alert_already_is_not_told_twice(
    room: Room, correlation_id: str, seconds_apart: int, letters: int
) -> None:
    at = AT + dt.timedelta(seconds=seconds_apart)
    alert = an_alert(source="marketdata", title="Quotes by REST polling", correlation_id=correlation_id, at=at)
    room.hears(alert, a_feed_change("degraded"))
    assert len(room.letters) == letters


def test_halts_and_resumes_are_told_with_their_reason(room: Room) -> None:
    room.hears(a_halt(), TradingResumed(correlation_id="h418", at=AT, reason="checked by hand"))
    assert room.subjects == [
        "[simulated] Trading HALTED: daily loss limit",
        "[simulated] Trading resumed: checked by hand",
    ]
    assert "1 open order\n" in room.letters[0].letter.text


def test_a_credential_in_an_alert_reaches_no_letter(room: Room) -> None:
    room.hears(an_alert(title="t\r\nBcc: x@y", detail="GET https://me:hunter2@host/ with Authorization: Bearer abc123"))
    letter = room.letters[0].letter
    for part in (letter.text, letter.html, letter.short, letter.subject):
        assert "hunter2" not in part
        assert "abc123" not in part
    assert letter.subject == "[simulated] WARNING: t Bcc: x@y"

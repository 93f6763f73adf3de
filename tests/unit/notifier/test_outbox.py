"""How long a letter waits, and that it keeps its identity."""

from __future__ import annotations

import datetime as dt

import pytest

from services.notifier.adapters.smtp import mail_of, message_id
from services.notifier.domain.outbox import Letter, Posting, wait_after
from tests.unit.notifier.facts import AT


def a_letter(**changes: str) -> Letter:
    given = {"id": "m1", "correlation_id": "c1", "subject": "s", "text": "t\n", "html": "<p>t</p>", "short": "t"}
    return Letter(made_at=AT, **given | changes)


@pytest.mark.parametrize(("attempts", "seconds"), [(1, 2), (2, 4), (5, 32), (9, 300), (1_000, 300)])
def test_waits_double_from_two_seconds_to_five_minutes(attempts: int, seconds: int) -> None:
    assert wait_after(attempts) == dt.timedelta(seconds=seconds)


def test_a_failed_posting_is_due_only_after_its_wait() -> None:
    failed = Posting(letter=a_letter(), channel="mail", not_before=AT).tried().failed("nobody there", AT)
    assert not failed.is_due(AT + dt.timedelta(seconds=1.9))
    assert failed.is_due(AT + dt.timedelta(seconds=2))
    assert (failed.attempts, failed.in_flight, failed.problem) == (1, False, "nobody there")


def test_the_same_fact_has_the_same_message_id_and_another_fact_another() -> None:
    sender = "Alchemiser <a@example.org>"
    assert message_id("m1", sender) == message_id("m1", sender) != message_id("m2", sender)
    assert message_id("m1", sender).endswith("@example.org>")


def test_a_mail_is_the_same_bytes_when_it_is_sent_again() -> None:
    first, again = (mail_of(a_letter(), "a@example.org", ("b@example.org",)) for _ in range(2))
    assert first["Message-ID"] == again["Message-ID"]
    assert first["Date"] == again["Date"]


def test_text_comes_first_and_html_as_its_alternative() -> None:
    mail = mail_of(a_letter(), "a@example.org", ("b@example.org", "c@example.org"))
    assert [part.get_content_type() for part in mail.iter_parts()] == ["text/plain", "text/html"]
    assert mail["To"] == "b@example.org, c@example.org"

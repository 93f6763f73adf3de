"""The SMTP conversation against real servers."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest
from aiosmtpd.controller import Controller
from pydantic import SecretStr

from cli.embedded_redis import free_port
from services.notifier.adapters.smtp import SmtpChannel, message_id
from services.notifier.domain.outbox import Letter
from services.notifier.ports import NotSentError, OutcomeUnknownError
from services.notifier.settings import SmtpSettings
from tests.integration.notifier.servers import (
    PASSWORD,
    USER,
    Certificates,
    Inbox,
    certificates,
    plain_server,
    starttls_server,
    tls_server,
)

FROM = "Alchemiser <bot@example.org>"
Started = Callable[[Controller], Controller]


@pytest.fixture
def inbox() -> Inbox:
    return Inbox()


@pytest.fixture(scope="module")
def trusted(tmp_path_factory: pytest.TempPathFactory) -> Certificates:
    return certificates(tmp_path_factory.mktemp("certificates"))


@pytest.fixture
def started() -> Iterator[Started]:
    with ExitStack() as stack:

        def start(server: Controller) -> Controller:
            server.start()
            stack.callback(server.stop)
            return server

        yield start


def settings(port: int, **changes: Any) -> SmtpSettings:
    given: dict[str, Any] = {
        "host": "localhost",
        "port": port,
        "security": "none",
        "NOTIFIER_SMTP_FROM": FROM,
        "to": ("me@example.org",),
        "timeout_seconds": 5,
    }
    return SmtpSettings(**given | changes)


def a_letter(**changes: str) -> Letter:
    given = {
        "id": "m1",
        "correlation_id": "c0ffee",
        "subject": "[paper] Rebalance complete",
        "text": "Orders\n------\nBUY SMR 1,642\n",
        "html": "<p>BUY SMR</p>",
        "short": "done",
    }
    return Letter(made_at=dt.datetime(2024, 6, 3, 19, 44, tzinfo=dt.UTC), **given | changes)


def test_a_mail_arrives_in_both_forms_with_its_identity(inbox: Inbox, started: Started) -> None:
    server = started(plain_server(inbox))
    SmtpChannel(settings(server.port)).send(a_letter())
    [mail] = inbox.mails
    assert mail["Subject"] == "[paper] Rebalance complete"
    assert mail["Message-ID"] == message_id("m1", FROM)
    assert mail["X-Alchemiser-Correlation-Id"] == "c0ffee"
    text, html = mail.get_body(("plain",)), mail.get_body(("html",))
    assert text is not None
    assert html is not None
    assert text.get_content().replace("\r\n", "\n") == "Orders\n------\nBUY SMR 1,642\n"
    assert "<p>BUY SMR</p>" in html.get_content()


def test_starttls_and_login_come_before_the_mail(inbox: Inbox, started: Started, trusted: Certificates) -> None:
    server = started(starttls_server(inbox, trusted))
    secure = settings(
        server.port, security="starttls", ca_file=trusted.ca_file, user=USER, password=SecretStr(PASSWORD)
    )
    SmtpChannel(secure).send(a_letter())
    assert inbox.encrypted == [True]


def test_tls_from_the_first_byte(inbox: Inbox, started: Started, trusted: Certificates) -> None:
    server = started(tls_server(inbox, trusted))
    SmtpChannel(settings(server.port, security="tls", ca_file=trusted.ca_file)).send(a_letter())
    assert len(inbox.mails) == 1


def test_a_wrong_password_sends_nothing_and_is_not_repeated_to_anyone(
    inbox: Inbox, started: Started, trusted: Certificates
) -> None:
    server = started(starttls_server(inbox, trusted))
    wrong = settings(
        server.port, security="starttls", ca_file=trusted.ca_file, user=USER, password=SecretStr("sw0rdfish")
    )
    with pytest.raises(NotSentError, match="535") as error:
        SmtpChannel(wrong).send(a_letter())
    assert "sw0rdfish" not in str(error.value)
    assert inbox.mails == []


def test_a_certificate_nobody_vouches_for_is_refused(inbox: Inbox, started: Started, trusted: Certificates) -> None:
    server = started(starttls_server(inbox, trusted))
    secure = settings(server.port, security="starttls", user=USER, password=SecretStr(PASSWORD))
    with pytest.raises(NotSentError, match="CERTIFICATE_VERIFY_FAILED"):
        SmtpChannel(secure).send(a_letter())


def test_a_server_without_starttls_gets_no_mail_in_the_clear(inbox: Inbox, started: Started) -> None:
    server = started(plain_server(inbox))
    with pytest.raises(NotSentError, match="STARTTLS"):
        SmtpChannel(settings(server.port, security="starttls")).send(a_letter())
    assert inbox.mails == []


def test_nobody_there_is_not_sent() -> None:
    with pytest.raises(NotSentError, match="ConnectionRefusedError"):
        SmtpChannel(settings(free_port())).send(a_letter())


def test_a_refusal_of_the_content_is_not_sent(inbox: Inbox, started: Started) -> None:
    inbox.answer = "552 too large"
    server = started(plain_server(inbox))
    with pytest.raises(NotSentError, match="552 too large"):
        SmtpChannel(settings(server.port)).send(a_letter())


def test_a_server_that_hangs_up_after_the_mail_leaves_the_outcome_unknown(inbox: Inbox, started: Started) -> None:
    inbox.hang_up = True
    server = started(plain_server(inbox))
    with pytest.raises(OutcomeUnknownError):
        SmtpChannel(settings(server.port)).send(a_letter())
    assert len(inbox.mails) == 1


def test_one_refused_recipient_does_not_keep_the_others_from_it(inbox: Inbox, started: Started) -> None:
    server = started(plain_server(inbox))
    remark = SmtpChannel(settings(server.port, to=("me@example.org", "unknown@example.org"))).send(a_letter())
    assert remark == "refused for unknown@example.org"
    assert len(inbox.mails) == 1


def test_all_recipients_refused_is_not_sent(inbox: Inbox, started: Started) -> None:
    server = started(plain_server(inbox))
    with pytest.raises(NotSentError, match="550 no such mailbox"):
        SmtpChannel(settings(server.port, to=("unknown@example.org",))).send(a_letter())


def test_an_authority_file_that_is_none_is_named(tmp_path: Path) -> None:
    wrong = tmp_path / "ca.pem"
    wrong.write_text("no certificate")
    with pytest.raises(ValueError, match="NOTIFIER_SMTP_CA_FILE: expected a PEM file"):
        SmtpChannel(settings(25, ca_file=str(wrong)))

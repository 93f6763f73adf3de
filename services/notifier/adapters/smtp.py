"""Mail through a real SMTP conversation: plain, STARTTLS or TLS from the first byte, with or without a login.

connect ─► EHLO ─► [STARTTLS] ─► [AUTH] ─► MAIL, RCPT, DATA ─► 250: sent
   └──────────┴─────────┴──────────┴─ any failure: certainly not sent   └─ silence: nobody knows
"""

from __future__ import annotations

import hashlib
import smtplib
import ssl
from collections.abc import Iterator
from contextlib import contextmanager
from email.message import EmailMessage
from email.policy import SMTP as SMTP_POLICY
from email.utils import format_datetime, parseaddr

from services.notifier.domain.outbox import Letter
from services.notifier.ports import NotSentError, OutcomeUnknownError
from services.notifier.settings import SmtpSettings
from shared.settings import SettingsError


class SmtpChannel:
    name = "mail"

    def __init__(self, settings: SmtpSettings) -> None:
        if settings.host is None:
            raise SettingsError("NOTIFIER_SMTP_HOST: expected a host name, got none")
        self._settings = settings
        self._host = settings.host
        self._tls = _trust(settings.ca_file)

    def send(self, letter: Letter) -> str:
        mail = mail_of(letter, self._settings.sender, self._settings.to)
        with self._conversation() as server:
            return self._hand_over(server, mail)

    @contextmanager
    def _conversation(self) -> Iterator[smtplib.SMTP]:
        """A greeted, encrypted and logged-in server; its goodbye does not matter any more."""
        try:
            server = self._connect()
        except (OSError, smtplib.SMTPException) as error:
            raise NotSentError(f"{self._host}: {_said(error)}") from error
        try:
            self._introduce(server)
            yield server
        finally:
            _leave(server)

    def _connect(self) -> smtplib.SMTP:
        host, port, timeout = self._host, self._settings.port_or_default, self._settings.timeout_seconds
        if self._settings.security == "tls":
            return smtplib.SMTP_SSL(host, port, timeout=timeout, context=self._tls)
        return smtplib.SMTP(host, port, timeout=timeout)

    def _introduce(self, server: smtplib.SMTP) -> None:
        user, password = self._settings.user, self._settings.password
        try:
            if self._settings.security == "starttls":
                server.starttls(context=self._tls)
            if user is not None and password is not None:
                server.login(user, password.get_secret_value())
        except (OSError, smtplib.SMTPException) as error:
            raise NotSentError(f"{self._host}: {_said(error)}") from error

    def _hand_over(self, server: smtplib.SMTP, mail: EmailMessage) -> str:
        try:
            refused = server.send_message(mail)
        except (smtplib.SMTPResponseException, smtplib.SMTPRecipientsRefused, smtplib.SMTPNotSupportedError) as error:
            raise NotSentError(f"{self._host}: {_said(error)}") from error
        except (OSError, smtplib.SMTPException) as error:
            raise OutcomeUnknownError(f"{self._host}: {_said(error)}") from error
        return "refused for " + ", ".join(sorted(refused)) if refused else ""


def _trust(ca_file: str | None) -> ssl.SSLContext:
    try:
        return ssl.create_default_context(cafile=ca_file)
    except OSError as error:  # ssl.SSLError is one too
        raise SettingsError(f"NOTIFIER_SMTP_CA_FILE: expected a PEM file, got {ca_file!r}: {error}") from error


def mail_of(letter: Letter, sender: str, to: tuple[str, ...]) -> EmailMessage:
    """Plain text first, HTML as the richer alternative; nothing in it changes when it is sent again."""
    mail = EmailMessage(policy=SMTP_POLICY)
    mail["Subject"] = letter.subject
    mail["From"] = sender
    mail["To"] = ", ".join(to)
    mail["Date"] = format_datetime(letter.made_at)
    mail["Message-ID"] = message_id(letter.id, sender)
    mail["Auto-Submitted"] = "auto-generated"
    mail["X-Alchemiser-Correlation-Id"] = letter.correlation_id
    mail.set_content(letter.text)
    mail.add_alternative(letter.html, subtype="html")
    return mail


def message_id(identity: str, sender: str) -> str:
    """Derived from the fact the mail is about: a second copy of it carries the same Message-ID."""
    domain = parseaddr(sender)[1].rpartition("@")[2]
    return f"<{hashlib.sha256(identity.encode()).hexdigest()[:40]}@{domain}>"


def _leave(server: smtplib.SMTP) -> None:
    try:
        server.quit()
    except (OSError, smtplib.SMTPException):
        server.close()


def _said(error: Exception) -> str:
    """The server's words, never ours: no credentials can be in them."""
    if isinstance(error, smtplib.SMTPResponseException):
        words = error.smtp_error.decode(errors="replace") if isinstance(error.smtp_error, bytes) else error.smtp_error
        return f"{type(error).__name__} {error.smtp_code} {words}"
    if isinstance(error, smtplib.SMTPRecipientsRefused):
        answers = (f"{who} {code} {words.decode(errors='replace')}" for who, (code, words) in error.recipients.items())
        return "all recipients refused: " + "; ".join(answers)
    return f"{type(error).__name__}: {error}"

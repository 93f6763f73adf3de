"""Real SMTP servers for tests: plain, STARTTLS with a login, TLS from the first byte, and one that falls silent."""

from __future__ import annotations

import ssl
from dataclasses import dataclass, field
from email import message_from_bytes, policy
from email.message import EmailMessage
from pathlib import Path
from typing import Any

import trustme
from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, AuthResult, Envelope, LoginPassword, Session

from cli.embedded_redis import free_port

USER, PASSWORD = "bot", "hunter2"


@dataclass
class Inbox:
    """What arrived. `hang_up` drops the connection after taking a mail; `answer` is what DATA gets."""

    mails: list[EmailMessage] = field(default_factory=list)
    encrypted: list[bool] = field(default_factory=list)
    hang_up: bool = False
    answer: str = "250 kept"

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:  # noqa: N802 - aiosmtpd's name
        if self.answer.startswith("250"):
            self.mails.append(message_from_bytes(envelope.original_content, policy=policy.default))
            self.encrypted.append(session.ssl is not None)
        if self.hang_up:
            server.transport.abort()
        return self.answer

    async def handle_RCPT(  # noqa: N802 - aiosmtpd's name
        self, _server: SMTP, _session: Session, envelope: Envelope, address: str, _options: list[str]
    ) -> str:
        if address.startswith("unknown@"):
            return "550 no such mailbox"
        envelope.rcpt_tos.append(address)
        return "250 ok"


@dataclass(frozen=True)
class Certificates:
    """A certificate authority of our own for "localhost"; `ca_file` is what a client must trust."""

    ca_file: str
    server: ssl.SSLContext


def certificates(folder: Path) -> Certificates:
    authority = trustme.CA()
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("localhost").configure_cert(context)
    authority.cert_pem.write_to_path(str(folder / "ca.pem"))
    return Certificates(str(folder / "ca.pem"), context)


def plain_server(inbox: Inbox, port: int | None = None) -> Controller:
    return Controller(inbox, hostname="127.0.0.1", port=port or free_port())


def starttls_server(inbox: Inbox, given: Certificates) -> Controller:
    """Takes no mail without STARTTLS and the right password."""
    return Controller(
        inbox,
        hostname="127.0.0.1",
        port=free_port(),
        tls_context=given.server,
        require_starttls=True,
        auth_required=True,
        authenticator=_knows_the_password,
    )


def tls_server(inbox: Inbox, given: Certificates) -> Controller:
    return Controller(inbox, hostname="127.0.0.1", port=free_port(), ssl_context=given.server)


def _knows_the_password(_server: Any, _session: Any, _envelope: Any, _mechanism: str, data: Any) -> AuthResult:
    ok = data == LoginPassword(USER.encode(), PASSWORD.encode())
    return AuthResult(success=ok, handled=False)

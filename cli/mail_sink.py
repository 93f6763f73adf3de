"""A mailbox for demos and tests: takes every mail over SMTP, keeps it as an .eml file, shows it over HTTP. Delivers nothing.

python -m cli.mail_sink --smtp-port 1025 --http-port 8025 --folder mails
"""

from __future__ import annotations

import argparse
import json
import re
import sys
import threading
from collections.abc import Sequence
from email import message_from_bytes, policy
from email.message import EmailMessage
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, cast

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, Envelope, Session

from cli.embedded_redis import free_port
from shared.process import run

_KEPT = 500


class Mailbox:
    """The last mails, numbered from 1; in memory, and in `folder` where one is given."""

    def __init__(self, folder: Path | None = None) -> None:
        self._folder = folder
        self._mails: dict[int, bytes] = {}
        self._lock = threading.Lock()
        if folder is not None:
            folder.mkdir(parents=True, exist_ok=True)
            self._mails = {int(path.stem): path.read_bytes() for path in sorted(folder.glob("[0-9]*.eml"))}

    def add(self, raw: bytes) -> int:
        with self._lock:
            number = max(self._mails, default=0) + 1
            self._mails[number] = raw
            if self._folder is not None:
                (self._folder / f"{number:05}.eml").write_bytes(raw)
            for old in sorted(self._mails)[:-_KEPT]:
                self._drop(old)
            return number

    def raw(self, number: int) -> bytes | None:
        with self._lock:
            return self._mails.get(number)

    def mails(self) -> list[tuple[int, EmailMessage]]:
        """Oldest first."""
        with self._lock:
            return [(number, parsed(raw)) for number, raw in sorted(self._mails.items())]

    def clear(self) -> None:
        with self._lock:
            for number in list(self._mails):
                self._drop(number)

    def _drop(self, number: int) -> None:
        del self._mails[number]
        if self._folder is not None:
            (self._folder / f"{number:05}.eml").unlink(missing_ok=True)

    async def handle_DATA(self, _server: SMTP, _session: Session, envelope: Envelope) -> str:  # noqa: N802 - aiosmtpd's name
        self.add(cast("bytes", envelope.original_content))
        return "250 kept"


def parsed(raw: bytes) -> EmailMessage:
    return message_from_bytes(raw, policy=policy.default)


def summary(number: int, mail: EmailMessage) -> dict[str, Any]:
    names = ("Subject", "From", "To", "Date", "Message-ID")
    return {"number": number, **{name.lower(): str(mail[name] or "") for name in names}}


class MailSink:
    """SMTP and HTTP around one mailbox; ports of 0 are chosen by the system and can be asked for after `start`."""

    def __init__(self, mailbox: Mailbox, *, host: str = "127.0.0.1", smtp_port: int = 0, http_port: int = 0) -> None:
        self._smtp = Controller(mailbox, hostname=host, port=smtp_port or free_port(), decode_data=False)
        self._http = ThreadingHTTPServer((host, http_port), _pages(mailbox))

    @property
    def smtp_port(self) -> int:
        return int(self._smtp.port)

    @property
    def http_port(self) -> int:
        return int(self._http.server_address[1])

    def start(self) -> None:
        self._smtp.start()
        threading.Thread(target=self._http.serve_forever, name="mail-sink-http", daemon=True).start()

    def stop(self) -> None:
        self._smtp.stop()
        self._http.shutdown()
        self._http.server_close()

    def __call__(self, stop: threading.Event) -> None:
        self.start()
        stop.wait()
        self.stop()


def _pages(mailbox: Mailbox) -> type[BaseHTTPRequestHandler]:
    class Pages(BaseHTTPRequestHandler):
        """GET /health, /messages, /messages/N (text), /messages/N.html, /messages/N.eml; DELETE /messages."""

        def do_GET(self) -> None:
            place = re.fullmatch(r"/messages/(\d{1,9})(\.html|\.eml)?", self.path)
            if self.path == "/health":
                self._answer(b'{"status": "ok"}', "application/json")
            elif self.path in {"/", "/messages"}:
                listing = [summary(number, mail) for number, mail in mailbox.mails()]
                self._answer(json.dumps(listing, indent=2).encode(), "application/json")
            elif place and (raw := mailbox.raw(int(place[1]))) is not None:
                self._answer(*_shown(raw, place[2] or ""))
            else:
                self._answer(b'{"detail": "no such page or mail; try /messages"}', "application/json", 404)

        def do_DELETE(self) -> None:
            if self.path != "/messages":
                self._answer(b'{"detail": "only /messages can be deleted"}', "application/json", 404)
                return
            mailbox.clear()
            self._answer(b"[]", "application/json")

        def _answer(self, body: bytes, kind: str, status: int = 200) -> None:
            self.send_response(status)
            self.send_header("Content-Type", kind)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - the base class's name
            """Says nothing: health checks would fill the log."""

    return Pages


def _shown(raw: bytes, form: str) -> tuple[bytes, str]:
    if form == ".eml":
        return raw, "message/rfc822"
    body = parsed(raw).get_body(("html",) if form == ".html" else ("plain", "html"))
    text = "" if body is None else str(body.get_content())
    return text.encode(), f"text/{'html' if form == '.html' else 'plain'}; charset=utf-8"


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="mail_sink", description="A mailbox for demos and tests; delivers nothing.")
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--smtp-port", type=int, default=1025)
    parser.add_argument("--http-port", type=int, default=8025)
    parser.add_argument("--folder", type=Path, help="keep mails here as .eml files; without it, in memory only")
    given = parser.parse_args(arguments)
    sink = MailSink(Mailbox(given.folder), host=given.host, smtp_port=given.smtp_port, http_port=given.http_port)
    return run("mail-sink", {"mailbox": sink})


if __name__ == "__main__":
    sys.exit(main())

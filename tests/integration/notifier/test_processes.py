"""The notifier and the mail sink as people and machines start them."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import httpx
import pytest

from cli.embedded_redis import free_port
from cli.mail_sink import Mailbox, MailSink
from services.notifier.adapters.smtp import SmtpChannel
from services.notifier.domain.outbox import Letter
from services.notifier.settings import SmtpSettings
from shared.bus.redis_bus import RedisBus
from shared.contracts import streams
from tests.unit.notifier.facts import AT, an_alert

Eventually = Callable[..., object]


def environment(**changes: str) -> dict[str, str]:
    return {"PATH": os.environ["PATH"], "PYTHONPATH": os.environ.get("PYTHONPATH", ""), **changes}


def answers(url: str) -> bool:
    try:
        return httpx.get(url).is_success
    except httpx.TransportError:
        return False


def test_an_alert_on_the_bus_becomes_a_mail_in_the_sink(
    redis_url: str, redis_client: object, namespace: str, tmp_path: Path, eventually: Eventually
) -> None:
    sink = MailSink(Mailbox(tmp_path / "mails"))
    sink.start()
    port = free_port()
    given = environment(
        ALCHEMISER_REDIS_URL=redis_url,
        ALCHEMISER_NAMESPACE=namespace,
        ALCHEMISER_HTTP_PORT=str(port),
        NOTIFIER_SMTP_HOST="127.0.0.1",
        NOTIFIER_SMTP_PORT=str(sink.smtp_port),
        NOTIFIER_SMTP_SECURITY="none",
        NOTIFIER_SMTP_FROM="bot@example.org",
        NOTIFIER_SMTP_TO="me@example.org",
    )
    process = subprocess.Popen([sys.executable, "-m", "services.notifier"], env=given, cwd=tmp_path)
    try:
        eventually(lambda: answers(f"http://127.0.0.1:{port}/ready"), within=20)
        RedisBus(redis_client, namespace).publish(streams.alerts_of("execution"), an_alert())  # type: ignore[arg-type]
        pages = f"http://127.0.0.1:{sink.http_port}"
        eventually(lambda: httpx.get(f"{pages}/messages").json(), within=10)
        assert "client order id" in httpx.get(f"{pages}/messages/1").text
        assert "<!doctype html>" in httpx.get(f"{pages}/messages/1.html").text
        assert len(list((tmp_path / "mails").glob("*.eml"))) == 1
        process.send_signal(signal.SIGTERM)
        assert process.wait(15) == 0
    finally:
        process.kill()
        process.wait(10)
        sink.stop()


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"NOTIFIER_SMTP_HOST": "mail.example.org"}, "NOTIFIER_SMTP_FROM: expected mail addresses"),
        ({"NOTIFIER_COLLAPSE_SECONDS": "soon"}, "NOTIFIER_COLLAPSE_SECONDS: Input should be a valid number"),
        ({"NOTIFIER_CHAT_URLS": "nosuch://s3cret"}, "NOTIFIER_CHAT_URLS: number 1 (nosuch://) is no URL that apprise"),
        ({"ALCHEMISER_MODE": "imaginary"}, "ALCHEMISER_MODE: Input should be 'simulated', 'paper' or 'live'"),
    ],
)
def test_a_wrong_setting_ends_the_start_with_one_line(changes: dict[str, str], said: str, tmp_path: Path) -> None:
    ended = subprocess.run(
        [sys.executable, "-W", "ignore", "-m", "services.notifier"],
        env=environment(**changes),
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
    )
    assert ended.returncode == 78
    assert said in ended.stderr
    assert ended.stderr.count("\n") == 1
    assert "s3cret" not in ended.stderr + ended.stdout


def test_the_sink_keeps_mails_over_a_restart_and_forgets_them_when_told(tmp_path: Path) -> None:
    settings = {
        "host": "127.0.0.1",
        "security": "none",
        "NOTIFIER_SMTP_FROM": "a@example.org",
        "to": ("b@example.org",),
    }
    letter = Letter(id="m1", correlation_id="c", made_at=AT, subject="Kept", text="t\n", html="<p>t</p>", short="t")
    sink = MailSink(Mailbox(tmp_path))
    sink.start()
    SmtpChannel(SmtpSettings(port=sink.smtp_port, **settings)).send(letter)  # type: ignore[arg-type]
    sink.stop()

    sink = MailSink(Mailbox(tmp_path))
    sink.start()
    pages = f"http://127.0.0.1:{sink.http_port}"
    try:
        assert [mail["subject"] for mail in httpx.get(f"{pages}/messages").json()] == ["Kept"]
        assert httpx.get(f"{pages}/messages/1.eml").text.startswith("Subject: Kept")
        assert httpx.get(f"{pages}/messages/2").status_code == 404
        assert httpx.delete(f"{pages}/elsewhere").status_code == 404
        assert httpx.delete(f"{pages}/messages").json() == []
    finally:
        sink.stop()
    assert list(tmp_path.iterdir()) == []

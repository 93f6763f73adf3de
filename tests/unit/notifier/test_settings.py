"""A wrong setting says which and what was expected, and never shows a secret."""

from __future__ import annotations

from pathlib import Path

import pytest

from services.notifier.settings import NotifierSettings, SmtpSettings
from shared.settings import SettingsError, read

WHOLE = {
    "HOST": "mail.example.org",
    "FROM": "Alchemiser <bot@example.org>",
    "TO": "me@example.org, you@example.org",
    "USER": "bot",
    "PASSWORD": "hunter2",
}


@pytest.fixture(autouse=True)
def _nothing_else_is_set(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.chdir(tmp_path)


def given(monkeypatch: pytest.MonkeyPatch, **changes: str | None) -> None:
    for name, value in (WHOLE | changes).items():
        if value is not None:
            monkeypatch.setenv(f"NOTIFIER_SMTP_{name}", value)


def test_addresses_are_separated_by_commas(monkeypatch: pytest.MonkeyPatch) -> None:
    given(monkeypatch)
    settings = read(SmtpSettings)
    assert settings.to == ("me@example.org", "you@example.org")
    assert (settings.security, settings.port_or_default) == ("starttls", 587)


def test_without_a_host_nothing_else_is_asked_for() -> None:
    assert read(SmtpSettings).host is None


def test_the_password_may_stand_in_a_file(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    secret = tmp_path / "password"
    secret.write_text("from-a-file\n")
    given(monkeypatch, PASSWORD=None, PASSWORD_FILE=str(secret))
    password = read(SmtpSettings).password
    assert password is not None
    assert password.get_secret_value() == "from-a-file"


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"FROM": None}, "NOTIFIER_SMTP_FROM: expected mail addresses"),
        ({"FROM": "nobody"}, "NOTIFIER_SMTP_FROM: expected mail addresses"),
        ({"TO": None}, "NOTIFIER_SMTP_TO: expected mail addresses"),
        ({"TO": "me@example.org, you"}, "got 'you'"),
        ({"TO": "me@example.org\nBcc: x@example.org"}, "NOTIFIER_SMTP_TO"),
        ({"PORT": "0"}, "NOTIFIER_SMTP_PORT: Input should be greater than or equal to 1"),
        ({"PORT": "smtp"}, "NOTIFIER_SMTP_PORT"),
        ({"SECURITY": "ssl"}, "NOTIFIER_SMTP_SECURITY: Input should be 'none', 'starttls' or 'tls', got 'ssl'"),
        ({"SECURITY": "none"}, "NOTIFIER_SMTP_SECURITY: expected starttls or tls where a password is sent"),
        ({"PASSWORD": None}, "NOTIFIER_SMTP_PASSWORD: expected user and password together"),
        ({"USER": None}, "NOTIFIER_SMTP_USER: expected user and password together"),
        ({"HOST": "mail example"}, "NOTIFIER_SMTP_HOST"),
        ({"TIMEOUT_SECONDS": "nan"}, "NOTIFIER_SMTP_TIMEOUT_SECONDS"),
    ],
)
def test_a_wrong_setting_is_named(monkeypatch: pytest.MonkeyPatch, changes: dict[str, str | None], said: str) -> None:
    given(monkeypatch, **changes)
    with pytest.raises(SettingsError) as error:
        read(SmtpSettings)
    assert said in str(error.value)
    assert "hunter2" not in str(error.value)


def test_a_chat_url_that_is_none_is_named_by_its_place_only(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NOTIFIER_CHAT_URLS", "json://localhost/x sekrit")
    with pytest.raises(SettingsError, match=r"NOTIFIER_CHAT_URLS: .*number 2 is none") as error:
        read(NotifierSettings)
    assert "sekrit" not in str(error.value)

"""What looks like a secret never reaches a log line."""

from __future__ import annotations

import json
import logging

import pytest
from pydantic import SecretStr

from shared import logs
from shared.settings import LogSettings


@pytest.fixture(autouse=True)
def _restored_root_logger() -> object:
    root = logging.getLogger()
    before, level = list(root.handlers), root.level
    yield
    root.handlers[:] = before
    root.setLevel(level)


@pytest.mark.parametrize(
    "event",
    [
        {"apca_api_secret_key": "hush"},
        {"password": "hush"},
        {"http_token": "hush"},
        {"authorization": "Bearer hush"},
        {"note": "sent with Bearer hush"},
        {"url": "redis://:hush@host:6379/0"},
        {"smtp": "smtps://user:hush@mail.example:465"},
        {"given": SecretStr("hush")},
    ],
)
def test_secrets_are_masked(event: dict[str, object], capsys: pytest.CaptureFixture[str]) -> None:
    logs.configure("probe", LogSettings(log_level="INFO", log_format="json"))
    logs.get("x").info("something", **event)
    line = capsys.readouterr().out
    assert "hush" not in line
    assert "***" in line


def test_a_librarys_log_goes_through_the_same_mask(capsys: pytest.CaptureFixture[str]) -> None:
    logs.configure("probe", LogSettings(log_format="json"))
    logging.getLogger("somelib").warning("connecting to %s", "redis://:hush@host/0")
    assert "hush" not in capsys.readouterr().out


def test_a_line_says_which_service_wrote_it(capsys: pytest.CaptureFixture[str]) -> None:
    logs.configure("probe", LogSettings(log_format="json"))
    logs.get("x").info("placed", symbol="BIL")
    line = json.loads(capsys.readouterr().out)
    assert (line["service"], line["event"], line["symbol"], line["level"]) == ("probe", "placed", "BIL", "info")

"""SIM_* settings: what is wrong is named with what was expected; a secret is not shown."""

from __future__ import annotations

import datetime as dt

import pytest

from services.simulator.settings import SimulatorSettings, parse_instant
from shared.settings import SettingsError, read


@pytest.mark.parametrize(
    ("text", "utc"),
    [
        ("2024-06-03T09:30", "2024-06-03T13:30:00+00:00"),
        ("2024-01-16T09:30", "2024-01-16T14:30:00+00:00"),
        ("2024-06-03T13:30:00Z", "2024-06-03T13:30:00+00:00"),
        ("2024-06-03T15:30:00+02:00", "2024-06-03T13:30:00+00:00"),
    ],
)
def test_an_instant_without_a_zone_is_new_york_time(text: str, utc: str) -> None:
    assert parse_instant(text) == dt.datetime.fromisoformat(utc)


@pytest.mark.parametrize(
    "text", ["", "yesterday", "2024-13-01", "1850-01-01T10:00", "2099-01-01T10:00", "9999-12-31T23:59"]
)
def test_what_is_no_instant_of_the_calendar_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="expected New York time as 2024-06-03T09:30"):
        parse_instant(text)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("SIM_PORT", "70000"),
        ("SIM_SEED", "-1"),
        ("SIM_SPEED", "-1"),
        ("SIM_SPEED", "nan"),
        ("SIM_FILLS", "magic"),
        ("SIM_RATE_LIMIT", "-5"),
        ("SIM_START", "yesterday"),
        ("SIM_DATA", "/no/such/folder"),
        ("SIM_CASH", "0"),
    ],
)
def test_a_wrong_setting_is_named(monkeypatch: pytest.MonkeyPatch, name: str, value: str) -> None:
    monkeypatch.setenv(name, value)
    with pytest.raises(SettingsError, match=rf"^{name}: .*got {value!r}"):
        read(SimulatorSettings)


def test_half_a_login_is_refused_and_its_secret_not_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SIM_SECRET", "hush-hush")
    with pytest.raises(SettingsError, match="SIM_KEY, SIM_SECRET: expected both or neither") as error:
        read(SimulatorSettings)
    assert "hush-hush" not in str(error.value)


def test_a_login_pins_the_venue() -> None:
    settings = SimulatorSettings(key="k", secret="s")
    assert settings.pinned == ("k", "s")
    assert "'s'" not in repr(settings)

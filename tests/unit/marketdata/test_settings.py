"""Settings are read once, and a wrong one is named with what was expected."""

from __future__ import annotations

import datetime as dt

import pytest

from services.marketdata.settings import MarketdataSettings
from shared.settings import SettingsError, read


@pytest.fixture(autouse=True)
def _no_env_file(monkeypatch: pytest.MonkeyPatch, tmp_path: object) -> None:
    monkeypatch.chdir(str(tmp_path))


def test_everything_has_a_default() -> None:
    settings = read(MarketdataSettings)
    assert (settings.always, settings.kept_adjustments, settings.twelvedata_key) == ((), ("all",), None)
    assert settings.history_start == dt.date(2010, 1, 1)


def test_lists_are_separated_by_commas(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MARKETDATA_SYMBOLS", "SPY, BRK.B,")
    monkeypatch.setenv("MARKETDATA_ADJUSTMENTS", "all,raw")
    settings = read(MarketdataSettings)
    assert (settings.always, settings.kept_adjustments) == (("SPY", "BRK.B"), ("raw", "all"))


def test_accepted_doubts_are_symbols_with_dates(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MARKETDATA_ACCEPTED", "EXC:2022-02-02, BRK.B:2024-06-03")
    expected = {("EXC", dt.date(2022, 2, 2)), ("BRK.B", dt.date(2024, 6, 3))}
    assert read(MarketdataSettings).accepted_doubts == expected


@pytest.mark.parametrize(
    ("name", "value", "expected"),
    [
        ("SYMBOLS", "SPY,spy", "expected symbols like SPY"),
        ("ACCEPTED", "EXC", "expected SYMBOL:DATE such as EXC:2022-02-02"),
        ("ACCEPTED", "EXC:2022-02-02,exc:2022-02-02", "expected SYMBOL:DATE"),
        ("ACCEPTED", "EXC:soon", "expected SYMBOL:DATE"),
        ("CROSS_CHECK", "some", "MARKETDATA_CROSS_CHECK"),
        ("ADJUSTMENTS", "both", "expected some of raw, split, dividend, all"),
        ("ADJUSTMENTS", ",", "expected some of raw, split, dividend, all"),
        ("HISTORY_START", "long ago", "MARKETDATA_HISTORY_START"),
        ("HISTORY_TTL_HOURS", "0", "MARKETDATA_HISTORY_TTL_HOURS"),
        ("STALE_SECONDS", "nan", "MARKETDATA_STALE_SECONDS"),
        ("MUTE_SECONDS", "-1", "MARKETDATA_MUTE_SECONDS"),
        ("POLL_SECONDS", "0.001", "MARKETDATA_POLL_SECONDS"),
        ("STREAM_SYMBOL_LIMIT", "0", "MARKETDATA_STREAM_SYMBOL_LIMIT"),
        ("TWELVEDATA_URL", "ftp://x", "MARKETDATA_TWELVEDATA_URL"),
    ],
)
def test_a_wrong_setting_is_named(monkeypatch: pytest.MonkeyPatch, name: str, value: str, expected: str) -> None:
    monkeypatch.setenv(f"MARKETDATA_{name}", value)
    with pytest.raises(SettingsError, match=f"MARKETDATA_{name}") as raised:
        read(MarketdataSettings)
    assert expected in str(raised.value)


def test_the_key_of_the_second_source_is_never_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MARKETDATA_TWELVEDATA_KEY", "twelve-secret")
    assert "twelve-secret" not in repr(read(MarketdataSettings))

"""A wrong setting is named, with what was expected, and a secret's value never shows."""

from __future__ import annotations

from pathlib import Path

import pytest

from shared.settings import HttpSettings, RedisSettings, SettingsError, VenueSettings, read, read_or_exit


@pytest.fixture(autouse=True)
def _bare_environment(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.chdir(tmp_path)
    for prefix in ("ALCHEMISER", "ALPACA", "SIMULATOR"):
        for name in [n for n in __import__("os").environ if n.startswith(prefix)]:
            monkeypatch.delenv(name)


def test_without_anything_set_the_mode_is_simulated_and_the_venue_local() -> None:
    venue = read(VenueSettings).venue()
    assert (venue.mode, venue.trading_url) == ("simulated", "http://127.0.0.1:18765")
    assert venue.clock_url == "http://127.0.0.1:18765/sim/clock"
    assert venue.data_stream_url == "ws://127.0.0.1:18765/v2/iex"


def test_the_dotenv_file_is_read_and_the_environment_beats_it(monkeypatch: pytest.MonkeyPatch) -> None:
    Path(".env").write_text("ALCHEMISER_NAMESPACE=from-file\nALCHEMISER_REDIS_URL=redis://file:1/0\n")
    monkeypatch.setenv("ALCHEMISER_NAMESPACE", "from-env")
    settings = read(RedisSettings)
    assert (settings.namespace, settings.redis_url) == ("from-env", "redis://file:1/0")


def test_a_secret_may_come_from_a_file(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "token").write_text("a-token-of-some-length\n")
    monkeypatch.setenv("ALCHEMISER_HTTP_TOKEN_FILE", str(tmp_path / "token"))
    token = read(HttpSettings).http_token
    assert token is not None
    assert token.get_secret_value() == "a-token-of-some-length"


@pytest.mark.parametrize(
    ("name", "value", "said"),
    [
        ("ALCHEMISER_REDIS_URL", "http://redis", "ALCHEMISER_REDIS_URL: String should match pattern"),
        ("ALCHEMISER_NAMESPACE", "With Space", "ALCHEMISER_NAMESPACE: String should match pattern"),
    ],
)
def test_a_wrong_setting_is_named_with_its_value_and_expectation(
    monkeypatch: pytest.MonkeyPatch, name: str, value: str, said: str
) -> None:
    monkeypatch.setenv(name, value)
    with pytest.raises(SettingsError) as error:
        read(RedisSettings)
    assert said in str(error.value)
    assert repr(value) in str(error.value)


def test_a_wrong_secret_is_named_without_its_value(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ALCHEMISER_HTTP_TOKEN", "short-hush")
    with pytest.raises(SettingsError) as error:
        read(HttpSettings)
    assert "ALCHEMISER_HTTP_TOKEN" in str(error.value)
    assert "short-hush" not in str(error.value)


def test_a_missing_secret_file_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ALCHEMISER_HTTP_TOKEN_FILE", "/nowhere/token")
    with pytest.raises(SettingsError, match="ALCHEMISER_HTTP_TOKEN_FILE: expected a readable text file"):
        read(HttpSettings)


def test_the_simulator_cannot_be_a_real_broker(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SIMULATOR_URL", "https://api.alpaca.markets")
    with pytest.raises(SettingsError, match="SIMULATOR_URL: expected a simulator"):
        read(VenueSettings)


@pytest.mark.parametrize("mode", ["paper", "live"])
def test_a_mode_without_its_credentials_is_refused(monkeypatch: pytest.MonkeyPatch, mode: str) -> None:
    monkeypatch.setenv("ALCHEMISER_MODE", mode)
    with pytest.raises(SettingsError, match=f"ALPACA_{mode.upper()}_KEY: expected a value in mode {mode}"):
        read(VenueSettings)


def test_the_credentials_of_the_other_mode_do_not_stand_in(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ALCHEMISER_MODE", "live")
    monkeypatch.setenv("ALPACA_PAPER_KEY", "PK1")
    monkeypatch.setenv("ALPACA_PAPER_SECRET", "s")
    with pytest.raises(SettingsError, match="ALPACA_LIVE_KEY"):
        read(VenueSettings)


@pytest.mark.parametrize(("mode", "key"), [("paper", "AK123"), ("live", "PK123")])
def test_a_key_of_the_wrong_kind_is_refused_without_being_shown(
    monkeypatch: pytest.MonkeyPatch, mode: str, key: str
) -> None:
    monkeypatch.setenv("ALCHEMISER_MODE", mode)
    monkeypatch.setenv(f"ALPACA_{mode.upper()}_KEY", key)
    monkeypatch.setenv(f"ALPACA_{mode.upper()}_SECRET", "s")
    with pytest.raises(SettingsError, match=f"expected a {mode} key") as error:
        read(VenueSettings)
    assert key not in str(error.value)


def test_each_mode_reaches_its_own_hosts(monkeypatch: pytest.MonkeyPatch) -> None:
    for mode, key in (("paper", "PK1"), ("live", "AK1")):
        monkeypatch.setenv(f"ALPACA_{mode.upper()}_KEY", key)
        monkeypatch.setenv(f"ALPACA_{mode.upper()}_SECRET", f"{mode}-secret")
    monkeypatch.setenv("ALCHEMISER_MODE", "paper")
    paper = read(VenueSettings).venue()
    monkeypatch.setenv("ALCHEMISER_MODE", "live")
    live = read(VenueSettings).venue()
    assert (paper.trading_url, live.trading_url) == ("https://paper-api.alpaca.markets", "https://api.alpaca.markets")
    assert (paper.key.get_secret_value(), live.key.get_secret_value()) == ("PK1", "AK1")
    assert "paper-secret" not in repr(paper)


def test_a_wrong_setting_ends_the_process_with_one_line(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("ALCHEMISER_HTTP_PORT", "eighty")
    with pytest.raises(SystemExit) as end:
        read_or_exit(HttpSettings)
    said = capsys.readouterr().err
    assert end.value.code == 78
    assert said.count("\n") == 1
    assert "ALCHEMISER_HTTP_PORT" in said
    assert "'eighty'" in said

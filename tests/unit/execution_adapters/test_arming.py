"""Who may trade: paper and live kept apart, live only by pin and a token that holds."""

from __future__ import annotations

import datetime as dt

import pytest

from services.execution.domain.arming import (
    Armed,
    Arming,
    ArmingToken,
    Disarmed,
    Mode,
    account_mismatch,
    arming_state,
    masked,
)

NOW = dt.datetime(2026, 6, 3, 15, 0, tzinfo=dt.UTC)
LATER = NOW + dt.timedelta(hours=1)
LIVE = "471234567"


@pytest.mark.parametrize(
    ("mode", "account", "pinned", "says"),
    [
        ("paper", "PA3X9K1AB", None, None),
        ("paper", LIVE, None, "expected one that begins with PA"),
        ("live", LIVE, None, None),
        ("live", LIVE, LIVE, None),
        ("live", "PA3X9K1AB", None, "expected a live account"),
        ("live", "PA3X9K1AB", "PA3X9K1AB", "expected a live account"),
        ("live", LIVE, "479999999", "EXECUTION_LIVE_ACCOUNT"),
        ("simulated", "PA3X9K1AB", None, None),
        ("simulated", "SIM1", None, None),
    ],
)
def test_an_account_must_fit_its_mode(mode: Mode, account: str, pinned: str | None, says: str | None) -> None:
    found = account_mismatch(mode, account, pinned)
    if says is None:
        assert found is None
    else:
        assert found is not None
        assert says in found
        assert account not in found
        assert "\n" not in found


@pytest.mark.parametrize("mode", ["simulated", "paper"])
def test_play_money_needs_no_token(mode: Mode) -> None:
    assert arming_state(mode, "PA3X9K1AB", None, None, NOW) == Armed()


def test_live_trading_is_armed_by_pin_and_token_until_the_token_ends() -> None:
    assert arming_state("live", LIVE, LIVE, ArmingToken(LIVE, LATER), NOW) == Armed(LATER)


@pytest.mark.parametrize(
    ("pinned", "token", "because"),
    [
        (None, ArmingToken(LIVE, LATER), "EXECUTION_LIVE_ACCOUNT"),
        (LIVE, None, "not armed"),
        (LIVE, ArmingToken("479999999", LATER), "another account"),
        (LIVE, ArmingToken(LIVE, NOW), "ended"),
        (LIVE, ArmingToken(LIVE, NOW - dt.timedelta(seconds=1)), "ended"),
        ("479999999", ArmingToken("479999999", LATER), "EXECUTION_LIVE_ACCOUNT"),
    ],
)
def test_live_trading_is_disarmed_by_any_missing_part(
    pinned: str | None, token: ArmingToken | None, because: str
) -> None:
    state = arming_state("live", LIVE, pinned, token, NOW)
    assert isinstance(state, Disarmed)
    assert because in state.reason


def test_a_paper_key_in_mode_live_is_disarmed_even_with_pin_and_token() -> None:
    token = ArmingToken("PA3X9K1AB", LATER)
    assert isinstance(arming_state("live", "PA3X9K1AB", "PA3X9K1AB", token, NOW), Disarmed)


@pytest.mark.parametrize(("until", "is_free"), [(LATER, True), (NOW, False), (None, False)])
def test_the_configured_arming_says_the_same(until: dt.datetime | None, is_free: bool) -> None:  # noqa: FBT001 - a table
    assert (Arming("live", LIVE, until).obstacle(LIVE, NOW) is None) is is_free


@pytest.mark.parametrize(("number", "shown"), [("PA3X9K1891", "PA…891"), ("123456", "…"), ("", "…")])
def test_numbers_are_shown_only_in_part(number: str, shown: str) -> None:
    assert masked(number) == shown

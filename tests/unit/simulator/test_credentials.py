"""Logins: any new key is an account, its first secret is the secret; a pinned pair shuts everybody else out."""

from __future__ import annotations

import pytest

from services.simulator.adapters.context import credentials_in
from services.simulator.domain.credentials import KeyRing


def test_a_new_key_opens_an_account_and_its_first_secret_stays_the_secret() -> None:
    ring = KeyRing()
    assert ring.admit("bot", "one") == "bot"
    assert ring.admit("bot", "two") is None
    assert ring.admit("bot", "one") == "bot"


@pytest.mark.parametrize(("key", "secret"), [("", "s"), ("k", ""), ("", "")])
def test_an_empty_half_is_refused(key: str, secret: str) -> None:
    assert KeyRing().admit(key, secret) is None


def test_a_pinned_pair_is_the_only_login() -> None:
    ring = KeyRing(pinned=("k", "s"))
    assert ring.admit("k", "s") == "k"
    assert ring.admit("k", "x") is None
    assert ring.admit("other", "s") is None
    assert ring.admit("oauth", "s") == "k"
    assert ring.admit("oauth", "x") is None


def test_a_token_is_an_account_of_its_own() -> None:
    ring = KeyRing()
    assert ring.admit("oauth", "t1") == ring.admit("access_token", "t1") != ring.admit("oauth", "t2")


def test_secrets_do_not_show() -> None:
    ring = KeyRing()
    ring.admit("bot", "hush")
    assert "hush" not in repr(ring)


@pytest.mark.parametrize(
    ("headers", "expected"),
    [
        ({"apca-api-key-id": "k", "apca-api-secret-key": "s"}, ("k", "s")),
        ({"authorization": "Bearer tok"}, ("oauth", "tok")),
        ({"authorization": "Basic azpz"}, ("k", "s")),
        ({"authorization": "Basic !!!"}, None),
        ({"authorization": "Basic /////w=="}, None),
        ({"apca-api-key-id": "k"}, None),
        ({}, None),
    ],
)
def test_credentials_are_read_from_every_header_alpaca_knows(
    headers: dict[str, str], expected: tuple[str, str] | None
) -> None:
    assert credentials_in(headers) == expected

"""Account, clock, calendar and assets."""

from __future__ import annotations

import datetime as dt
from importlib.metadata import version
from uuid import UUID

import pytest
from alpaca.common.exceptions import APIError
from alpaca.trading.client import TradingClient
from alpaca.trading.enums import AccountStatus, AssetClass, AssetStatus
from alpaca.trading.requests import GetAssetsRequest, GetCalendarRequest


def refused(call: object) -> APIError:
    with pytest.raises(APIError) as error:
        call()
    return error.value


def test_a_new_key_is_a_paper_account_of_a_hundred_thousand(trading):
    account = trading.get_account()
    assert account.status == AccountStatus.ACTIVE
    assert (float(account.cash), float(account.equity)) == (100_000, 100_000)
    assert account.account_number.startswith("PA")


def test_buying_power_follows_the_multiplier(trading):
    account = trading.get_account()
    assert float(account.buying_power) == 100_000 * float(account.multiplier)


def test_the_pattern_day_trader_fields_are_gone(venue):
    body = venue.raw("GET", "/v2/account").json()
    assert not {"pattern_day_trader", "daytrade_count", "daytrading_buying_power"} & body.keys()


def test_each_key_is_an_account_of_its_own(venue, trading, held):
    held("SPY", 1)
    other = TradingClient(
        "ANOTHER", "s", paper=True, url_override=venue.raw("GET", "/v2/clock").url.join("/").__str__().rstrip("/")
    )
    assert other.get_all_positions() == []
    assert other.get_account().id != trading.get_account().id


def test_another_secret_for_a_known_key_is_forbidden(venue, trading):
    trading.get_account()
    venue.secret = "wrong"
    answer = venue.raw("GET", "/v2/account")
    assert (answer.status_code, answer.json()) == (403, {"message": "forbidden."})


def test_no_credentials_at_all_are_unauthorized(venue):
    import httpx

    answer = httpx.get(str(venue.raw("GET", "/v2/clock").url))
    assert (answer.status_code, answer.json()["code"]) == (401, 40110000)


def reads_todays_configurations():
    """alpaca-py before 0.44 demands the pattern-day-trader fields that the API dropped on 2026-07-06, there as here."""
    return tuple(int(part) for part in version("alpaca-py").split(".")[:2]) >= (0, 44)


def test_the_configurations_can_be_read(venue, trading):
    assert venue.raw("GET", "/v2/account/configurations").json()["suspend_trade"] is False
    if reads_todays_configurations():
        assert trading.get_account_configurations().suspend_trade is False
    else:
        with pytest.raises(ValueError, match="pdt_check"):
            trading.get_account_configurations()


def test_the_configurations_can_be_changed(venue, trading):
    venue.raw("PATCH", "/v2/account/configurations", json={"no_shorting": True}).raise_for_status()
    assert venue.raw("GET", "/v2/account/configurations").json()["no_shorting"] is True
    if reads_todays_configurations():
        settings = trading.get_account_configurations()
        settings.no_shorting = False
        assert trading.set_account_configurations(settings).no_shorting is False


def test_the_clock_is_open_in_the_session_with_a_new_york_offset(trading):
    clock = trading.get_clock()
    assert clock.is_open
    assert clock.timestamp.utcoffset() == dt.timedelta(hours=-4)
    assert clock.next_close.hour == 16


def test_the_clock_is_closed_after_four(venue, trading):
    venue.go_to("2024-06-03T16:00:01-04:00")
    clock = trading.get_clock()
    assert not clock.is_open
    assert (clock.next_open.date(), clock.next_open.hour, clock.next_open.minute) == (dt.date(2024, 6, 4), 9, 30)


def test_the_clock_moves_when_told(venue, trading):
    before = trading.get_clock().timestamp
    venue.advance(90)
    assert (trading.get_clock().timestamp - before).total_seconds() == pytest.approx(90)


def test_the_calendar_knows_half_days(trading):
    days = trading.get_calendar(GetCalendarRequest(start=dt.date(2023, 11, 22), end=dt.date(2023, 11, 27)))
    assert [d.date.day for d in days] == [22, 24, 27]
    assert [d.close.hour for d in days] == [16, 13, 16]


def test_the_calendar_without_a_range_answers(trading):
    assert len(trading.get_calendar()) > 200


def test_every_asset_can_be_listed(trading):
    symbols = {a.symbol for a in trading.get_all_assets()}
    assert {"SPY", "TQQQ", "TECL", "BIL", "UVXY"} <= symbols


def test_assets_can_be_filtered_by_class_and_status(trading):
    assets = trading.get_all_assets(GetAssetsRequest(status=AssetStatus.ACTIVE, asset_class=AssetClass.US_EQUITY))
    assert assets
    assert all(a.status == AssetStatus.ACTIVE for a in assets)


def test_crypto_assets_are_none(trading):
    assert trading.get_all_assets(GetAssetsRequest(asset_class=AssetClass.CRYPTO)) == []


def test_an_asset_by_symbol_and_by_id_is_the_same(trading):
    spy = trading.get_asset("SPY")
    assert isinstance(spy.id, UUID)
    assert spy.tradable
    assert spy.fractionable
    assert trading.get_asset(spy.id).symbol == "SPY"


def test_an_unknown_asset_is_404(trading):
    error = refused(lambda: trading.get_asset("NOSUCH"))
    assert (error.status_code, error.code) == (404, 40410000)

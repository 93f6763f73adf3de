"""What alpaca-py reads of clock, calendar, assets, account, positions, history and watchlists."""

from __future__ import annotations

import datetime as dt
from uuid import UUID

import pytest
from alpaca.common.exceptions import APIError
from alpaca.trading.requests import (
    ClosePositionRequest,
    CreateWatchlistRequest,
    GetCalendarRequest,
    GetPortfolioHistoryRequest,
    UpdateWatchlistRequest,
)

from tests.integration.simulator.running import Running


def test_the_clock_tells_new_york_time_with_nanoseconds(simulator: Running) -> None:
    assert simulator.get("/v2/clock") == {
        "timestamp": "2024-06-03T10:00:00.000000000-04:00",
        "is_open": True,
        "next_open": "2024-06-04T09:30:00-04:00",
        "next_close": "2024-06-03T16:00:00-04:00",
    }


def test_the_calendar_has_half_days_and_settlement(simulator: Running) -> None:
    (day,) = simulator.get("/v2/calendar", start="2024-11-29", end="2024-11-29")
    assert day == {
        "date": "2024-11-29",
        "open": "09:30",
        "close": "13:00",
        "session_open": "0400",
        "session_close": "1700",
        "settlement_date": "2024-12-02",
    }
    settled = simulator.get("/v2/calendar", start="2024-05-28", end="2024-05-29", date_type="SETTLEMENT")
    # The switch to one day: what was traded on Friday and on Tuesday settles on Wednesday.
    assert [each["date"] for each in settled] == ["2024-05-23", "2024-05-24", "2024-05-28"]
    days = simulator.trading().get_calendar(GetCalendarRequest(start=dt.date(2024, 7, 3), end=dt.date(2024, 7, 5)))
    assert [(each.date.day, each.close.hour) for each in days] == [(3, 13), (5, 16)]


def test_assets_are_found_by_symbol_and_id_and_filtered(simulator: Running) -> None:
    client = simulator.trading()
    spy = client.get_asset("SPY")
    assert client.get_asset(str(spy.id)) == spy
    assert [a["symbol"] for a in simulator.get("/v2/assets")] == sorted(
        a["symbol"] for a in simulator.get("/v2/assets")
    )
    assert simulator.get("/v2/assets", asset_class="crypto") == []
    assert simulator.get("/v2/assets", status="inactive") == []
    assert simulator.get("/v2/assets", attributes="ipo") == []
    assert simulator.order(symbol=str(spy.id)).json()["symbol"] == "SPY"


def test_positions_close_by_part_and_as_a_whole_and_all_at_once(simulator: Running) -> None:
    client = simulator.trading()
    for symbol in ("SPY", "QQQ"):
        simulator.order(symbol=symbol, qty="4")
    simulator.advance(60)
    client.close_position("SPY", ClosePositionRequest(percentage="50"))
    simulator.advance(60)
    assert simulator.get("/v2/positions/SPY")["qty"] == "2"
    simulator.order(symbol="QQQ", side="sell", type="limit", limit_price="9000", qty="3")
    refused = {each.symbol: each.status for each in client.close_all_positions(cancel_orders=False)}
    assert refused == {"QQQ": 403, "SPY": 200}
    simulator.advance(60)
    assert [each.status for each in client.close_all_positions(cancel_orders=True)] == [200]
    simulator.advance(60)
    assert simulator.get("/v2/positions") == []


def test_cash_is_exact_to_the_cent(simulator: Running) -> None:
    for symbol, qty in (("SPY", "3.123456789"), ("QQQ", "7"), ("TLT", "11.5")):
        simulator.order(symbol=symbol, qty=qty)
    simulator.advance(60)
    spent = sum(float(fill["qty"]) * float(fill["price"]) for fill in simulator.get("/v2/account/activities/FILL"))
    account = simulator.get("/v2/account")
    assert float(account["cash"]) == pytest.approx(100_000 - spent, abs=0.005001)
    worth = float(account["cash"]) + float(account["long_market_value"])
    assert float(account["equity"]) == pytest.approx(worth, abs=1e-6)


def test_the_portfolio_history_ends_with_the_account_as_it_is(simulator: Running) -> None:
    simulator.order(qty="100")
    simulator.advance(1800)
    history = simulator.trading().get_portfolio_history(GetPortfolioHistoryRequest(period="1D", timeframe="5Min"))
    assert history.equity[-1] == float(simulator.get("/v2/account")["equity"])
    assert (history.base_value, history.equity[0]) == (100_000, 100_000)
    daily = simulator.get("/v2/account/portfolio/history", period="1W", timeframe="1D")
    assert len(daily["timestamp"]) == 5


def test_configurations_are_kept_and_have_their_effect(simulator: Running) -> None:
    client = simulator.trading()
    settings = client.get_account_configurations()
    settings.max_margin_multiplier = "1"
    client.set_account_configurations(settings)
    assert simulator.get("/v2/account")["buying_power"] == "100000"
    settings.suspend_trade = True
    client.set_account_configurations(settings)
    assert simulator.order().json()["code"] == 40310000


def test_watchlists_live(simulator: Running) -> None:
    client = simulator.trading()
    made = client.create_watchlist(CreateWatchlistRequest(name="mine", symbols=["SPY", "QQQ"]))
    assert [asset.symbol for asset in made.assets] == ["SPY", "QQQ"]
    client.add_asset_to_watchlist_by_id(str(made.id), "TLT")
    client.remove_asset_from_watchlist_by_id(str(made.id), "SPY")
    client.update_watchlist_by_id(str(made.id), UpdateWatchlistRequest(name="ours"))
    by_name = simulator.get("/v2/watchlists:by_name", name="ours")
    assert [asset["symbol"] for asset in by_name["assets"]] == ["QQQ", "TLT"]
    assert [UUID(each["id"]) for each in simulator.get("/v2/watchlists")] == [made.id]
    client.delete_watchlist_by_id(str(made.id))
    with pytest.raises(APIError) as error:
        client.get_watchlist_by_id(str(made.id))
    assert (error.value.status_code, error.value.code) == (404, 40410000)


@pytest.mark.parametrize(
    ("body", "status"),
    [({}, 422), ({"name": ""}, 422), ({"name": 5}, 422), ({"name": "x", "symbols": "SPY"}, 422),
     ({"name": "x", "symbols": ["NOPE"]}, 422), ({"name": "x", "symbols": [None]}, 422), ({"name": "taken"}, 422)],
)  # fmt: skip
def test_a_wrong_watchlist_is_refused(simulator: Running, body: dict[str, object], status: int) -> None:
    simulator.api.post("/v2/watchlists", json={"name": "taken"}).raise_for_status()
    assert simulator.api.post("/v2/watchlists", json=body).status_code == status
    assert len(simulator.get("/v2/watchlists")) == 1

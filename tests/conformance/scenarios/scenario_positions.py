"""Positions, closing them, activities and history."""

from __future__ import annotations

import pytest
from alpaca.common.exceptions import APIError
from alpaca.trading.enums import PositionSide
from alpaca.trading.requests import ClosePositionRequest, GetPortfolioHistoryRequest


def settle(venue, trading):
    for _ in range(40):
        if not trading.get_orders():
            return
        venue.advance(1)
    raise AssertionError("orders stay open")


def test_a_fill_becomes_a_position(trading, held):
    held("SPY", 3)
    (position,) = trading.get_all_positions()
    assert (position.symbol, float(position.qty), position.side) == ("SPY", 3, PositionSide.LONG)
    assert float(position.qty_available) == 3
    assert float(position.cost_basis) == pytest.approx(3 * float(position.avg_entry_price), abs=0.01)


def test_one_position_can_be_asked_by_symbol_and_by_asset_id(trading, held):
    held("SPY", 1)
    by_symbol = trading.get_open_position("SPY")
    assert trading.get_open_position(str(by_symbol.asset_id)).symbol == "SPY"


def test_a_position_that_is_not_there_is_404(trading):
    with pytest.raises(APIError) as error:
        trading.get_open_position("SPY")
    assert (error.value.status_code, error.value.code, error.value.message) == (
        404,
        40410000,
        "position does not exist",
    )


def test_cash_falls_by_what_was_paid(trading, held):
    before = float(trading.get_account().cash)
    held("SPY", 2)
    position = trading.get_open_position("SPY")
    assert before - float(trading.get_account().cash) == pytest.approx(float(position.cost_basis), abs=0.01)


def test_part_of_a_position_can_be_closed_by_quantity(venue, trading, held):
    held("SPY", 4)
    trading.close_position("SPY", ClosePositionRequest(qty="1"))
    settle(venue, trading)
    assert float(trading.get_open_position("SPY").qty) == 3


def test_part_of_a_position_can_be_closed_by_percentage(venue, trading, held):
    held("SPY", 4)
    trading.close_position("SPY", ClosePositionRequest(percentage="50"))
    settle(venue, trading)
    assert float(trading.get_open_position("SPY").qty) == 2


def test_a_whole_position_can_be_closed(venue, trading, held):
    held("SPY", 4)
    order = trading.close_position("SPY")
    assert order.side.value == "sell"
    settle(venue, trading)
    assert trading.get_all_positions() == []


def test_all_positions_can_be_closed_and_orders_cancelled(venue, trading, held, limit):
    held("SPY", 1)
    held("QQQ", 1)
    limit("TLT", 1, venue.bid("TLT") * 0.5)
    answers = trading.close_all_positions(cancel_orders=True)
    assert {a.symbol for a in answers} == {"SPY", "QQQ"}
    assert {a.status for a in answers} == {200}
    settle(venue, trading)
    assert trading.get_all_positions() == []


def test_fills_are_activities(trading, held):
    held("SPY", 1)
    fills = trading.get("/account/activities", {"activity_types": "FILL"})
    assert sum(float(f["qty"]) for f in fills) == 1
    assert {f["symbol"] for f in fills} == {"SPY"}
    assert fills[0]["order_status"] == "filled"


def test_activities_can_be_asked_by_type_in_the_path(trading, held):
    held("SPY", 1)
    assert trading.get("/account/activities/FILL")
    assert trading.get("/account/activities/DIV") == []


def test_activities_page_by_the_last_id(trading, held):
    for symbol in ("SPY", "QQQ", "TLT"):
        held(symbol, 1)
    everything = trading.get("/account/activities/FILL", {"direction": "asc"})
    first = trading.get("/account/activities/FILL", {"direction": "asc", "page_size": 2})
    rest = trading.get(
        "/account/activities/FILL", {"direction": "asc", "page_size": 100, "page_token": first[-1]["id"]}
    )
    assert [a["id"] for a in first + rest] == [a["id"] for a in everything]


def test_the_portfolio_history_parses(trading, held):
    held("SPY", 1)
    history = trading.get_portfolio_history(GetPortfolioHistoryRequest(period="1D", timeframe="5Min"))
    assert len(history.timestamp) == len(history.equity) == len(history.profit_loss)
    assert history.base_value == pytest.approx(100_000)

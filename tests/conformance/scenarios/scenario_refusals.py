"""Every refusal a bot must tell apart: status, code, and the keys of its body."""

from __future__ import annotations

import pytest
from alpaca.common.exceptions import APIError
from alpaca.trading.enums import OrderSide, TimeInForce
from alpaca.trading.requests import MarketOrderRequest, ReplaceOrderRequest, StopOrderRequest


def refused(call):
    with pytest.raises(APIError) as error:
        call()
    return error.value


def order(venue, **fields):
    return venue.raw(
        "POST", "/v2/orders", json={"symbol": "SPY", "side": "buy", "type": "market", "time_in_force": "day", **fields}
    )


def test_too_little_buying_power_tells_what_there_is(venue, market):
    error = refused(lambda: market("SPY", 100_000))
    assert (error.status_code, error.code, error.message) == (403, 40310000, "insufficient buying power")
    body = order(venue, qty=100_000).json()
    assert {"buying_power", "cost_basis"} <= body.keys()


def test_selling_more_than_held_tells_what_is_available(venue, held):
    held("SPY", 1)
    answer = order(venue, side="sell", qty=0.5)
    assert answer.status_code == 200
    body = order(venue, side="sell", qty=0.75)
    assert (body.status_code, body.json()["code"]) == (403, 40310000)
    assert {"available", "existing_qty", "held_for_orders", "symbol"} <= body.json().keys()


def test_a_client_order_id_is_unique_for_ever(trading, market):
    market("SPY", 1, client_order_id="once")
    error = refused(lambda: market("SPY", 1, client_order_id="once"))
    assert (error.status_code, error.code, error.message) == (422, 40010001, "client_order_id must be unique")


def test_a_sub_penny_price_is_refused(venue):
    body = order(venue, qty=1, type="limit", limit_price="290.123")
    assert (body.status_code, body.json()["code"]) == (422, 42210000)
    assert "sub-penny increment does not fulfill minimum pricing criteria" in body.json()["message"]


def test_a_fractional_order_must_be_a_day_order(limit, venue):
    error = refused(lambda: limit("SPY", 0.5, venue.bid("SPY") * 0.5, tif=TimeInForce.GTC))
    assert (error.status_code, error.code) == (422, 42210000)
    assert error.message == "fractional orders must be DAY orders"


def test_less_than_a_dollar_is_refused(trading):
    error = refused(
        lambda: trading.submit_order(
            MarketOrderRequest(symbol="SPY", notional=0.5, side=OrderSide.BUY, time_in_force=TimeInForce.DAY)
        )
    )
    assert (error.status_code, error.code) == (403, 40310000)
    assert "cost basis must be >= minimal amount of order 1" in error.message


def test_both_quantity_and_notional_are_refused(venue):
    assert order(venue, qty=1, notional=100).status_code in (400, 422)


def test_an_unknown_symbol_is_refused(market):
    error = refused(lambda: market("NOSUCH", 1))
    assert (error.status_code, error.code, error.message) == (422, 42210000, 'asset "NOSUCH" not found')


def test_a_fraction_of_a_whole_share_asset_is_refused(venue, trading, market):
    whole = next((a for a in trading.get_all_assets() if not a.fractionable), None)
    assert whole is not None, "the universe needs an asset that trades in whole shares only"
    error = refused(lambda: market(whole.symbol, 0.5))
    assert error.status_code in (403, 422)
    assert "not fractionable" in error.message


def test_what_nobody_lends_cannot_be_sold_short(venue, trading):
    asset = next((a for a in trading.get_all_assets() if not a.shortable), None)
    assert asset is not None, "the universe needs an asset that cannot be borrowed"
    body = order(venue, symbol=asset.symbol, side="sell", qty=1)
    assert (body.status_code, body.json()["code"]) == (403, 40310000)
    assert asset.symbol in body.json()["message"]


def test_an_opposite_market_order_is_a_potential_wash_trade(venue, held, limit, market):
    held("SPY", 1)
    limit("SPY", 1, venue.ask("SPY") * 2, OrderSide.SELL)
    body = order(venue, qty=1)
    assert (body.status_code, body.json()["code"]) == (403, 40310000)
    assert body.json()["reject_reason"] == "opposite side market/stop/limit order exists"
    assert "existing_order_id" in body.json()


def test_an_extended_hours_market_order_is_refused(market):
    error = refused(lambda: market("SPY", 1, extended_hours=True))
    assert (error.status_code, error.message) == (422, "extended hours order must be DAY limit orders")


def test_a_market_order_with_a_limit_price_is_refused(venue):
    body = order(venue, qty=1, limit_price="100")
    assert (body.status_code, body.json()["code"]) == (422, 42210000)
    assert body.json()["message"] == "market orders require no stop or limit price"


def test_a_filled_order_cannot_be_cancelled(trading, held):
    held("SPY", 1)
    (done,) = trading.get("/orders", {"status": "closed"})
    error = refused(lambda: trading.cancel_order_by_id(done["id"]))
    assert (error.status_code, error.code, error.message) == (422, 42210000, 'order is already in "filled" state')


def test_a_filled_order_cannot_be_replaced(trading, held):
    held("SPY", 1)
    (done,) = trading.get("/orders", {"status": "closed"})
    error = refused(lambda: trading.replace_order_by_id(done["id"], ReplaceOrderRequest(qty=2)))
    assert error.status_code == 422


def test_an_unknown_order_is_404(trading):
    error = refused(lambda: trading.get_order_by_id("00000000-0000-0000-0000-000000000000"))
    assert (error.status_code, error.code) == (404, 40410000)


def test_an_unknown_client_id_is_404(trading):
    error = refused(lambda: trading.get_order_by_client_id("nobody"))
    assert (error.status_code, error.code) == (404, 40410000)


@pytest.mark.parametrize("qty", [0, -1, "NaN", "many", "1e400", None])
def test_an_impossible_quantity_is_refused(venue, qty):
    body = order(venue, qty=qty)
    assert body.status_code in (400, 422)
    assert body.json()["code"] in (40010000, 40010001, 42210000)


@pytest.mark.parametrize("field", ["side", "type", "time_in_force"])
def test_an_unknown_word_is_refused(venue, field):
    assert order(venue, qty=1, **{field: "sideways"}).status_code in (400, 422)


def test_a_body_that_is_no_json_is_refused(venue):
    answer = venue.raw(
        "POST",
        "/v2/orders",
        content=b"{",
    )
    assert (answer.status_code, answer.json()["code"]) == (400, 40010000)


def test_a_stop_without_a_price_is_refused(venue):
    assert order(venue, qty=1, type="stop").status_code == 422
    assert StopOrderRequest


def test_one_504_without_a_client_id_makes_a_second_order(venue, trading, limit):
    """The client retries blindly: lesson 2, kept true here so that other bots can see it."""
    low = venue.bid("SPY") * 0.5
    venue.arm("504_after_accept")
    trading._retry_wait = 0
    limit("SPY", 1, low)
    assert len(trading.get_orders()) == 2


def test_one_504_with_a_client_id_surfaces_as_a_duplicate(venue, trading, limit):
    low = venue.bid("SPY") * 0.5
    venue.arm("504_after_accept")
    trading._retry_wait = 0
    error = refused(lambda: limit("SPY", 1, low, client_order_id="once"))
    assert (error.status_code, error.code) == (422, 40010001)
    assert trading.get_order_by_client_id("once").status.value == "new"


def test_a_burst_of_429_is_told_with_its_code(venue, trading):
    venue.arm("429_burst", count=10)
    trading._retry_wait = 0
    error = refused(trading.get_account)
    assert (error.status_code, error.code, error.message) == (429, 42910000, "rate limit exceeded")


def test_an_internal_error_is_told_with_its_code(venue, trading):
    venue.arm("500")
    error = refused(trading.get_account)
    assert (error.status_code, error.code) == (500, 50010000)

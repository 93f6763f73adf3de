"""Historical and latest market data over REST."""

from __future__ import annotations

import datetime as dt

import pytest
from alpaca.common.exceptions import APIError
from alpaca.data.enums import Adjustment, DataFeed
from alpaca.data.requests import (
    StockBarsRequest,
    StockLatestBarRequest,
    StockLatestQuoteRequest,
    StockLatestTradeRequest,
    StockQuotesRequest,
    StockSnapshotRequest,
    StockTradesRequest,
)
from alpaca.data.timeframe import TimeFrame, TimeFrameUnit

TEN = dt.datetime(2024, 6, 3, 14, 0, tzinfo=dt.timezone.utc)


def daily(symbols, start=dt.datetime(2024, 5, 1), end=dt.datetime(2024, 6, 1), **more):
    return StockBarsRequest(symbol_or_symbols=symbols, timeframe=TimeFrame.Day, start=start, end=end, **more)


def test_daily_bars_of_one_symbol_cover_every_session(data):
    bars = data.get_stock_bars(daily("SPY"))["SPY"]
    assert len(bars) == 22
    assert all(b.low <= min(b.open, b.close) <= max(b.open, b.close) <= b.high for b in bars)
    assert [b.timestamp for b in bars] == sorted(b.timestamp for b in bars)


def test_a_daily_bar_is_stamped_at_midnight_in_new_york(data):
    bar = data.get_stock_bars(daily("SPY"))["SPY"][0]
    assert (bar.timestamp.hour, bar.timestamp.minute) == (4, 0)


def test_bars_of_several_symbols_come_as_one_answer(data):
    bars = data.get_stock_bars(daily(["SPY", "TLT", "QQQ"]))
    assert {len(bars[s]) for s in ("SPY", "TLT", "QQQ")} == {22}


def test_the_limit_counts_all_symbols_together(data):
    bars = data.get_stock_bars(daily(["SPY", "TLT"], limit=30))
    assert sum(len(v) for v in bars.data.values()) == 30


def test_pages_are_followed_to_the_end(venue, data):
    wanted = data.get_stock_bars(daily(["SPY", "TLT"]))
    rows, token = [], None
    while True:
        query = {"symbols": "SPY,TLT", "timeframe": "1Day", "start": "2024-05-01", "end": "2024-05-31", "limit": 7}
        page = venue.raw("GET", "/v2/stocks/bars", params={**query, **({"page_token": token} if token else {})}).json()
        rows += [(s, b["t"]) for s, bars in page["bars"].items() for b in bars]
        token = page["next_page_token"]
        if token is None:
            break
    assert len(rows) == len(set(rows)) == sum(len(v) for v in wanted.data.values())


def test_a_symbol_without_data_is_absent(venue):
    answer = venue.raw("GET", "/v2/stocks/quotes/latest", params={"symbols": "SPY"}).json()
    assert set(answer["quotes"]) == {"SPY"}


def test_minute_bars_stop_before_now(data):
    bars = data.get_stock_bars(
        StockBarsRequest(symbol_or_symbols="SPY", timeframe=TimeFrame.Minute, start=dt.datetime(2024, 6, 3, 13, 30))
    )["SPY"]
    assert len(bars) == pytest.approx(30, abs=1)
    assert bars[-1].timestamp < TEN


def test_five_minute_bars_are_made_of_minutes(data):
    bars = data.get_stock_bars(
        StockBarsRequest(
            symbol_or_symbols="SPY", timeframe=TimeFrame(5, TimeFrameUnit.Minute), start=dt.datetime(2024, 6, 3, 13, 30)
        )
    )["SPY"]
    assert {b.timestamp.minute % 5 for b in bars} == {0}


def test_weekly_bars_are_made_of_days(data):
    bars = data.get_stock_bars(
        StockBarsRequest(
            symbol_or_symbols="SPY",
            timeframe=TimeFrame.Week,
            start=dt.datetime(2024, 4, 1),
            end=dt.datetime(2024, 5, 31),
        )
    )["SPY"]
    assert 8 <= len(bars) <= 10


@pytest.mark.parametrize("adjustment", list(Adjustment))
def test_every_adjustment_is_taken(data, adjustment):
    assert data.get_stock_bars(daily("SPY", adjustment=adjustment))["SPY"]


def test_the_feed_can_be_named(data):
    assert data.get_stock_bars(daily("SPY", feed=DataFeed.IEX))["SPY"]


def test_bars_come_as_a_frame(data):
    frame = data.get_stock_bars(daily(["SPY", "TLT"])).df
    assert list(frame.index.names) == ["symbol", "timestamp"]


def test_latest_quotes_have_sides_and_sizes(data):
    quotes = data.get_stock_latest_quote(StockLatestQuoteRequest(symbol_or_symbols=["SPY", "TLT"]))
    assert set(quotes) == {"SPY", "TLT"}
    assert all(0 < q.bid_price < q.ask_price and q.bid_size > 0 and q.ask_size > 0 for q in quotes.values())


def test_the_latest_quote_is_not_from_the_future(data):
    assert data.get_stock_latest_quote(StockLatestQuoteRequest(symbol_or_symbols="SPY"))["SPY"].timestamp <= TEN


def test_the_latest_trade_has_a_price(data):
    assert data.get_stock_latest_trade(StockLatestTradeRequest(symbol_or_symbols="SPY"))["SPY"].price > 0


def test_the_latest_bar_is_a_minute(data):
    assert data.get_stock_latest_bar(StockLatestBarRequest(symbol_or_symbols="SPY"))["SPY"].timestamp < TEN


def test_historical_quotes_lie_in_the_range(data):
    start, end = TEN - dt.timedelta(minutes=1), TEN
    quotes = data.get_stock_quotes(StockQuotesRequest(symbol_or_symbols="SPY", start=start, end=end))["SPY"]
    assert quotes
    assert all(start <= q.timestamp <= end for q in quotes)


def test_historical_trades_lie_in_the_range(data):
    start, end = TEN - dt.timedelta(minutes=1), TEN
    trades = data.get_stock_trades(StockTradesRequest(symbol_or_symbols="SPY", start=start, end=end))["SPY"]
    assert trades
    assert all(start <= t.timestamp <= end for t in trades)


def test_a_snapshot_holds_all_five_parts(data):
    snapshot = data.get_stock_snapshot(StockSnapshotRequest(symbol_or_symbols="SPY"))["SPY"]
    assert snapshot.latest_quote is not None
    assert snapshot.daily_bar is not None
    assert snapshot.previous_daily_bar.timestamp < snapshot.daily_bar.timestamp


def test_a_bad_timeframe_is_a_bad_request(venue):
    answer = venue.raw("GET", "/v2/stocks/bars", params={"symbols": "SPY", "timeframe": "7Fortnights"})
    assert answer.status_code in (400, 422)
    assert "timeframe" in answer.json()["message"]


def test_missing_symbols_are_a_bad_request(venue):
    assert venue.raw("GET", "/v2/stocks/bars", params={"timeframe": "1Day"}).status_code == 400


def test_wrong_credentials_are_refused_on_data_too(venue, data):
    data.get_stock_latest_quote(StockLatestQuoteRequest(symbol_or_symbols="SPY"))
    venue.secret = "wrong"
    with pytest.raises(APIError):
        venue.data().get_stock_latest_quote(StockLatestQuoteRequest(symbol_or_symbols="SPY"))

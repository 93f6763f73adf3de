"""Unmodified alpaca-py reads history, the newest prices and snapshots from the venue."""

from __future__ import annotations

import datetime as dt

import pytest
from alpaca.common.enums import Sort
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

from services.simulator.domain.market import Market
from tests.integration.simulator_data.venue import Start, Venue

NUCLEAR = ["SPY", "IOO", "TQQQ", "VTV", "XLF", "VOX", "UVXY", "BTAL", "QQQ", "SQQQ", "PSQ", "UPRO", "TLT", "IEF"]
SHARES = ["SMR", "BWXT", "LEU", "EXC", "NLR", "OKLO"]
TECL = ["SPXL", "TECL", "XLK", "KMLM", "BIL", "BSV"]
CORE = [*NUCLEAR, *SHARES, *TECL]


def at(text: str) -> dt.datetime:
    return dt.datetime.fromisoformat(text).replace(tzinfo=dt.UTC)


def test_daily_bars_of_many_symbols_come_whole_over_many_pages(venue: Venue) -> None:
    request = StockBarsRequest(
        symbol_or_symbols=CORE, timeframe=TimeFrame.Day, start=at("2022-01-01"), adjustment=Adjustment.ALL
    )
    bars = venue.client().get_stock_bars(request).data
    assert sorted(bars) == sorted(CORE)
    assert {len(series) for series in bars.values()} == {1106}
    newest = bars["SPY"][-1]
    assert newest.timestamp == at("2026-06-01T04:00")
    assert newest.low <= newest.close <= newest.high


def test_todays_daily_bar_grows_with_the_clock(venue: Venue) -> None:
    request = StockBarsRequest(symbol_or_symbols="TQQQ", timeframe=TimeFrame.Day, start=at("2026-06-01"))
    before = venue.client().get_stock_bars(request).data["TQQQ"][-1]
    venue.advance(600)
    after = venue.client().get_stock_bars(request).data["TQQQ"][-1]
    assert after.volume > before.volume
    assert after.trade_count > before.trade_count


@pytest.mark.parametrize("limit", [1, 7, 1000])
def test_a_limit_is_the_total_of_all_symbols(venue: Venue, limit: int) -> None:
    request = StockQuotesRequest(symbol_or_symbols=["SPY", "BIL"], start=at("2026-06-01T19:00"), limit=limit)
    quotes = venue.client().get_stock_quotes(request).data
    assert sum(len(series) for series in quotes.values()) == limit
    assert list(quotes) == ["BIL"]


def test_ticks_of_a_span_are_the_markets_own(venue: Venue) -> None:
    start, end = at("2026-06-01T19:00"), at("2026-06-01T19:02")
    trades = venue.client().get_stock_trades(StockTradesRequest(symbol_or_symbols="SPY", start=start, end=end))
    own = list(venue.context.market.trades("SPY", start - dt.timedelta(microseconds=1), end))
    assert [(trade.timestamp, trade.price, trade.id) for trade in trades.data["SPY"]] == [
        (trade.at, float(trade.price), trade.id) for trade in own
    ]


def test_descending_is_ascending_turned_round(venue: Venue) -> None:
    def quotes(sort: Sort) -> list[dt.datetime]:
        request = StockQuotesRequest(
            symbol_or_symbols="IBM", start=at("2026-05-29T19:58"), end=at("2026-06-01T13:32"), sort=sort
        )
        return [quote.timestamp for quote in venue.client().get_stock_quotes(request).data["IBM"]]

    assert quotes(Sort.DESC) == quotes(Sort.ASC)[::-1]
    assert len(quotes(Sort.ASC)) == 241


@pytest.mark.parametrize(
    ("timeframe", "number", "first"),
    [
        (TimeFrame(1, TimeFrameUnit.Minute), 370, "2026-06-01T13:30"),
        (TimeFrame(5, TimeFrameUnit.Minute), 74, "2026-06-01T13:30"),
        (TimeFrame(1, TimeFrameUnit.Hour), 7, "2026-06-01T13:00"),
        (TimeFrame(4, TimeFrameUnit.Hour), 2, "2026-06-01T12:00"),
        (TimeFrame(1, TimeFrameUnit.Day), 1, "2026-06-01T04:00"),
        (TimeFrame(1, TimeFrameUnit.Week), 1, "2026-06-01T04:00"),
        (TimeFrame(1, TimeFrameUnit.Month), 1, "2026-06-01T04:00"),
    ],
)
def test_every_timeframe_adds_up_to_the_same_day(venue: Venue, timeframe: TimeFrame, number: int, first: str) -> None:
    request = StockBarsRequest(symbol_or_symbols="SPY", timeframe=timeframe, start=at("2026-06-01"))
    bars = venue.client().get_stock_bars(request).data["SPY"]
    (day,) = venue.context.market.daily_bars(
        "SPY", dt.date(2026, 6, 1), dt.date(2026, 6, 1), "raw", venue.context.now()
    )
    assert (len(bars), bars[0].timestamp) == (number, at(first))
    assert (bars[0].open, bars[-1].close) == (float(day.open), float(day.close))
    assert (max(bar.high for bar in bars), min(bar.low for bar in bars)) == (float(day.high), float(day.low))
    assert sum(bar.volume for bar in bars) == day.volume


def test_newest_quote_trade_and_bar(venue: Venue) -> None:
    client, symbols = venue.client(), ["SPY", "BIL", "NOSUCH"]
    quotes = client.get_stock_latest_quote(StockLatestQuoteRequest(symbol_or_symbols=symbols, feed=DataFeed.IEX))
    trades = client.get_stock_latest_trade(StockLatestTradeRequest(symbol_or_symbols=symbols, feed=DataFeed.SIP))
    bars = client.get_stock_latest_bar(StockLatestBarRequest(symbol_or_symbols=symbols))
    assert sorted(quotes) == sorted(trades) == sorted(bars) == ["BIL", "SPY"]
    assert quotes["SPY"].timestamp == venue.context.now()
    assert 0 < quotes["SPY"].ask_price - quotes["SPY"].bid_price < 0.011
    assert bars["SPY"].timestamp == at("2026-06-01T19:39")
    assert quotes["SPY"].bid_price * 0.99 < trades["SPY"].price < quotes["SPY"].ask_price * 1.01


def test_the_delayed_feed_is_a_quarter_of_an_hour_behind(venue: Venue) -> None:
    request = StockLatestQuoteRequest(symbol_or_symbols="SPY", feed=DataFeed.DELAYED_SIP)
    quote = venue.client().get_stock_latest_quote(request)["SPY"]
    assert venue.context.now() - quote.timestamp == dt.timedelta(minutes=15)


def test_a_snapshot_holds_today_and_the_session_before(venue: Venue) -> None:
    snapshot = venue.client().get_stock_snapshot(StockSnapshotRequest(symbol_or_symbols=["TQQQ", "NOSUCH"]))
    assert list(snapshot) == ["TQQQ"]
    tqqq = snapshot["TQQQ"]
    assert tqqq.daily_bar.timestamp == at("2026-06-01T04:00")
    assert tqqq.previous_daily_bar.timestamp == at("2026-05-29T04:00")
    assert tqqq.minute_bar.timestamp == at("2026-06-01T19:39")
    assert tqqq.latest_quote.timestamp == venue.context.now()


@pytest.mark.data
def test_adjusted_history_of_recorded_data_agrees_with_the_quote(start_venue: Start, recorded: Market) -> None:
    venue = start_venue(recorded)
    request = StockBarsRequest(
        symbol_or_symbols=["SPY", "BIL"],
        timeframe=TimeFrame.Day,
        start=at("2010-01-01"),
        end=at("2024-06-01"),
        adjustment=Adjustment.ALL,
    )
    bars = venue.client().get_stock_bars(request).data
    raw = venue.client().get_stock_bars(request.model_copy(update={"adjustment": Adjustment.RAW})).data
    assert bars["SPY"][0].timestamp == at("2010-01-04T05:00")
    assert len(bars["SPY"]) == 3627
    assert bars["SPY"][-1].close == raw["SPY"][-1].close
    assert 75 < bars["BIL"][0].close < 83
    assert raw["BIL"][0].timestamp == at("2019-12-16T05:00")

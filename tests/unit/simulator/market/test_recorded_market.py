"""How recorded days are told, and what is done about what is missing."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal
from pathlib import Path

import pytest

from services.simulator.adapters.market_factory import default_start
from services.simulator.adapters.recorded_market import recorded_market, recordings_in
from services.simulator.domain.market import Bar, Market
from tests.unit.simulator.market.recordings import DataDirectory

MONDAY, TUESDAY, WEDNESDAY = (dt.date(2024, 6, day) for day in (3, 4, 5))


@pytest.fixture
def data(tmp_path: Path) -> DataDirectory:
    return DataDirectory(tmp_path)


def market_of(data: DataDirectory) -> Market:
    return recorded_market(data.root, 7)


def at(text: str) -> dt.datetime:
    return dt.datetime.fromisoformat(text).replace(tzinfo=dt.UTC)


def closes(bars: object) -> list[Decimal]:
    assert isinstance(bars, list)
    return [bar.close for bar in bars if isinstance(bar, Bar)]


def test_a_daily_bar_becomes_a_day_that_touches_its_four_prices(data: DataDirectory) -> None:
    market = market_of(data.daily("ZZZ", "2024-06-03,100,104.25,99,103,50000"))
    trades = [trade.price for trade in market.trades("ZZZ", at("2024-06-03T00:00"), at("2024-06-04T00:00"))]
    assert (trades[0], max(trades), min(trades), trades[-1]) == (100, Decimal("104.25"), 99, 103)
    quotes = list(market.quotes("ZZZ", at("2024-06-03T00:00"), at("2024-06-04T00:00")))
    assert len(quotes) == 23_400
    assert all(99 <= quote.bid < quote.ask <= Decimal("104.25") for quote in quotes)


def test_a_session_nobody_recorded_has_no_prices_and_the_last_quote_keeps_its_time(data: DataDirectory) -> None:
    market = market_of(data.daily("ZZZ", "2024-06-03,100,101,99,100,500", "2024-06-05,100,101,99,100,500"))
    noon = at("2024-06-04T16:00")
    quote = market.quote("ZZZ", noon)
    assert quote is not None
    assert quote.at == at("2024-06-03T19:59:59")
    assert list(market.quotes("ZZZ", at("2024-06-04T00:00"), at("2024-06-05T00:00"))) == []
    assert market.daily_bars("ZZZ", TUESDAY, TUESDAY, "raw", noon) == []
    assert market.minute_bars("ZZZ", at("2024-06-04T00:00"), noon, noon) == []


def test_before_the_first_session_nothing_is_known(data: DataDirectory) -> None:
    market = market_of(data.daily("ZZZ", "2024-06-03,100,101,99,100,500"))
    assert market.quote("ZZZ", at("2024-06-03T13:29")) is None
    assert market.trade("ZZZ", at("2020-01-01T00:00")) is None
    with pytest.raises(KeyError):
        market.quote("NOSUCH", at("2024-06-03T15:00"))


def test_a_row_without_volume_is_no_session(data: DataDirectory) -> None:
    data.daily("ZZZ", "2024-06-03,100,101,99,100,500", "2024-06-04,100,100,100,100,0", "2024-06-05,100,101,99,100,5")
    assert "ZZZ: 1 sessions without volume; left out, nobody traded" in recordings_in(data.root).findings
    quote = market_of(data).quote("ZZZ", at("2024-06-04T16:00"))
    assert quote is not None
    assert quote.at.date() == MONDAY


def test_a_stray_first_row_is_left_out_and_said(data: DataDirectory) -> None:
    data.daily("ZZZ", "2018-11-01,50,50,50,50,200", "2024-06-03,100,101,99,100,500")
    assert any("2018-11-01 stands alone" in finding for finding in recordings_in(data.root).findings)
    assert market_of(data).quote("ZZZ", at("2019-01-02T15:00")) is None


def test_an_erroneous_print_does_not_bend_the_day(data: DataDirectory) -> None:
    market = market_of(data.daily("ZZZ", "2024-06-03,8.8,9.4,0.13,7.6,80000"))
    lows = [quote.bid for quote in market.quotes("ZZZ", at("2024-06-03T00:00"), at("2024-06-04T00:00"))]
    assert min(lows) > 7
    (bar,) = market.daily_bars("ZZZ", MONDAY, MONDAY, "raw", at("2024-06-04T00:00"))
    assert bar.low == Decimal("0.13")


def test_adjusted_bars_have_factor_one_at_the_newest_complete_session(data: DataDirectory) -> None:
    data.daily("ZZZ", *(f"2024-06-0{day},100,110,90,100,900" for day in (3, 4, 5)))
    data.adjusted("date,ZZZ", "2024-06-03,45", "2024-06-04,50", "2024-06-05,40")
    market = market_of(data)
    during_wednesday = at("2024-06-05T15:00")
    bars = market.daily_bars("ZZZ", MONDAY, TUESDAY, "all", during_wednesday)
    assert [(bar.open, bar.high, bar.low, bar.close) for bar in bars] == [(90, 99, 81, 90), (100, 110, 90, 100)]
    assert closes(market.daily_bars("ZZZ", MONDAY, TUESDAY, "dividend", during_wednesday)) == [90, 100]
    assert closes(market.daily_bars("ZZZ", MONDAY, TUESDAY, "split", during_wednesday)) == [100, 100]
    after = market.daily_bars("ZZZ", MONDAY, WEDNESDAY, "all", at("2024-06-05T20:00"))
    assert closes(after) == [Decimal("112.5"), 125, 100]


def test_todays_adjusted_bar_is_what_trades(data: DataDirectory) -> None:
    data.daily("ZZZ", *(f"2024-06-0{day},100,110,90,100,900000" for day in (3, 4, 5)))
    data.adjusted("date,ZZZ", "2024-06-03,45", "2024-06-04,50", "2024-06-05,40")
    now = at("2024-06-05T15:00")
    (today,) = market_of(data).daily_bars("ZZZ", WEDNESDAY, WEDNESDAY, "all", now)
    trade = market_of(data).trade("ZZZ", now)
    assert trade is not None
    assert today.close == trade.price


def test_history_goes_back_as_far_as_adjusted_closes_do(data: DataDirectory) -> None:
    data.daily("ZZZ", "2024-06-05,100,110,90,100,900").adjusted("date,ZZZ", "2024-06-04,49.5", "2024-06-05,50")
    market, now = market_of(data), at("2024-06-06T12:00")
    first, second = market.daily_bars("ZZZ", MONDAY, WEDNESDAY, "all", now)
    assert (first.open, first.high, first.low, first.close, first.volume) == (99, 99, 99, 99, 0)
    assert second.close == 100
    assert len(market.daily_bars("ZZZ", MONDAY, WEDNESDAY, "raw", now)) == 1


def test_past_the_last_adjusted_close_the_last_known_factor_stands(data: DataDirectory) -> None:
    data.daily("ZZZ", *(f"2024-06-0{day},100,110,90,100,900" for day in (3, 4, 5)))
    data.adjusted("date,ZZZ", "2024-06-03,45", "2024-06-04,50")
    bars = market_of(data).daily_bars("ZZZ", MONDAY, WEDNESDAY, "all", at("2024-06-06T12:00"))
    assert closes(bars)[1:] == pytest.approx([Decimal("105.263158"), 100], abs=Decimal("0.00001"))


def test_a_spin_off_day_is_no_crash_while_it_trades(data: DataDirectory) -> None:
    before = [f"2024-05-{day},100,100,100,100,900" for day in (24, 28, 29, 30, 31)]
    since = [f"2024-06-{day:02},70,70,70,70,900" for day in (3, 4, 5, 6, 7)]
    days = [row.split(",")[0] for row in before + since]
    data.daily("ZZZ", *before, *since).adjusted("date,ZZZ", *(f"{day},70" for day in days))
    market = market_of(data)
    bars = market.daily_bars("ZZZ", dt.date(2024, 5, 31), MONDAY, "all", at("2024-06-03T19:00"))
    assert closes(bars) == [70, 70]
    raw = market.daily_bars("ZZZ", dt.date(2024, 5, 31), MONDAY, "raw", at("2024-06-03T19:00"))
    assert closes(raw) == [100, 70]


def test_recorded_minutes_tell_the_session_and_gaps_stay_gaps(data: DataDirectory) -> None:
    data.minutes(
        "SPY",
        "2019-12-24 09:31:00-05:00,320.1,320.4,320.0,320.3,1000,0,0",
        "2019-12-24 09:30:00-05:00,320,320.2,319.9,320.1,4000,0,0",
        "2019-12-24 09:45:00-05:00,321,321,321,321,0,0,0",
        "2019-12-24 09:46:00-05:00,,,,,,1.5,0",
        "2019-12-24 09:31:00-05:00,320.1,320.4,320.0,320.3,0,0,0",
    )
    market, now = market_of(data), at("2019-12-24T15:00")
    bars = market.minute_bars("SPY", at("2019-12-24T14:00"), now, now)
    assert [(bar.at, bar.open, bar.high, bar.low, bar.close, bar.volume) for bar in bars] == [
        (at("2019-12-24T14:30"), 320, Decimal("320.2"), Decimal("319.9"), Decimal("320.1"), 4000),
        (at("2019-12-24T14:31"), Decimal("320.1"), Decimal("320.4"), 320, Decimal("320.3"), 1000),
    ]
    stale = market.quote("SPY", at("2019-12-24T14:40"))
    assert stale is not None
    assert stale.at == at("2019-12-24T14:31:59")
    assert stale.ask - stale.bid == Decimal("0.01")
    later = market.quote("SPY", now)
    assert later is not None
    assert abs(later.bid - 321) <= Decimal("0.01")
    assert any("1 repeated minute rows" in finding for finding in recordings_in(data.root).findings)


def test_recorded_quotes_and_trades_are_told_as_they_are(data: DataDirectory) -> None:
    data.ticks(
        "ibm",
        "20131007",
        "34200000,1819000,1819000,1819000,1819000,200,1819300,1819300,1819300,1819300,300\n"
        "34205000,1819000,1820000,1818000,1819500,500,1819300,1821000,1818200,1819600,700",
        "34201000,1819100,1819500,1818900,1819200,101",
    )
    market, until = market_of(data), at("2013-10-07T20:00")
    quotes = list(market.quotes("IBM", at("2013-10-07T00:00"), until))
    assert [(quote.at.second, quote.bid, quote.ask, quote.bid_size) for quote in quotes] == [
        (0, Decimal("181.90"), Decimal("181.93"), 200),
        (5, Decimal("181.80"), Decimal("181.82"), 500),
        (5, Decimal("182.00"), Decimal("182.10"), 500),
        (5, Decimal("181.95"), Decimal("181.96"), 500),
    ]
    trades = list(market.trades("IBM", at("2013-10-07T00:00"), until))
    assert [trade.price for trade in trades] == [Decimal(p) for p in ("181.91", "181.89", "181.95", "181.92")]
    assert sum(trade.size for trade in trades) == 101
    (day,) = market.daily_bars("IBM", dt.date(2013, 10, 7), dt.date(2013, 10, 7), "all", until)
    assert (day.open, day.close, day.volume) == (Decimal("181.91"), Decimal("181.92"), 101)


def test_ticks_win_over_a_daily_bar_on_another_scale(data: DataDirectory) -> None:
    row = "34200000,1000000,1000000,1000000,1000000,100"
    quote = "34200000,999900,999900,999900,999900,100,1000100,1000100,1000100,1000100,100"
    data.daily("ZZZ", "2024-06-03,97,98,96,97,900", "2024-06-04,97,98,96,97,900", "2024-06-05,97,98,96,97,900")
    data.ticks("zzz", "20240604", quote, row).adjusted(
        "date,ZZZ", "2024-06-03,48.5", "2024-06-04,48.5", "2024-06-05,48.5"
    )
    market = market_of(data)
    bars = market.daily_bars("ZZZ", MONDAY, TUESDAY, "all", at("2024-06-04T19:00"))
    assert closes(bars) == [100, 100]
    assert closes(market.daily_bars("ZZZ", MONDAY, TUESDAY, "all", at("2024-06-05T19:00"))) == [97, 97]


def test_a_run_starts_shortly_before_a_recorded_close(data: DataDirectory) -> None:
    assert default_start(market_of(data.daily("ZZZ", "2024-06-03,100,101,99,100,500"))) == at("2024-06-03T19:40")
    half_day = DataDirectory(data.root / "other").daily("ZZZ", "2023-11-24,100,101,99,100,500")
    assert default_start(market_of(half_day)) == at("2023-11-24T17:40")

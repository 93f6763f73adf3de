"""The real recorded files: they load, agree with themselves, and their oddities are known."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal
from itertools import pairwise
from pathlib import Path

import pytest

from services.simulator.adapters.market_factory import default_start
from services.simulator.adapters.recorded_market import recordings_in
from services.simulator.domain.market import Market

pytestmark = pytest.mark.data
CENT = Decimal("0.01")


def at(text: str) -> dt.datetime:
    return dt.datetime.fromisoformat(text).replace(tzinfo=dt.UTC)


def day(market: Market, symbol: str, date: str, adjustment: str = "raw", now: str = "2025-06-01T00:00") -> Decimal:
    on = dt.date.fromisoformat(date)
    (bar,) = market.daily_bars(symbol, on, on, adjustment, at(now))
    return bar.close


def test_a_run_starts_twenty_minutes_before_the_close_of_2024_06_03(recorded: Market) -> None:
    assert default_start(recorded) == at("2024-06-03T19:40")


def test_oddities_of_the_files_are_said(market_data_dir: Path) -> None:
    findings = "\n".join(recordings_in(market_data_dir).findings)
    for oddity in (
        "SPY: the row of 2018-11-01 stands alone",
        "NLR: 157 sessions without volume",
        "NLR: 423 sessions between 2020-07-30 and 2025-04-04 were not recorded",
        "SPY: 5074 repeated minute rows",
        "TECL: 1 minute rows without prices",
    ):
        assert oddity in findings


def test_a_session_missing_in_a_thin_fund_is_missing(recorded: Market) -> None:
    now = at("2024-06-03T19:40")
    quote = recorded.quote("BTAL", now)
    assert quote is not None
    assert quote.at == at("2024-05-31T19:59:59")
    assert recorded.daily_bars("BTAL", now.date(), now.date(), "raw", now) == []


@pytest.mark.parametrize(
    ("symbol", "start", "median", "high"),
    [("SPY", "2013-10-07T13:30", CENT, 2 * CENT), ("IBM", "2013-10-07T13:30", 3 * CENT, 17 * CENT)],
)
def test_recorded_quotes_have_their_known_spreads(
    recorded: Market, symbol: str, start: str, median: Decimal, high: Decimal
) -> None:
    quotes = list(recorded.quotes(symbol, at(start), at(start) + dt.timedelta(hours=6, minutes=30)))
    spreads = sorted(quote.ask - quote.bid for quote in quotes)
    assert spreads[len(spreads) // 2] == median
    assert spreads[len(spreads) * 99 // 100] <= high
    assert spreads[0] >= 0


def test_recorded_prints_make_the_recorded_daily_bar(recorded: Market) -> None:
    now = at("2013-10-08T19:59:59.999")
    (so_far,) = recorded.daily_bars("SPY", dt.date(2013, 10, 8), dt.date(2013, 10, 8), "raw", now)
    (whole,) = recorded.daily_bars("SPY", dt.date(2013, 10, 8), dt.date(2013, 10, 8), "raw", at("2013-10-09T00:00"))
    assert (so_far.open, so_far.high, so_far.close, so_far.volume) == (
        whole.open, whole.high, whole.close, whole.volume,
    )  # fmt: skip
    assert abs(so_far.low - whole.low) <= CENT


def test_a_spin_off_that_the_recording_did_not_apply_is_no_crash(recorded: Market) -> None:
    raw = [day(recorded, "EXC", date) for date in ("2022-02-01", "2022-02-02")]
    assert raw[1] / raw[0] < Decimal("0.75")
    for now in ("2022-02-02T19:40", "2022-02-02T21:00", "2025-04-04T21:00"):
        one, two = (day(recorded, "EXC", date, "all", now) for date in ("2022-02-01", "2022-02-02"))
        assert abs(two / one - 1) < Decimal("0.04"), now


def test_prices_of_two_recordings_meet_without_a_jump_in_adjusted_history(recorded: Market) -> None:
    for now in ("2020-07-27T15:00", "2020-07-28T12:00", "2024-06-03T19:40"):
        friday, monday = (day(recorded, "SPY", date, "all", now) for date in ("2020-07-24", "2020-07-27"))
        assert abs(monday / friday - 1) < Decimal("0.015"), now
    before, during = (day(recorded, "SPY", date, "all", "2023-08-03T19:40") for date in ("2023-08-02", "2023-08-03"))
    assert abs(during / before - 1) < Decimal("0.01")


@pytest.mark.parametrize("symbol", ["SPY", "TQQQ", "UVXY", "BIL", "KMLM", "NLR", "SMR"])
def test_adjusted_history_ends_at_the_price_that_trades(recorded: Market, symbol: str) -> None:
    now = at("2024-06-03T13:00")
    start, yesterday = dt.date(2010, 1, 1), dt.date(2024, 5, 31)
    adjusted = recorded.daily_bars(symbol, start, yesterday, "all", now)
    raw = recorded.daily_bars(symbol, yesterday, yesterday, "raw", now)
    assert adjusted[-1].close == raw[-1].close
    steps = [float(after.close / before.close) for before, after in pairwise(adjusted)]
    assert 0.45 < min(steps) < max(steps) < 2.2
    assert all(bar.low <= min(bar.open, bar.close) <= max(bar.open, bar.close) <= bar.high for bar in adjusted)


def test_every_recorded_symbol_has_two_years_of_adjusted_bars(recorded: Market) -> None:
    symbols = [listing.symbol for listing in recorded.listings()]
    assert len(symbols) == 69
    bars = [
        recorded.daily_bars(s, dt.date(2022, 6, 1), dt.date(2024, 6, 1), "all", at("2024-06-03T19:40")) for s in symbols
    ]
    assert sum(map(len, bars)) > 30_000

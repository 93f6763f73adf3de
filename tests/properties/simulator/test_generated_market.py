"""What holds for every seed, symbol and instant of the generated market."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal
from functools import lru_cache
from itertools import pairwise

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from services.simulator.domain.generator import generated_market
from services.simulator.domain.generator_universe import ASSETS, HIDDEN, Multiple
from services.simulator.domain.market import Market, Quote, Trade
from shared.sessions import Session, sessions_between

SESSIONS = sessions_between(dt.date(2018, 1, 3), dt.date(2030, 12, 30))
CENT = Decimal("0.01")
SYMBOLS = sorted(ASSETS)
FUNDS = sorted(symbol for symbol, asset in ASSETS.items() if isinstance(asset, Multiple) and asset.of not in HIDDEN)

seeds = st.sampled_from([0, 7, 20240603])
sessions = st.sampled_from(SESSIONS)
symbols = st.sampled_from(SYMBOLS)
seconds = st.integers(min_value=0, max_value=3 * 3600)
few = settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.too_slow])


@lru_cache(maxsize=3)
def market(seed: int) -> Market:
    return generated_market(seed)


def day_of(seed: int, symbol: str, session: Session) -> tuple[list[Quote], list[Trade]]:
    start, end = session.open - dt.timedelta(seconds=1), session.close
    return list(market(seed).quotes(symbol, start, end)), list(market(seed).trades(symbol, start, end))


@few
@given(seeds, symbols, sessions)
def test_a_day_starts_at_its_open_ends_at_its_close_and_touches_high_and_low(
    seed: int, symbol: str, session: Session
) -> None:
    quotes, trades = day_of(seed, symbol, session)
    (bar,) = market(seed).daily_bars(symbol, session.date, session.date, "raw", session.close)
    prices = [trade.price for trade in trades]
    assert (prices[0], max(prices), min(prices), prices[-1]) == (bar.open, bar.high, bar.low, bar.close)
    assert (sum(trade.size for trade in trades), len(trades)) == (bar.volume, bar.trade_count)
    assert all(bar.low <= quote.bid < quote.ask <= bar.high for quote in quotes)
    assert len(quotes) == (session.close - session.open).total_seconds()


@few
@given(seeds, symbols, sessions, seconds)
def test_any_instant_asked_at_once_equals_the_tape_read_in_order(
    seed: int, symbol: str, session: Session, second: int
) -> None:
    at = session.open + dt.timedelta(seconds=second, milliseconds=437)
    quotes, trades = day_of(seed, symbol, session)
    fresh = generated_market(seed)
    assert fresh.quote(symbol, at) == [quote for quote in quotes if quote.at <= at][-1]
    assert fresh.trade(symbol, at) == [trade for trade in trades if trade.at <= at][-1]


@few
@given(seeds, symbols, sessions, st.lists(seconds, min_size=1, max_size=6))
def test_reading_in_any_steps_gives_every_tick_exactly_once(
    seed: int, symbol: str, session: Session, cuts: list[int]
) -> None:
    quotes, trades = day_of(seed, symbol, session)
    edges = [session.open - dt.timedelta(seconds=1)]
    edges += [session.open + dt.timedelta(seconds=cut, milliseconds=250) for cut in sorted(set(cuts))]
    edges += [session.close]
    steps = list(pairwise(edges))
    assert [q for after, until in steps for q in market(seed).quotes(symbol, after, until)] == quotes
    assert [t for after, until in steps for t in market(seed).trades(symbol, after, until)] == trades


@few
@given(seeds, st.sampled_from(FUNDS), sessions)
def test_a_fund_moves_by_its_multiple_of_the_index_each_day(seed: int, symbol: str, session: Session) -> None:
    fund = ASSETS[symbol]
    assert isinstance(fund, Multiple)
    start = session.date - dt.timedelta(days=7)
    own = market(seed).daily_bars(symbol, start, session.date, "all", session.close)[-2:]
    index = market(seed).daily_bars(fund.of, start, session.date, "all", session.close)[-2:]
    for field in ("open", "close"):
        moved = getattr(own[1], field) / own[0].close - 1
        owed = Decimal(fund.times) * (getattr(index[1], field) / index[0].close - 1) - Decimal(fund.fee) / 252
        assert abs(moved - owed) <= rounding(own[0].close) + abs(Decimal(fund.times)) * rounding(index[0].close)


@few
@given(seeds, st.sampled_from(FUNDS), sessions, seconds)
def test_a_fund_moves_by_its_multiple_of_the_index_within_the_day(
    seed: int, symbol: str, session: Session, second: int
) -> None:
    fund = ASSETS[symbol]
    assert isinstance(fund, Multiple)
    at = session.open + dt.timedelta(seconds=second)
    (moved, blur), (index, index_blur) = (moved_since_yesterday(seed, name, session, at) for name in (symbol, fund.of))
    owed = Decimal(fund.times) * index - Decimal(fund.fee) / 252
    assert abs(moved - owed) <= blur + abs(Decimal(fund.times)) * index_blur


def moved_since_yesterday(seed: int, symbol: str, session: Session, at: dt.datetime) -> tuple[Decimal, Decimal]:
    """The mid's return since the close before, and how much rounding and the spread can blur it."""
    before = market(seed).trade(symbol, session.open - dt.timedelta(seconds=1))
    quote = market(seed).quote(symbol, at)
    assert before is not None
    assert quote is not None
    mid = (quote.bid + quote.ask) / 2
    return mid / before.price - 1, (quote.ask - quote.bid) / before.price + rounding(before.price)


def rounding(price: Decimal) -> Decimal:
    """A relative error of two roundings to the price grid, moves of up to 100 % included."""
    return 2 * (CENT if price >= Decimal("0.9") else Decimal("0.0001")) / price


@few
@given(seeds, symbols, sessions, seconds)
def test_bars_asked_at_an_instant_never_know_what_comes_later(
    seed: int, symbol: str, session: Session, second: int
) -> None:
    now = session.open + dt.timedelta(seconds=second)
    first = session.date - dt.timedelta(days=10)
    bars = market(seed).daily_bars(symbol, first, session.date + dt.timedelta(days=10), "raw", now)
    seen = list(market(seed).trades(symbol, session.open - dt.timedelta(seconds=1), now))
    last = [trade.price for trade in seen]
    assert (bars[-1].high, bars[-1].low, bars[-1].close) == (max(last), min(last), last[-1]) if last else True
    assert bars[-1].volume == sum(trade.size for trade in seen) or not seen
    minutes = market(seed).minute_bars(symbol, session.open, session.close, now)
    assert all(minute.at + dt.timedelta(minutes=1) <= now for minute in minutes)


@few
@given(seeds, symbols, sessions)
def test_minute_bars_of_a_day_add_up_to_its_daily_bar(seed: int, symbol: str, session: Session) -> None:
    (day,) = market(seed).daily_bars(symbol, session.date, session.date, "raw", session.close)
    minutes = market(seed).minute_bars(symbol, session.open, session.close, session.close)
    assert (minutes[0].open, minutes[-1].close) == (day.open, day.close)
    assert (max(bar.high for bar in minutes), min(bar.low for bar in minutes)) == (day.high, day.low)
    assert sum(bar.volume for bar in minutes) == day.volume


@pytest.mark.parametrize("seed", [0, 7])
def test_outside_the_session_the_last_quote_stands_with_its_own_time(seed: int) -> None:
    saturday = dt.datetime(2026, 6, 6, 12, tzinfo=dt.UTC)
    quote = market(seed).quote("SPY", saturday)
    assert quote is not None
    assert quote.at == dt.datetime(2026, 6, 5, 19, 59, 59, tzinfo=dt.UTC)
    assert list(market(seed).quotes("SPY", quote.at, saturday)) == []

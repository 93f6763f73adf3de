"""Which symbols the generated market lists, and how wide a quote is where none was recorded."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal

import numpy as np
import pytest

from services.simulator.adapters.market_factory import default_start, market_for
from services.simulator.domain import spread
from services.simulator.domain.generator_universe import ASSETS, HIDDEN, SECTOR_VOLATILITY, Driven, Multiple
from services.simulator.domain.market import Market

NUCLEAR = "SPY IOO TQQQ VTV XLF VOX UVXY BTAL QQQ SQQQ PSQ UPRO TLT IEF SMR BWXT LEU EXC NLR OKLO"
TECL = "SPY TQQQ SPXL TECL XLK KMLM UVXY BIL BSV SQQQ"
KLM = (
    "QQQE VTV VOX TECL VOOG VOOV XLP TQQQ XLY FAS SPY UVXY VIXM SPXL SOXL LABU XLK KMLM UUP FTLS FNGU SVIX SQQQ TLT TMV "
    "TMF SVXY UVIX FNGO TSLA MSFT AAPL NVDA GOOGL AMZN BND SPLV LABD TZA VXX VIXY BTAL BIL RETL AGG QQQ ERX GLD SLV PDBC "
    "XLE SPXU PSQ QID UPRO IEF IOO XLF"
)
SMALL_SYMPHONIES = "TQQQ UVXY TECL SOXL SQQQ BSV GLD BIL UGL GLL"


@pytest.fixture(scope="module")
def market() -> Market:
    return market_for(None, 7)


@pytest.mark.parametrize("symbols", [NUCLEAR, TECL, KLM, SMALL_SYMPHONIES, "IBM AAPL MSFT"])
def test_every_symbol_of_the_strategies_is_listed(market: Market, symbols: str) -> None:
    assert set(symbols.split()) <= {listing.symbol for listing in market.listings()}


def test_listings_are_sorted_and_some_trade_in_whole_shares_only(market: Market) -> None:
    symbols = [listing.symbol for listing in market.listings()]
    assert symbols == sorted(symbols)
    whole = {listing.symbol for listing in market.listings() if not listing.fractionable}
    assert {"BTAL", "SVIX"} <= whole
    assert "SPY" not in whole


def test_what_an_asset_follows_is_in_the_tables() -> None:
    for asset in [*ASSETS.values(), *HIDDEN.values()]:
        if isinstance(asset, Multiple):
            assert asset.of in ASSETS or asset.of in HIDDEN
        if isinstance(asset, Driven) and asset.sector:
            assert asset.sector in SECTOR_VOLATILITY


def test_prices_stand_at_their_table_level_where_a_run_starts(market: Market) -> None:
    now = default_start(market)
    assert now == dt.datetime(2026, 6, 1, 19, 40, tzinfo=dt.UTC)
    for symbol in ("SPY", "TQQQ", "BIL", "OKLO"):
        before = market.trade(symbol, now - dt.timedelta(days=1))
        assert before is not None
        assert before.price == Decimal(str(ASSETS[symbol].price))


def test_another_seed_is_another_market() -> None:
    now = dt.datetime(2026, 6, 1, 19, 40, tzinfo=dt.UTC)
    assert market_for(None, 1).quote("SPY", now) != market_for(None, 2).quote("SPY", now)


def test_an_unlisted_symbol_raises(market: Market) -> None:
    with pytest.raises(KeyError):
        market.quote("^FANG", default_start(market))
    with pytest.raises(ValueError, match="adjustment: expected one of raw, split, dividend, all, got 'most'"):
        market.daily_bars("SPY", dt.date(2026, 5, 1), dt.date(2026, 5, 2), "most", default_start(market))


@pytest.mark.parametrize("symbol", ["SPY", "TQQQ", "BIL"])
def test_the_most_traded_are_one_cent_wide_all_day(market: Market, symbol: str) -> None:
    start = dt.datetime(2026, 6, 1, 13, 29, tzinfo=dt.UTC)
    quotes = market.quotes(symbol, start, start + dt.timedelta(hours=7))
    assert {quote.ask - quote.bid for quote in quotes} == {Decimal("0.01")}


@pytest.mark.parametrize("symbol", ["IOO", "VOX", "BTAL", "NLR", "KMLM", "FTLS", "LEU", "RETL"])
def test_thin_names_are_three_to_sixteen_cents_wide_and_widest_at_the_open(market: Market, symbol: str) -> None:
    start = dt.datetime(2026, 6, 1, 13, 29, 59, tzinfo=dt.UTC)
    cents = [
        int((quote.ask - quote.bid) * 100) for quote in market.quotes(symbol, start, start + dt.timedelta(hours=7))
    ]
    assert min(cents) >= 3
    assert max(cents) <= 16
    assert np.mean(cents[:300]) > np.mean(cents[300:])


@pytest.mark.parametrize(
    ("symbol", "price", "width"),
    [
        ("SPY", 6_000_000, 100),
        ("LEU", 900_000, 1400),
        ("ZZZ", 1_000_000, 500),
        ("ZZZ", 50_000_000, 1600),
        ("ZZZ", 20_000, 100),
    ],
)
def test_a_name_outside_the_table_is_five_basis_points_wide_within_bounds(symbol: str, price: int, width: int) -> None:
    assert spread.typical_width(symbol, price) == width


@pytest.mark.parametrize("symbol", ["SPY", "NLR", "LEU", "ZZZ"])
@pytest.mark.parametrize("price", [500, 9_999, 10_000, 250_000, 90_000_000])
def test_no_width_is_beyond_the_widest(symbol: str, price: int) -> None:
    widths = spread.widths(symbol, price, 1000, np.random.default_rng(7))
    assert widths.min() >= spread.tick_at(price)
    assert widths.max() <= spread.widest(symbol, price)

"""The gates on what a real feed returned (IEX, 68 symbols) and on clean closes; the figures of docs/data-quality.md."""

from __future__ import annotations

import datetime as dt
from collections import Counter
from pathlib import Path

import numpy as np
import pytest

from backtest.recorded_series import as_history, read_series
from shared.quality import Doubt, Series, Surroundings, examine, market_volume, settled, unknown_closes
from shared.sessions import sessions_between

pytestmark = pytest.mark.data

DAY = dt.date.fromisoformat


@pytest.fixture(scope="module")
def feed(market_data_dir: Path) -> dict[str, Series]:
    return {series.symbol: series for series in read_series(market_data_dir / "daily_ohlcv")}


@pytest.fixture(scope="module")
def around(feed: dict[str, Series]) -> Surroundings:
    return Surroundings(DAY("2025-04-04"), market_volume(feed.values()))


@pytest.fixture(scope="module")
def doubts(feed: dict[str, Series], around: Surroundings) -> dict[str, tuple[Doubt, ...]]:
    return {symbol: examine(series, around) for symbol, series in feed.items()}


@pytest.fixture(scope="module")
def clean(market_data_dir: Path) -> dict[str, Series]:
    path = market_data_dir / "daily_close" / "klm69_2015_2024.csv.gz"
    return {series.symbol: series for series in read_series(path)}


def of(doubts: dict[str, tuple[Doubt, ...]], gate: str, *, refuses: bool = True) -> dict[str, list[Doubt]]:
    found = {s: [d for d in told if d.gate == gate and d.refuses == refuses] for s, told in doubts.items()}
    return {symbol: told for symbol, told in found.items() if told}


def test_sessions_on_which_iex_printed_nothing_are_named(doubts: dict[str, tuple[Doubt, ...]]) -> None:
    missing = {symbol: len(told[0].dates) for symbol, told in of(doubts, "missing session").items()}
    assert {s: missing[s] for s in ("NLR", "KMLM", "BTAL", "QQQE", "VIXM")} == {
        "NLR": 382,
        "KMLM": 234,
        "BTAL": 87,
        "QQQE": 125,
        "VIXM": 52,
    }
    assert len(missing) == 24
    assert DAY("2021-02-09") in of(doubts, "missing session")["KMLM"][0].dates


def test_every_missing_session_is_named_and_no_other_day(
    feed: dict[str, Series], doubts: dict[str, tuple[Doubt, ...]]
) -> None:
    stray = {symbol: told[0].dates for symbol, told in of(doubts, "stray row").items()}
    for symbol, series in feed.items():
        first = next(day for day in series.dates if day not in stray.get(symbol, ()))
        expected = {s.date for s in sessions_between(first, series.dates[-1])} - set(series.dates)
        told = {day for doubt in of(doubts, "missing session").get(symbol, []) for day in doubt.dates}
        assert told == expected, symbol


def test_the_stray_first_row_of_spy_is_named(doubts: dict[str, tuple[Doubt, ...]]) -> None:
    assert [doubt.dates for doubt in of(doubts, "stray row")["SPY"]] == [(DAY("2018-11-01"),)]
    assert "SPY" not in of(doubts, "missing session")


def test_the_day_that_was_cut_off_is_partial_for_every_symbol(doubts: dict[str, tuple[Doubt, ...]]) -> None:
    """2024-12-23: a fifth of the usual volume and closes of the early afternoon, up to 14 % off in VIX products."""
    day = DAY("2024-12-23")
    partial = {symbol for symbol, told in of(doubts, "partial bar").items() if {d.dates for d in told} == {(day,)}}
    assert len(partial) == 68
    refused = [d for told in of(doubts, "partial bar").values() for d in told]
    assert {d.dates for d in refused} == {(day,)}


def test_last_trades_that_stand_for_closes_in_thin_funds_are_stale(
    feed: dict[str, Series], doubts: dict[str, tuple[Doubt, ...]]
) -> None:
    """Every row without a trade is told; it is refused where the price is none of the last close's."""
    refused, noted = (
        {symbol: sum(len(d.dates) for d in told) for symbol, told in of(doubts, "stale price", refuses=refuses).items()}
        for refuses in (True, False)
    )
    idle = {symbol: int(np.sum(series.volume == 0)) for symbol, series in feed.items()}
    assert sum(refused.values()) + sum(noted.values()) == sum(idle.values()) == 1229
    assert {
        s: (refused.get(s, 0), noted.get(s, 0)) for s in ("FNGO", "OKLO", "NLR", "FTLS", "VIXM", "KMLM", "RETL")
    } == {
        "FNGO": (139, 227),
        "OKLO": (115, 82),
        "NLR": (42, 115),
        "FTLS": (20, 106),
        "VIXM": (10, 89),
        "KMLM": (6, 56),
        "RETL": (4, 9),
    }


@pytest.mark.parametrize(
    ("symbol", "day", "factor"), [("SVXY", "2024-04-11", "2 for 1"), ("FNGO", "2021-02-17", "5 for 1")]
)
def test_splits_that_the_feed_did_not_apply_are_named(
    doubts: dict[str, tuple[Doubt, ...]], symbol: str, day: str, factor: str
) -> None:
    (doubt,) = of(doubts, "unapplied split")[symbol]
    assert doubt.dates == (DAY(day),)
    assert factor in doubt.expected


def test_nothing_else_is_taken_for_a_split_however_wild_it_was(doubts: dict[str, tuple[Doubt, ...]]) -> None:
    """UVIX rose by 84 % and fell by 38 % in two days of August 2024, OKLO lost 55 % in one, SMR 35 %."""
    assert set(of(doubts, "unapplied split")) == {"SVXY", "FNGO"}
    assert set(of(doubts, "unexplained jump")) == {"EXC"}


def test_the_spin_off_of_exc_is_an_unexplained_jump(doubts: dict[str, tuple[Doubt, ...]]) -> None:
    (doubt,) = of(doubts, "unexplained jump")["EXC"]
    assert (doubt.dates, doubt.spoils) == ((DAY("2022-02-02"),), "before")
    assert doubt.seen.startswith("-25.9%")


def test_once_stale_closes_are_gone_no_close_leaves_and_comes_back(doubts: dict[str, tuple[Doubt, ...]]) -> None:
    """FNGO, FTLS, VIXM, USD went up and down by up to 100 % between last trades and true ones."""
    assert of(doubts, "outlier") == {}


def test_clean_closes_are_quiet(clean: dict[str, Series]) -> None:
    """160,623 closes with August 2015, February 2018, March 2020 in VIX products and threefold funds. What is refused is true:
    BTAL left by 33 % and came back, BTAL and FNGO were not traded for weeks when they were young."""
    found = {symbol: examine(series, Surroundings(DAY("2024-12-31"))) for symbol, series in clean.items()}
    refused = Counter((symbol, d.gate) for symbol, told in found.items() for d in told if d.refuses)
    assert refused == {("BTAL", "outlier"): 1, ("BTAL", "stale price"): 2, ("FNGO", "stale price"): 5}
    noted = [(symbol, d.gate) for symbol, told in found.items() for d in told if not d.refuses]
    assert noted == [(s, "unexplained jump") for s in ("BWXT", "ERX", "OKLO", "SVIX", "SVXY")]


def test_beside_clean_closes_the_feeds_own_are_repaired_or_confirmed_one_by_one(
    feed: dict[str, Series], clean: dict[str, Series], around: Surroundings, doubts: dict[str, tuple[Doubt, ...]]
) -> None:
    """The clean closes as a full tape: a tenth of the usual daily move is what is left between the two."""
    off_before, off_after = [], []
    for symbol in ("SVXY", "EXC", "FNGO", "KMLM", "SPY", "VIXM", "TQQQ"):
        mine = as_history(feed[symbol], "alpaca")
        other = as_history(clean[symbol], "twelvedata")
        other = other.model_copy(update={"volume": (1e9,) * len(other.dates)})
        found = settled(mine, doubts[symbol], other, around)
        until = {day for day in unknown_closes(found.dates, found.findings, found.dates[-1]) if day <= other.dates[-1]}
        assert until <= {DAY("2018-11-01")}, symbol
        off_before.append(_apart(mine.dates, mine.close, clean[symbol]))
        off_after.append(_apart(found.dates, found.close, clean[symbol]))
    assert max(off_before) > 1.0
    assert max(off_after) < 0.05


def _apart(dates: tuple[dt.date, ...], close: tuple[float, ...], clean: Series) -> float:
    """The widest difference of one day's move, both days known to both."""
    both = [row for row, day in enumerate(dates) if day in clean.places]
    mine = np.diff(np.log([close[row] for row in both]))
    theirs = np.diff(np.log(clean.close[[clean.places[dates[row]] for row in both]]))
    return float(np.max(np.abs(mine - theirs)))

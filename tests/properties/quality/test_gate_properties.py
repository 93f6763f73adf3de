"""Whatever the symbol's temper: no gate fires on ordinary days, and a defect anywhere is found with its date."""

from __future__ import annotations

import datetime as dt

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from shared.contracts.marketdata import DailyHistory
from shared.quality import Series, Surroundings, market_volume, settled, unknown_closes
from tests.unit.shared.quality.histories import (
    a_history,
    closes_only,
    doubts_of,
    scaled,
    second_source,
    shifted,
    with_columns,
    with_volume,
    without_rows,
)

seeds = st.integers(0, 2**31)
tempers = st.floats(0.004, 0.06)
days = st.integers(90, 320)
places = st.floats(0, 1)
few = settings(max_examples=40, deadline=None)


def row_in(history: DailyHistory, place: float) -> int:
    """Far enough from both ends for a month before it and a week after it."""
    return 30 + int(place * (len(history.dates) - 41))


def found(history: DailyHistory | Series) -> list[tuple[str, tuple[dt.date, ...]]]:
    return [(d.gate, d.dates) for d in doubts_of(history, Surroundings(history.dates[-1])) if d.refuses]


@few
@given(seed=seeds, sigma=tempers, count=days)
def test_no_gate_fires_on_ordinary_days(seed: int, sigma: float, count: int) -> None:
    history = a_history(seed=seed, sigma=sigma, days=count)
    assert found(history) == []
    assert found(closes_only(history)) == []


@few
@given(seed=seeds, sigma=tempers, place=places)
def test_a_history_beside_itself_has_no_finding(seed: int, sigma: float, place: float) -> None:
    history = a_history(seed=seed, sigma=sigma)
    other = scaled(history, slice(None), 0.1 + 10 * place)
    assert settled(history, (), second_source(other)).findings == ()


@few
@given(seed=seeds, sigma=tempers, count=days, place=places)
def test_a_session_that_is_left_out_is_found(seed: int, sigma: float, count: int, place: float) -> None:
    history = a_history(seed=seed, sigma=sigma, days=count)
    row = row_in(history, place)
    assert found(without_rows(history, row)) == [("missing session", (history.dates[row],))]


@few
@given(seed=seeds, sigma=tempers, count=days, place=places)
def test_a_price_that_moved_without_a_trade_is_found(seed: int, sigma: float, count: int, place: float) -> None:
    history = a_history(seed=seed, sigma=sigma, days=count)
    row = row_in(history, place)
    wrong = scaled(history, slice(row, row + 1), 1 + 12 * sigma)
    assert found(with_volume(wrong, row, 0)) == [("stale price", (history.dates[row],))]


@few
@given(
    seed=seeds,
    sigma=st.floats(0.004, 0.02),
    place=places,
    factor=st.sampled_from([2, 3, 4, 5, 10, 1 / 2, 1 / 4, 1 / 10]),
)
def test_an_unapplied_split_is_found_and_repaired_exactly(seed: int, sigma: float, place: float, factor: float) -> None:
    """On a day that moved far by itself it is no split's factor any more, and still a jump."""
    history = a_history(seed=seed, sigma=sigma)
    row = row_in(history, place)
    split = scaled(history, slice(0, row), factor)
    doubts = doubts_of(split)
    assert [(d.dates, d.spoils, d.refuses) for d in doubts] == [((history.dates[row],), "before", True)]
    assert doubts[0].gate in {"unapplied split", "unexplained jump"}
    repaired = settled(split, doubts, second_source(history))
    np.testing.assert_allclose(repaired.close, history.close, rtol=1e-9)
    assert unknown_closes(repaired.dates, repaired.findings, repaired.dates[-1]) == {}


@few
@given(seed=seeds, sigma=tempers, place=places, up=st.booleans())
def test_a_close_that_leaves_by_far_and_comes_back_is_found(seed: int, sigma: float, place: float, *, up: bool) -> None:
    history = a_history(seed=seed, sigma=sigma)
    row = row_in(history, place)
    wrong = scaled(history, slice(row, row + 1), float(np.exp((1 if up else -1) * (0.05 + 40 * sigma))))
    assert ("outlier", (history.dates[row],)) in found(closes_only(wrong))


@few
@given(seed=seeds, sigma=tempers, by=st.sampled_from([-1, 1]))
def test_bars_stamped_a_day_off_are_found(seed: int, sigma: float, by: int) -> None:
    assert "wrong time zone" in [gate for gate, _ in found(shifted(a_history(seed=seed, sigma=sigma), by))]


@few
@given(seed=seeds, sigma=tempers, later=st.booleans())
def test_bars_stamped_a_session_off_are_found_beside_a_second_source(seed: int, sigma: float, *, later: bool) -> None:
    history = a_history(seed=seed, sigma=sigma)
    dates = history.dates[1:] if later else history.dates[:-1]
    late = with_columns(without_rows(history, -1 if later else 0), dates=dates)
    kept = settled(late, (), second_source(history))
    assert [f.gate for f in kept.findings] == ["wrong time zone"]
    assert kept.close == history.close


@settings(max_examples=10, deadline=None)
@given(seed=st.integers(0, 2**20), place=places)
def test_a_day_cut_off_for_the_whole_feed_is_found_in_every_symbol(seed: int, place: float) -> None:
    many = [a_history(seed=seed + number, days=120) for number in range(9)]
    row = row_in(many[0], place)
    cut = [with_volume(history, row, history.volume[row] * 0.1) for history in many]
    around = Surroundings(market_volume=market_volume(map(Series.of_history, cut)))
    for history in cut:
        doubts = doubts_of(history, around)
        assert [(d.gate, d.dates) for d in doubts if d.refuses] == [("partial bar", (history.dates[row],))]

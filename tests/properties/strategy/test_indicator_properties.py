"""What holds for every indicator, whatever the closes."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as npst

from services.strategy.domain.indicators import (
    ALL,
    CLOSE,
    CUMULATIVE_RETURN,
    EMA,
    LOWER_BOLLINGER,
    MACD,
    MACD_SIGNAL,
    MAX_DRAWDOWN,
    MOVING_AVERAGE_RETURN,
    PPO,
    PPO_SIGNAL,
    RSI,
    SMA,
    STDEV_PRICE,
    STDEV_RETURN,
    UPPER_BOLLINGER,
    FloatArray,
    Indicator,
    run_ending_at,
)

SMALLEST, LARGEST = 2, 12
windows = st.integers(SMALLEST, LARGEST)
unbroken = npst.arrays(np.float64, st.integers(1, 40), elements=st.floats(1, 1000))
with_gaps = npst.arrays(
    np.float64, st.integers(1, 40), elements=st.one_of(st.floats(1, 1000), st.floats(1, 1000), st.just(np.nan))
)
brief = settings(max_examples=40, deadline=None)  # times fifteen indicators
every_indicator = pytest.mark.parametrize("indicator", ALL, ids=lambda indicator: indicator.name)


def values(indicator: Indicator, closes: FloatArray, window: int) -> FloatArray:
    return indicator(closes, *([window] * len(indicator.windows)))


def needed(indicator: Indicator, window: int) -> int:
    return indicator.closes_needed(*([window] * len(indicator.windows)))


@every_indicator
@brief
@given(closes=with_gaps, window=windows, data=st.data())
def test_the_value_of_a_day_is_the_same_with_and_without_the_future(
    indicator: Indicator, closes: FloatArray, window: int, data: st.DataObject
) -> None:
    """To the last bit: live, on a history that ends today, and in a backtest it is the same number."""
    today = data.draw(st.integers(1, len(closes)))
    np.testing.assert_array_equal(values(indicator, closes[:today], window), values(indicator, closes, window)[:today])


@every_indicator
@brief
@given(closes=with_gaps, window=windows)
def test_undefined_exactly_until_the_unbroken_run_holds_enough_closes(
    indicator: Indicator, closes: FloatArray, window: int
) -> None:
    """One rule for leading gaps (not listed yet) and interior ones (a missing session). RSI also needs one change."""
    found = values(indicator, closes, window)
    for day in range(len(closes)):
        enough = run_ending_at(closes, day) >= needed(indicator, window)
        run = closes[day - run_ending_at(closes, day) + 1 : day + 1]
        moved = indicator is not RSI or np.ptp(run) > 0 if run.size else False
        assert np.isfinite(found[day]) == (enough and moved)


@every_indicator
@brief
@given(closes=with_gaps, window=windows, later=st.integers(0, 5))
def test_a_gap_is_never_bridged(indicator: Indicator, closes: FloatArray, window: int, later: int) -> None:
    """What stands before a gap has no influence on what comes after it."""
    gap = [np.nan] * (later + 1)
    joined = np.concatenate(([123.0, 7.0, 88.0], gap, closes))
    np.testing.assert_array_equal(values(indicator, joined, window)[4 + later :], values(indicator, closes, window))


@every_indicator
@brief
@given(closes=unbroken, window=windows, factor=st.sampled_from([0.25, 2.0, 64.0]))
def test_scaling_all_prices_scales_dollars_and_leaves_percent_alone(
    indicator: Indicator, closes: FloatArray, window: int, factor: float
) -> None:
    in_dollars = indicator in (CLOSE, SMA, EMA, STDEV_PRICE, MACD, MACD_SIGNAL, UPPER_BOLLINGER, LOWER_BOLLINGER)
    expected = values(indicator, closes, window) * (factor if in_dollars else 1.0)
    np.testing.assert_allclose(values(indicator, closes * factor, window), expected, rtol=1e-9, atol=1e-9)


CONSTANT = {
    CLOSE.name: 50.0,
    SMA.name: 50.0,
    EMA.name: 50.0,
    STDEV_PRICE.name: 0.0,
    STDEV_RETURN.name: 0.0,
    MOVING_AVERAGE_RETURN.name: 0.0,
    CUMULATIVE_RETURN.name: 0.0,
    MAX_DRAWDOWN.name: 0.0,
    MACD.name: 0.0,
    MACD_SIGNAL.name: 0.0,
    PPO.name: 0.0,
    PPO_SIGNAL.name: 0.0,
    UPPER_BOLLINGER.name: 50.0,
    LOWER_BOLLINGER.name: 50.0,
    RSI.name: np.nan,  # neither gain nor loss: no strength to speak of, and no stand-in of 50
}


@every_indicator
@brief
@given(window=windows)
def test_of_a_constant_series(indicator: Indicator, window: int) -> None:
    last = values(indicator, np.full(40, 50.0), window)[-1]
    np.testing.assert_allclose(last, CONSTANT[indicator.name], rtol=1e-12)


@brief
@given(closes=unbroken, window=windows)
def test_of_a_series_that_only_rises(closes: FloatArray, window: int) -> None:
    rising = np.cumsum(closes)
    day = slice(window, None)
    assert (RSI(rising, window)[day] == 100).all()
    assert (MAX_DRAWDOWN(rising, window)[day] == 0).all()
    assert (CUMULATIVE_RETURN(rising, window)[day] > 0).all()
    assert (MOVING_AVERAGE_RETURN(rising, window)[day] > 0).all()
    assert (SMA(rising, window)[day] < rising[day]).all()
    assert (EMA(rising, window)[day] < rising[day]).all()
    assert (MACD(rising, 2, window + 1)[day] > 0).all()
    assert (PPO(rising, 2, window + 1)[day] > 0).all()
    assert (PPO_SIGNAL(rising, 2, window + 1, 2)[window + 1 :] > 0).all()
    assert (UPPER_BOLLINGER(rising, window, 2)[day] > LOWER_BOLLINGER(rising, window, 2)[day]).all()
    assert (RSI(rising[::-1], window)[day] == 0).all()
    assert (MAX_DRAWDOWN(rising[::-1], window)[day] > 0).all()


@brief
@given(closes=with_gaps, window=windows)
def test_values_stay_in_their_range(closes: FloatArray, window: int) -> None:
    for indicator, lowest, highest in (
        (RSI, 0.0, 100.0),
        (MAX_DRAWDOWN, 0.0, 100.0),
        (STDEV_PRICE, 0.0, np.inf),
        (STDEV_RETURN, 0.0, np.inf),
    ):
        found = indicator(closes, window)
        there = found[~np.isnan(found)]
        assert ((there >= lowest) & (there <= highest)).all()


@every_indicator
@brief
@given(table=npst.arrays(np.float64, (20, 3), elements=st.one_of(st.floats(1, 1000), st.just(np.nan))), window=windows)
def test_a_matrix_is_its_columns(indicator: Indicator, table: FloatArray, window: int) -> None:
    columns = [values(indicator, column, window) for column in table.T]
    np.testing.assert_array_equal(values(indicator, table, window), np.column_stack(columns))


@pytest.mark.parametrize("indicator", [indicator for indicator in ALL if indicator.windows])
@pytest.mark.parametrize("window", [0, -1, 2.0, "10", True, None])
def test_a_window_that_is_no_whole_number_is_refused_by_name(indicator: Indicator, window: object) -> None:
    with pytest.raises(
        ValueError, match=rf"{indicator.name}: {indicator.windows[0]}: expected a whole number of at least \d, got"
    ):
        indicator([1.0, 2.0, 3.0], window, *([2] * (len(indicator.windows) - 1)))  # type: ignore[arg-type]


@every_indicator
def test_a_window_too_many_is_refused(indicator: Indicator) -> None:
    with pytest.raises(ValueError, match="windows"):
        indicator([1.0, 2.0], *([2] * (len(indicator.windows) + 1)))


@every_indicator
def test_closes_of_three_dimensions_are_refused(indicator: Indicator) -> None:
    with pytest.raises(ValueError, match="closes: expected shape"):
        values(indicator, np.ones((2, 2, 2)), 2)

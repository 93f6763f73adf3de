"""Indicators equal TA-Lib, or their definition written as a loop where TA-Lib has none, within 1e-9."""

from __future__ import annotations

import math
import statistics
from collections.abc import Callable, Sequence
from itertools import pairwise
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import talib

from services.strategy.domain.indicators import (
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
)


def random_closes(seed: int, days: int = 700) -> FloatArray:
    rng = np.random.default_rng(seed)
    return 100 * np.exp(np.cumsum(rng.normal(0, 0.02, days)))


@pytest.fixture(scope="module")
def real_closes(market_data_dir: Path) -> dict[str, FloatArray]:
    frame = pd.read_csv(market_data_dir / "daily_close" / "core26_2010_2024.csv.gz", index_col=0)
    return {symbol: frame[symbol].dropna().to_numpy(np.float64) for symbol in frame.columns}


ORACLES: list[tuple[Indicator, Callable[..., FloatArray], tuple[int, ...]]] = [
    (RSI, talib.RSI, (2, 5, 9, 10, 14, 20, 60, 200)),
    (SMA, talib.SMA, (3, 20, 50, 200)),
    (EMA, talib.EMA, (3, 8, 21, 210)),
]
TABLE = [
    pytest.param(indicator, oracle, window, id=f"{indicator.short_name}{window}")
    for indicator, oracle, windows in ORACLES
    for window in windows
]


@pytest.mark.parametrize(("indicator", "oracle", "window"), TABLE)
def test_equals_talib_on_random_closes(indicator: Indicator, oracle: Callable[..., FloatArray], window: int) -> None:
    for seed in range(5):
        closes = random_closes(seed)
        np.testing.assert_allclose(indicator(closes, window), oracle(closes, window), rtol=1e-9, atol=1e-9)


@pytest.mark.data
@pytest.mark.parametrize(("indicator", "oracle", "window"), TABLE)
def test_equals_talib_on_real_closes(
    indicator: Indicator, oracle: Callable[..., FloatArray], window: int, real_closes: dict[str, FloatArray]
) -> None:
    for closes in real_closes.values():
        np.testing.assert_allclose(indicator(closes, window), oracle(closes, window), rtol=1e-9)


Windows = tuple[int, ...]


def talib_macd(closes: FloatArray, windows: Windows) -> tuple[FloatArray, FloatArray]:
    line, signal, _ = talib.MACD(closes, *windows)
    return line, signal


def talib_ppo_signal(closes: FloatArray, windows: Windows) -> FloatArray:
    """TA-Lib has none; it is its EMA of its PPO."""
    short, long, smooth = windows
    line = talib.PPO(closes, short, long, matype=1)
    there = ~np.isnan(line)
    signal = np.full(line.shape, np.nan)
    signal[there] = talib.EMA(line[there], smooth)
    return signal


def talib_bands(closes: FloatArray, windows: Windows) -> tuple[FloatArray, FloatArray]:
    window, deviations = windows
    upper, _, lower = talib.BBANDS(closes, window, deviations, deviations)
    return upper, lower


OF_SEVERAL_WINDOWS: list[tuple[Indicator, Callable[[FloatArray, Windows], FloatArray], Windows]] = [
    *((PPO, lambda c, w: talib.PPO(c, *w, matype=1), w) for w in ((12, 26), (3, 50))),
    *((PPO_SIGNAL, talib_ppo_signal, w) for w in ((12, 26, 9), (3, 50, 2))),
    *((MACD_SIGNAL, lambda c, w: talib_macd(c, w)[1], w) for w in ((12, 26, 9), (3, 50, 2))),
    *((UPPER_BOLLINGER, lambda c, w: talib_bands(c, w)[0], w) for w in ((20, 2), (5, 1))),
    *((LOWER_BOLLINGER, lambda c, w: talib_bands(c, w)[1], w) for w in ((20, 2), (5, 1))),
]
SEVERAL = [pytest.param(*row, id=row[0].label(row[2], "")) for row in OF_SEVERAL_WINDOWS]


@pytest.mark.parametrize(("indicator", "oracle", "windows"), SEVERAL)
def test_of_several_windows_equals_talib_on_random_closes(
    indicator: Indicator, oracle: Callable[[FloatArray, Windows], FloatArray], windows: Windows
) -> None:
    for seed in range(5):
        closes = random_closes(seed)
        np.testing.assert_allclose(indicator(closes, *windows), oracle(closes, windows), rtol=1e-9, atol=1e-9)


@pytest.mark.data
@pytest.mark.parametrize(("indicator", "oracle", "windows"), SEVERAL)
def test_of_several_windows_equals_talib_on_real_closes(
    indicator: Indicator,
    oracle: Callable[[FloatArray, Windows], FloatArray],
    windows: Windows,
    real_closes: dict[str, FloatArray],
) -> None:
    """Relative to the price, since TA-Lib's own deviation is a difference of squares of prices."""
    for closes in real_closes.values():
        found, expected = indicator(closes, *windows), oracle(closes, windows)
        in_percent = indicator in (PPO, PPO_SIGNAL)
        error = np.abs(found - expected) / (1.0 if in_percent else closes)
        assert (np.isnan(found) == np.isnan(expected)).all()
        assert np.nanmax(error) < 1e-9


@pytest.mark.parametrize("windows", [(12, 26, 9), (3, 50, 2)])
def test_macd_equals_talibs_line_which_begins_with_its_signal(windows: Windows) -> None:
    closes = random_closes(11)
    line, _ = talib_macd(closes, windows)
    there = ~np.isnan(line)
    np.testing.assert_allclose(MACD(closes, *windows[:2])[there], line[there], rtol=1e-9, atol=1e-9)
    assert np.flatnonzero(~np.isnan(MACD(closes, *windows[:2])))[0] == windows[1] - 1


def returns(window: Sequence[float]) -> list[float]:
    return [(later / earlier - 1) * 100 for earlier, later in pairwise(window)]


def deepest_fall(window: Sequence[float]) -> float:
    peak, deepest = window[0], 0.0
    for close in window:
        peak = max(peak, close)
        deepest = max(deepest, (peak - close) / peak * 100)
    return deepest


DEFINITIONS: list[tuple[Indicator, Callable[[Sequence[float]], float], int, int]] = [
    # indicator, its definition over the window of closes it needs, the window, closes needed
    (STDEV_PRICE, statistics.stdev, 21, 21),
    (STDEV_PRICE, statistics.stdev, 2, 2),
    (STDEV_RETURN, lambda w: statistics.stdev(returns(w)), 14, 15),
    (STDEV_RETURN, lambda w: statistics.stdev(returns(w)), 6, 7),
    (MOVING_AVERAGE_RETURN, lambda w: statistics.fmean(returns(w)), 90, 91),
    (MOVING_AVERAGE_RETURN, lambda w: statistics.fmean(returns(w)), 1, 2),
    (CUMULATIVE_RETURN, lambda w: (w[-1] / w[0] - 1) * 100, 60, 61),
    (CUMULATIVE_RETURN, lambda w: (w[-1] / w[0] - 1) * 100, 1, 2),
    (MAX_DRAWDOWN, deepest_fall, 10, 10),
    (MAX_DRAWDOWN, deepest_fall, 252, 252),
]
DEFINED = [pytest.param(*row, id=f"{row[0].name} {row[2]}") for row in DEFINITIONS]


def by_loop(closes: FloatArray, definition: Callable[[Sequence[float]], float], needed: int) -> list[float]:
    days = closes.tolist()
    return [definition(days[day - needed + 1 : day + 1]) if day + 1 >= needed else math.nan for day in range(len(days))]


@pytest.mark.parametrize(("indicator", "definition", "window", "needed"), DEFINED)
def test_equals_its_definition_on_random_closes(
    indicator: Indicator, definition: Callable[[Sequence[float]], float], window: int, needed: int
) -> None:
    closes = random_closes(7)
    expected = by_loop(closes, definition, needed)
    np.testing.assert_allclose(indicator(closes, window), expected, rtol=1e-9, atol=1e-9)


@pytest.mark.data
@pytest.mark.parametrize(("indicator", "definition", "window", "needed"), DEFINED)
def test_equals_its_definition_on_real_closes(
    indicator: Indicator,
    definition: Callable[[Sequence[float]], float],
    window: int,
    needed: int,
    real_closes: dict[str, FloatArray],
) -> None:
    for symbol in ("SPY", "KMLM"):
        closes = real_closes[symbol][-900:]
        expected = by_loop(closes, definition, needed)
        np.testing.assert_allclose(indicator(closes, window), expected, rtol=1e-9, atol=1e-9)


@pytest.mark.data
def test_rsi_14_equals_the_values_another_tool_recorded(market_data_dir: Path) -> None:
    """LEAN's file holds Wilder's RSI 14, to five decimals, from its very first close on."""
    table = pd.read_csv(market_data_dir / "lean" / "indicators" / "spy_with_indicators.txt")
    recorded = table["RSI 14 Wilder"].to_numpy(np.float64)
    assert (~np.isnan(recorded)).sum() > 450
    np.testing.assert_allclose(RSI(table["Close"].to_numpy(np.float64), 14), recorded, atol=6e-6)


def test_rsi_of_a_worked_example_is_wilders() -> None:
    """Changes +1 +1 -1, then +2: means (2/3, 1/3) become (10/9, 2/9), so RSI3 is 100 x 10/12."""
    assert RSI([10, 11, 12, 11, 13], 3).tolist()[3:] == pytest.approx([100 * 2 / 3, 100 * 10 / 12])


def test_a_close_is_itself() -> None:
    np.testing.assert_array_equal(CLOSE([1.0, np.nan, 3.0]), [1.0, np.nan, 3.0])

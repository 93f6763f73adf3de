"""What a curve of equity says, in the definitions of empyrical: daily returns, 252 sessions a year, no risk-free rate.

Equal to empyrical-reloaded within 1e-9 (benchmarks/backtest_reference.py); what cannot be computed is NaN, never 0.
"""

from __future__ import annotations

import datetime as dt
import math
from collections.abc import Callable, Mapping, Sequence
from typing import Final

import numpy as np

from services.strategy.domain.indicators import FloatArray

SESSIONS_A_YEAR: Final = 252


def daily_returns(equity: FloatArray) -> FloatArray:
    """One shorter than the curve."""
    return equity[1:] / equity[:-1] - 1.0


def total_return(returns: FloatArray) -> float:
    return float(np.prod(1.0 + returns) - 1.0)


def cagr(returns: FloatArray) -> float:
    """The yearly growth that compounds to the whole."""
    if not returns.size:
        return np.nan
    return float(np.prod(1.0 + returns) ** (SESSIONS_A_YEAR / returns.size) - 1.0)


def volatility(returns: FloatArray) -> float:
    """A year's, from the sample standard deviation of daily returns."""
    return float(np.std(returns, ddof=1) * np.sqrt(SESSIONS_A_YEAR)) if returns.size > 1 else np.nan


def sharpe(returns: FloatArray) -> float:
    """A year's mean over a year's volatility."""
    deviation = float(np.std(returns, ddof=1)) if returns.size > 1 else np.nan
    return _ratio(float(np.mean(returns)) if returns.size else np.nan, deviation) * math.sqrt(SESSIONS_A_YEAR)


def downside_risk(returns: FloatArray) -> float:
    """A year's root mean square of the losses, days without one counted as 0."""
    if not returns.size:
        return np.nan
    return float(np.sqrt(np.mean(np.minimum(returns, 0.0) ** 2)) * np.sqrt(SESSIONS_A_YEAR))


def sortino(returns: FloatArray) -> float:
    mean = float(np.mean(returns)) if returns.size else np.nan
    return _ratio(mean * SESSIONS_A_YEAR, downside_risk(returns))


def drawdowns(equity: FloatArray) -> FloatArray:
    """Each day's fall from the highest so far, 0 or negative."""
    peak: FloatArray = np.maximum.accumulate(equity)
    return equity / peak - 1.0


def max_drawdown(returns: FloatArray) -> float:
    """The deepest fall, as a negative fraction."""
    return float(drawdowns(np.concatenate(([1.0], np.cumprod(1.0 + returns)))).min())


def calmar(returns: FloatArray) -> float:
    deepest = max_drawdown(returns)
    return cagr(returns) / -deepest if deepest < 0 else np.nan


def beta(returns: FloatArray, benchmark: FloatArray) -> float:
    if returns.size < 2:  # noqa: PLR2004 - a covariance needs two
        return np.nan
    return _ratio(float(np.cov(returns, benchmark, ddof=1)[0, 1]), float(np.var(benchmark, ddof=1)))


def alpha(returns: FloatArray, benchmark: FloatArray) -> float:
    """A year's compounded mean of what beta does not explain."""
    if not returns.size:
        return np.nan
    rest = returns - beta(returns, benchmark) * benchmark
    return float((np.mean(rest) + 1.0) ** SESSIONS_A_YEAR - 1.0)


def correlation(returns: FloatArray, benchmark: FloatArray) -> float:
    if returns.size < 2 or not np.std(returns) or not np.std(benchmark):  # noqa: PLR2004 - a correlation needs two
        return np.nan
    return float(np.corrcoef(returns, benchmark)[0, 1])


def rolling_volatility(returns: FloatArray, window: int) -> FloatArray:
    """As long as the returns; NaN until a window is full."""
    return _rolling(returns, window, lambda w: np.std(w, axis=1, ddof=1) * np.sqrt(SESSIONS_A_YEAR))


def rolling_sharpe(returns: FloatArray, window: int) -> FloatArray:
    with np.errstate(divide="ignore", invalid="ignore"):
        return _rolling(
            returns, window, lambda w: np.mean(w, axis=1) / np.std(w, axis=1, ddof=1) * np.sqrt(SESSIONS_A_YEAR)
        )


def monthly_returns(sessions: Sequence[dt.date], equity: FloatArray) -> dict[int, dict[int, float]]:
    """year -> month -> return over it, from the last evening of the month before (or the curve's first)."""
    ends: dict[tuple[int, int], float] = {}
    for day, worth in zip(sessions, equity.tolist(), strict=True):
        ends[day.year, day.month] = worth
    table: dict[int, dict[int, float]] = {}
    before = float(equity[0])
    for (year, month), worth in ends.items():
        table.setdefault(year, {})[month] = worth / before - 1.0
        before = worth
    return table


def yearly_returns(monthly: Mapping[int, Mapping[int, float]]) -> dict[int, float]:
    return {year: float(np.prod([1.0 + r for r in months.values()]) - 1.0) for year, months in monthly.items()}


def longest_drawdown(equity: FloatArray) -> int:
    """Sessions spent below an earlier peak, at most in a row."""
    longest = current = 0
    for below in (drawdowns(equity) < 0).tolist():
        current = current + 1 if below else 0
        longest = max(longest, current)
    return longest


def of_returns(returns: FloatArray) -> dict[str, float]:
    """Every statistic that daily returns alone give, by name."""
    return {
        "total_return": total_return(returns),
        "cagr": cagr(returns),
        "volatility": volatility(returns),
        "sharpe": sharpe(returns),
        "sortino": sortino(returns),
        "max_drawdown": max_drawdown(returns),
        "calmar": calmar(returns),
        "downside_risk": downside_risk(returns),
        "best_day": float(returns.max()) if returns.size else np.nan,
        "worst_day": float(returns.min()) if returns.size else np.nan,
        "positive_days": float(np.mean(returns > 0)) if returns.size else np.nan,
    }


def _rolling(returns: FloatArray, window: int, of_windows: Callable[[FloatArray], FloatArray]) -> FloatArray:
    values = np.full(returns.shape, np.nan)
    if returns.size >= window:
        values[window - 1 :] = of_windows(np.lib.stride_tricks.sliding_window_view(returns, window))
    return values


def _ratio(above: float, below: float) -> float:
    return above / below if below else np.nan

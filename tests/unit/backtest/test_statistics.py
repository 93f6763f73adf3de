"""Every statistic beside its definition by loop; benchmarks/backtest_reference.py compares with empyrical itself."""

from __future__ import annotations

import datetime as dt
import math
import statistics as plain

import numpy as np
import pytest

from backtest import statistics
from services.strategy.domain.indicators import FloatArray


def returns_of(seed: int, count: int = 500) -> FloatArray:
    return np.random.default_rng(seed).normal(0.0005, 0.02, count)


@pytest.fixture(params=range(5))
def returns(request: pytest.FixtureRequest) -> FloatArray:
    return returns_of(request.param)


def near(value: float) -> object:
    return pytest.approx(value, rel=1e-9, abs=1e-12)


def grown(returns: FloatArray) -> float:
    wealth = 1.0
    for r in returns.tolist():
        wealth *= 1 + r
    return wealth


def deepest(returns: FloatArray) -> float:
    wealth, peak, fall = 1.0, 1.0, 0.0
    for r in returns.tolist():
        wealth *= 1 + r
        peak = max(peak, wealth)
        fall = min(fall, wealth / peak - 1)
    return fall


def test_returns_compound(returns: FloatArray) -> None:
    assert statistics.total_return(returns) == near(grown(returns) - 1)
    assert statistics.cagr(returns) == near(grown(returns) ** (252 / len(returns)) - 1)


def test_risk_is_a_sample_deviation_over_252_sessions(returns: FloatArray) -> None:
    deviation = plain.stdev(returns.tolist())
    assert statistics.volatility(returns) == near(deviation * math.sqrt(252))
    assert statistics.sharpe(returns) == near(plain.mean(returns.tolist()) / deviation * math.sqrt(252))


def test_downside_counts_days_without_a_loss_as_nothing(returns: FloatArray) -> None:
    downside = math.sqrt(sum(min(r, 0.0) ** 2 for r in returns.tolist()) / len(returns) * 252)
    assert statistics.downside_risk(returns) == near(downside)
    assert statistics.sortino(returns) == near(plain.mean(returns.tolist()) * 252 / downside)


def test_the_deepest_fall_is_from_the_highest_so_far_the_start_included(returns: FloatArray) -> None:
    assert statistics.max_drawdown(returns) == near(deepest(returns))
    assert statistics.calmar(returns) == near(statistics.cagr(returns) / -deepest(returns))
    assert statistics.max_drawdown(np.array([-0.5, 0.1])) == near(-0.5)


def test_beta_alpha_and_correlation_are_of_daily_returns(returns: FloatArray) -> None:
    market = returns_of(99)
    covariance = plain.covariance(returns.tolist(), market.tolist())
    beta = covariance / plain.variance(market.tolist())
    rest = plain.mean([r - beta * m for r, m in zip(returns.tolist(), market.tolist(), strict=True)])
    assert statistics.beta(returns, market) == near(beta)
    assert statistics.alpha(returns, market) == near((1 + rest) ** 252 - 1)
    assert statistics.correlation(returns, market) == near(plain.correlation(returns.tolist(), market.tolist()))


def test_rolling_figures_are_those_of_each_window(returns: FloatArray) -> None:
    rolling = statistics.rolling_sharpe(returns, 60)
    assert np.isnan(rolling[:59]).all()
    assert rolling[200] == near(statistics.sharpe(returns[141:201]))
    assert statistics.rolling_volatility(returns, 60)[200] == near(statistics.volatility(returns[141:201]))


def test_months_compound_to_their_years_and_to_the_whole() -> None:
    first = dt.date(2023, 11, 15)
    days = [first + dt.timedelta(days=n) for n in range(120)]
    curve = np.cumprod(np.concatenate(([100.0], 1 + returns_of(3, 119))))
    months = statistics.monthly_returns(days, curve)
    assert [(year, list(inside)) for year, inside in months.items()] == [(2023, [11, 12]), (2024, [1, 2, 3])]
    assert months[2023][12] == near(curve[46] / curve[15] - 1)
    years = statistics.yearly_returns(months)
    assert (1 + years[2023]) * (1 + years[2024]) == near(curve[-1] / curve[0])


def test_the_longest_drawdown_counts_sessions_below_an_earlier_peak() -> None:
    assert statistics.longest_drawdown(np.array([1.0, 2.0, 1.5, 1.9, 2.0, 1.0, 3.0])) == 2


@pytest.mark.parametrize("name", ["cagr", "volatility", "sharpe", "sortino", "calmar"])
def test_what_cannot_be_computed_is_not_a_number(name: str) -> None:
    assert math.isnan(getattr(statistics, name)(np.zeros(0)))
    if name not in {"cagr", "volatility"}:
        assert math.isnan(getattr(statistics, name)(np.zeros(10)))

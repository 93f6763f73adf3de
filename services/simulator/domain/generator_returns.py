"""Daily prices of the generated universe: one seed, all sessions at once, every symbol on its own random stream.

A fund that owes a multiple is computed from the unrounded prices of what it follows, never drawn.
"""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from services.simulator.domain.generator_universe import (
    ASSETS,
    HIDDEN,
    SECTOR_VOLATILITY,
    Accruing,
    Asset,
    Driven,
    Multiple,
    Reverting,
)
from services.simulator.domain.prices_stream import stream
from shared.sessions import Session, sessions_between

FIRST_DATE = dt.date(2018, 1, 2)
LAST_DATE = dt.date(2030, 12, 31)
# Prices of the table hold at the close before this session, where a run starts by default.
ANCHOR_DATE = dt.date(2026, 6, 1)
SESSIONS_A_YEAR = 252
_MARKET_DRIFT_A_YEAR = 0.08
_MARKET_VOLATILITY = 0.0095
_LARGEST_MOVE = 6.0  # standard deviations; keeps a -3x fund of anything above zero
_LARGEST_RETURN = 0.28

Line = NDArray[np.float64]


@dataclass(frozen=True, slots=True, eq=False)
class DayLines:
    """Unrounded prices of one asset over all sessions, in dollars; `before` is the close of the session before."""

    before: Line
    open: Line
    high: Line
    low: Line
    close: Line


@lru_cache(maxsize=1)
def all_sessions() -> tuple[Session, ...]:
    return sessions_between(FIRST_DATE, LAST_DATE)


@lru_cache(maxsize=1)
def session_numbers() -> dict[dt.date, int]:
    return {session.date: number for number, session in enumerate(all_sessions())}


class DailyPrices:
    """Daily lines of every asset under one seed, made when first asked for."""

    def __init__(self, seed: int) -> None:
        self._seed = seed
        self._count = len(all_sessions())
        self._anchor = session_numbers()[ANCHOR_DATE]
        self.lines = lru_cache(maxsize=None)(self._lines)
        self._factor = lru_cache(maxsize=None)(self._drawn_factor)

    def _lines(self, symbol: str) -> DayLines:
        asset = asset_of(symbol)
        if isinstance(asset, Multiple):
            return self._multiple(asset)
        returns = np.clip(self._log_returns(symbol, asset), -_LARGEST_RETURN, np.log1p(_LARGEST_RETURN))
        close = self._anchored(asset.price, np.exp(returns))
        before = np.concatenate([close[:1] / np.exp(returns[:1]), close[:-1]])
        return _with_range(before, close, returns, stream(self._seed, "day", symbol))

    def _multiple(self, fund: Multiple) -> DayLines:
        """Each price of the day is `times` the followed asset's return since yesterday's close, less a day's fee."""
        of = self.lines(fund.of)
        close = self._anchored(fund.price, multiple_return(fund, of.close / of.before))
        before = np.concatenate([close[:1] / multiple_return(fund, of.close[:1] / of.before[:1]), close[:-1]])
        opens, highs, lows = (before * multiple_return(fund, line / of.before) for line in (of.open, of.high, of.low))
        return DayLines(before, opens, np.maximum(highs, lows), np.minimum(highs, lows), close)

    def _anchored(self, price: float, growth: Line) -> Line:
        level = np.cumprod(growth)
        return np.asarray(price * level / level[self._anchor - 1])

    def _log_returns(self, symbol: str, asset: Driven | Reverting | Accruing) -> Line:
        own = _normal(stream(self._seed, "own", symbol), self._count)
        if isinstance(asset, Accruing):
            return np.asarray(np.log1p(asset.rate) / SESSIONS_A_YEAR + asset.noise * own)
        market = self._factor("market")
        if isinstance(asset, Reverting):
            return _pulled_back(asset.beta * (market - market.mean()) + asset.noise * own, asset.pull)
        returns = asset.beta * market + asset.noise * own + asset.drift / SESSIONS_A_YEAR
        return returns + asset.loading * self._factor(asset.sector) if asset.sector else np.asarray(returns)

    def _drawn_factor(self, name: str) -> Line:
        """The market's daily log returns, whose volatility comes in clusters, or a sector's beyond the market's."""
        rng = stream(self._seed, "factor", name)
        drawn = _normal(rng, self._count)
        if name != "market":
            return np.asarray(SECTOR_VOLATILITY[name] * drawn)
        turbulence = np.exp(_persistent(_normal(rng, self._count), 0.97, 0.10))
        return np.asarray(_MARKET_DRIFT_A_YEAR / SESSIONS_A_YEAR + _MARKET_VOLATILITY * turbulence * drawn)


def asset_of(symbol: str) -> Asset:
    """The row of the universe. Raises KeyError for a symbol that is not in it."""
    return HIDDEN[symbol] if symbol in HIDDEN else ASSETS[symbol]


def multiple_return(fund: Multiple, growth: Line) -> Line:
    """The fund's growth since yesterday's close where what it follows has grown by `growth` (1.01 = up 1 %)."""
    return np.asarray(1.0 + fund.times * (growth - 1.0) - fund.fee / SESSIONS_A_YEAR)


def _normal(rng: np.random.Generator, count: int) -> Line:
    return np.asarray(np.clip(rng.standard_normal(count), -_LARGEST_MOVE, _LARGEST_MOVE))


def _persistent(shocks: Line, memory: float, size: float) -> Line:
    level, result = 0.0, np.empty_like(shocks)
    for number, shock in enumerate(shocks):
        level = memory * level + size * shock
        result[number] = level
    return result


def _pulled_back(shocks: Line, pull: float) -> Line:
    """Returns of a log level that gives back the part `pull` of its distance from 0 each session."""
    level = _persistent(shocks, 1.0 - pull, 1.0)
    return np.diff(level, prepend=0.0)


def _with_range(before: Line, close: Line, returns: Line, rng: np.random.Generator) -> DayLines:
    """An open on the way from the close before, and a high and a low beyond open and close."""
    size = np.full_like(close, max(float(np.std(returns)), 1e-5))
    opens = before * np.exp(0.3 * returns + 0.25 * size * _normal(rng, len(close)))
    above, below = (np.exp(0.35 * size * np.abs(_normal(rng, len(close)))) for _ in range(2))
    return DayLines(before, opens, np.maximum(opens, close) * above, np.minimum(opens, close) / below, close)

"""The account without frictions, in closed form: between two fills wealth follows the weights, whatever it is.

Only for costs of nothing, shares without a grid, and prices for all that is held: then nothing depends on the sum in it.
"""

from __future__ import annotations

import numpy as np

from backtest.book import Book, Prices
from backtest.standing import Rows
from services.strategy.domain.indicators import FloatArray

_NOISE = 1e-12
"""Differences of shares below this part of the equity are arithmetic, not trades."""


def is_whole(weights: FloatArray, fills: Rows, prices: Prices) -> bool:
    """Whether everything held has a price at the fill that buys it and at the next one; `weights` are per fill."""
    there = ~np.isnan(prices.fill[fills])
    held = weights > 0
    kept_priced = not np.any(held & ~there) and not np.any(held[:-1] & ~there[1:])
    return kept_priced and _stays_listed(held, fills, prices)


def _stays_listed(held: np.ndarray[tuple[int, int], np.dtype[np.bool_]], fills: Rows, prices: Prices) -> bool:
    """What is held has closes until its next fill (the last holding: until the end)."""
    until = np.append(fills[1:] - 1, len(prices.marks) - 1)
    return not np.any(held & (prices.last_close[None, :] < until[:, None]))


def trade_all(weights: FloatArray, fills: Rows, prices: Prices, cash: float) -> Book:
    """`weights` of shape (fills, symbols), to be held from each fill on."""
    at = prices.fill[fills]
    held = weights > 0
    price = np.where(held, at, 1.0)
    growth = np.where(held[:-1], at[1:] / price[:-1], 0.0)
    cash_share = 1.0 - weights.sum(axis=1)
    between = np.einsum("ij,ij->i", weights[:-1], growth) + cash_share[:-1]
    wealth = cash * np.concatenate(([1.0], np.cumprod(between)))
    shares = weights * wealth[:, None] / price
    traded = np.diff(shares, axis=0, prepend=0.0)
    traded[np.abs(traded) * np.where(np.isnan(at), 0.0, at) <= _NOISE * wealth[:, None]] = 0.0
    nothing = np.zeros(len(fills))
    return Book(
        prices=prices,
        opening_cash=cash,
        rows=fills,
        shares=shares,
        cash=cash_share * wealth,
        valued_at=at,
        traded=traded,
        spread=nothing,
        fees=nothing,
        forced=np.zeros(len(fills), dtype=np.bool_),
    )

"""What an account held and traded: shares and cash after every event, and from them its worth on every evening."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal, NamedTuple

import numpy as np

from backtest.standing import Rows
from services.strategy.domain.indicators import FloatArray

Reason = Literal["rebalance", "delisted"]


class Trade(NamedTuple):
    """`qty` signed, `price` the one decided on, `cost` what was lost to spread; fees are the day's, not the trade's."""

    session: dt.date
    symbol: str
    qty: float
    price: float
    notional: float
    cost: float
    reason: Reason


@dataclass(frozen=True, eq=False, slots=True)
class Prices:
    """Of the symbols an account may hold, shape (days, symbols). `fill` is NaN where nothing can be traded.

    `marks` are last known closes; `last_close` the row of each symbol's newest close (-1 for none).
    """

    symbols: tuple[str, ...]
    fill: FloatArray
    marks: FloatArray
    last_close: Rows


@dataclass(frozen=True, eq=False, slots=True)
class Book:
    """Events in order: `rows` (several may share one), what was held after each, at what prices it was valued there.

    `traded` is signed, shape (events, symbols); `spread` and `fees` are dollars per event; `forced` marks delistings.
    """

    prices: Prices
    opening_cash: float
    rows: Rows
    shares: FloatArray
    cash: FloatArray
    valued_at: FloatArray
    traded: FloatArray
    spread: FloatArray
    fees: FloatArray
    forced: np.ndarray[tuple[int], np.dtype[np.bool_]]

    def event_of_day(self) -> Rows:
        """Of each day the newest event up to its evening, -1 before the first."""
        return np.searchsorted(self.rows, np.arange(len(self.prices.marks)), side="right") - 1

    def daily(self) -> tuple[FloatArray, FloatArray]:
        """(cash, worth of each position at the close) of every day, shapes (days,) and (days, symbols)."""
        event = self.event_of_day()
        if not self.rows.size:
            return np.full(event.size, self.opening_cash), np.zeros_like(self.prices.marks)
        cash = np.where(event < 0, self.opening_cash, self.cash[event])
        held = self.shares[event] * np.where(self.shares[event] != 0, self.prices.marks, 0.0)
        held[event < 0] = 0.0
        return cash, held

    def notional(self) -> FloatArray:
        """Dollars traded at each event, both sides."""
        dollars: FloatArray = np.abs(self.traded) * np.where(self.traded != 0, self.valued_at, 0.0)
        total: FloatArray = dollars.sum(axis=1)
        return total

    def trades(self, sessions: tuple[dt.date, ...], half_spread: FloatArray) -> Iterator[Trade]:
        for event, place in zip(*np.nonzero(self.traded), strict=True):
            qty, price = float(self.traded[event, place]), float(self.valued_at[event, place])
            forced = bool(self.forced[event])
            cost = 0.0 if forced else abs(qty) * price * float(half_spread[place])
            yield Trade(
                session=sessions[self.rows[event]],
                symbol=self.prices.symbols[place],
                qty=qty,
                price=price,
                notional=abs(qty) * price,
                cost=cost,
                reason="delisted" if forced else "rebalance",
            )

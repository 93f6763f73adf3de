"""A backtest: the live decisions as columns, then the account through every fill. Reads no file and prints nothing."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from backtest import frictionless
from backtest.account import trade_through
from backtest.book import Book
from backtest.conventions import IDEAL, Conventions, Fill
from backtest.costs import CostModel, cost_model
from backtest.decisions import Targets, Tell, decide, silent
from backtest.history import History
from backtest.prices import prices_for
from backtest.standing import Rows
from services.strategy.domain.indicators import FloatArray
from services.strategy.domain.portfolio import Allotment


class PeriodError(ValueError):
    """A period without sessions."""


@dataclass(frozen=True, eq=False)
class Outcome:
    """Of the sessions from `targets.first` to `targets.last`; `equity` is each evening's, shape (sessions,)."""

    history: History
    conventions: Conventions
    targets: Targets
    fills: Rows
    costs: CostModel
    book: Book

    @cached_property
    def sessions(self) -> tuple[dt.date, ...]:
        return self.targets.closes.sessions[self.targets.first :]

    @cached_property
    def equity(self) -> FloatArray:
        equity: FloatArray = self.cash + self.positions.sum(axis=1)
        return equity

    @cached_property
    def cash(self) -> FloatArray:
        cash: FloatArray = self._daily[0][self.targets.first :]
        return cash

    @cached_property
    def positions(self) -> FloatArray:
        """Dollars in each symbol every evening, shape (sessions, symbols)."""
        worth: FloatArray = self._daily[1][self.targets.first :]
        return worth

    @cached_property
    def _daily(self) -> tuple[FloatArray, FloatArray]:
        return self.book.daily()

    @property
    def asked_on(self) -> Rows:
        """The evening that each fill was decided on."""
        return self.fills if self.conventions.fill is Fill.CLOSE else self.fills - 1

    @property
    def symbols(self) -> tuple[str, ...]:
        return self.targets.symbols


def run(
    allotments: Sequence[Allotment],
    history: History,
    conventions: Conventions,
    period: tuple[dt.date | None, dt.date | None] = (None, None),
    tell: Tell = silent,
) -> Outcome:
    """From the first session on or after `period[0]` to the last on or before `period[1]`. Raises PeriodError, HistoryError."""
    first, last = rows_of(history.closes.sessions, period)
    targets = decide(allotments, history.closes, first, last, tell)
    fills = targets.rows if conventions.fill is Fill.CLOSE else targets.rows + 1
    fills = fills[fills <= last]
    weights = targets.weights[targets.rows[: len(fills)]]
    prices = prices_for(targets.symbols, history, targets.closes, conventions.fill)
    costs = cost_model(conventions.costs, targets.symbols, _newest(prices.marks))
    if _is_frictionless(conventions, costs) and frictionless.is_whole(weights, fills, prices):
        book = frictionless.trade_all(weights, fills, prices, conventions.cash)
    else:
        book = trade_through(weights, fills, prices, costs, conventions, tell=tell)
    return Outcome(history, conventions, targets, fills, costs, book)


def rows_of(sessions: tuple[dt.date, ...], period: tuple[dt.date | None, dt.date | None]) -> tuple[int, int]:
    """The first and the last row of the period. Raises PeriodError naming what there is."""
    since, until = period
    inside = [row for row, day in enumerate(sessions) if (not since or day >= since) and (not until or day <= until)]
    if not inside:
        raise PeriodError(
            f"period: expected sessions from {since or 'the first'} to {until or 'the last'}, "
            f"got none; the closes go from {sessions[0]} to {sessions[-1]}"
        )
    return inside[0], inside[-1]


def _newest(marks: FloatArray) -> FloatArray:
    return marks[-1] if len(marks) else np.zeros(0)


def _is_frictionless(conventions: Conventions, costs: CostModel) -> bool:
    return costs.is_free and conventions.share_step == 0 and conventions.rules == IDEAL

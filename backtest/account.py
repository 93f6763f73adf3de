"""The account fill by fill: execution's sizing rules and the simulator's costs, for all symbols of a day at once.

The arithmetic is that of execution/domain/plan.py in floats; a test keeps the two equal trade by trade.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from backtest.book import Book, Prices
from backtest.conventions import Conventions
from backtest.costs import CostModel
from backtest.decisions import Tell, silent
from backtest.standing import Flags, Rows
from services.execution.domain.plan import PlanRules
from services.strategy.domain.indicators import FloatArray

_GRID_NOISE = 1e-9
_BPS = 10_000.0
_TOLD_EVERY = 250


@dataclass(frozen=True, slots=True)
class Sizing:
    """PlanRules as floats, and the grid of shares (0: none)."""

    investable: float
    drift_tolerance: float
    min_notional: float
    margin: float
    step: float

    @classmethod
    def of(cls, rules: PlanRules, step: float) -> Sizing:
        return cls(
            investable=float(1 - rules.cash_reserve),
            drift_tolerance=float(rules.drift_tolerance),
            min_notional=float(rules.min_notional),
            margin=1.0 + float(rules.buy_margin_bps) / _BPS,
            step=step,
        )

    def down(self, qty: FloatArray) -> FloatArray:
        """The tradable quantity at or below; a grid point that arithmetic missed by a hair counts as reached."""
        return qty if self.step == 0 else np.floor(qty / self.step + _GRID_NOISE) * self.step


@dataclass(slots=True)
class _Running:
    """The account between two events, and what its events left."""

    prices: Prices
    sizing: Sizing
    costs: CostModel
    cash: float
    shares: FloatArray
    rows: list[int] = field(default_factory=list)
    held: list[FloatArray] = field(default_factory=list)
    cash_after: list[float] = field(default_factory=list)
    valued_at: list[FloatArray] = field(default_factory=list)
    traded: list[FloatArray] = field(default_factory=list)
    spread: list[float] = field(default_factory=list)
    fees: list[float] = field(default_factory=list)
    forced: list[bool] = field(default_factory=list)

    def drop_delisted(self, row: int) -> None:
        """What has no close any more from `row` on is paid out at its last one."""
        gone = (self.shares != 0) & (self.prices.last_close < row)
        if not gone.any():
            return
        # Each on the session after its own last close, in order, so that the curve shows the cash from then on.
        for last in np.unique(self.prices.last_close[gone]).tolist():
            leaving = gone & (self.prices.last_close == last)
            traded = np.where(leaving, -self.shares, 0.0)
            self.cash += float(np.dot(-traded[leaving], self.prices.marks[last][leaving]))
            self.shares = np.where(leaving, 0.0, self.shares)
            self._note(last + 1, self.prices.marks[last], traded, 0.0, 0.0, forced=True)

    def rebalance(self, row: int, weights: FloatArray) -> None:
        self.drop_delisted(row)
        tradable = ~np.isnan(self.prices.fill[row])
        price = np.where(tradable, self.prices.fill[row], self._marks_before(row))
        traded = self._plan(weights, price, tradable)
        if not traded.any():
            return
        moved = traded != 0
        paid = np.where(moved, price, 0.0)
        spread = float(self.costs.spread_cost(traded, paid).sum())
        fees = self.costs.fees(traded, paid * (1.0 + np.sign(traded) * self.costs.half_spread))
        self.cash -= float(np.dot(traded, paid)) + spread + fees
        self.shares = np.where(self.shares + traded == 0, 0.0, self.shares + traded)
        self._note(row, price, traded, spread, fees, forced=False)

    def _marks_before(self, row: int) -> FloatArray:
        """The last known close: what cannot be traded has none today, and at the open nothing has."""
        known: FloatArray = self.prices.marks[max(row - 1, 0)]
        return known

    def _plan(self, weights: FloatArray, price: FloatArray, tradable: Flags) -> FloatArray:
        """Signed shares to trade; sells free the cash that buys may spend."""
        sizing = self.sizing
        value = np.where(np.isnan(price), 0.0, price)
        equity = self.cash + float(np.dot(self.shares, value))
        total = float(weights.sum())
        scale = sizing.investable / total if total > sizing.investable else 1.0
        with np.errstate(invalid="ignore"):
            wanted = np.where(weights > 0, sizing.down(np.nan_to_num(weights * scale * equity / price)), 0.0)
        change = wanted - self.shares
        qty = np.where(wanted > 0, sizing.down(np.abs(change)), np.abs(change))
        least = np.maximum(sizing.min_notional, sizing.drift_tolerance * wanted * value)
        qty = np.where(tradable & (qty * value >= least), qty, 0.0)
        return self._affordable(np.where(change > 0, qty, 0.0), np.where(change < 0, qty, 0.0), value)

    def _affordable(self, buys: FloatArray, sells: FloatArray, value: FloatArray) -> FloatArray:
        """The buys shrunk alike until the cash pays for all of them."""
        spendable = self.cash + float(np.dot(sells, value))
        needed = float(np.dot(buys, value)) * self.sizing.margin
        if needed > max(0.0, spendable * (1.0 + _GRID_NOISE)):
            buys = self.sizing.down(buys * (max(0.0, spendable) / needed))
            buys = np.where(buys * value >= self.sizing.min_notional, buys, 0.0)
        return buys - sells

    def _note(
        self, row: int, price: FloatArray, traded: FloatArray, spread: float, fees: float, *, forced: bool
    ) -> None:
        self.rows.append(row)
        self.held.append(self.shares)
        self.cash_after.append(self.cash)
        self.valued_at.append(price)
        self.traded.append(traded)
        self.spread.append(spread)
        self.fees.append(fees)
        self.forced.append(forced)


def trade_through(
    weights: FloatArray,
    fills: Rows,
    prices: Prices,
    costs: CostModel,
    conventions: Conventions,
    *,
    tell: Tell = silent,
) -> Book:
    """`weights` of shape (fills, symbols), the targets to be traded into at each fill."""
    sizing = Sizing.of(conventions.rules, conventions.share_step)
    running = _Running(prices, sizing, costs, conventions.cash, np.zeros(len(prices.symbols)))
    for number, row in enumerate(fills.tolist()):
        if number % _TOLD_EVERY == 0:
            tell("account", number, len(fills))
        running.rebalance(row, weights[number])
    running.drop_delisted(len(prices.marks))
    return _book(running, conventions.cash)


def _book(running: _Running, cash: float) -> Book:
    """A delisting on the day after the table's end is left out: that day is not there."""
    inside = [n for n, row in enumerate(running.rows) if row < len(running.prices.marks)]
    width = len(running.prices.symbols)

    def table(columns: list[FloatArray]) -> FloatArray:
        made = np.array([columns[n] for n in inside], dtype=np.float64).reshape(len(inside), width)
        columns.clear()  # a thousand symbols over twenty years are 40 MB
        return made

    return Book(
        prices=running.prices,
        opening_cash=cash,
        rows=np.array([running.rows[n] for n in inside], dtype=np.intp),
        shares=table(running.held),
        cash=np.array([running.cash_after[n] for n in inside], dtype=np.float64),
        valued_at=table(running.valued_at),
        traded=table(running.traded),
        spread=np.array([running.spread[n] for n in inside], dtype=np.float64),
        fees=np.array([running.fees[n] for n in inside], dtype=np.float64),
        forced=np.array([running.forced[n] for n in inside], dtype=np.bool_),
    )

"""The same backtest through the live objects, evening by evening: decide, consolidate, draw up the plan, match, book.

Slow and in Decimal; what the columns say quickly must be what this says. It differs from live in the clock alone, and in
limits that are no sizing (order notional, position weight, spread), which are opened.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Final

import numpy as np

from backtest.book import Book, Prices
from backtest.conventions import Conventions, Costs, Fill, Shares
from backtest.costs import CostModel, cost_model
from backtest.decisions import Targets, Tell, decide, silent
from backtest.engine import Outcome, rows_of
from backtest.history import History, HistoryError
from backtest.prices import prices_for
from services.execution.domain import broker
from services.execution.domain.exposure import Standing
from services.execution.domain.limits import Bounds
from services.execution.domain.plan import Plan, draw_up
from services.execution.domain.situation import Situation
from services.simulator.domain.account import Account
from services.simulator.domain.fees import FeeSchedule, NoFees, RegulatoryFees, booked
from services.simulator.domain.fill_models import RealisticFills
from services.simulator.domain.market import Quote as MarketQuote
from services.simulator.domain.numbers import cents
from services.simulator.domain.orders import Intent, Order, OrderType, Side, TimeInForce
from services.strategy.domain.closes import Closes
from services.strategy.domain.portfolio import Allotment, StrategyManager, consolidate
from services.strategy.domain.rebalance import Held
from shared.contracts.execution import Trade as PlannedTrade
from shared.contracts.marketdata import Quote
from shared.contracts.strategy import StaleShare, TargetPortfolioSet
from shared.sessions import Session, session_on

_FINEST: Final = Decimal("0.000000001")
_DEEP: Final = 10**12
"""Displayed shares: the market takes any size, as the columns assume."""
_A_SECOND: Final = dt.timedelta(seconds=1)
OPEN_BOUNDS: Final = Bounds(
    max_position_weight=Decimal(2),
    max_order_notional=Decimal("Infinity"),
    max_spread_bps=Decimal(10_000),
    max_open_orders=10**9,
    max_turnover=None,
    max_daily_loss=None,
    max_drawdown=None,
    max_close_move=None,
    max_volume_share=None,
)


@dataclass(slots=True)
class _Events:
    rows: list[int] = field(default_factory=list)
    shares: list[dict[str, Decimal]] = field(default_factory=list)
    cash: list[Decimal] = field(default_factory=list)
    prices: list[Mapping[str, Decimal]] = field(default_factory=list)
    traded: list[dict[str, Decimal]] = field(default_factory=list)
    spread: list[Decimal] = field(default_factory=list)
    fees: list[Decimal] = field(default_factory=list)
    forced: list[bool] = field(default_factory=list)


class _Venue:
    """The simulator's account, matching and fees, quoting a recorded price with the cost model's spread."""

    def __init__(self, conventions: Conventions, prices: Prices, costs: CostModel) -> None:
        self.account = Account(
            "backtest", "backtest", "PA0", dt.datetime(1970, 1, 1, tzinfo=dt.UTC), _d(conventions.cash)
        )
        self.events = _Events()
        self._prices = prices
        self._place = {symbol: place for place, symbol in enumerate(prices.symbols)}
        self._half = [_d(half) for half in costs.half_spread.tolist()]
        self._fees: FeeSchedule = RegulatoryFees() if costs.has_fees else NoFees()
        self._fractionable = conventions.shares is Shares.FRACTIONAL
        self._matching = RealisticFills()

    def last_known(self, symbol: str, row: int) -> Decimal | None:
        """The newest close before `row`."""
        mark = float(self._prices.marks[max(row - 1, 0), self._place[symbol]])
        return None if np.isnan(mark) else _d(mark)

    def price(self, symbol: str, row: int) -> Decimal | None:
        """What it trades at on that row, None where it cannot be traded."""
        price = float(self._prices.fill[row, self._place[symbol]])
        return None if np.isnan(price) else _d(price)

    def sides(self, symbol: str, price: Decimal) -> tuple[Decimal, Decimal]:
        """Bid and ask around the price."""
        half = (price * self._half[self._place[symbol]]).quantize(_FINEST)
        return price - half, price + half

    def situation(self, row: int, now: dt.datetime) -> Situation:
        known = {s: p for s in self._prices.symbols if (p := self.price(s, row)) is not None}
        positions = {s: self._position(s, p.qty, row) for s, p in self.account.positions.items()}
        worth = sum((known.get(s, p.price or Decimal(0)) * p.qty for s, p in positions.items()), Decimal(0))
        # Cents, as a broker tells them; the cent that rounding may have overspent is not told.
        cash = max(cents(self.account.cash), Decimal(0))
        return Situation(
            account=broker.Account("PA0", "ACTIVE", cash + worth, cash, cash, is_blocked=False),
            positions=positions,
            quotes={s: self._quote(s, price, now) for s, price in known.items()},
            assets={s: broker.Asset(s, is_tradable=True, is_fractionable=self._fractionable) for s in self._place},
            foreign_orders={},
            trading="ACTIVE",
            now=now,
            references={},
            standing=Standing(),
            worth=None,
        )

    def carry_out(self, plan: Plan, row: int, now: dt.datetime) -> None:
        """Every trade of the plan at the far side of its quote; the day's fees after them, as the venue books them."""
        accrued: dict[str, Decimal] = {}
        spread = Decimal(0)
        for trade in plan.trades:
            price = self._filled(trade, row, now)
            spread += abs(price - trade.price) * trade.qty
            for kind, amount in self._fees.of(Side(trade.side), trade.qty, price).items():
                accrued[kind] = accrued.get(kind, Decimal(0)) + amount
        fees = sum((booked(amount) for amount in accrued.values()), Decimal(0))
        self.account.pay(fees, now)
        if plan.trades:
            traded = {t.symbol: t.qty if t.side == "buy" else -t.qty for t in plan.trades}
            self._note(row, traded, spread, fees, forced=False)

    def pay_out_delisted(self, row: int) -> None:
        """What has no close any more from `row` on, at its last one, on the session after it."""
        last = self._prices.last_close
        gone = sorted((int(last[self._place[s]]), s) for s in self.account.positions if last[self._place[s]] < row)
        for last_row, symbol in gone:
            qty, price = self.account.qty(symbol), self.last_known(symbol, last_row + 1)
            self.account.trade(symbol, -qty, price or Decimal(0), dt.datetime(1970, 1, 1, tzinfo=dt.UTC))
            if last_row + 1 < len(self._prices.marks):
                self._note(last_row + 1, {symbol: -qty}, Decimal(0), Decimal(0), forced=True)

    def _filled(self, trade: PlannedTrade, row: int, now: dt.datetime) -> Decimal:
        bid, ask = self.sides(trade.symbol, self.price(trade.symbol, row) or trade.price)
        order = self._order(trade, now)
        take = self._matching.on_quote(order, MarketQuote(trade.symbol, now, bid, _DEEP, ask, _DEEP))
        if take is None or take.qty != trade.qty:
            raise ValueError(f"{trade.symbol}: expected {trade.qty} to fill at once, got {take}")
        self.account.trade(trade.symbol, take.qty if trade.side == "buy" else -take.qty, take.price, now)
        return take.price

    def _order(self, trade: PlannedTrade, now: dt.datetime) -> Order:
        name = f"{now:%Y%m%d}-{trade.symbol}-{trade.side}"
        side = Side(trade.side)
        intent = Intent.BUY_TO_OPEN if side is Side.BUY else Intent.SELL_TO_CLOSE
        number = self.account.count("orders")
        return Order(
            self.account, name, name, number, trade.symbol, side, OrderType.MARKET, TimeInForce.DAY, intent, now, now,
            qty=trade.qty,
        )  # fmt: skip

    def _position(self, symbol: str, qty: Decimal, row: int) -> broker.Position:
        return broker.Position(symbol, qty, qty, Decimal(0), self.last_known(symbol, row))

    def _quote(self, symbol: str, price: Decimal, now: dt.datetime) -> Quote:
        bid, ask = self.sides(symbol, price)
        return Quote(symbol=symbol, at=now, bid=bid, bid_size=1, ask=ask, ask_size=1)

    def _note(self, row: int, traded: dict[str, Decimal], spread: Decimal, fees: Decimal, *, forced: bool) -> None:
        events = self.events
        events.rows.append(row)
        events.shares.append({s: p.qty for s, p in self.account.positions.items()})
        events.cash.append(self.account.cash)
        events.prices.append({
            s: self.last_known(s, row) or Decimal(0) if forced else self.price(s, row) or self.last_known(s, row) or Decimal(0)
            for s in self._prices.symbols
        })  # fmt: skip
        events.traded.append(traded)
        events.spread.append(spread)
        events.fees.append(fees)
        events.forced.append(forced)


def run_exact(
    allotments: Sequence[Allotment],
    history: History,
    conventions: Conventions,
    period: tuple[dt.date | None, dt.date | None] = (None, None),
    tell: Tell = silent,
) -> Outcome:
    """As engine.run, on the grid of a millionth of a share. Raises HistoryError for a day that is no session."""
    first, last = rows_of(history.closes.sessions, period)
    targets = decide(
        allotments, history.closes, first, last
    )  # for the symbols and the report; the weights are not used
    prices = prices_for(targets.symbols, history, targets.closes, conventions.fill)
    newest = prices.marks[-1] if len(prices.marks) else np.zeros(0)
    costs = cost_model(conventions.costs, targets.symbols, newest)
    venue = _Venue(conventions, prices, costs)
    fills = []
    for row, target in _evenings(_manager(allotments), targets, tell):
        fill = row if conventions.fill is Fill.CLOSE else row + 1
        if fill > last:
            break
        fills.append(fill)
        venue.pay_out_delisted(fill)
        now = _instant(targets.closes.sessions[fill], conventions.fill)
        plan = draw_up(target, venue.situation(fill, now), conventions.rules, OPEN_BOUNDS)
        venue.carry_out(plan, fill, now)
    venue.pay_out_delisted(len(prices.marks))
    book = _book(venue.events, prices, conventions.cash)
    return Outcome(history, conventions, targets, np.array(fills, dtype=np.intp), costs, book)


def _manager(allotments: Sequence[Allotment]) -> StrategyManager:
    manager = StrategyManager()
    for allotment in allotments:
        manager.add_strategy(allotment.engine, allotment.share)
    return manager


def _evenings(manager: StrategyManager, targets: Targets, tell: Tell) -> Iterator[tuple[int, TargetPortfolioSet]]:
    """What the strategy service would set as target on each evening. The account begins in cash, and they know that."""
    held = {allotment.name: Held({}, dt.date.min) for allotment in manager.allotments}
    decided = False
    for row in range(targets.first, targets.last + 1):
        tell("evenings", row - targets.first, targets.last - targets.first + 1)
        closes: Closes = targets.closes.until(row)
        session = closes.sessions[-1]
        verdicts = manager.decide(closes, held)
        held |= {v.strategy: Held(v.weights, session) for v in verdicts if v.status == "fresh"}
        decided = decided or any(v.status == "fresh" for v in verdicts)
        portfolio = consolidate(verdicts)
        if decided:
            yield row, _target(session, dict(portfolio.weights), portfolio.stale)


def _target(session: dt.date, weights: dict[str, Decimal], stale: tuple[StaleShare, ...]) -> TargetPortfolioSet:
    name = f"backtest-{session}"
    at = dt.datetime.combine(session, dt.time(20), dt.UTC)
    return TargetPortfolioSet(
        id=name, correlation_id=name, at=at, run_id=name, session=session, weights=weights, stale=stale
    )


def _instant(day: dt.date, fill: Fill) -> dt.datetime:
    session: Session | None = session_on(day)
    if session is None:
        raise HistoryError(f"{day}: expected a session of the exchange: the live rules refuse to trade on another day")
    return session.close - _A_SECOND if fill is Fill.CLOSE else session.open


def _book(events: _Events, prices: Prices, cash: float) -> Book:
    def table(columns: Sequence[Mapping[str, Decimal]]) -> np.ndarray[tuple[int, int], np.dtype[np.float64]]:
        rows = [[float(column.get(symbol, 0)) for symbol in prices.symbols] for column in columns]
        return np.array(rows, dtype=np.float64).reshape(len(columns), len(prices.symbols))

    return Book(
        prices=prices,
        opening_cash=cash,
        rows=np.array(events.rows, dtype=np.intp),
        shares=table(events.shares),
        cash=np.array([float(c) for c in events.cash], dtype=np.float64),
        valued_at=table(events.prices),
        traded=table(events.traded),
        spread=np.array([float(s) for s in events.spread], dtype=np.float64),
        fees=np.array([float(f) for f in events.fees], dtype=np.float64),
        forced=np.array(events.forced, dtype=np.bool_),
    )


def _d(value: float) -> Decimal:
    return Decimal(repr(value)).quantize(_FINEST)


__all__ = ["OPEN_BOUNDS", "Costs", "run_exact"]

"""Turns execution.events into metrics, so that workers need no scrape target: a group of its own, counting what was committed."""

from __future__ import annotations

import datetime as dt
from collections import OrderedDict
from collections.abc import Callable, Iterable, Mapping
from decimal import Decimal
from typing import Any, Final

from prometheus_client import Counter

from services.execution.domain.ledger import Ledger
from services.execution.domain.losses import EquityRecord
from services.execution.domain.profit import by_owner
from shared import metrics
from shared.bus import NOTHING, Bus, Delivery, Outcome
from shared.contracts import Message, execution, streams
from shared.contracts.costs import Cost, FillCosts
from shared.contracts.strategy import TargetPortfolioSet
from shared.runner import Hooks, Runner

GROUP: Final = "execution-metrics"
_REMEMBERED = 5_000
_STATES = ("ACTIVE", "REDUCING", "HALTED")


class _Remembered:
    """Instants by name, the oldest forgotten first."""

    def __init__(self) -> None:
        self._at: OrderedDict[str, dt.datetime] = OrderedDict()

    def first(self, name: str, at: dt.datetime) -> None:
        self._at.setdefault(name, at)
        while len(self._at) > _REMEMBERED:
            self._at.popitem(last=False)

    def take(self, name: str) -> dt.datetime | None:
        return self._at.pop(name, None)


class ExecutionMetrics(Hooks):
    """Listens to the runner of targets and to the one of execution.events; seconds between facts are the venue's."""

    def __init__(self) -> None:
        self._targets = _Remembered()
        self._first_sent = _Remembered()
        self._countings: Mapping[type[Message], Callable[[Any], None]] = {
            TargetPortfolioSet: self._target,
            execution.RebalancePlanned: self._planned,
            execution.OrderPlaced: self._placed,
            execution.OrderPartlyFilled: self._partly_filled,
            execution.OrderFilled: self._filled,
            execution.OrderChildEnded: lambda m: _count(m.status, m),
            execution.OrderUnknown: lambda m: _count("unknown", m),
            execution.OrderAbandoned: self._abandoned,
            execution.OrderRefused: self._refused,
            execution.OrderCostsMeasured: _measured,
            execution.RebalanceCompleted: self._completed,
            execution.TradingHalted: lambda m: trading_state(m.state),
            execution.TradingResumed: lambda _m: trading_state("ACTIVE"),
        }

    @property
    def kinds(self) -> Iterable[type[Message]]:
        return self._countings

    def committed(self, delivery: Delivery, message: Message, outcome: Outcome, seconds: float) -> None:
        counting = self._countings.get(type(message))
        if counting is not None:
            counting(message)

    def _target(self, message: TargetPortfolioSet) -> None:
        self._targets.first(message.correlation_id, message.at)

    def _planned(self, message: execution.RebalancePlanned) -> None:
        metrics.EQUITY.set(float(message.equity))
        for refusal in message.refusals:
            metrics.REFUSALS.labels(refusal.limit).inc()

    def _refused(self, message: execution.OrderRefused) -> None:
        _count("refused", message)
        metrics.REFUSALS.labels(message.limit).inc()

    def _placed(self, message: execution.OrderPlaced) -> None:
        _count("placed", message)
        metrics.ORDER_ACK_SECONDS.observe(_between(message.sent_at, message.acknowledged_at))
        self._first_sent.first(message.order_id, message.sent_at)
        target_at = self._targets.take(message.correlation_id)
        if target_at is not None:
            metrics.TARGET_TO_FIRST_ORDER_SECONDS.observe(_between(target_at, message.acknowledged_at))

    def _partly_filled(self, message: execution.OrderPartlyFilled) -> None:
        _count("partly_filled", message)
        metrics.FILLED_NOTIONAL.labels(message.side).inc(float(message.qty * message.price))

    def _filled(self, message: execution.OrderFilled) -> None:
        _count("filled", message)
        metrics.FILLED_NOTIONAL.labels(message.side).inc(float(message.qty * message.price))
        sent_at = self._first_sent.take(message.order_id)
        if sent_at is not None:
            metrics.ORDER_FILL_SECONDS.observe(_between(sent_at, message.at))
        if message.slippage_bps is not None:
            metrics.ORDER_SLIPPAGE_BPS.labels(message.side).observe(float(message.slippage_bps))

    def _abandoned(self, message: execution.OrderAbandoned) -> None:
        _count("abandoned", message)
        self._first_sent.take(message.order_id)

    def _completed(self, message: execution.RebalanceCompleted) -> None:
        metrics.REBALANCES.labels(message.outcome).inc()
        metrics.EQUITY.set(float(message.equity))


def facts_runner(bus: Bus, consumer: str, counting: ExecutionMetrics, *hooks: Hooks) -> Runner:
    """The group execution-metrics: what was committed to execution.events is counted, and told to `hooks`, once."""
    handlers = dict.fromkeys(counting.kinds, lambda _message: NOTHING)
    return Runner(bus, GROUP, consumer, [streams.EXECUTION], handlers, hooks=(counting, *hooks))


def count_broker_call(call: str, result: str, seconds: float) -> None:  # noqa: ARG001 - a CallListener
    """A listener for AlpacaBroker."""
    metrics.BROKER_CALLS.labels(call, result).inc()


def books_seen(ledger: Ledger, prices: Mapping[str, Decimal], differences: int) -> None:
    """After each comparison of the whole account. What has no price is left as it was."""
    metrics.BOOKS_DIFFERENCES.set(differences)
    for row in by_owner(ledger, prices):
        if row.total is not None:
            metrics.STRATEGY_PROFIT.labels(row.key).set(float(row.total))
            worth = sum((qty * prices[symbol] for symbol, qty in ledger.holdings(row.key).items()), Decimal(0))
            metrics.STRATEGY_VALUE.labels(row.key).set(float(worth))


def equity_read(reading: EquityRecord) -> None:
    """A listener of the watch."""
    metrics.EQUITY.set(float(reading.equity))
    metrics.DAILY_LOSS.set(float(reading.daily_loss))
    metrics.DRAWDOWN.set(float(reading.drawdown))


def trading_state(state: str) -> None:
    """Exactly one state is 1. Called once at start with the state that was kept."""
    for name in _STATES:
        metrics.TRADING_STATE.labels(name).set(1 if name == state else 0)


def _measured(message: execution.OrderCostsMeasured) -> None:
    costs = message.costs
    if costs.shortfall is not None:
        metrics.ORDER_SHORTFALL_BPS.labels(message.side).observe(float(costs.shortfall.bps))
    for part in ("delay", "execution", "opportunity", "saved"):
        found: Cost | None = getattr(costs, part)
        if found is None:
            metrics.COSTS_UNKNOWN.labels(part).inc()
        else:
            _add_dollars(metrics.COST_DOLLARS, part, -found.dollars if part == "saved" else found.dollars)
    for fill in message.fills:
        _fill(fill)


def _fill(fill: FillCosts) -> None:
    if fill.execution is not None:
        metrics.FILL_DOLLARS.labels(fill.rung).inc(float(fill.qty * fill.price))
        _add_dollars(metrics.FILL_COST_DOLLARS, fill.rung, fill.execution.dollars)
    if fill.effective is not None:
        metrics.EFFECTIVE_SPREAD_BPS.labels(fill.rung).observe(float(fill.effective.bps))
    if fill.realised is not None:
        metrics.REALISED_SPREAD_BPS.labels(fill.rung).observe(float(fill.realised.bps))


def _add_dollars(counter: Counter, of: str, lost: Decimal) -> None:
    """A counter only grows, so what was lost and what was gained are counted apart; both are there from the first."""
    counter.labels(of, "lost").inc(float(max(lost, Decimal(0))))
    counter.labels(of, "gained").inc(float(max(-lost, Decimal(0))))


def _count(event: str, message: execution.OrderFact) -> None:
    metrics.ORDERS.labels(event, message.side).inc()


def _between(start: dt.datetime, end: dt.datetime) -> float:
    return max(0.0, (end - start).total_seconds())

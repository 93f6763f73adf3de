"""What happened in one run, collected from the streams message by message. Knows no Redis and prints nothing."""

from __future__ import annotations

from dataclasses import dataclass, field
from decimal import Decimal

from shared.contracts import Message
from shared.contracts.alerts import AlertRaised
from shared.contracts.base import Side
from shared.contracts.execution import (
    OrderCostsMeasured,
    OrderFact,
    OrderFilled,
    OrderPartlyFilled,
    RebalanceCompleted,
    RebalancePlanned,
)
from shared.contracts.strategy import SignalIssued, TargetPortfolioSet


@dataclass
class Story:
    """One run, by its correlation id; alerts are kept whatever they belong to."""

    correlation_id: str
    signals: dict[str, SignalIssued] = field(default_factory=dict)
    target: TargetPortfolioSet | None = None
    plan: RebalancePlanned | None = None
    orders: dict[str, list[OrderFact]] = field(default_factory=dict)
    """Order id -> its facts in order."""
    executions: dict[str, OrderPartlyFilled | OrderFilled] = field(default_factory=dict)
    """Execution id -> the fill; a fact told twice counts once."""
    completed: RebalanceCompleted | None = None
    alerts: list[AlertRaised] = field(default_factory=list)

    def take(self, message: Message) -> bool:
        """Whether it belongs here."""
        if isinstance(message, AlertRaised):
            self.alerts.append(message)
            return True
        if message.correlation_id != self.correlation_id:
            return False
        match message:
            case SignalIssued():
                self.signals[message.strategy] = message
            case TargetPortfolioSet():
                self.target = message
            case RebalancePlanned():
                self.plan = message
            case RebalanceCompleted():
                self.completed = message
            case OrderCostsMeasured():
                return False  # no step of an order's life: it comes a minute after it
            case OrderFact():
                self._take_order(message)
            case _:
                return False
        return True

    def traded(self, side: Side) -> Decimal:
        """Dollars of all fills of that side, added up from the fills themselves."""
        return sum((e.qty * e.price for e in self.executions.values() if e.side == side), Decimal(0))

    def _take_order(self, fact: OrderFact) -> None:
        self.orders.setdefault(fact.order_id, []).append(fact)
        if isinstance(fact, OrderPartlyFilled | OrderFilled):
            self.executions.setdefault(fact.execution_id, fact)

"""The end of a plan: the broker's last word on cash and holdings, the report, and an alert when it is not what was wanted."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass
from decimal import Decimal
from typing import Final

from services.execution.adapters.desk_book import Book
from services.execution.adapters.questions import answered, settled
from services.execution.domain import report
from services.execution.domain.alerts import alert
from services.execution.domain.broker import Account
from services.execution.domain.records import LegRecord, PlanRecord
from services.execution.domain.set_apart import ours_among
from services.execution.ports import Broker, Quotes
from shared.bus import BusUnavailableError
from shared.clock import Clock
from shared.contracts import Message
from shared.contracts.alerts import AlertRaised
from shared.contracts.execution import RebalanceCompleted

_BOOKING_PAUSES: Final = (0.05, 0.1, 0.2, 0.4, 0.8)
_SIDES: Final = ("sell", "buy")


@dataclass(frozen=True, slots=True)
class Completion:
    broker: Broker
    quotes: Quotes
    book: Book
    clock: Clock

    def complete(self, plan: PlanRecord, stop: threading.Event, check: Callable[[], None]) -> bool:
        """Publish the result once all legs are done; False while one is not. Raises StoppedWaitingError, FencedOutError."""
        legs = [leg for side in _SIDES if (leg := self.book.leg_of(plan.plan_id, side)) is not None]
        if any(leg.status != "done" for leg in legs):
            return False
        after = answered(lambda: self._aftermath(plan, legs, stop), stop, check)
        done = report.completed(plan, legs, after, self._stop_reason(plan))
        about = alert_about(done)
        told: list[Message] = [done] if about is None else [done, about]
        self.book.complete(plan, told)
        return True

    def _stop_reason(self, plan: PlanRecord) -> str:
        trading = self.book.trading()
        return f"halt: {trading.reason}" if trading.state != "ACTIVE" else self.book.stop_reason(plan.plan_id)

    def _aftermath(self, plan: PlanRecord, legs: list[LegRecord], stop: threading.Event) -> report.Aftermath:
        sold = sum((leg.sold_or_bought for leg in legs if leg.side == "sell"), Decimal(0))
        bought = sum((leg.sold_or_bought for leg in legs if leg.side == "buy"), Decimal(0))

        def adds_up(account: Account) -> bool:
            return report.cash_gap(plan.cash, account.cash, sold, bought) == 0

        account = settled(self.broker.account, adds_up, stop, _BOOKING_PAUSES)
        positions = ours_among({position.symbol: position for position in self.broker.positions()}, plan.left_alone)
        symbols = sorted({*positions, *(line.symbol for line in plan.lines)})
        return report.Aftermath(account, positions, self._prices(symbols), self.clock.now())

    def _prices(self, symbols: list[str]) -> dict[str, Decimal]:
        try:
            found = self.quotes.latest(symbols)
        except BusUnavailableError:
            return {}
        return {symbol: quote.mid for symbol, quote in found.items() if quote.is_two_sided}


def alert_about(done: RebalanceCompleted) -> AlertRaised | None:
    """What a person must know of a rebalance that did not reach its targets; None when it did."""
    if done.outcome in ("complete", "nothing to do", "dry run"):
        return None
    short = [f"{o.side} {o.symbol}: {o.outcome} {o.filled_qty}/{o.qty} {o.detail}".strip() for o in done.orders]
    lines = [line for line, order in zip(short, done.orders, strict=True) if order.outcome != "filled"]
    lines += [f"{r.side} {r.symbol}: refused by {r.limit}: {r.detail}" for r in done.refusals]
    name, detail = f"{done.plan_id}#completed-alert", "; ".join(lines) or "no order was sent"
    do = "Look at the reasons; `alchemiser rebalance` tries again."
    return alert(name, done.at, "warning", f"Rebalance {done.outcome}", detail, do=do, of=done.correlation_id)

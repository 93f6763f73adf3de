"""How a leg begins, is taken up again after a crash, and ends: its smart orders and its record."""

from __future__ import annotations

import datetime as dt
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import Final

from services.execution.adapters.desk_book import Book
from services.execution.adapters.questions import answered, settled
from services.execution.domain import identity, moves, recovery, report
from services.execution.domain.broker import Fill, Status
from services.execution.domain.order_state import Child, Phase, SmartOrder
from services.execution.domain.plan import PlanRules, fit_buys, funds_of
from services.execution.domain.policies import Policies
from services.execution.domain.records import LegRecord, PlanRecord
from services.execution.ports import Broker, Intent, Journal
from shared.clock import Clock
from shared.contracts.base import Side
from shared.contracts.execution import OrderRefused, Refusal, Trade
from shared.sessions import session_at

_CASH_PAUSES: Final = (0.05, 0.1, 0.2, 0.4, 0.8)
_JUST_ASKED: Final = dt.timedelta(seconds=5)
_OTHER: Final[dict[Side, Side]] = {"sell": "buy", "buy": "sell"}


@dataclass(frozen=True, slots=True)
class Legs:
    """Makes, restores and closes legs; `rules` fit the buys to the cash that is really there."""

    broker: Broker
    journal: Journal
    book: Book
    clock: Clock
    policies: Policies
    rules: PlanRules
    requests: int = 0
    """How many a rebalance should make at most; 0: as many as its prices take."""

    def begin(
        self, leg: LegRecord, plan: PlanRecord, fence: int, stop: threading.Event, check: Callable[[], None]
    ) -> tuple[LegRecord, dict[str, SmartOrder]]:
        """The leg at work, written down. `check` sees whether its lease holds. Raises FencedOutError, StoppedWaitingError."""
        trades, refusals = plan.side(leg.side), tuple[Refusal, ...]()
        if leg.side == "buy" and trades:
            cash = answered(lambda: self._cash(plan, stop), stop, check)
            trades, refusals = fit_buys(trades, cash, plan.whole_share_symbols, self.rules)
        now, most = self.clock.now(), self._moves(leg.side, plan, trades)
        orders = [replace(_new_order(trade, plan, now), moves=few) for trade, few in zip(trades, most, strict=True)]
        ids = tuple(order.order_id for order in orders)
        begun = leg.model_copy(update={"status": "working", "order_ids": ids, "refusals": refusals})
        told = [_refused(refusal, plan, now) for refusal in refusals]
        self.book.begin_leg(begun, plan, orders, told, fence)
        return begun, {order.order_id: order for order in orders}

    def restore(self, leg: LegRecord, plan: PlanRecord, fence: int) -> dict[str, SmartOrder]:
        """The leg's orders as the records and the journal know them."""
        children: dict[str, list[Child]] = {}
        for intent, outcome, broker_order_id in self.journal.intents(plan.plan_id):
            children.setdefault(intent.order_id, []).append(_child(intent, outcome, broker_order_id))
        now, orders = self.clock.now(), {}
        for order_id in leg.order_ids:
            kept = self.book.take_up(order_id, fence)
            policy = self.policies.of(kept.side, kept.reason)
            orders[order_id] = self._doubted(kept, recovery.restored(kept, children.get(order_id, []), now, policy))
        return orders

    def _doubted(self, kept: SmartOrder, order: SmartOrder) -> SmartOrder:
        """Since when its fate is unknown is written down, so that the next worker does not begin to wait anew."""
        if order.phase is not Phase.UNKNOWN or order.asked_at == kept.asked_at:
            return order
        numbered = replace(order, told=order.told + 1)
        self.book.write_order(numbered, (), after=order.told)
        return numbered

    def end(
        self,
        leg: LegRecord,
        plan: PlanRecord,
        orders: dict[str, SmartOrder],
        stop_reason: str,
        *,
        stop: threading.Event,
        check: Callable[[], None],
    ) -> None:
        """Write its results, and free the buys when these were the sells. Raises FencedOutError, StoppedWaitingError.

        The broker's executions are waited for: prices that were only heard may miss the cent.
        """
        fills = answered(lambda: self._fills(plan), stop, check)
        now, trades = self.clock.now(), {trade.symbol: trade for trade in plan.side(leg.side)}
        results = tuple(report.order_result(order, trades[order.symbol], now) for order in orders.values())
        amount = report.traded(orders.values(), fills).quantize(Decimal("0.000000001"))
        ended = leg.model_copy(update={"status": "done", "results": results, "sold_or_bought": amount})
        self.book.end_leg((ended, *self._freed(leg, plan, stop_reason)), of=leg.leg_id)

    def _freed(self, leg: LegRecord, plan: PlanRecord, stop_reason: str) -> tuple[LegRecord, ...]:
        """The buys after the sells; when the plan was stopped they end before they began."""
        other = self.book.leg_of(plan.plan_id, _OTHER[leg.side])
        if leg.side == "buy" or other is None or other.status != "waiting":
            return ()
        if not stop_reason:
            return (other.model_copy(update={"status": "ready"}),)
        refusals = tuple(
            Refusal(symbol=t.symbol, side="buy", limit="stopped", detail=stop_reason, notional=t.notional)
            for t in plan.side("buy")
        )
        return (other.model_copy(update={"status": "done", "refusals": refusals}),)

    def _moves(self, side: Side, plan: PlanRecord, trades: Sequence[Trade]) -> Sequence[int | None]:
        """How many prices each order may try, so that the whole rebalance stays within its requests."""
        if not self.requests:
            return [None] * len(trades)
        used = self._requests_of_orders(plan) if side == "buy" else 0
        affordable = moves.affordable(side, len(trades), len(plan.side(_OTHER[side])), self.requests, used)
        useful = [self.policies.of(trade.side, trade.reason).moves(trade.notional) for trade in trades]
        return moves.dealt([trade.notional for trade in trades], affordable, useful)

    def _requests_of_orders(self, plan: PlanRecord) -> int:
        """Every child was one, and every child but an order's last one was cancelled by another."""
        intents = [intent for intent, _, _ in self.journal.intents(plan.plan_id)]
        return moves.REQUESTS_A_MOVE * len(intents) - len({intent.order_id for intent in intents})

    def _cash(self, plan: PlanRecord, stop: threading.Event) -> Decimal:
        """What may be spent: the broker's word, given a moment to book the sells. Without sells it was asked for the plan."""
        is_known = plan.funds_at is not None and self.clock.now() - plan.funds_at < _JUST_ASKED
        if is_known and plan.funds is not None and not plan.side("sell"):
            return plan.funds
        sells = self.book.leg_of(plan.plan_id, "sell")
        expected = plan.cash + (sells.sold_or_bought if sells else 0) - Decimal("0.01")
        account = settled(self.broker.account, lambda a: a.cash >= expected, stop, _CASH_PAUSES if sells else ())
        return funds_of(account, self.rules) - plan.set_aside

    def _fills(self, plan: PlanRecord) -> Sequence[Fill]:
        return self.broker.fills_since(plan.created_at - dt.timedelta(seconds=1))


def _new_order(trade: Trade, plan: PlanRecord, now: dt.datetime) -> SmartOrder:
    session = session_at(now)
    return SmartOrder(
        order_id=identity.order_id(plan.plan_id, trade.symbol, trade.side),
        plan_id=plan.plan_id,
        correlation_id=plan.correlation_id,
        symbol=trade.symbol,
        side=trade.side,
        total=trade.qty,
        close_at=session.close if session else now,
        started_at=now,
        reason=trade.reason,
        usual_volume=next((r.average_volume for r in plan.references if r.symbol == trade.symbol), None),
        whole_shares=trade.symbol in plan.whole_share_symbols,
        wake_at=now,
        wanted=trade.qty,
        decision_price=trade.decision_price or trade.price,
        decision_source="strategy" if trade.decision_price is not None else "plan",
    )


def _child(intent: Intent, outcome: str | None, broker_order_id: str | None) -> Child:
    is_rejected = outcome == "rejected"
    return Child(
        client_order_id=intent.client_order_id,
        rung=intent.rung,
        attempt=intent.attempt,
        qty=intent.qty,
        limit_price=intent.limit_price,
        sent_at=intent.at,
        broker_order_id=broker_order_id,
        status=Status.REJECTED if is_rejected else None,
        is_over=is_rejected,
    )


def _refused(refusal: Refusal, plan: PlanRecord, now: dt.datetime) -> OrderRefused:
    order_id = identity.order_id(plan.plan_id, refusal.symbol, refusal.side)
    return OrderRefused(
        id=f"{order_id}#refused",
        correlation_id=plan.correlation_id,
        at=now,
        plan_id=plan.plan_id,
        order_id=order_id,
        symbol=refusal.symbol,
        side=refusal.side,
        limit=refusal.limit,
        detail=refusal.detail,
    )

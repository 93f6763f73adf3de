"""How a rebalance ended: each order's result, holdings against targets, and whether the cash adds up to the cent."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from decimal import ROUND_DOWN, Decimal
from typing import Literal

from services.execution.domain import costs
from services.execution.domain.broker import Account, Fill, Position
from services.execution.domain.order_state import SmartOrder
from services.execution.domain.records import LegRecord, PlanRecord
from shared.contracts.execution import HoldingResult, OrderResult, RebalanceCompleted, Refusal, Trade

_CENT = Decimal("0.01")
RebalanceOutcome = Literal["complete", "partial", "nothing to do", "refused", "dry run", "halted"]


@dataclass(frozen=True, slots=True)
class Aftermath:
    """What the broker says when the last order is over. `prices` are midpoints where there are any."""

    account: Account
    positions: Mapping[str, Position]
    prices: Mapping[str, Decimal]
    now: dt.datetime


def order_result(order: SmartOrder, trade: Trade, now: dt.datetime) -> OrderResult:
    """The result against the trade as it was planned, so that a buy that had to shrink does not look whole."""
    ending = order.ending or "unknown"
    return OrderResult(
        order_id=order.order_id,
        symbol=order.symbol,
        side=order.side,
        outcome="partly filled" if ending == "filled" and order.filled < trade.qty else ending,
        qty=trade.qty,
        filled_qty=order.filled,
        average_price=order.average_price,
        arrival_mid=order.arrival_mid,
        slippage_bps=order.slippage_bps,
        children=len(order.children),
        seconds=max(0.0, ((order.ended_at or now) - order.started_at).total_seconds()),
        detail=order.detail,
        costs=costs.of_order(order),
    )


def traded(orders: Iterable[SmartOrder], fills: Sequence[Fill]) -> Decimal:
    """Dollars that changed hands: from the broker's executions where they are complete, else from what was heard."""
    by_order: dict[str, list[Fill]] = {}
    for fill in {fill.execution_id: fill for fill in fills}.values():
        by_order.setdefault(fill.order_id, []).append(fill)
    total = Decimal(0)
    for child in (child for order in orders for child in order.children):
        found = by_order.get(child.broker_order_id or "", [])
        is_complete = sum((fill.qty for fill in found), Decimal(0)) == child.filled
        total += sum((fill.qty * fill.price for fill in found), Decimal(0)) if is_complete else child.paid
    return total


def completed(plan: PlanRecord, legs: Sequence[LegRecord], after: Aftermath, stop_reason: str) -> RebalanceCompleted:
    """The last word on a plan."""
    results = tuple(result for leg in legs for result in leg.results)
    refusals = (*plan.refusals, *(refusal for leg in legs for refusal in leg.refusals))
    sold = sum((leg.sold_or_bought for leg in legs if leg.side == "sell"), Decimal(0))
    bought = sum((leg.sold_or_bought for leg in legs if leg.side == "buy"), Decimal(0))
    return RebalanceCompleted(
        id=f"{plan.plan_id}#completed",
        correlation_id=plan.correlation_id,
        at=after.now,
        plan_id=plan.plan_id,
        run_id=plan.run_id,
        outcome=_outcome(plan, results, refusals, stop_reason),
        started_at=plan.created_at,
        equity=_equity(after).quantize(_CENT),
        cash_before=plan.cash,
        cash_after=after.account.cash,
        bought=_shown(bought),
        sold=_shown(sold),
        cash_gap=cash_gap(plan.cash, after.account.cash, sold, bought),
        orders=results,
        holdings=_holdings(plan, after),
        refusals=refusals,
    )


def cash_gap(before: Decimal, after: Decimal, sold: Decimal, bought: Decimal) -> Decimal:
    """What the cash missed by, in whole cents: fees, dividends, somebody else's trades. Zero when it adds up.

    Less than a cent is no gap: the broker states both cash figures rounded to the cent, while fills of fractions are not.
    """
    return (after - (before + sold - bought)).quantize(_CENT, ROUND_DOWN) + 0


def _outcome(
    plan: PlanRecord, results: Sequence[OrderResult], refusals: Sequence[Refusal], stop_reason: str
) -> RebalanceOutcome:
    if plan.dry_run:
        return "dry run"
    if stop_reason.startswith("halt"):
        return "halted"
    if not results:
        return "refused" if refusals else "nothing to do"
    if all(result.outcome == "refused" for result in results):
        return "refused"
    is_whole = all(result.outcome == "filled" for result in results) and not refusals
    return "complete" if is_whole else "partial"


def _equity(after: Aftermath) -> Decimal:
    worth = (position.qty * _price(position, after) for position in after.positions.values())
    return after.account.cash + sum(worth, Decimal(0))


def _price(position: Position, after: Aftermath) -> Decimal:
    return after.prices.get(position.symbol) or position.price or position.average_price


def _holdings(plan: PlanRecord, after: Aftermath) -> tuple[HoldingResult, ...]:
    equity = _equity(after)
    found = []
    for line in plan.lines:
        position = after.positions.get(line.symbol)
        price = _price(position, after) if position else after.prices.get(line.symbol, line.price)
        qty = position.qty if position else Decimal(0)
        found.append(
            HoldingResult(
                symbol=line.symbol,
                qty=qty,
                target_qty=line.target_qty,
                price=price,
                weight=(qty * price / equity).quantize(Decimal("0.000001")) if equity > 0 else Decimal(0),
                target_weight=line.target_weight,
            )
        )
    return tuple(found)


def _shown(value: Decimal) -> Decimal:
    return value.quantize(Decimal("0.000000001"))

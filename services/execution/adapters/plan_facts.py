"""A plan as records and facts: what is committed when it begins, when it is over at once, and when it cannot be made."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Sequence
from typing import Any, Final, Literal

from services.execution.domain import records, report
from services.execution.domain.alerts import alert
from services.execution.domain.plan import Plan
from services.execution.domain.records import LegRecord, PlanRecord, WaitingTarget
from services.execution.domain.situation import Situation
from services.execution.ports import Papers
from shared.bus import Change, Outcome, Publication, Put
from shared.contracts import Message, streams
from shared.contracts.alerts import Severity
from shared.contracts.base import Side
from shared.contracts.execution import RebalancePlanned

_SIDES: Final[tuple[Side, ...]] = ("sell", "buy")
_ALERTS: Final = streams.alerts_of("execution")


def begin(
    plan_id: str,
    waiting: WaitingTarget,
    plan: Plan,
    situation: Situation,
    *,
    obstacle: str | None,
    asked_at: dt.datetime,
    updates_from: str,
    remembering: Callable[[PlanRecord], Sequence[Change]],
) -> tuple[Outcome, Papers | None]:
    """The plan with its first leg ready, and that leg; or, when there is nothing to place, its beginning and its end together."""
    record = PlanRecord(
        plan_id=plan_id,
        run_id=waiting.target.run_id,
        correlation_id=waiting.correlation_id,
        created_at=situation.now,
        equity=plan.equity,
        cash=plan.cash,
        trades=plan.trades,
        refusals=plan.refusals,
        lines=plan.lines,
        whole_share_symbols=plan.whole_share_symbols,
        by_strategy=waiting.target.by_strategy,
        silent=tuple(share.strategy for share in waiting.target.stale if not share.has_weights),
        funds=plan.funds,
        funds_at=asked_at,
        set_aside=plan.set_aside,
        references=tuple(r for trade in plan.trades if (r := situation.references.get(trade.symbol)) is not None),
        left_alone=dict(situation.left_alone),
        dry_run=obstacle is not None,
        updates_from=updates_from,
    )
    told = _planned(record) + _worth_knowing(record, plan, obstacle)
    if obstacle is None and situation.trading == "ACTIVE":
        told += Outcome(changes=tuple(remembering(record)))
    if plan.trades and obstacle is None:
        legs = _legs(record)
        return told + Outcome(changes=_at_work(record, legs)), Papers(legs[0], record)
    return told + _over_at_once(record, situation), None


def impossible(plan_id: str, waiting: WaitingTarget, reason: str, now: dt.datetime) -> Outcome:
    """Nothing was planned and nothing will be: it would fail again."""
    do = "This should not happen: keep the logs, and rebalance again."
    title = "A target could not be planned"
    return _alert(plan_id, waiting.correlation_id, now, "critical", title=title, detail=reason, do=do)


def unanswered(plan_id: str, waiting: WaitingTarget, reason: str, now: dt.datetime) -> Outcome:
    do = "It is tried again until the broker answers or a newer target comes."
    title = "Planning waits for the broker"
    return _alert(plan_id, waiting.correlation_id, now, "warning", title=title, detail=reason, do=do)


def _planned(record: PlanRecord) -> Outcome:
    fact = RebalancePlanned(
        **_named(record, "planned"),
        plan_id=record.plan_id,
        run_id=record.run_id,
        equity=record.equity,
        cash=record.cash,
        trades=record.trades,
        refusals=record.refusals,
        dry_run=record.dry_run,
    )
    return Outcome((Publication(streams.EXECUTION, fact),))


def _legs(record: PlanRecord) -> tuple[LegRecord, ...]:
    """The sells before the buys, as far as there are any; the first one is ready."""
    sides: tuple[Side, ...] = tuple(side for side in _SIDES if record.side(side))
    return tuple(_leg(record, side, "ready" if place == 0 else "waiting") for place, side in enumerate(sides))


def _at_work(record: PlanRecord, legs: Sequence[LegRecord]) -> tuple[Change, ...]:
    return (
        Put(records.PLANS, record.plan_id, record.model_dump_json()),
        Put(records.TRADING, records.ACTIVE_PLAN, record.plan_id),
        *(Put(records.LEGS, leg.leg_id, leg.model_dump_json()) for leg in legs),
    )


def _over_at_once(record: PlanRecord, situation: Situation) -> Outcome:
    prices = {symbol: price for symbol in situation.quotes if (price := situation.fresh_price(symbol)) is not None}
    after = report.Aftermath(situation.account, situation.positions, prices, situation.now)
    halted = f"halt: trading is {situation.trading}" if situation.trading != "ACTIVE" and record.refusals else ""
    done: Message = report.completed(record, (), after, halted)
    over = record.model_copy(update={"status": "completed"})
    put = Put(records.PLANS, record.plan_id, over.model_dump_json())
    return Outcome((Publication(streams.EXECUTION, done),), (put,))


def _worth_knowing(record: PlanRecord, plan: Plan, obstacle: str | None) -> Outcome:
    """Alerts: refused trades, a dry run, positions that are left alone."""
    outcome = Outcome()
    if record.refusals:
        lines = "; ".join(f"{r.side} {r.symbol}: {r.limit}: {r.detail}" for r in record.refusals)
        do = "If a limit is too tight for this portfolio, change its setting."
        title = f"{len(record.refusals)} trades were refused"
        outcome += _about(record, "refused", "warning", title=title, detail=lines, do=do)
    if obstacle is not None:
        title, do = "Dry run: nothing is placed", "Arm live trading if it should trade: `alchemiser arm`."
        outcome += _about(record, "dry-run", "info", title=title, detail=obstacle, do=do)
    if plan.untouched:
        title, do = "Positions that are no shares are left alone", "Trade them by hand."
        outcome += _about(record, "untouched", "info", title=title, detail=", ".join(plan.untouched), do=do)
    return outcome


def _about(record: PlanRecord, what: str, severity: Severity, *, title: str, detail: str, do: str) -> Outcome:
    name = f"{record.plan_id}#{what}"
    return _alert(name, record.correlation_id, record.created_at, severity, title=title, detail=detail, do=do)


def _leg(record: PlanRecord, side: Side, status: Literal["ready", "waiting"]) -> LegRecord:
    return LegRecord(leg_id=records.leg_id(record.plan_id, side), plan_id=record.plan_id, side=side, status=status)


def _named(record: PlanRecord, what: str) -> dict[str, Any]:
    return {"id": f"{record.plan_id}#{what}", "correlation_id": record.correlation_id, "at": record.created_at}


def _alert(
    name: str, correlation_id: str, at: dt.datetime, severity: Severity, *, title: str, detail: str, do: str
) -> Outcome:
    told = alert(f"{name}#alert", at, severity, title, detail, do=do, of=correlation_id)
    return Outcome((Publication(_ALERTS, told),))

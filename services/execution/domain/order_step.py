"""The moves every transition is made of: finish, wait, ask for a cancel. Pure; a step is the next state and its commands."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass, replace
from typing import Any

from services.execution.domain import order_facts
from services.execution.domain.ladder import Policy
from services.execution.domain.order_events import Cancel, Command, Query, Tell
from services.execution.domain.order_state import Child, Ending, Phase, SmartOrder
from shared.contracts import Message
from shared.contracts.alerts import Severity


@dataclass(frozen=True, slots=True)
class Step:
    """What follows from an event: the order now, and what it asks for, in that order."""

    order: SmartOrder
    commands: tuple[Command, ...] = ()

    def asking(self, *commands: Command) -> Step:
        return Step(self.order, (*self.commands, *commands))

    def telling(self, told: tuple[SmartOrder, Message]) -> Step:
        """With the order that has told it, and the message."""
        order, message = told
        return Step(order, (*self.commands, Tell(message)))

    def changed(self, **fields: Any) -> Step:
        return Step(replace(self.order, **fields), self.commands)


def later(now: dt.datetime, seconds: float) -> dt.datetime:
    return now + dt.timedelta(seconds=seconds)


def alerting(step: Step, severity: Severity, now: dt.datetime, *, title: str, detail: str, do: str) -> Step:
    """`do` is what the person who reads it can do."""
    return step.telling(order_facts.alert(step.order, severity, now, title=title, detail=detail, what_to_do=do))


def finished(step: Step, detail: str, now: dt.datetime, *, ending: Ending | None = None, limit: str = "") -> Step:
    """The order is over. Call it only when nothing of it is live, or when nobody can find out (`ending="unknown"`)."""
    order = step.order
    step = step.changed(
        phase=Phase.DONE, wake_at=None, ending=ending or _ending(order, limit), detail=detail, ended_at=now
    )
    if step.order.ending == "filled":
        return step
    if step.order.ending == "refused":
        return step.telling(order_facts.refused(step.order, limit or "broker", now))
    return step.telling(order_facts.abandoned(step.order, now))


def stopped_and_told(step: Step, limit: str, detail: str, now: dt.datetime) -> Step:
    """Nothing more is tried, and a person hears of it."""
    do = "Look at the order; then trade by hand or rebalance again."
    step = alerting(step, "critical", now, title=f"stopped: {limit}", detail=detail, do=do)
    return finished(step, detail, now, limit=limit)


def left_unknown(step: Step, detail: str, now: dt.datetime) -> Step:
    """It cannot be proven what became of the live child. Its shares count as held; no more is sent."""
    do = "Look at the broker's order list; cancel what is open by hand, then rebalance again."
    step = alerting(step, "critical", now, title="fate unknown", detail=detail, do=do)
    return finished(step, detail, now, ending="unknown")


def ready(step: Step, now: dt.datetime, *, in_seconds: float = 0) -> Step:
    """Nothing is live; the next child may be decided at once or after a pause."""
    return step.changed(phase=Phase.READY, wake_at=later(now, in_seconds), asks=0, asked_at=None, is_stuck_told=False)


def cancelling(step: Step, child: Child, now: dt.datetime, policy: Policy) -> Step:
    """Ask for the cancel of a live child; what is unfilled counts as live until its end is proven."""
    if child.broker_order_id is None:
        raise ValueError(f"{child.client_order_id}: expected a broker's order id before a cancel, got none")
    wake_at = later(now, policy.cancel_wait_seconds)
    step = step.changed(phase=Phase.CANCELLING, asked_at=now, asks=0, wake_at=wake_at, is_stuck_told=False)
    return step.asking(Cancel(child.client_order_id, child.broker_order_id))


def question(child: Child, *, decides: bool = False) -> Query:
    """What has become of it; a child that somebody replaced has another client order id, and is known by the broker's."""
    return Query(child.client_order_id, decides, child.broker_order_id if child.is_taken_over else None)


def parked(step: Step, reason: str, now: dt.datetime) -> Step:
    """Its symbol does not trade: a person is told once, patience stands still, and it goes on when trading does."""
    if step.order.parked_since is not None:
        return step
    do = "It goes on by itself when the symbol trades again; `alchemiser cancel` ends it."
    return alerting(step.changed(parked_since=now), "warning", now, title="parked", detail=reason, do=do)


def unparked(step: Step, now: dt.datetime) -> Step:
    since = step.order.parked_since
    if since is None:
        return step
    seconds = step.order.parked_seconds + (now - since).total_seconds()
    return step.changed(parked_since=None, parked_seconds=seconds, rung_since=now)


def unknown(step: Step, now: dt.datetime, policy: Policy) -> Step:
    """From now on the fate of the live child is asked for."""
    wake_at = later(now, policy.pause(policy.query_backoff_seconds, 0))
    return step.changed(phase=Phase.UNKNOWN, asked_at=now, asks=0, wake_at=wake_at)


def _ending(order: SmartOrder, limit: str) -> Ending:
    if order.filled >= order.total:
        return "filled"
    if order.filled > 0:
        return "partly filled"
    return "refused" if limit else "unfilled"

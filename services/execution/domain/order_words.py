"""What the broker's words change: an answer, an update, a snapshot. All ways in end here, so that all are merged alike."""

from __future__ import annotations

import datetime as dt

from services.execution.domain import order_facts
from services.execution.domain.broker import BrokerOrder, Status
from services.execution.domain.ladder import Policy
from services.execution.domain.order_state import Child, Execution, Phase, SmartOrder, merged
from services.execution.domain.order_step import (
    Step,
    alerting,
    cancelling,
    finished,
    left_unknown,
    parked,
    ready,
    stopped_and_told,
    unparked,
)


def heard(order: SmartOrder, word: BrokerOrder, execution: Execution | None, now: dt.datetime, policy: Policy) -> Step:
    """The order after one word about one of its children. The word must be about a child of this order."""
    before = order.child(word.client_order_id)
    if before is None:
        raise ValueError(f"{word.client_order_id}: expected a child of {order.order_id}")
    is_ours = word.qty in {None, before.qty} or before.is_taken_over
    if word.symbol != order.symbol or word.side != order.side or not is_ours:
        return _impostor(order, before, word, now)
    child, fill = merged(before, word, execution)
    step = Step(order.with_child(child)).changed(heard_at=now, rejections=0)
    if before.broker_order_id is None and word.status is not Status.REJECTED:
        step = step.telling(order_facts.placed(step.order, child, now))
    if fill is not None:
        step = step.telling(order_facts.filled(step.order, child, fill, now))
    if child.is_over and not before.is_over and child.filled < child.qty:
        step = step.telling(order_facts.child_ended(step.order, child, now, ""))
    if child.is_taken_over and not before.is_taken_over:
        step = _told_of_the_successor(step, child, now)
    return _settled(_parked_or_not(step, child, now), child, now, policy, grew=fill is not None)


def _parked_or_not(step: Step, child: Child, now: dt.datetime) -> Step:
    if child.status is Status.SUSPENDED:
        return parked(step, f"the broker has suspended {child.client_order_id}", now)
    return step if child.is_over else unparked(step, now)


def _told_of_the_successor(step: Step, child: Child, now: dt.datetime) -> Step:
    detail = (
        f"{child.client_order_id} was replaced, not by us; its successor {child.broker_order_id} is followed to its end"
    )
    do = "Cancel it there, or by `alchemiser cancel`, if the rebalance should not wait for it."
    return alerting(step, "warning", now, title="changed from outside", detail=detail, do=do)


def _settled(step: Step, child: Child, now: dt.datetime, policy: Policy, *, grew: bool) -> Step:
    """Where the order goes once the word is merged."""
    order = step.order
    if grew and order.filled > order.total:
        detail = f"{order.filled} filled of {order.total} wanted"
        do = "Trade the difference back by hand, or rebalance again."
        step = alerting(step, "critical", now, title="filled more than wanted", detail=detail, do=do)
    if order.phase is Phase.DONE:
        return _after_the_end(step, now, grew=grew)
    live = order.live
    if live is None:
        return _nothing_live(step, child, now)
    if order.phase in {Phase.PLACING, Phase.UNKNOWN} and live.status is None:
        return step  # the word was about an older child; the newest is still unheard of
    return _live(step, live, now, policy)


def _live(step: Step, live: Child, now: dt.datetime, policy: Policy) -> Step:
    order = step.order
    if order.phase is Phase.CANCELLING:
        return step
    if order.stop_reason or (live.open_qty > order.remaining and not live.is_taken_over):
        return cancelling(step, live, now, policy)
    if order.phase is not Phase.WORKING:
        return step.changed(phase=Phase.WORKING, asks=0, asked_at=None, wake_at=now)
    return step


def _nothing_live(step: Step, child: Child, now: dt.datetime) -> Step:
    order = step.order
    if order.filled >= order.total:
        return finished(step, "", now)
    if order.phase is Phase.READY:
        return step
    if child.is_taken_over:
        return finished(step, f"somebody else changed {child.client_order_id}, and it ended", now)
    if child.status is Status.CANCELED and order.phase is not Phase.CANCELLING and not order.stop_reason:
        return _cancelled_outside(step, child, now)
    return _ended_itself(step, child, now)


def _ended_itself(step: Step, child: Child, now: dt.datetime) -> Step:
    if child.status is Status.REJECTED:
        return stopped_and_told(step, "broker", "the broker rejected it after taking it", now)
    if child.status is Status.REPLACED:
        return left_unknown(step, f"{child.client_order_id} was replaced by somebody else", now)
    if child.status in {Status.EXPIRED, Status.DONE_FOR_DAY, Status.CALCULATED}:
        return finished(step, "the session ended", now)
    return ready(step, now)


def _cancelled_outside(step: Step, child: Child, now: dt.datetime) -> Step:
    """Somebody (a person at the broker, the exchange) wanted it gone: sending it again would fight them."""
    detail = f"{child.client_order_id} was cancelled, not by us"
    do = "Rebalance again if it should go on."
    step = alerting(step, "warning", now, title="cancelled from outside", detail=detail, do=do)
    return finished(step, detail, now)


def _after_the_end(step: Step, now: dt.datetime, *, grew: bool) -> Step:
    if not grew:
        return step
    detail = f"now {step.order.filled} of {step.order.total} after it ended ({step.order.ending})"
    do = "The next rebalance counts it."
    return alerting(step, "warning", now, title="a fill came after the end", detail=detail, do=do)


def _impostor(order: SmartOrder, child: Child, word: BrokerOrder, now: dt.datetime) -> Step:
    """The broker has something else under our name, so what we sent cannot be under it: never touch it, tell."""
    detail = (
        f"{child.client_order_id}: expected {order.side} {child.qty} {order.symbol},"
        f" the broker has {word.side} {word.qty} {word.symbol}"
    )
    if order.phase is Phase.DONE:
        return Step(order)
    return left_unknown(Step(order), detail, now)

"""What the rows of the smart order's table do: each takes the order, an event and the time, and says what follows."""

from __future__ import annotations

import datetime as dt
from dataclasses import replace
from decimal import Decimal
from typing import Any, Final

from services.execution.domain import grid, order_facts, order_ticks
from services.execution.domain.broker import RejectKind, Status
from services.execution.domain.ladder import Policy
from services.execution.domain.order_events import (
    Blocked,
    Cancel,
    CancelAccepted,
    CancelRejected,
    CancelUnknown,
    Found,
    Hurried,
    ImpossibleEventError,
    NotFound,
    Placed,
    PlaceRejected,
    PlaceUnknown,
    QueryFailed,
    Stopped,
    Tick,
    Updated,
)
from services.execution.domain.order_rejections import rejected
from services.execution.domain.order_state import Child, Phase, SmartOrder, execution_of
from services.execution.domain.order_step import (
    Step,
    alerting,
    cancelling,
    finished,
    later,
    question,
    ready,
    stopped_and_told,
    unknown,
)
from services.execution.domain.order_words import heard

_LITTLE_LESS: Final = Decimal("0.9")


def decide(order: SmartOrder, event: Tick, now: dt.datetime, policy: Policy) -> Step:
    return order_ticks.decided(order, event.quote, now, policy)


def watch(order: SmartOrder, event: Tick, now: dt.datetime, policy: Policy) -> Step:
    return order_ticks.watched(order, event.quote, now, policy)


def await_cancel(order: SmartOrder, _event: Tick, now: dt.datetime, policy: Policy) -> Step:
    return order_ticks.awaited(order, now, policy)


def wonder(order: SmartOrder, _event: Tick, now: dt.datetime, policy: Policy) -> Step:
    return order_ticks.wondered(order, now, policy)


def told(order: SmartOrder, event: Updated, now: dt.datetime, policy: Policy) -> Step:
    _child(order, event.update.order.client_order_id)
    step = heard(order, event.update.order, execution_of(event.update, event.quote), now, policy)
    if event.update.event == "order_cancel_rejected" and step.order.phase is Phase.CANCELLING:
        return _asked_again(step, event.update.order.client_order_id, now, policy)
    if event.update.event in {"trade_bust", "trade_correct"}:
        what_to_do = "Compare the position with the broker's; the next rebalance starts from the broker's word."
        name = event.update.order.client_order_id
        return alerting(step, "critical", now, title=event.update.event, detail=name, do=what_to_do)
    return step


def answered(order: SmartOrder, event: Placed | Found, now: dt.datetime, policy: Policy) -> Step:
    _child(order, event.order.client_order_id)
    return heard(order, event.order, None, now, policy)


def found_while_cancelling(order: SmartOrder, event: Found, now: dt.datetime, policy: Policy) -> Step:
    """Still open and not even being cancelled: the cancel was lost or refused, so it is asked for once more."""
    step = answered(order, event, now, policy)
    live = step.order.live
    is_ours = live is not None and live.client_order_id == event.order.client_order_id
    if step.order.phase is not Phase.CANCELLING or live is None or not is_ours or live.broker_order_id is None:
        return step
    return (
        step
        if live.status is Status.PENDING_CANCEL
        else step.asking(Cancel(live.client_order_id, live.broker_order_id))
    )


def place_rejected(order: SmartOrder, event: PlaceRejected, now: dt.datetime, policy: Policy) -> Step:
    child = _child(order, event.client_order_id)
    if child.status is not None:
        return Step(order)  # the update stream was quicker: it lives, and the no was about the repetition
    if order.resends and event.kind is not RejectKind.DUPLICATE_CLIENT_ID:
        # The first sending may have been taken; only the question by client id can tell.
        return unknown(Step(order), now, policy)
    return rejected(order, child, event, now, policy)


def place_unknown(order: SmartOrder, event: PlaceUnknown, now: dt.datetime, policy: Policy) -> Step:
    child = _child(order, event.client_order_id)
    if child.status is not None:
        return Step(order)
    step = unknown(Step(order), now, policy)
    return step.telling(order_facts.unknown(step.order, child, event.reason, now))


def blocked(order: SmartOrder, event: Blocked, now: dt.datetime, policy: Policy) -> Step:
    """Nothing was journalled or sent, so the child never was; a repetition's first sending keeps its question."""
    child = _child(order, event.client_order_id)
    if order.resends:
        return unknown(Step(order), now, policy)
    kept = tuple(c for c in order.children if c is not child)
    step = Step(replace(order, children=kept))
    if order.stop_reason:
        return finished(step, order.stop_reason, now)
    smaller = _smaller(order, child, event)
    if smaller is not None:
        detail = f"{event.limit}: {event.detail}; shrunk to {smaller}"
        return ready(step.changed(total=order.filled + smaller, detail=detail), now)
    if event.may_pass:
        pause = min(max(policy.retry_seconds[0], event.retry_seconds), policy.retry_seconds[-1])
        return ready(step.changed(detail=f"{event.limit}: {event.detail}"), now, in_seconds=pause)
    return finished(step, event.detail, now, limit=event.limit)


def _smaller(order: SmartOrder, child: Child, event: Blocked) -> Decimal | None:
    """A little less where that passes: prices have moved since the order was planned. None where it would take much less."""
    if event.fits is None:
        return None
    qty = grid.shares_down(event.fits, whole=order.whole_shares)
    least = min(child.qty * _LITTLE_LESS, child.qty - 1) if order.whole_shares else child.qty * _LITTLE_LESS
    return qty if qty > 0 and least <= qty < child.qty else None


def cancel_taken(order: SmartOrder, event: CancelAccepted, _now: dt.datetime, _policy: Policy) -> Step:
    """A request, not an end."""
    _child(order, event.client_order_id)
    return Step(order)


def cancel_refused(order: SmartOrder, event: CancelRejected | CancelUnknown, now: dt.datetime, policy: Policy) -> Step:
    """It may have filled first, or never have arrived: ask, the first time at once. Refusal after refusal must not become a storm."""
    child = _child(order, event.client_order_id)
    if child.is_over:
        return Step(order)
    return _asked_again(Step(order), event.client_order_id, now, policy)


def _asked_again(step: Step, client_order_id: str, now: dt.datetime, policy: Policy) -> Step:
    """At once the first time, then at a growing pace."""
    asks, child = step.order.asks, _child(step.order, client_order_id)
    asked = step.changed(asks=asks + 1, wake_at=later(now, policy.pause(policy.query_backoff_seconds, asks)))
    return asked if asks else asked.asking(question(child))


def missed(order: SmartOrder, event: NotFound, now: dt.datetime, policy: Policy) -> Step:
    if _child(order, event.client_order_id).is_over:
        return Step(order)
    return order_ticks.missed(order, now, policy)


def no_answer(order: SmartOrder, event: NotFound | QueryFailed, _now: dt.datetime, _policy: Policy) -> Step:
    """Nothing follows from it; the next question is timed already."""
    _child(order, event.client_order_id)
    return Step(order)


def about_the_past(order: SmartOrder, event: Any, _now: dt.datetime, _policy: Policy) -> Step:
    """An answer that was overtaken: its child is known or over. Anything else is impossible here."""
    child = _child(order, event.client_order_id)
    if child.is_over or child.status is not None:
        return Step(order)
    raise ImpossibleEventError(f"{order.order_id}: {type(event).__name__} about a child that was never heard of")


def stop_now(order: SmartOrder, event: Stopped, now: dt.datetime, _policy: Policy) -> Step:
    return finished(Step(order), event.reason, now)


def stop_when_known(order: SmartOrder, event: Stopped, _now: dt.datetime, _policy: Policy) -> Step:
    return Step(replace(order, stop_reason=order.stop_reason or event.reason))


def stop_live(order: SmartOrder, event: Stopped, now: dt.datetime, policy: Policy) -> Step:
    step = stop_when_known(order, event, now, policy)
    live = order.live
    return (
        stopped_and_told(step, "desk", "nothing is live", now) if live is None else cancelling(step, live, now, policy)
    )


def hurry(order: SmartOrder, _event: Hurried, now: dt.datetime, _policy: Policy) -> Step:
    """From now on only the last rung, for all that is left; what is live or in doubt is looked after first."""
    if order.is_hurried:
        return Step(order)
    is_waiting = order.phase in {Phase.READY, Phase.WORKING}
    return Step(replace(order, is_hurried=True, wake_at=now if is_waiting else order.wake_at))


def nothing(order: SmartOrder, _event: Any, _now: dt.datetime, _policy: Policy) -> Step:
    return Step(order)


def _child(order: SmartOrder, client_order_id: str) -> Child:
    child = order.child(client_order_id)
    if child is None:
        raise ImpossibleEventError(f"{order.order_id}: {client_order_id} is no child of it")
    return child

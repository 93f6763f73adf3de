"""What a definite no from the broker leads to, one row per kind. Nothing of the refused child is or will be live."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Mapping
from dataclasses import replace
from types import MappingProxyType
from typing import Final

from services.execution.domain import grid, order_facts
from services.execution.domain.broker import RejectKind, Status
from services.execution.domain.ladder import Policy
from services.execution.domain.order_events import PlaceRejected
from services.execution.domain.order_state import Child, SmartOrder
from services.execution.domain.order_step import Step, finished, parked, question, ready, stopped_and_told, unknown

_NOT_ITS_FAULT: Final = frozenset({RejectKind.HALTED, RejectKind.RATE_LIMITED})
"""Kinds that do not count towards giving an order up."""

Reaction = Callable[[Step, PlaceRejected, dt.datetime, Policy], Step]


def rejected(order: SmartOrder, child: Child, event: PlaceRejected, now: dt.datetime, policy: Policy) -> Step:
    """The order after its newest child was refused."""
    if event.kind is RejectKind.DUPLICATE_CLIENT_ID:
        return unknown(Step(order), now, policy).asking(question(child))
    gone = replace(child, status=Status.REJECTED, is_over=True)
    counted = order.rejections + (event.kind not in _NOT_ITS_FAULT)
    step = Step(order.with_child(gone)).changed(rejections=counted, heard_at=now)
    step = step.telling(order_facts.child_ended(step.order, gone, now, f"{event.kind}: {event.message}"))
    if step.order.stop_reason:
        return ready(step, now)
    if step.order.rejections >= policy.max_rejections:
        detail = f"refused {step.order.rejections} times in a row, at last: {event.message}"
        return stopped_and_told(step, str(event.kind), detail, now)
    return REACTIONS[event.kind](step, event, now, policy)


def _wait(step: Step, _event: PlaceRejected, now: dt.datetime, policy: Policy) -> Step:
    """What stands in the way may go away: shares come free, an opposite order ends, the rate window moves on."""
    return ready(step, now, in_seconds=policy.pause(policy.retry_seconds, max(0, step.order.rejections - 1)))


def _wait_for_the_symbol(step: Step, event: PlaceRejected, now: dt.datetime, policy: Policy) -> Step:
    return ready(parked(step, event.message, now), now, in_seconds=policy.halt_seconds)


def _wait_then_shrink(step: Step, event: PlaceRejected, now: dt.datetime, policy: Policy) -> Step:
    """First the cash of the sells may still be on its way; then buy a little less each time."""
    order = step.order
    if order.rejections > 1:
        remaining = grid.shares_down(order.remaining * (1 - policy.shrink), whole=order.whole_shares)
        if order.whole_shares and remaining == order.remaining:
            remaining -= 1
        if remaining <= 0:  # the total stays: an order that shrank to nothing is refused, not filled
            return finished(step, event.message, now, limit=str(event.kind))
        step = step.changed(total=order.filled + remaining)
    return _wait(step, event, now, policy)


def _finer_prices_refused(step: Step, event: PlaceRejected, now: dt.datetime, policy: Policy) -> Step:
    if step.order.coarse_prices:
        return _stop(step, event, now, policy)
    return ready(step.changed(coarse_prices=True), now)


def _whole_shares(step: Step, event: PlaceRejected, now: dt.datetime, policy: Policy) -> Step:
    order = step.order
    if order.whole_shares:
        return _stop(step, event, now, policy)
    remaining = grid.shares_down(order.remaining, whole=True)
    step = step.changed(whole_shares=True, total=order.filled + remaining if remaining > 0 else order.total)
    if remaining <= 0:
        return finished(step, "less than one share, and only whole shares trade", now, limit=str(event.kind))
    return ready(step, now)


def _too_small(step: Step, event: PlaceRejected, now: dt.datetime, _policy: Policy) -> Step:
    return finished(step, event.message, now, limit=str(event.kind))


def _stop(step: Step, event: PlaceRejected, now: dt.datetime, _policy: Policy) -> Step:
    return stopped_and_told(step, str(event.kind), event.message, now)


REACTIONS: Final[Mapping[RejectKind, Reaction]] = MappingProxyType(
    {
        RejectKind.BUYING_POWER: _wait_then_shrink,
        RejectKind.HELD_SHARES: _wait,
        RejectKind.WASH_TRADE: _wait,
        RejectKind.HALTED: _wait_for_the_symbol,
        RejectKind.RATE_LIMITED: _wait,
        RejectKind.SUB_PENNY: _finer_prices_refused,
        RejectKind.NOT_FRACTIONABLE: _whole_shares,
        RejectKind.MINIMUM_NOTIONAL: _too_small,
        RejectKind.UNKNOWN_ASSET: _stop,
        RejectKind.UNAUTHORIZED: _stop,
        RejectKind.NOT_FOUND: _stop,
        RejectKind.NOT_CANCELABLE: _stop,
        RejectKind.OTHER: _stop,
    }
)
"""DUPLICATE_CLIENT_ID is missing on purpose: it is no refusal but a sign that the order exists, and is asked for."""

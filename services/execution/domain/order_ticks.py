"""What time alone brings about: the first price, the next rung, a question after silence, giving up."""

from __future__ import annotations

import datetime as dt
from dataclasses import replace
from decimal import Decimal

from services.execution.domain import ladder
from services.execution.domain.ladder import Policy
from services.execution.domain.order_events import Place
from services.execution.domain.order_next import is_urgent, next_child, request, rung_ends, rung_from, urgent_from
from services.execution.domain.order_state import Child, Phase, SmartOrder
from services.execution.domain.order_step import (
    Step,
    alerting,
    cancelling,
    finished,
    later,
    left_unknown,
    question,
    ready,
)
from shared.contracts.marketdata import Quote

_NO_QUOTE_PAUSE_SECONDS = 0.5
_WATCH_SECONDS = 1.0
"""How often the quote is looked at while a price rests that may have to move."""


def decided(order: SmartOrder, quote: Quote | None, now: dt.datetime, policy: Policy) -> Step:
    """Nothing is live: end, wait, or send what is proven unfilled."""
    step = Step(order)
    if order.stop_reason:
        return finished(step, order.stop_reason, now)
    if now >= order.close_at:
        why = "the session ended" + (" before the symbol traded again" if order.parked_since else "")
        return finished(step, why, now)
    if order.wake_at is not None and now < order.wake_at:
        return step
    if _is_spent(order, now, policy):
        return _gave_up(step, now, policy)
    if quote is None or not quote.is_two_sided:
        return ready(step, now, in_seconds=_NO_QUOTE_PAUSE_SECONDS)
    return next_child(order, quote, now, policy)


def watched(order: SmartOrder, quote: Quote | None, now: dt.datetime, policy: Policy) -> Step:
    """A child is live: leave it, move on to the next rung, or ask whether it still lives."""
    live, step = _live(order), Step(order)
    if _is_lost(order, now, policy):
        return left_unknown(step, f"{live.client_order_id}: still open after the close", now)
    is_ours = not live.is_taken_over and order.parked_since is None
    if is_ours and now < order.close_at and _is_spent(order, now, policy):
        return cancelling(step.changed(stop_reason=_too_long(policy)), live, now, policy)
    if is_ours and now < order.close_at and _rung_is_over(order, now, policy):
        step = _climbed(order, live, quote, now, policy)
    elif is_ours and now < order.close_at:
        step = _followed(order, live, quote, now, policy)
    if step.order.phase is not Phase.WORKING:
        return step
    step = _asked_if_quiet(step, live, now, policy)
    return step.changed(wake_at=_next_look(step.order, now, policy))


def awaited(order: SmartOrder, now: dt.datetime, policy: Policy) -> Step:
    """A cancel was asked for: ask what became of it; never send more while its end is unproven."""
    live, step = _live(order), Step(order)
    if order.wake_at is None or now < order.wake_at:
        return step
    waited = (now - (order.asked_at or now)).total_seconds()
    if waited >= policy.stuck_give_up_seconds:
        return left_unknown(step, f"{live.client_order_id}: no end of the cancel after {waited:.0f} s", now)
    if waited >= policy.stuck_seconds and not order.is_stuck_told:
        detail = (
            f"{live.client_order_id}: no end of the cancel after {waited:.0f} s; {live.open_qty} shares count as held"
        )
        do = "It is asked about until it ends; if the broker's page shows it open, cancel it there."
        step = alerting(step, "warning", now, title="cancel is stuck", detail=detail, do=do).changed(is_stuck_told=True)
    return _asked(step, live, now, policy)


def wondered(order: SmartOrder, now: dt.datetime, policy: Policy) -> Step:
    """The fate of the newest child is unknown: ask for it by its client order id."""
    live = _live(order)
    if order.wake_at is None or now < order.wake_at:
        return Step(order)
    if _is_lost(order, now, policy):
        return left_unknown(Step(order), f"{live.client_order_id}: fate still unknown after the close", now)
    decides = (now - (order.asked_at or now)).total_seconds() >= policy.resend_after_seconds
    return _asked(Step(order), live, now, policy, decides=decides)


def missed(order: SmartOrder, now: dt.datetime, policy: Policy) -> Step:
    """The broker does not know the child whose fate is unknown. Only after a long while that is believed."""
    live = _live(order)
    waited = (now - (order.asked_at or now)).total_seconds()
    if waited < policy.resend_after_seconds:
        return Step(order)
    if live.broker_order_id is not None:
        return left_unknown(Step(order), f"{live.client_order_id}: acknowledged once, now the broker has none", now)
    if order.resends >= policy.max_resends:
        return left_unknown(
            Step(order), f"{live.client_order_id}: sent {order.resends + 1} times without an answer", now
        )
    if order.stop_reason or now >= order.close_at:
        absent = replace(live, is_over=True)
        return ready(Step(order.with_child(absent)), now)
    step = Step(order).changed(phase=Phase.PLACING, wake_at=None, resends=order.resends + 1)
    return step.asking(Place(request(order, live), live.rung, live.attempt, None, is_resend=True))


def _climbed(order: SmartOrder, live: Child, quote: Quote | None, now: dt.datetime, policy: Policy) -> Step:
    """The next rung, or the last one again at today's price. The same price is not sent again: it keeps its place in the queue."""
    if quote is None or not quote.is_two_sided:
        return Step(order)
    index = rung_from(order.rung + 1, order, quote, now, policy)
    price = ladder.price(policy.rungs[index], quote, order.side, policy.collar_bps, coarse=order.coarse_prices)
    moved = Step(order).changed(rung=index, rung_since=now)
    if price == live.limit_price:
        return moved
    if index == order.rung and not _is_better(order, live.limit_price, price):
        return moved  # the market came towards us: what stands is already marketable
    return cancelling(moved, live, now, policy)


def _followed(order: SmartOrder, live: Child, quote: Quote | None, now: dt.datetime, policy: Policy) -> Step:
    """The same rung at today's price, or the last one where waiting is about to cost more than crossing."""
    rung = policy.rungs[min(order.rung, policy.last)]
    if quote is None or not quote.is_two_sided:
        return Step(order)
    if ladder.must_leave(rung, quote, order.side, coarse=order.coarse_prices):
        return cancelling(Step(order).changed(rung=policy.last, rung_since=now), live, now, policy)
    if rung.follows_seconds is None or now < later(live.sent_at, rung.follows_seconds):
        return Step(order)
    if not order.can_afford(policy.last - order.rung):
        return Step(order)  # what requests there are belong to the rungs to come
    price = ladder.price(rung, quote, order.side, policy.collar_bps, coarse=order.coarse_prices)
    return Step(order) if price == live.limit_price else cancelling(Step(order), live, now, policy)


def _is_better(order: SmartOrder, standing: Decimal | None, price: Decimal | None) -> bool:
    """Whether `price` reaches further than what stands."""
    if standing is None or price is None:
        return False
    return price > standing if order.side == "buy" else price < standing


def _asked_if_quiet(step: Step, live: Child, now: dt.datetime, policy: Policy) -> Step:
    if now < _next_question(step.order, policy):
        return step
    return step.changed(asks=step.order.asks + 1, asked_at=now).asking(question(live))


def _asked(step: Step, live: Child, now: dt.datetime, policy: Policy, *, decides: bool = False) -> Step:
    pause = policy.pause(policy.query_backoff_seconds, step.order.asks + 1)
    step = step.changed(asks=step.order.asks + 1, wake_at=later(now, pause))
    return step.asking(question(live, decides=decides))


def _next_question(order: SmartOrder, policy: Policy) -> dt.datetime:
    """After so long without news, and then again after as long without an answer."""
    since = max(t for t in (order.heard_at, order.asked_at, order.started_at) if t is not None)
    return later(since, policy.quiet_seconds)


def _next_look(order: SmartOrder, now: dt.datetime, policy: Policy) -> dt.datetime:
    """When a live child has to be looked at again, if nothing is heard."""
    times = [_next_question(order, policy)]
    if now < order.close_at:
        times += [_spent_at(order, now, policy), rung_ends(order, policy)]
        times += [urgent_from(order, policy)] if order.rung < policy.last else []
        times += [later(now, _WATCH_SECONDS)] if policy.rungs[min(order.rung, policy.last)].is_watched else []
    # What is past was not acted on for want of a quote; it is looked at again soon, not at once.
    soon = later(now, _NO_QUOTE_PAUSE_SECONDS)
    times = [time if time > now else soon for time in times]
    return min(times)


def _rung_is_over(order: SmartOrder, now: dt.datetime, policy: Policy) -> bool:
    return now >= rung_ends(order, policy) or (order.rung < policy.last and is_urgent(order, now, policy))


def _is_spent(order: SmartOrder, now: dt.datetime, policy: Policy) -> bool:
    return now >= _spent_at(order, now, policy)


def _spent_at(order: SmartOrder, now: dt.datetime, policy: Policy) -> dt.datetime:
    """While its symbol does not trade, no patience is lost."""
    parked = order.parked_seconds + ((now - order.parked_since).total_seconds() if order.parked_since else 0)
    return later(order.slice_since or order.started_at, policy.give_up_seconds + parked)


def _is_lost(order: SmartOrder, now: dt.datetime, policy: Policy) -> bool:
    return now >= later(order.close_at, policy.stuck_give_up_seconds)


def _too_long(policy: Policy) -> str:
    return f"not filled within {policy.give_up_seconds:g} s"


def _gave_up(step: Step, now: dt.datetime, policy: Policy) -> Step:
    detail = f"{_too_long(policy)}; {step.order.detail}" if step.order.detail else _too_long(policy)
    do = "Look at the quote and the spread; rebalance again when it can trade."
    return finished(alerting(step, "warning", now, title="gave up", detail=detail, do=do), detail, now)


def _live(order: SmartOrder) -> Child:
    live = order.live
    if live is None:
        raise ValueError(f"{order.order_id}: expected a live child in phase {order.phase}, got none")
    return live

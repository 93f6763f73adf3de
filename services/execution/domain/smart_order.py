"""The smart order as a table: frozen state + event + now -> state + commands. What is not in the table raises and changes nothing.

                        ┌────────────── proven end, something unfilled ◄─────────────┐
                        ▼                                                            │
    READY ── Tick ──► PLACING ── Placed, Updated, Found ──► WORKING ── next rung ──► CANCELLING
      ▲                 │  ▲                                   │                         │
      │   PlaceRejected │  │ not found for long: the same id   │ all filled              │ fill wins
      └─────────────────┤  │                                   ▼                         ▼
                        └─► UNKNOWN (asked by client id) ───► DONE ◄─────────────────────┘

The rule behind it: what may still fill and what has filled never exceed the total, and only what is PROVEN unfilled is
sent again. Cancel and a new order are preferred to the broker's replace (docs/decisions: cancel, prove, place).
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any, Final

from services.execution.domain import order_transitions as transitions
from services.execution.domain.ladder import Policy
from services.execution.domain.order_events import (
    Blocked,
    CancelAccepted,
    CancelRejected,
    CancelUnknown,
    Event,
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
from services.execution.domain.order_state import Phase, SmartOrder
from services.execution.domain.order_step import Step

Transition = Callable[[SmartOrder, Any, dt.datetime, Policy], Step]


def step(order: SmartOrder, event: Event, now: dt.datetime, policy: Policy) -> Step:
    """What follows. Raises ImpossibleEventError for what the table does not hold or what is about a stranger's order."""
    transition = TABLE.get((order.phase, type(event)))
    if transition is None:
        raise ImpossibleEventError(f"{order.order_id}: {type(event).__name__} in phase {order.phase}")
    return transition(order, event, now, policy)


def is_due(order: SmartOrder, now: dt.datetime) -> bool:
    """Whether a Tick would change something now."""
    return order.wake_at is not None and order.wake_at <= now


TABLE: Final[Mapping[tuple[Phase, type], Transition]] = MappingProxyType(
    {
        (Phase.READY, Tick): transitions.decide,
        (Phase.READY, Updated): transitions.told,
        (Phase.READY, Placed): transitions.answered,
        (Phase.READY, Found): transitions.answered,
        (Phase.READY, PlaceRejected): transitions.about_the_past,
        (Phase.READY, PlaceUnknown): transitions.about_the_past,
        (Phase.READY, CancelAccepted): transitions.about_the_past,
        (Phase.READY, CancelRejected): transitions.about_the_past,
        (Phase.READY, CancelUnknown): transitions.about_the_past,
        (Phase.READY, NotFound): transitions.about_the_past,
        (Phase.READY, QueryFailed): transitions.about_the_past,
        (Phase.READY, Stopped): transitions.stop_now,
        (Phase.READY, Hurried): transitions.hurry,
        (Phase.PLACING, Tick): transitions.nothing,
        (Phase.PLACING, Updated): transitions.told,
        (Phase.PLACING, Placed): transitions.answered,
        (Phase.PLACING, Found): transitions.answered,
        (Phase.PLACING, PlaceRejected): transitions.place_rejected,
        (Phase.PLACING, PlaceUnknown): transitions.place_unknown,
        (Phase.PLACING, Blocked): transitions.blocked,
        (Phase.PLACING, CancelAccepted): transitions.about_the_past,
        (Phase.PLACING, CancelRejected): transitions.about_the_past,
        (Phase.PLACING, CancelUnknown): transitions.about_the_past,
        (Phase.PLACING, NotFound): transitions.no_answer,
        (Phase.PLACING, QueryFailed): transitions.no_answer,
        (Phase.PLACING, Stopped): transitions.stop_when_known,
        (Phase.PLACING, Hurried): transitions.hurry,
        (Phase.WORKING, Tick): transitions.watch,
        (Phase.WORKING, Updated): transitions.told,
        (Phase.WORKING, Placed): transitions.answered,
        (Phase.WORKING, Found): transitions.answered,
        (Phase.WORKING, PlaceRejected): transitions.about_the_past,
        (Phase.WORKING, PlaceUnknown): transitions.about_the_past,
        (Phase.WORKING, CancelAccepted): transitions.about_the_past,
        (Phase.WORKING, CancelRejected): transitions.about_the_past,
        (Phase.WORKING, CancelUnknown): transitions.about_the_past,
        (Phase.WORKING, NotFound): transitions.no_answer,
        (Phase.WORKING, QueryFailed): transitions.no_answer,
        (Phase.WORKING, Stopped): transitions.stop_live,
        (Phase.WORKING, Hurried): transitions.hurry,
        (Phase.CANCELLING, Tick): transitions.await_cancel,
        (Phase.CANCELLING, Updated): transitions.told,
        (Phase.CANCELLING, Placed): transitions.answered,
        (Phase.CANCELLING, Found): transitions.found_while_cancelling,
        (Phase.CANCELLING, PlaceRejected): transitions.about_the_past,
        (Phase.CANCELLING, PlaceUnknown): transitions.about_the_past,
        (Phase.CANCELLING, CancelAccepted): transitions.cancel_taken,
        (Phase.CANCELLING, CancelRejected): transitions.cancel_refused,
        (Phase.CANCELLING, CancelUnknown): transitions.cancel_refused,
        (Phase.CANCELLING, NotFound): transitions.no_answer,
        (Phase.CANCELLING, QueryFailed): transitions.no_answer,
        (Phase.CANCELLING, Stopped): transitions.stop_when_known,
        (Phase.CANCELLING, Hurried): transitions.hurry,
        (Phase.UNKNOWN, Tick): transitions.wonder,
        (Phase.UNKNOWN, Updated): transitions.told,
        (Phase.UNKNOWN, Placed): transitions.answered,
        (Phase.UNKNOWN, Found): transitions.answered,
        (Phase.UNKNOWN, PlaceRejected): transitions.about_the_past,
        (Phase.UNKNOWN, PlaceUnknown): transitions.about_the_past,
        (Phase.UNKNOWN, CancelAccepted): transitions.about_the_past,
        (Phase.UNKNOWN, CancelRejected): transitions.about_the_past,
        (Phase.UNKNOWN, CancelUnknown): transitions.about_the_past,
        (Phase.UNKNOWN, NotFound): transitions.missed,
        (Phase.UNKNOWN, QueryFailed): transitions.no_answer,
        (Phase.UNKNOWN, Stopped): transitions.stop_when_known,
        (Phase.UNKNOWN, Hurried): transitions.hurry,
        (Phase.DONE, Tick): transitions.nothing,
        (Phase.DONE, Updated): transitions.told,
        (Phase.DONE, Placed): transitions.answered,
        (Phase.DONE, Found): transitions.answered,
        (Phase.DONE, PlaceRejected): transitions.about_the_past,
        (Phase.DONE, PlaceUnknown): transitions.about_the_past,
        (Phase.DONE, CancelAccepted): transitions.about_the_past,
        (Phase.DONE, CancelRejected): transitions.about_the_past,
        (Phase.DONE, CancelUnknown): transitions.about_the_past,
        (Phase.DONE, NotFound): transitions.no_answer,
        (Phase.DONE, QueryFailed): transitions.no_answer,
        (Phase.DONE, Stopped): transitions.nothing,
        (Phase.DONE, Hurried): transitions.nothing,
    }
)

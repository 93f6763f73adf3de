"""A smart order after its worker died: what was last written of it, and every child that was journalled since.

Nothing is concluded from silence: whatever may be live is asked for by its client order id before anything else is sent.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import replace

from services.execution.domain.ladder import Policy
from services.execution.domain.order_state import Child, Phase, SmartOrder


def restored(order: SmartOrder, journalled: Sequence[Child], now: dt.datetime, policy: Policy) -> SmartOrder:
    """The order as it can be worked on. `journalled` are its intents as children, oldest first."""
    lost = tuple(child for child in journalled if order.child(child.client_order_id) is None)
    order = replace(order, children=(*order.children, *lost))
    if order.phase is Phase.DONE:
        return order
    live = order.live
    if live is None:
        return replace(order, phase=Phase.READY, wake_at=now, asks=0, asked_at=None)
    if order.phase is Phase.CANCELLING and not lost:
        return replace(order, asks=0, wake_at=now)  # the cancel may not have left: asked about, and repeated if need be
    names = [rung.name for rung in policy.rungs]
    rung = names.index(live.rung) if live.rung in names else min(order.rung, policy.last)
    # The dead worker may have sent it a moment ago: only from now on does an absence begin to prove something. Where the record
    # says that its fate was unknown, nothing was sent since: a repetition is written down before it leaves.
    since = order.asked_at if order.phase is Phase.UNKNOWN and not lost else None
    return replace(
        order, phase=Phase.UNKNOWN, asked_at=since or now, asks=0, wake_at=now, rung=rung, rung_since=live.sent_at
    )

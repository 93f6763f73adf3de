"""Waiting for the quote that stands some time after a fill: what is heard, when it is due, and when nothing more will come.

fill told ──► waiting ── due ──► a quote of that instant was seen | none was, and why
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Iterable
from typing import Final

from services.execution.domain.order_state import SmartOrder
from services.execution.domain.records import CostWatch
from shared.contracts.costs import FillCosts
from shared.contracts.execution import OrderFilled, OrderPartlyFilled
from shared.contracts.marketdata import Quote

SETTLING_SECONDS: Final = 1.0
"""A quote of the due instant may arrive a little after it."""
NO_INSTANT: Final = "the instant of the fill is not known"
NO_QUOTE: Final = "no fresh quote was seen then"


def begun(order: SmartOrder, fills: Iterable[FillCosts] = ()) -> CostWatch:
    return CostWatch(order_id=order.order_id, symbol=order.symbol, close_at=order.close_at, fills=tuple(fills))


def with_fill(watch: CostWatch, fact: OrderPartlyFilled | OrderFilled) -> CostWatch:
    """The same where that execution is known already."""
    if any(fill.execution_id == fact.execution_id for fill in watch.fills):
        return watch
    return watch.model_copy(update={"fills": (*watch.fills, _noted(fact))})


def over(watch: CostWatch) -> CostWatch:
    return watch.model_copy(update={"is_over": True})


def is_waiting(fill: FillCosts) -> bool:
    return fill.later_at is None and not fill.unknown


def is_complete(watch: CostWatch) -> bool:
    """Whether its costs can be measured: it is over, and nothing more is waited for."""
    return watch.is_over and not any(is_waiting(fill) for fill in watch.fills)


def looked(
    watch: CostWatch, as_of: Callable[[str, dt.datetime], Quote | None], now: dt.datetime, after_seconds: float
) -> CostWatch:
    """With the later quote of every fill for which it is time. `as_of` is the quote that stood at an instant."""
    fills = tuple(_looked(fill, watch, as_of, now, after_seconds) for fill in watch.fills)
    return watch if fills == watch.fills else watch.model_copy(update={"fills": fills})


def _looked(
    fill: FillCosts,
    watch: CostWatch,
    as_of: Callable[[str, dt.datetime], Quote | None],
    now: dt.datetime,
    after_seconds: float,
) -> FillCosts:
    if not is_waiting(fill):
        return fill
    if fill.at is None:
        return fill.model_copy(update={"unknown": NO_INSTANT})
    due = min(fill.at + dt.timedelta(seconds=after_seconds), max(watch.close_at, fill.at))
    if now < due + dt.timedelta(seconds=SETTLING_SECONDS):
        return fill
    quote = as_of(watch.symbol, due)
    if quote is None:
        return fill.model_copy(update={"unknown": NO_QUOTE})
    return fill.model_copy(update={"later_bid": quote.bid, "later_ask": quote.ask, "later_at": quote.at})


def _noted(fact: OrderPartlyFilled | OrderFilled) -> FillCosts:
    return FillCosts(
        execution_id=fact.execution_id,
        rung=fact.rung,
        qty=fact.qty,
        price=fact.price,
        at=fact.filled_at,
        bid=fact.bid,
        ask=fact.ask,
        quoted_at=fact.quoted_at,
    )

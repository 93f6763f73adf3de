"""The broker's word against ours: unsettled intents are resolved, missed fills and endings told, foreign orders named.

Nothing here places, changes or cancels an order. Running it again changes nothing more.
"""

from __future__ import annotations

import dataclasses
import datetime as dt
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Literal, Protocol

from services.execution.adapters.books_report import BooksReport
from services.execution.adapters.updates_stream import Seen
from services.execution.domain.broker import BrokerOrder, BrokerUpdate, Fill, Status
from services.execution.ports import Broker, Intent, Journal

ABSENT_AFTER = dt.timedelta(seconds=60)
"""An intent that the broker does not know for this long was never accepted."""
_PRICE_STEP = Decimal("1e-9")
_EVENTS: Mapping[Status, str] = {Status.FILLED: "fill"}


class UpdatesLog(Protocol):
    """The stream of updates as reconciliation uses it; see updates_stream.py."""

    def append(self, update: BrokerUpdate, *, seen: Seen | None = None) -> bool: ...

    def seen(self, order_id: str) -> Seen: ...


@dataclass(frozen=True, slots=True)
class Difference:
    """One thing that was not as we believed, and what was done about it."""

    kind: Literal["unsettled intent", "missed fill", "missed end", "unrecognised status"]
    client_order_id: str
    symbol: str
    detail: str


@dataclass(frozen=True, slots=True)
class ReconciliationReport:
    """`foreign`: open orders that are not ours. `oldest_live`: when our oldest order that has not ended was submitted."""

    at: dt.datetime
    orders: int
    differences: tuple[Difference, ...]
    foreign: tuple[BrokerOrder, ...]
    unresolved: tuple[str, ...]
    """Client ids of intents whose fate nobody knows yet."""
    oldest_live: dt.datetime | None
    seen: tuple[BrokerOrder, ...] = ()
    """Every order that was looked at."""
    books: BooksReport | None = None
    """None where nobody keeps books, or the broker did not answer."""

    @property
    def is_clean(self) -> bool:
        return not (self.differences or self.foreign or self.unresolved) and (self.books is None or self.books.is_clean)

    @property
    def has_missed_updates(self) -> bool:
        return any(difference.kind in ("missed fill", "missed end") for difference in self.differences)


def reconcile(
    broker: Broker,
    journal: Journal,
    updates: UpdatesLog,
    since: dt.datetime,
    now: dt.datetime,
    *,
    let_updates_arrive: Callable[[], None] = lambda: None,
) -> ReconciliationReport:
    """Orders submitted after `since`, all open ones and all unsettled intents. Raises BrokerUnavailableError.

    `let_updates_arrive` gives updates under way a moment before they are taken for missed.
    """
    # Open ones first: an order that ends in between is then found, ended, by the second question.
    orders = {order.id: order for order in (*broker.open_orders(), *broker.orders_since(since))}
    resolved, unresolved = _resolve(broker, journal, orders, now)
    ours = [order for order in orders.values() if journal.knows(order.client_order_id)]
    if any(_is_news(order, updates.seen(order.id)) for order in ours):
        let_updates_arrive()
    missed = _tell_missed(broker, journal, updates, ours, now)
    known = {order.id for order in ours}
    return ReconciliationReport(
        at=now,
        orders=len(orders),
        differences=(*resolved, *missed),
        foreign=tuple(o for o in orders.values() if o.id not in known and not o.status.is_terminal),
        unresolved=unresolved,
        seen=tuple(orders.values()),
        oldest_live=min((o.submitted_at for o in ours if not o.status.is_terminal), default=None),
    )


def _resolve(
    broker: Broker, journal: Journal, orders: dict[str, BrokerOrder], now: dt.datetime
) -> tuple[list[Difference], tuple[str, ...]]:
    """Ask for each unsettled intent by name; what is found joins `orders`."""
    found, unresolved = [], []
    by_client_id = {order.client_order_id: order for order in orders.values()}
    for intent in journal.unsettled():
        order = by_client_id.get(intent.client_order_id) or broker.order_by_client_id(intent.client_order_id)
        if order is not None:
            orders[order.id] = order
            journal.settle(intent.client_order_id, _outcome(order), order.id)
            found.append(_resolved(intent, f"the broker has it: {order.status.value}, filled {order.filled_qty}"))
        elif now - intent.at >= ABSENT_AFTER:
            journal.settle(intent.client_order_id, "absent", None)
            found.append(_resolved(intent, "the broker never had it"))
        else:
            unresolved.append(intent.client_order_id)
    return found, tuple(unresolved)


def _resolved(intent: Intent, detail: str) -> Difference:
    return Difference("unsettled intent", intent.client_order_id, intent.symbol, detail)


def _outcome(order: BrokerOrder) -> str:
    return order.status.value if order.status.is_terminal else "acknowledged"


def _is_news(order: BrokerOrder, seen: Seen) -> bool:
    has_ended = order.status.is_terminal and not (seen.status is not None and seen.status.is_terminal)
    return order.filled_qty > seen.filled_qty or has_ended


def _tell_missed(
    broker: Broker, journal: Journal, updates: UpdatesLog, ours: Sequence[BrokerOrder], now: dt.datetime
) -> list[Difference]:
    looked = [(order, updates.seen(order.id)) for order in ours]
    news = [(order, seen) for order, seen in looked if _is_news(order, seen)]
    unfilled = [order for order, seen in news if order.filled_qty > seen.filled_qty]
    oldest = min((order.submitted_at for order in unfilled), default=None)
    fills = broker.fills_since(oldest - dt.timedelta(seconds=1)) if oldest is not None else ()
    found = [d for order, seen in news for d in _tell(updates, order, seen, fills, now)]
    for order, _ in news:
        if order.status.is_terminal:
            journal.settle(order.client_order_id, order.status.value, order.id)
    return found + [
        Difference("unrecognised status", order.client_order_id, order.symbol, "the broker's status is not one we know")
        for order in ours
        if order.status is Status.UNRECOGNISED
    ]


def _tell(
    updates: UpdatesLog, order: BrokerOrder, seen: Seen, fills: Sequence[Fill], now: dt.datetime
) -> Iterator[Difference]:
    """Append what is missing of one order, as long as nobody else did in the meantime."""
    for update in missing_updates(order, seen, [fill for fill in fills if fill.order_id == order.id], now):
        if not updates.append(update, seen=seen):
            return
        seen = updates.seen(order.id)
        if update.qty is not None:
            detail = f"{update.qty} at {update.price}, told now"
            yield Difference("missed fill", order.client_order_id, order.symbol, detail)
        else:
            yield Difference("missed end", order.client_order_id, order.symbol, f"{update.event}, told now")


def missing_updates(
    order: BrokerOrder, seen: Seen, fills: Sequence[Fill], now: dt.datetime
) -> tuple[BrokerUpdate, ...]:
    """What the stream should have told of this order: its executions past what was seen, and its end."""
    found = list(_missing_fills(order, seen, fills, now))
    was_told = (seen.status is not None and seen.status.is_terminal) or any(u.order.status.is_terminal for u in found)
    if order.status.is_terminal and not was_told:
        event = _EVENTS.get(order.status, order.status.value)
        found.append(BrokerUpdate(event, now, order, execution_id=f"reconciled:{order.id}:{order.status.value}"))
    return tuple(found)


def _missing_fills(order: BrokerOrder, seen: Seen, fills: Sequence[Fill], now: dt.datetime) -> Iterator[BrokerUpdate]:
    told, notional = seen.filled_qty, seen.notional
    cumulative = Decimal(0)
    for fill in sorted(fills, key=lambda f: f.at):
        cumulative += fill.qty
        if told < cumulative <= order.filled_qty:
            piece, told = cumulative - told, cumulative
            notional += piece * fill.price
            snapshot = _order_at(order, told, notional)
            yield BrokerUpdate(_event(snapshot), fill.at, snapshot, fill.execution_id, piece, fill.price)
    if told < order.filled_qty and order.filled_avg_price is not None:
        # Activities lag behind orders: what they do not tell yet follows from the order's own average price.
        piece, whole = order.filled_qty - told, order.filled_qty * order.filled_avg_price
        price = ((whole - notional) / piece).quantize(_PRICE_STEP)
        price = price if price > 0 else order.filled_avg_price
        snapshot = _order_at(order, order.filled_qty, whole)
        identity = f"reconciled:{order.id}:{order.filled_qty}"
        yield BrokerUpdate(_event(snapshot), now, snapshot, identity, piece, price)


def _order_at(order: BrokerOrder, filled: Decimal, notional: Decimal) -> BrokerOrder:
    """The order as it stood when that much of it was filled."""
    if filled == order.filled_qty:
        status = Status.FILLED if order.status is Status.FILLED else Status.PARTIALLY_FILLED
        return dataclasses.replace(order, status=status)
    return dataclasses.replace(
        order, filled_qty=filled, filled_avg_price=notional / filled, status=Status.PARTIALLY_FILLED
    )


def _event(order: BrokerOrder) -> str:
    return "fill" if order.status is Status.FILLED else "partial_fill"

"""What an order cost: pure arithmetic over what is known of it. docs/tca.md has every formula with its sign and unit.

    decision price ── delay ──► midpoint at arrival ── execution ──► paid            on what was filled
                                                    └─ opportunity ─► midpoint then  on what was not

Positive is lost. An unknown part makes what is built on it unknown and is named; nothing is put in its place.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Final

from services.execution.domain import order_facts
from services.execution.domain.order_state import SmartOrder, SpreadSum
from shared.contracts.base import Side
from shared.contracts.costs import Cost, FillCosts, OrderCosts
from shared.contracts.execution import OrderCostsMeasured
from shared.contracts.marketdata import Quote

_DOLLARS: Final = Decimal("0.000001")
_BPS: Final = Decimal("0.0001")
_NOTHING: Final = Decimal(0)


def worse(side: Side, paid: Decimal, benchmark: Decimal) -> Decimal:
    """By how much `paid` is worse than `benchmark`: a buyer wants less, a seller more."""
    return paid - benchmark if side == "buy" else benchmark - paid


def far_side(side: Side, quote: Quote) -> tuple[Decimal, int]:
    """Price and displayed shares that a market order would meet. Raises ValueError unless the quote has that side."""
    price, size = (quote.ask, quote.ask_size) if side == "buy" else (quote.bid, quote.bid_size)
    if price is None:
        raise ValueError(f"{quote.symbol}: no quote to {side} at (bid {quote.bid}, ask {quote.ask})")
    return price, size


def cost(dollars: Decimal, notional: Decimal) -> Cost:
    """Rounded to a millionth of a dollar and a ten-thousandth of a basis point."""
    return Cost(dollars=dollars.quantize(_DOLLARS) + 0, bps=(dollars / notional * 10_000).quantize(_BPS) + 0)


def spread(side: Side, fills: SpreadSum) -> Cost | None:
    """Twice the distance from the midpoints, as a round trip would pay it; basis points of the midpoints."""
    if fills.at_mid <= 0:
        return None
    return cost(2 * worse(side, fills.paid, fills.at_mid), fills.at_mid)


def as_of(quotes: Iterable[Quote], at: dt.datetime, max_age_seconds: float) -> Quote | None:
    """The newest two-sided quote at or before that instant; one older than the limit is no quote."""
    oldest = at - dt.timedelta(seconds=max_age_seconds)
    fit = (quote for quote in quotes if quote.is_two_sided and oldest <= quote.at <= at)
    return max(fit, key=lambda quote: quote.at, default=None)


def of_order(order: SmartOrder, fills: Sequence[FillCosts] = ()) -> OrderCosts:
    """Of an order that is over. `fills` bring the realised spread; without them it is unknown."""
    quoted, later = order.quoted, _realised(fills)
    parts = _Parts(order)
    delay, execution, opportunity = parts.delay(), parts.execution(), parts.opportunity()
    return OrderCosts(
        wanted_qty=parts.wanted,
        filled_qty=order.filled,
        average_price=order.average_price,
        decision_price=order.decision_price,
        decision_source=order.decision_source,
        arrival=order.arrival,
        ended=order.ended if order.missed else None,
        delay=delay,
        execution=execution,
        opportunity=opportunity,
        shortfall=parts.sum_of(delay, execution, opportunity),
        market_on_arrival=parts.market(),
        beyond_displayed=parts.beyond_displayed(),
        saved=parts.saved(execution),
        effective_spread=spread(order.side, quoted),
        effective_qty=quoted.qty,
        realised_spread=spread(order.side, later),
        realised_qty=later.qty,
        unknown=(*parts.unknown(), *_unknown_spread(order, quoted), *_unknown_realised(order, later, fills)),
    )


def of_fill(order: SmartOrder, fill: FillCosts) -> FillCosts:
    """The same fill with what it cost, as far as its quotes are known."""
    at_mid = None if order.arrival is None else fill.qty * order.arrival.mid
    paid = fill.qty * fill.price
    return fill.model_copy(
        update={
            "execution": None if at_mid is None else cost(worse(order.side, paid, at_mid), at_mid),
            "effective": _spread_of(order.side, fill, fill.bid, fill.ask),
            "realised": _spread_of(order.side, fill, fill.later_bid, fill.later_ask),
        }
    )


def measured(
    order: SmartOrder, fills: Sequence[FillCosts], now: dt.datetime, realised_after_seconds: float
) -> OrderCostsMeasured:
    """The fact about an order that is over. Its id tells what had filled: a fill that comes later makes another one."""
    ended_at = order.ended_at or order.started_at
    return OrderCostsMeasured(
        **order_facts.about(order, f"{order.order_id}#costs@{order.filled.normalize():f}", now),
        outcome=order.ending or "unknown",
        arrived_at=order.arrival.at if order.arrival is not None else order.started_at,
        ended_at=ended_at,
        children=len(order.children),
        realised_after_seconds=realised_after_seconds,
        costs=of_order(order, fills),
        fills=tuple(of_fill(order, fill) for fill in fills),
    )


@dataclass(frozen=True, slots=True)
class _Parts:
    """The parts of one order's shortfall; all basis points are of everything wanted at the midpoint at arrival."""

    order: SmartOrder

    @property
    def wanted(self) -> Decimal:
        """What it began with; what filled beyond it must be compared as well."""
        return max(self.order.wanted or self.order.total, self.order.filled)

    @property
    def is_certain(self) -> bool:
        """Whether what is not filled is known to be unfilled."""
        return self.order.ending != "unknown"

    def delay(self) -> Cost | None:
        arrival, decided = self.order.arrival, self.order.decision_price
        if arrival is None or decided is None:
            return None
        return self._cost(self.wanted, arrival.mid, decided)

    def execution(self) -> Cost | None:
        arrival, filled = self.order.arrival, self.order.filled
        if arrival is None:
            return None
        return self._of(worse(self.order.side, self.order.paid, filled * arrival.mid))

    def opportunity(self) -> Cost | None:
        arrival, ended = self.order.arrival, self.order.ended
        if arrival is None or not self.is_certain:
            return None
        if not self.order.missed:
            return self._of(_NOTHING)
        return None if ended is None else self._cost(self.order.missed, ended.mid, arrival.mid)

    def market(self) -> Cost | None:
        arrival = self.order.arrival
        return None if arrival is None else self._cost(self.wanted, far_side(self.order.side, arrival)[0], arrival.mid)

    def beyond_displayed(self) -> Decimal | None:
        arrival = self.order.arrival
        return None if arrival is None else max(_NOTHING, self.wanted - far_side(self.order.side, arrival)[1])

    def saved(self, execution: Cost | None) -> Cost | None:
        """The rest is priced at the far side: an order that never fills must not look better than one that traded."""
        order, market = self.order, self.market()
        if order.arrival is None or market is None or execution is None or not self.is_certain:
            return None
        if not self.order.missed:
            return self._of(market.dollars - execution.dollars)
        if order.ended is None:
            return None
        finishing = worse(order.side, far_side(order.side, order.ended)[0], order.arrival.mid) * order.missed
        return self._of(market.dollars - execution.dollars - finishing)

    def sum_of(self, *parts: Cost | None) -> Cost | None:
        known = [part.dollars for part in parts if part is not None]
        return self._of(sum(known, _NOTHING)) if len(known) == len(parts) else None

    def unknown(self) -> Iterable[str]:
        if self.order.arrival is None:
            yield "everything: the quote it arrived at is not known"
            return
        if self.order.decision_price is None:
            yield "delay: no decision price was carried to it"
        if not self.is_certain:
            yield "opportunity: what became of its last child is not known"
        elif self.order.missed and self.order.ended is None:
            yield "opportunity: there was no fresh quote at its end"

    def _cost(self, qty: Decimal, price: Decimal, benchmark: Decimal) -> Cost:
        return self._of(worse(self.order.side, qty * price, qty * benchmark))

    def _of(self, dollars: Decimal) -> Cost:
        arrival = self.order.arrival
        if arrival is None:
            raise ValueError(f"{self.order.order_id}: expected the quote at arrival, got none")
        return cost(dollars, self.wanted * arrival.mid)


def _spread_of(side: Side, fill: FillCosts, bid: Decimal | None, ask: Decimal | None) -> Cost | None:
    if bid is None or ask is None:
        return None
    return spread(side, SpreadSum().with_fill(fill.qty, fill.price, (bid + ask) / 2))


def _realised(fills: Iterable[FillCosts]) -> SpreadSum:
    found = SpreadSum()
    for fill in fills:
        if fill.later_bid is not None and fill.later_ask is not None:
            found = found.with_fill(fill.qty, fill.price, (fill.later_bid + fill.later_ask) / 2)
    return found


def _unknown_spread(order: SmartOrder, quoted: SpreadSum) -> Iterable[str]:
    if quoted.qty < order.filled:
        missing = (order.filled - quoted.qty).normalize()
        yield f"effective spread: the quote at the fill is not known for {missing:f} of {order.filled.normalize():f} shares"


def _unknown_realised(order: SmartOrder, later: SpreadSum, fills: Iterable[FillCosts]) -> Iterable[str]:
    """Only once somebody has waited for it: at the order's end nobody can know it."""
    reasons = sorted({fill.unknown for fill in fills if fill.unknown})
    if reasons:
        missing = (order.filled - later.qty).normalize()
        yield f"realised spread: not known for {missing:f} of {order.filled.normalize():f} shares: {', '.join(reasons)}"

"""What orders cost, put together by what they have in common: totals are weighted by dollars and say how much is unknown."""

from __future__ import annotations

import statistics
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from types import MappingProxyType
from typing import Final, Literal

from shared.contracts.costs import Cost, FillCosts, Part, PartTotal, total
from shared.contracts.execution import OrderCostsMeasured
from shared.sessions import NEW_YORK, new_york_date

By = Literal["order", "symbol", "side", "day", "rung"]
PARTS: Final[tuple[Part, ...]] = ("delay", "execution", "opportunity", "shortfall", "market_on_arrival", "saved")
_Weighed = tuple[Cost | None, Decimal | None, Decimal]
"""A fill's cost, the dollars that it is of, and its shares."""


@dataclass(frozen=True, slots=True)
class Spread:
    """Over the fills of which it is known, which are `share` of the shares filled."""

    cost: Cost
    share: Decimal


@dataclass(frozen=True, slots=True)
class Group:
    """`wanted` and `filled` are dollars at the midpoints at arrival; an order that never saw a quote is in neither."""

    label: str
    orders: tuple[OrderCostsMeasured, ...]
    wanted: Decimal
    filled: Decimal
    parts: Mapping[Part, PartTotal]
    effective: Spread | None
    realised: Spread | None

    def cost(self, part: Part) -> Cost | None:
        return self.parts[part].cost

    def of_how_many(self, part: Part) -> str:
        """Nothing where that part is known of every order."""
        return f"of {self.parts[part].known} of {len(self.orders)} orders" if self.parts[part].unknown else ""

    @property
    def compared(self) -> Group:
        """Only the orders that can be compared with a market order on arrival."""
        return group(self.label, [order for order in self.orders if order.costs.saved is not None])

    @property
    def unknown(self) -> int:
        """Orders of which something is not known."""
        return sum(bool(order.costs.unknown) for order in self.orders)


@dataclass(frozen=True, slots=True)
class RungGroup:
    """Fills at one rung of the ladder. `seconds` is the median from arrival to fill, None where no instant is known."""

    label: str
    fills: int
    dollars: Decimal
    execution: Spread | None
    effective: Spread | None
    realised: Spread | None
    seconds: float | None


def grouped(orders: Sequence[OrderCostsMeasured], by: By) -> list[Group]:
    """In the order in which they first appear; `by` is not "rung", which divides orders."""
    found: dict[str, list[OrderCostsMeasured]] = {}
    for order in orders:
        found.setdefault(order.order_id if by == "order" else _LABELS[by](order), []).append(order)
    return [group(_LABELS[by](members[0]), members) for members in found.values()]


def group(label: str, orders: Sequence[OrderCostsMeasured]) -> Group:
    fills = [fill for order in orders for fill in order.fills]
    filled = sum((order.costs.filled_qty for order in orders), Decimal(0))
    priced = [(order.costs, order.costs.arrival.mid) for order in orders if order.costs.arrival is not None]
    return Group(
        label=label,
        orders=tuple(orders),
        wanted=sum((costs.wanted_qty * mid for costs, mid in priced), Decimal(0)),
        filled=sum((costs.filled_qty * mid for costs, mid in priced), Decimal(0)),
        parts={part: total((order.costs for order in orders), part) for part in PARTS},
        effective=_spread(map(_effective, fills), filled),
        realised=_spread(map(_realised, fills), filled),
    )


def rungs(orders: Iterable[OrderCostsMeasured]) -> list[RungGroup]:
    """The quickest first: an order comes to them in this order."""
    found: dict[str, list[tuple[OrderCostsMeasured, FillCosts]]] = {}
    for order in orders:
        for fill in order.fills:
            found.setdefault(fill.rung or "unknown", []).append((order, fill))
    groups = [_rung(label, members) for label, members in found.items()]
    return sorted(groups, key=lambda one: (one.seconds is None, one.seconds, one.label))


def seconds_to_fill(order: OrderCostsMeasured, fill: FillCosts) -> float | None:
    """From the quote that the order arrived at."""
    return None if fill.at is None else max(0.0, (fill.at - order.arrived_at).total_seconds())


def _rung(label: str, members: Sequence[tuple[OrderCostsMeasured, FillCosts]]) -> RungGroup:
    fills = [fill for _, fill in members]
    shares = sum((fill.qty for fill in fills), Decimal(0))
    times = [seconds for order, fill in members if (seconds := seconds_to_fill(order, fill)) is not None]
    return RungGroup(
        label=label,
        fills=len(fills),
        dollars=sum((fill.qty * fill.price for fill in fills), Decimal(0)),
        execution=_spread((_against_arrival(order, fill) for order, fill in members), shares),
        effective=_spread(map(_effective, fills), shares),
        realised=_spread(map(_realised, fills), shares),
        seconds=statistics.median(times) if times else None,
    )


def _spread(fills: Iterable[_Weighed], shares: Decimal) -> Spread | None:
    dollars, notional, known = Decimal(0), Decimal(0), Decimal(0)
    for cost, of, qty in fills:
        if cost is not None and of is not None:
            dollars, notional, known = dollars + cost.dollars, notional + of, known + qty
    if not notional or not shares:
        return None
    bps = (dollars / notional * 10_000).quantize(Decimal("0.0001"))
    return Spread(Cost(dollars=dollars, bps=bps), known / shares)


def _effective(fill: FillCosts) -> _Weighed:
    return fill.effective, _at_mid(fill.qty, fill.bid, fill.ask), fill.qty


def _realised(fill: FillCosts) -> _Weighed:
    return fill.realised, _at_mid(fill.qty, fill.later_bid, fill.later_ask), fill.qty


def _against_arrival(order: OrderCostsMeasured, fill: FillCosts) -> _Weighed:
    arrival = order.costs.arrival
    return fill.execution, None if arrival is None else fill.qty * arrival.mid, fill.qty


def _at_mid(qty: Decimal, bid: Decimal | None, ask: Decimal | None) -> Decimal | None:
    return None if bid is None or ask is None else qty * (bid + ask) / 2


_LABELS: Final[Mapping[By, Callable[[OrderCostsMeasured], str]]] = MappingProxyType(
    {
        "order": lambda order: f"{order.ended_at.astimezone(NEW_YORK):%m-%d %H:%M:%S} {order.side} {order.symbol}",
        "symbol": lambda order: order.symbol,
        "side": lambda order: order.side,
        "day": lambda order: new_york_date(order.ended_at).isoformat(),
    }
)

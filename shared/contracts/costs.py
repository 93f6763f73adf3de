"""What an order cost, part by part; docs/tca.md has the formula, the sign and the unit of each.

A cost is positive where money was lost. What is not known is None, and `unknown` says why; nothing is filled in.
"""

from __future__ import annotations

from collections.abc import Iterable
from decimal import Decimal
from typing import Annotated, Literal, NamedTuple

from pydantic import AwareDatetime, Field

from shared.contracts.base import Money, Price, Qty, Value
from shared.contracts.marketdata import Quote

WantedQty = Annotated[Decimal, Field(gt=0, allow_inf_nan=False, max_digits=24, decimal_places=9)]
Bps = Annotated[Decimal, Field(allow_inf_nan=False)]


class Cost(Value):
    """Dollars, and the same in basis points of the notional that docs/tca.md names for it."""

    dollars: Money
    bps: Bps


class OrderCosts(Value):
    """One order against its decision price, against the midpoint at arrival, and against a market order then."""

    wanted_qty: WantedQty
    """What it began with, though refusals may have made it smaller since; what filled, where that is more."""
    filled_qty: Qty
    average_price: Price | None
    decision_price: Price | None
    decision_source: Literal["strategy", "plan"] | None = None
    """strategy: the price it decided with; plan: it told none, so the midpoint that the plan was made with."""
    arrival: Quote | None
    """The first quote that the order could be priced with."""
    ended: Quote | None = None
    """The quote at its end, where something was left unfilled."""
    delay: Cost | None
    """From the decision price to the midpoint at arrival, on everything wanted."""
    execution: Cost | None
    """From the midpoint at arrival to what was paid, on what was filled."""
    opportunity: Cost | None
    """From the midpoint at arrival to the one at the end, on what was left unfilled."""
    shortfall: Cost | None
    """delay + execution + opportunity."""
    market_on_arrival: Cost | None
    """What everything wanted would have cost at the far side at arrival, however little was displayed there."""
    beyond_displayed: Qty | None = None
    """Shares wanted beyond the size that was displayed there: a market order would have paid more for them."""
    saved: Cost | None
    """Against that market order, the rest priced at the far side at the end. Positive is better."""
    effective_spread: Cost | None = None
    effective_qty: Qty = Decimal(0)
    """Shares filled whose quote at the fill is known: the spread is theirs."""
    realised_spread: Cost | None = None
    realised_qty: Qty = Decimal(0)
    """Shares filled whose quote some time after the fill is known."""
    unknown: tuple[str, ...] = ()

    @property
    def notional(self) -> Decimal | None:
        """Everything wanted at the midpoint at arrival: what the basis points are of, the spreads' excepted."""
        return None if self.arrival is None else self.wanted_qty * self.arrival.mid


class FillCosts(Value):
    """One execution, with the quote it met and the one that stood some time later."""

    execution_id: str
    rung: str
    qty: WantedQty
    price: Price
    at: AwareDatetime | None
    """The broker's instant; None where its own event was lost and only its sum is known."""
    bid: Price | None = None
    ask: Price | None = None
    quoted_at: AwareDatetime | None = None
    later_bid: Price | None = None
    later_ask: Price | None = None
    later_at: AwareDatetime | None = None
    execution: Cost | None = None
    """From the midpoint at the order's arrival to this price."""
    effective: Cost | None = None
    realised: Cost | None = None
    unknown: str = ""
    """Why no later quote is known and none will be."""


Part = Literal["delay", "execution", "opportunity", "shortfall", "market_on_arrival", "saved"]


class PartTotal(NamedTuple):
    """One part over several orders, weighted by dollars; `unknown` orders are in neither its dollars nor its notional."""

    cost: Cost | None
    known: int
    unknown: int


def total(orders: Iterable[OrderCosts], part: Part) -> PartTotal:
    """The sum of that part over the orders of which it is known."""
    dollars, notional, known, unknown = Decimal(0), Decimal(0), 0, 0
    for order in orders:
        found, of = getattr(order, part), order.notional
        if found is None or of is None:
            unknown += 1
            continue
        dollars, notional, known = dollars + found.dollars, notional + of, known + 1
    if not notional:
        return PartTotal(None, known, unknown)
    bps = (dollars / notional * 10_000).quantize(Decimal("0.0001"))
    return PartTotal(Cost(dollars=dollars, bps=bps), known, unknown)

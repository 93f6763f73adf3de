"""Orders that are over, and what they cost: for everything that shows costs."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal
from typing import Any

from services.execution.domain import costs
from services.execution.domain.order_state import Child, Phase, SmartOrder, SpreadSum
from shared.contracts.base import Side
from shared.contracts.costs import FillCosts
from shared.contracts.execution import OrderCostsMeasured
from shared.contracts.marketdata import Quote
from tests.unit.execution.builders import NOW, a_quote, an_order, seconds

D = Decimal
Fill = tuple[str, str, Quote | None]
ARRIVAL = a_quote(bid="100.00", ask="100.10")


def a_worked_order(*fills: Fill, total: str = "100", side: Side = "buy", **changes: Any) -> SmartOrder:
    """Wanted at 100.00/100.10, decided at 99.90; each fill is (shares, price, the quote it met)."""
    quoted = SpreadSum()
    for qty, price, quote in fills:
        quoted = quoted.with_fill(D(qty), D(price), quote.mid) if quote else quoted
    filled = sum((D(qty) for qty, _, _ in fills), D(0))
    child = Child("p1-SPY-buy-mid-1", "mid", 1, D(total), D("100.05"), NOW, filled=filled, is_over=True, quoted=quoted)
    child = replace(child, paid=sum((D(qty) * D(price) for qty, price, _ in fills), D(0)))
    order = an_order(total, side=side, phase=Phase.DONE, arrival=ARRIVAL, arrival_mid=ARRIVAL.mid, wanted=D(total))
    order = replace(order, children=(child,), decision_price=D("99.90"), decision_source="strategy")
    ending = "filled" if filled == D(total) else "partly filled" if filled else "unfilled"
    return replace(order, **{"ending": ending, **changes})


def measured(
    *fills: Fill, later: Quote | None = None, rung: str = "mid", ended_after: float = 12, **order: Any
) -> OrderCostsMeasured:
    """Its fact. Each fill happened a second after the one before; `later` is what stood a minute after each."""
    worked = a_worked_order(*fills, ended_at=NOW + seconds(ended_after), **order)
    noted = [
        FillCosts(
            execution_id=f"{worked.order_id}-e{number}",
            rung=rung,
            qty=D(qty),
            price=D(price),
            at=NOW + seconds(number),
            bid=quote.bid if quote else None,
            ask=quote.ask if quote else None,
            quoted_at=quote.at if quote else None,
            later_bid=later.bid if later else None,
            later_ask=later.ask if later else None,
            later_at=later.at if later else None,
            unknown="" if later else "no fresh quote was seen then",
        )
        for number, (qty, price, quote) in enumerate(fills, start=1)
    ]
    return costs.measured(worked, noted, NOW + seconds(ended_after + 61), 60)

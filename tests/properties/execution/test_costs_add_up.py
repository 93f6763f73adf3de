"""Whatever an order went through: its parts add up, a sell mirrors a buy, and the touch is no bargain."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from services.execution.domain import costs
from services.execution.domain.order_state import Child, Phase, SmartOrder, SpreadSum
from shared.contracts.base import Side
from shared.contracts.costs import OrderCosts
from shared.contracts.marketdata import Quote
from tests.unit.execution.builders import NOW, a_quote, an_order

_CENT, _SLACK = Decimal("0.01"), Decimal("0.000005")
_CENTRE = Decimal(500)
cents = st.integers(-2_000, 2_000).map(lambda n: _CENTRE + n * _CENT)
spreads = st.integers(0, 50).map(lambda n: n * _CENT)
shares = st.integers(1, 10**12).map(lambda n: Decimal(n) / 10**9)


@st.composite
def quotes(draw: st.DrawFn) -> Quote:
    bid = draw(cents)
    return a_quote(bid=str(bid), ask=str(bid + draw(spreads)))


@st.composite
def orders(draw: st.DrawFn) -> SmartOrder:
    """Filled in up to four parts at any prices, wholly or not."""
    fills = draw(st.lists(st.tuples(shares, cents, quotes()), max_size=4))
    filled = sum((qty for qty, _, _ in fills), Decimal(0))
    rest = draw(st.one_of(st.just(Decimal(0)), shares)) if fills else draw(shares)
    quoted = SpreadSum()
    for qty, price, quote in fills:
        quoted = quoted.with_fill(qty, price, quote.mid)
    paid = sum((qty * price for qty, price, _ in fills), Decimal(0))
    child = Child("c", "mid", 1, filled + rest, None, NOW, filled=filled, paid=paid, is_over=True, quoted=quoted)
    arrival, ended = draw(quotes()), draw(quotes())
    side: Side = draw(st.sampled_from(("buy", "sell")))
    fields: dict[str, Any] = {"children": (child,), "ended": ended, "decision_price": draw(cents)}
    return an_order(str(filled + rest), side=side, phase=Phase.DONE, arrival=arrival, **fields)


def known(found: OrderCosts) -> list[Decimal]:
    parts = (found.delay, found.execution, found.opportunity, found.shortfall, found.market_on_arrival, found.saved)
    return [part.dollars for part in parts if part is not None]


@given(orders())
def test_delay_execution_and_opportunity_are_the_whole_way_from_the_decision(order: SmartOrder) -> None:
    found = costs.of_order(order)
    decided, rest = order.decision_price, order.total - order.filled
    assert decided is not None
    assert order.ended is not None
    assert found.shortfall is not None
    way = order.paid + rest * order.ended.mid - order.total * decided
    assert abs(found.shortfall.dollars - (way if order.side == "buy" else -way)) <= _SLACK


@given(orders())
def test_prices_mirrored_and_sides_exchanged_cost_the_same_dollars(order: SmartOrder) -> None:
    def mirrored(quote: Quote | None) -> Quote:
        assert quote is not None
        assert quote.bid is not None
        assert quote.ask is not None
        return quote.model_copy(update={"bid": 2 * _CENTRE - quote.ask, "ask": 2 * _CENTRE - quote.bid})

    assert order.decision_price is not None
    [child] = order.children
    quoted = replace(child.quoted, paid=2 * _CENTRE * child.quoted.qty - child.quoted.paid)
    quoted = replace(quoted, at_mid=2 * _CENTRE * quoted.qty - quoted.at_mid)
    image = replace(
        order,
        side="sell" if order.side == "buy" else "buy",
        children=(replace(child, paid=2 * _CENTRE * child.filled - child.paid, quoted=quoted),),
        arrival=mirrored(order.arrival),
        ended=mirrored(order.ended),
        decision_price=2 * _CENTRE - order.decision_price,
    )
    ours, its = costs.of_order(order), costs.of_order(image)
    assert known(ours) == known(its)
    assert (ours.effective_spread and ours.effective_spread.dollars) == (
        its.effective_spread and its.effective_spread.dollars
    )


@given(orders())
def test_an_order_filled_at_the_touch_at_arrival_saves_nothing_and_pays_the_whole_spread(order: SmartOrder) -> None:
    assert order.arrival is not None
    touch, _ = costs.far_side(order.side, order.arrival)
    [child] = order.children
    sums = SpreadSum().with_fill(order.total, touch, order.arrival.mid)
    whole = replace(child, filled=order.total, paid=order.total * touch, quoted=sums)
    found = costs.of_order(replace(order, children=(whole,)))
    assert found.saved is not None
    assert (found.saved.dollars, found.execution) == (0, found.market_on_arrival)
    assert found.effective_spread is not None
    spread = order.arrival.spread * order.total
    assert abs(found.effective_spread.dollars - spread) <= _SLACK


@given(orders())
def test_every_cost_is_a_message_that_survives_the_wire(order: SmartOrder) -> None:
    found = costs.of_order(order)
    assert OrderCosts.model_validate_json(found.model_dump_json()) == found

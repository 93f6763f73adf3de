"""What orders cost, recomputed from the simulator's own book of fills and its own history of quotes."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal
from pathlib import Path
from typing import Any

import httpx
import pytest

from shared.contracts.execution import OrderCostsMeasured
from tests.integration.execution.processes import Stack

SLACK = Decimal("0.00001")
LATER = 4.0


class Venue:
    """What the simulator says of itself, asked as anybody would."""

    def __init__(self, stack: Stack) -> None:
        self._stack = stack
        self._quotes: dict[str, dict[dt.datetime, tuple[Decimal, Decimal]]] = {}
        self._names = {
            order["id"]: order["client_order_id"] for order in stack.broker("/v2/orders?status=all&limit=500")
        }
        self._fills = list(stack.broker("/v2/account/activities/FILL?page_size=100"))

    def fills(self, order_id: str) -> list[tuple[Decimal, Decimal]]:
        """(shares, price) of every execution of that smart order's children."""
        ours = (fill for fill in self._fills if self._names[fill["order_id"]].startswith(f"{order_id}-"))
        return [(Decimal(fill["qty"]), Decimal(fill["price"])) for fill in ours]

    def quotes(self, symbol: str) -> dict[dt.datetime, tuple[Decimal, Decimal]]:
        """Instant -> (bid, ask)."""
        if symbol not in self._quotes:
            path = f"/v2/stocks/{symbol}/quotes?start=2024-06-03T13:55:00Z&feed=iex&limit=10000"
            rows: list[dict[str, Any]] = self._stack.broker(path)["quotes"]
            self._quotes[symbol] = {
                dt.datetime.fromisoformat(row["t"]): (Decimal(str(row["bp"])), Decimal(str(row["ap"]))) for row in rows
            }
        return self._quotes[symbol]

    def mid(self, symbol: str, at: dt.datetime) -> Decimal:
        bid, ask = self.quotes(symbol)[at]
        return (bid + ask) / 2


def check(fact: OrderCostsMeasured, venue: Venue) -> None:
    """Every part of it from the venue's own figures, by the formulas of docs/tca.md."""
    costs, fills = fact.costs, venue.fills(fact.order_id)
    assert costs.unknown == ()
    assert costs.arrival is not None
    quotes = venue.quotes(fact.symbol)
    assert (costs.arrival.bid, costs.arrival.ask) == quotes[costs.arrival.at]
    mid = venue.mid(fact.symbol, costs.arrival.at)
    paid, filled = sum(q * p for q, p in fills), sum(q for q, _ in fills)
    assert sorted((fill.qty, fill.price) for fill in fact.fills) == sorted(fills)
    assert filled == costs.filled_qty == costs.wanted_qty
    sign = 1 if fact.side == "buy" else -1
    far = quotes[costs.arrival.at][1 if fact.side == "buy" else 0]
    decided = costs.decision_price
    assert decided is not None
    effective = sum(2 * sign * f.qty * (f.price - venue.mid(fact.symbol, instant(f.quoted_at))) for f in fact.fills)
    realised = sum(2 * sign * f.qty * (f.price - venue.mid(fact.symbol, instant(f.later_at))) for f in fact.fills)
    expected = {
        "delay": sign * filled * (mid - decided),
        "execution": sign * (paid - filled * mid),
        "opportunity": 0,
        "shortfall": sign * (paid - filled * decided),
        "market_on_arrival": sign * filled * (far - mid),
        "saved": sign * (filled * far - paid),
        "effective_spread": effective,
        "realised_spread": realised,
    }
    for part, dollars in expected.items():
        assert abs(getattr(costs, part).dollars - dollars) < SLACK, part
    for fill in fact.fills:
        told, quoted, later = instant(fill.at), instant(fill.quoted_at), instant(fill.later_at)
        assert dt.timedelta(0) <= told - quoted < dt.timedelta(seconds=60)
        assert told < later <= told + dt.timedelta(seconds=LATER)


def instant(at: dt.datetime | None) -> dt.datetime:
    assert at is not None
    return at


@pytest.fixture
def settings() -> dict[str, str]:
    return {"EXECUTION_PATIENCE_SECONDS": "0.6", "EXECUTION_REALISED_SPREAD_SECONDS": str(LATER)}


def test_every_part_is_what_the_venues_own_fills_and_quotes_say(
    redis_url: str, namespace: str, tmp_path: Path, settings: dict[str, str]
) -> None:
    with Stack(redis_url, namespace, tmp_path, **settings) as stack:
        bought = stack.target(SPY="0.5", TLT="0.3")
        stack.completed(bought)
        sold = stack.target(SPY="0.2", QQQ="0.2")
        stack.completed(sold)
        everything = stack.eventually(lambda: len(found := stack.told(OrderCostsMeasured)) == 5 and found, within=40)
        venue = Venue(stack)
        for fact in everything:
            check(fact, venue)
        shown = httpx.get(f"{stack.execution}/tca", trust_env=False).json()
        assert {row["order_id"] for row in shown["measured"]} == {fact.order_id for fact in everything}
        assert shown["waiting"] == []

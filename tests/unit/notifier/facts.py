"""Builders of the facts that letters are about: one rebalance of a small account, and things that go wrong."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal
from typing import Any

from shared.contracts.alerts import AlertRaised
from shared.contracts.costs import Cost, OrderCosts
from shared.contracts.execution import (
    HoldingResult,
    OrderResult,
    RebalanceCompleted,
    RebalancePlanned,
    Refusal,
    Trade,
    TradingHalted,
)
from shared.contracts.marketdata import FeedStateChanged, Quote
from shared.contracts.strategy import Reading, SignalIssued, Step

AT = dt.datetime(2024, 6, 3, 19, 44, 2, tzinfo=dt.UTC)
CENT = Decimal("0.01")
RUN, PLAN, CORRELATION = "run-20240603", "plan-7f3a", "c0ffee"


def a_signal(strategy: str = "NUCLEAR", **changes: Any) -> SignalIssued:
    given: dict[str, Any] = {
        "correlation_id": CORRELATION,
        "at": AT - dt.timedelta(minutes=4),
        "run_id": RUN,
        "session": dt.date(2024, 6, 3),
        "strategy": strategy,
        "share": Decimal("0.5"),
        "status": "fresh",
        "weights": {"SMR": Decimal("0.312"), "LEU": Decimal("0.393"), "OKLO": Decimal("0.295")},
        "explanation": (
            a_step("RSI(10) of SPY > 79", holds=False, value="58.2114", threshold="79", margin="-20.7886"),
            a_step("SPY above SMA(200) of SPY", holds=True, value="527.8", depth=1),
            Step(text="weigh SMR, LEU, OKLO by inverse volatility over 90 days", depth=2),
        ),
    }
    return SignalIssued(**given | changes)


def a_step(
    text: str, *, holds: bool, value: str, threshold: str | None = None, margin: str | None = None, depth: int = 0
) -> Step:
    return Step(
        text=text,
        holds=holds,
        readings=(Reading(indicator="RSI(10)", symbol="SPY", value=Decimal(value)),),
        threshold=None if threshold is None else Decimal(threshold),
        margin=None if margin is None else Decimal(margin),
        depth=depth,
    )


def a_trade(symbol: str = "SMR", **changes: Any) -> Trade:
    given: dict[str, Any] = {
        "symbol": symbol,
        "side": "buy",
        "qty": Decimal(1642),
        "price": Decimal("9.50"),
        "notional": Decimal(15599),
        "held_qty": Decimal(0),
        "target_qty": Decimal(1642),
        "target_weight": Decimal("0.156"),
        "reason": "weight 0.0% -> 15.6%",
    }
    return Trade(**given | changes)


def a_plan(**changes: Any) -> RebalancePlanned:
    given: dict[str, Any] = {
        "correlation_id": CORRELATION,
        "at": AT - dt.timedelta(minutes=3),
        "plan_id": PLAN,
        "run_id": RUN,
        "equity": Decimal(100000),
        "cash": Decimal("12000.50"),
        "trades": (
            a_trade(
                "BIL",
                side="sell",
                qty=Decimal(960),
                price=Decimal("91.65"),
                notional=Decimal(87984),
                target_weight=Decimal(0),
                reason="no longer wanted",
            ),
            a_trade(),
        ),
        "refusals": (a_refusal(),),
    }
    return RebalancePlanned(**given | changes)


def a_refusal(**changes: Any) -> Refusal:
    given: dict[str, Any] = {
        "symbol": "OKLO",
        "side": "buy",
        "limit": "spread",
        "detail": "the quote is 182 bps wide, at most 100 are allowed",
        "notional": Decimal(14750),
    }
    return Refusal(**given | changes)


def an_order(symbol: str = "SMR", **changes: Any) -> OrderResult:
    given: dict[str, Any] = {
        "order_id": f"{PLAN}-{symbol}",
        "symbol": symbol,
        "side": "buy",
        "outcome": "filled",
        "qty": Decimal(1642),
        "filled_qty": Decimal(1642),
        "average_price": Decimal("9.5031"),
        "arrival_mid": Decimal("9.50"),
        "slippage_bps": Decimal("3.26"),
        "children": 2,
        "seconds": 41.2,
    }
    return OrderResult(**given | changes)


def some_costs(mid: str = "9.50", qty: int = 1642, **dollars: str | None) -> OrderCosts:
    """Arrived at `mid` with a cent on either side; each part in dollars as given, None for what is not known."""
    arrival = Quote(symbol="SMR", at=AT, bid=Decimal(mid) - CENT, bid_size=900, ask=Decimal(mid) + CENT, ask_size=900)
    notional = qty * Decimal(mid)
    told = {"delay": "2.50", "execution": "5.09", "opportunity": "0", "shortfall": "7.59", "saved": "11.33"} | dollars
    parts = {
        part: None
        if amount is None
        else Cost(dollars=Decimal(amount), bps=round(Decimal(amount) / notional * 10_000, 4))
        for part, amount in ({"market_on_arrival": str(qty * CENT)} | told).items()
    }
    return OrderCosts(
        wanted_qty=Decimal(qty),
        filled_qty=Decimal(qty),
        average_price=Decimal(mid),
        decision_price=Decimal(mid),
        arrival=arrival,
        **parts,
    )


def a_holding(symbol: str = "SMR", **changes: Any) -> HoldingResult:
    given: dict[str, Any] = {
        "symbol": symbol,
        "qty": Decimal(1642),
        "target_qty": Decimal(1642),
        "price": Decimal("9.50"),
        "weight": Decimal("0.1559"),
        "target_weight": Decimal("0.156"),
    }
    return HoldingResult(**given | changes)


def a_rebalance(**changes: Any) -> RebalanceCompleted:
    given: dict[str, Any] = {
        "correlation_id": CORRELATION,
        "at": AT,
        "plan_id": PLAN,
        "run_id": RUN,
        "outcome": "partial",
        "started_at": AT - dt.timedelta(seconds=131),
        "equity": Decimal("99997.11"),
        "cash_before": Decimal("12000.50"),
        "cash_after": Decimal("62183.41"),
        "bought": Decimal("37799.59"),
        "sold": Decimal("87982.50"),
        "cash_gap": Decimal(0),
        "orders": (
            an_order(
                "BIL",
                side="sell",
                qty=Decimal(960),
                filled_qty=Decimal(960),
                average_price=Decimal("91.6484375"),
                slippage_bps=Decimal("-0.2"),
                seconds=12.4,
                children=1,
            ),
            an_order(),
            an_order(
                "LEU",
                outcome="partly filled",
                qty=Decimal(442),
                filled_qty=Decimal(400),
                average_price=Decimal("44.485"),
                slippage_bps=Decimal("11.4"),
                children=4,
                seconds=118,
                detail="the deadline before the close came first",
            ),
        ),
        "holdings": (
            a_holding(),
            a_holding(
                "LEU",
                qty=Decimal(400),
                target_qty=Decimal(442),
                price=Decimal("44.5"),
                weight=Decimal("0.178"),
                target_weight=Decimal("0.1965"),
            ),
        ),
        "refusals": (a_refusal(),),
    }
    return RebalanceCompleted(**given | changes)


def an_alert(**changes: Any) -> AlertRaised:
    given: dict[str, Any] = {
        "correlation_id": "a1e27",
        "at": AT,
        "source": "execution",
        "severity": "warning",
        "title": "An order's outcome is unknown",
        "detail": "SMR: the broker did not answer within 10 s; asking for client order id plan-7f3a-SMR-b-0",
        "what_to_do": "Nothing while it is being resolved; look at `alchemiser orders` if this stays for minutes.",
    }
    return AlertRaised(**given | changes)


def a_feed_change(state: str, **changes: Any) -> FeedStateChanged:
    given: dict[str, Any] = {
        "correlation_id": f"feed-{state}",
        "at": AT,
        "state": state,
        "feed": "iex",
        "detail": "no message for 15 s",
    }
    return FeedStateChanged(**given | changes)


def a_halt(**changes: Any) -> TradingHalted:
    given: dict[str, Any] = {
        "correlation_id": "h417",
        "at": AT,
        "state": "HALTED",
        "reason": "daily loss limit",
        "cancelled": 1,
    }
    return TradingHalted(**given | changes)

"""Values for execution's tests, each with sensible defaults."""

from __future__ import annotations

import datetime as dt
from dataclasses import replace
from decimal import Decimal
from typing import Any

from services.execution.domain.broker import Account, Asset, BrokerOrder, BrokerUpdate, Position, Status
from services.execution.domain.exposure import Standing
from services.execution.domain.limits import Proposal
from services.execution.domain.losses import EquityRecord
from services.execution.domain.order_state import SmartOrder
from services.execution.domain.reference import Reference
from services.execution.domain.situation import Situation
from shared.contracts.marketdata import Quote
from shared.contracts.strategy import StaleShare, TargetPortfolioSet

NOW = dt.datetime(2024, 6, 3, 14, 0, tzinfo=dt.UTC)


def seconds(count: float) -> dt.timedelta:
    return dt.timedelta(seconds=count)


def a_quote(symbol: str = "SPY", bid: str | None = "100.00", ask: str | None = "100.10", **changes: Any) -> Quote:
    fields: dict[str, Any] = {
        "symbol": symbol,
        "at": NOW,
        "bid": None if bid is None else Decimal(bid),
        "bid_size": 100,
        "ask": None if ask is None else Decimal(ask),
        "ask_size": 100,
    }
    return Quote(**(fields | changes))


def a_proposal(**changes: Any) -> Proposal:
    proposal = Proposal(
        symbol="SPY",
        side="buy",
        qty=Decimal(10),
        price=Decimal(100),
        held_qty=Decimal(0),
        equity=Decimal(100_000),
        quote=a_quote(),
        asset=Asset("SPY", is_tradable=True, is_fractionable=True),
        trading="ACTIVE",
        now=NOW,
        reference=a_reference(),
        traded=Decimal(0),
        open_orders=0,
        worth=a_reading(),
        funds=Decimal(1_000_000),
    )
    return replace(proposal, **changes)


def a_reading(equity: str = "100000", **changes: Any) -> EquityRecord:
    fields: dict[str, Any] = {
        "at": NOW,
        "equity": Decimal(equity),
        "day_base": Decimal(100_000),
        "high_water": Decimal(100_000),
        "high_at": NOW,
        "flows_until": NOW,
    }
    return EquityRecord(**(fields | changes))


def a_reference(symbol: str = "SPY", close: str = "100", **changes: Any) -> Reference:
    fields: dict[str, Any] = {
        "symbol": symbol,
        "session": dt.date(2024, 5, 31),
        "close": Decimal(close),
        "average_volume": Decimal(1_000_000),
        "typical_move": Decimal("0.01"),
    }
    return Reference(**(fields | changes))


def an_account(cash: str = "100000", equity: str | None = None, **changes: Any) -> Account:
    worth = Decimal(equity or cash)
    account = Account("PA1", "ACTIVE", worth, Decimal(cash), Decimal(cash), is_blocked=False, last_equity=worth)
    return replace(account, **changes)


def a_position(symbol: str, qty: str, price: str | None = "100") -> Position:
    last = None if price is None else Decimal(price)
    return Position(symbol, Decimal(qty), Decimal(qty), last or Decimal(1), last)


def a_situation(*positions: Position, quotes: dict[str, Quote] | None = None, **changes: Any) -> Situation:
    """SPY, TLT and OLD quoted around 100; equity is what the cash and the positions add up to."""
    quotes = quotes if quotes is not None else {s: a_quote(s, "99.99", "100.01") for s in ("SPY", "TLT", "OLD")}
    cash = Decimal(changes.pop("cash", "100000"))
    worth = sum((p.qty * (p.price or Decimal(0)) for p in positions), Decimal(0))
    situation = Situation(
        account=an_account(str(cash), str(cash + worth)),
        positions={position.symbol: position for position in positions},
        quotes=quotes,
        assets={s: Asset(s, is_tradable=True, is_fractionable=True) for s in ("SPY", "TLT", "OLD")},
        foreign_orders={},
        trading="ACTIVE",
        now=NOW,
        references={s: a_reference(s, close=str(q.bid or 100)) for s, q in quotes.items()},
        standing=Standing(),
        worth=a_reading(),
    )
    return replace(situation, **changes)


def a_target(unknown: str = "0", **weights: str) -> TargetPortfolioSet:
    stale = StaleShare(strategy="lost", share=Decimal(unknown), reason="no data", has_weights=False)
    return TargetPortfolioSet(
        correlation_id="c1",
        at=NOW,
        run_id="r1",
        session=NOW.date(),
        weights={symbol: Decimal(weight) for symbol, weight in weights.items()},
        stale=() if unknown == "0" else (stale,),
    )


def an_order(total: str = "100", **changes: Any) -> SmartOrder:
    order = SmartOrder(
        order_id="p1-SPY-buy",
        plan_id="p1",
        correlation_id="c1",
        symbol="SPY",
        side="buy",
        total=Decimal(total),
        close_at=NOW + dt.timedelta(hours=6),
        started_at=NOW,
        wake_at=NOW,
    )
    return replace(order, **changes)


def a_word(client_order_id: str = "p1-SPY-buy-mid-1", status: Status = Status.NEW, **changes: Any) -> BrokerOrder:
    word = BrokerOrder(
        id=f"b-{client_order_id}",
        client_order_id=client_order_id,
        symbol="SPY",
        side="buy",
        qty=Decimal(100),
        filled_qty=Decimal(0),
        filled_avg_price=None,
        status=status,
        limit_price=Decimal("100.05"),
        submitted_at=NOW,
    )
    return replace(word, **changes)


def an_update(event: str, word: BrokerOrder, **changes: Any) -> BrokerUpdate:
    return replace(BrokerUpdate(event, NOW, word), **changes)

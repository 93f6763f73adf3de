"""Each trade of a plan is judged as if all before it had been filled."""

from __future__ import annotations

from decimal import Decimal

from services.execution.domain.docket import Docket
from services.execution.domain.exposure import Standing
from services.execution.domain.limits import Bounds
from shared.contracts.base import Side
from shared.contracts.execution import Trade
from tests.unit.execution.builders import a_situation

EQUITY = Decimal(100_000)


def a_trade(symbol: str, qty: int, side: Side = "buy", held: int = 0) -> Trade:
    return Trade(
        symbol=symbol,
        side=side,
        qty=Decimal(qty),
        price=Decimal(100),
        notional=Decimal(100 * qty),
        held_qty=Decimal(held),
        target_qty=Decimal(held + qty if side == "buy" else held - qty),
        target_weight=Decimal("0.1"),
        reason="a test",
    )


def symbols(trades: tuple[Trade, ...]) -> list[str]:
    return [trade.symbol for trade in trades]


def test_a_buy_spends_money_that_the_next_one_no_longer_has() -> None:
    docket = Docket(a_situation(), EQUITY, Bounds())
    buys = [a_trade("SPY", 60), a_trade("TLT", 60), a_trade("OLD", 40)]
    assert symbols(docket.paid_for(buys, Decimal(10_000))) == ["SPY", "OLD"]
    [refused] = docket.refusals
    assert (refused.symbol, refused.side, refused.limit, refused.notional) == ("TLT", "buy", "buying power", 6_000)


def test_what_passes_counts_for_the_days_turnover_of_the_next_one() -> None:
    situation = a_situation(standing=Standing(traded=Decimal(4_000)))
    docket = Docket(situation, EQUITY, Bounds(max_turnover=Decimal("0.15")))
    trades = [a_trade("SPY", 60), a_trade("TLT", 60), a_trade("OLD", 50)]
    assert symbols(docket.let_through(trades)) == ["SPY", "OLD"]
    assert [(refused.symbol, refused.limit) for refused in docket.refusals] == [("TLT", "daily turnover")]


def test_only_orders_of_one_side_are_open_together() -> None:
    docket = Docket(a_situation(standing=Standing(open_orders=1)), EQUITY, Bounds(max_open_orders=2))
    trades = [a_trade("OLD", 10, "sell", held=10), a_trade("SPY", 10), a_trade("TLT", 10)]
    assert [(trade.side, trade.symbol) for trade in docket.let_through(trades)] == [("sell", "OLD"), ("buy", "SPY")]
    assert [(refused.symbol, refused.limit) for refused in docket.refusals] == [("TLT", "open orders")]


def test_money_is_no_matter_before_the_buys_are_fitted_to_it() -> None:
    assert symbols(Docket(a_situation(cash="0"), EQUITY, Bounds()).let_through([a_trade("SPY", 10)])) == ["SPY"]

"""One line for what is worth a line while the demo runs; the report tells the rest."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from functools import singledispatch

from rich.markup import escape

from cli.tables import money, percent, price, shares
from shared.contracts import Message
from shared.contracts.alerts import AlertRaised
from shared.contracts.execution import (
    OrderAbandoned,
    OrderFilled,
    OrderPlaced,
    OrderRefused,
    OrderUnknown,
    RebalanceCompleted,
    RebalancePlanned,
)
from shared.contracts.strategy import SignalIssued, TargetPortfolioSet


@singledispatch
def milestone(_message: Message) -> str | None:
    """Rich markup, or None for what needs no line."""
    return None


@milestone.register
def _(message: SignalIssued) -> str:
    return escape(f"{message.strategy} says {_weights(message.weights)}")


@milestone.register
def _(message: TargetPortfolioSet) -> str:
    return escape(f"target portfolio: {_weights(message.weights)}")


@milestone.register
def _(message: RebalancePlanned) -> str:
    trades = ", ".join(f"{t.side} {shares(t.qty)} {t.symbol}" for t in message.trades)
    return escape(f"plan: {trades or 'nothing to trade'}")


@milestone.register
def _(message: OrderPlaced) -> str:
    limit = "at the market" if message.limit_price is None else f"at {price(message.limit_price)}"
    quote = f"bid {price(message.bid)}, ask {price(message.ask)}"
    return escape(f"{message.side} {shares(message.qty)} {message.symbol} {limit} placed ({quote})")


@milestone.register
def _(message: OrderFilled) -> str:
    what = escape(f"{message.side} {shares(message.filled_qty)} {message.symbol}")
    return f"{what} [green]filled[/] at {price(message.average_price)}"


@milestone.register
def _(message: RebalanceCompleted) -> str:
    return f"[bold]{escape(message.outcome)}[/]: equity {money(message.equity)}, cash {money(message.cash_after)}"


@milestone.register
def _(message: AlertRaised) -> str:
    return f"[yellow]{escape(f'{message.source}: {message.title}')}[/]"


@milestone.register
def _(message: OrderRefused) -> str:
    return f"[red]{escape(f'{message.side} {message.symbol} refused: {message.limit}, {message.detail}')}[/]"


@milestone.register(OrderUnknown)
@milestone.register(OrderAbandoned)
def _(message: OrderUnknown | OrderAbandoned) -> str:
    return f"[red]{escape(f'{message.side} {message.symbol}: {message.reason}')}[/]"


def _weights(weights: Mapping[str, Decimal]) -> str:
    return ", ".join(f"{symbol} {percent(weight)}" for symbol, weight in sorted(weights.items())) or "all cash"

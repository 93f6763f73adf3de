"""The run as a person reads it: what was decided and why, what was traded and how, what is held now."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from decimal import Decimal
from functools import singledispatch
from typing import Any, Final

from rich.console import Group, RenderableType
from rich.markup import escape
from rich.padding import Padding
from rich.rule import Rule
from rich.text import Text

from cli.demo.stack import Stack
from cli.demo.story import Story
from cli.demo.verdict import BrokerAccount, Check
from cli.pnl import pnl_view
from cli.signals import signal_view, target_rows
from cli.tables import Marked, bad, counted, dollars, good, money, percent, price, shares, table
from shared.contracts.costs import Part, PartTotal, total
from shared.contracts.execution import (
    OrderAbandoned,
    OrderChildEnded,
    OrderFact,
    OrderFilled,
    OrderPartlyFilled,
    OrderPlaced,
    OrderRefused,
    OrderUnknown,
    RebalanceCompleted,
    RebalancePlanned,
)
from shared.contracts.strategy import TargetPortfolioSet
from shared.sessions import NEW_YORK


def report(
    story: Story, account: BrokerAccount | None, mail: str | None, books: dict[str, Any] | None = None
) -> Iterator[RenderableType]:
    """Section by section; what did not happen is said, not left out."""
    yield from _section("Signals: what each strategy says, and why", _signals(story))
    yield from _section("Target portfolio", [_target(story.target)])
    yield from _section("Plan: sells before buys", [_plan(story.plan)])
    yield from _section("Orders: from the patient side towards the market", [*_orders(story), *_costs(story.completed)])
    yield from _section("Positions against targets", [_positions(story.completed, account)])
    yield from _section("Cash", [_cash(story, account)])
    yield from _section("Whose it is", [pnl_view(books) if books is not None else Text("none", style="red")])
    yield from _section(
        "The mail that was sent", [Padding(Text(mail.rstrip()), (0, 0, 0, 4)) if mail else Text("none", style="red")]
    )


def verdict(checks: Sequence[Check]) -> RenderableType:
    """Each promise with a tick or a cross."""
    marks = [(good("kept") if c.holds else bad("BROKEN"), c.promise, c.detail) for c in checks]
    return table("Promises", ["", "", ""], marks)


def addresses(stack: Stack) -> RenderableType:
    """Where everything of this run can be looked at."""
    rows = [(name, stack.url_of(name), "/docs, /metrics, /ready") for name in stack.services]
    rows += [("simulator", stack.simulator_url, "Alpaca's API, /sim/faults, /sim/clock")]
    rows += [
        ("mailbox", stack.mailbox_url, "/messages, /messages/1.html"),
        ("redis", stack.redis_url, "namespace demo"),
    ]
    return Group(
        table("Addresses", ["", "", ""], rows),
        Text.from_markup(f"[dim]token for the triggers:[/] ALCHEMISER_HTTP_TOKEN={escape(stack.token)}"),
    )


def _section(title: str, parts: Iterable[RenderableType]) -> Iterator[RenderableType]:
    yield Text()
    yield Rule(f"[bold]{escape(title)}[/]", align="left", style="cyan")
    yield from parts


def _signals(story: Story) -> Iterator[RenderableType]:
    for number, signal in enumerate(story.signals.values()):
        if number:
            yield Text()
        yield signal_view(signal.model_dump(mode="json"))
    if not story.signals:
        yield Text("no strategy said anything", style="red")


def _target(target: TargetPortfolioSet | None) -> RenderableType:
    if target is None:
        return Text("no target portfolio was set", style="red")
    return table(None, ["symbol", "weight>"], target_rows(target.model_dump(mode="json")), empty="all cash")


def _plan(plan: RebalancePlanned | None) -> RenderableType:
    if plan is None:
        return Text("no plan was made", style="red")
    trades = [
        (t.side, t.symbol, shares(t.qty), price(t.price), money(t.notional), shares(t.held_qty), shares(t.target_qty))
        for t in plan.trades
    ]
    refused = [(r.side, r.symbol, r.limit, r.detail) for r in plan.refusals]
    head = f"equity {money(plan.equity)}, cash {money(plan.cash)}, plan {plan.plan_id}"
    columns = ["side", "symbol", "shares>", "near>", "dollars>", "held>", "wanted>"]
    parts = [Text(head), table(None, columns, trades, empty="nothing to trade")]
    return Group(*parts, *([table("Refused", ["side", "symbol", "limit", "why"], refused)] if refused else []))


def _orders(story: Story) -> Iterator[RenderableType]:
    for facts in story.orders.values():
        first = facts[0]
        yield table(f"{first.side} {first.symbol}", _ORDER_COLUMNS, [_life(fact) for fact in facts])
    if not story.orders:
        yield Text("no order was placed")


def _costs(done: RebalanceCompleted | None) -> Iterator[RenderableType]:
    """What all of them cost, in a sentence; nothing where nothing was traded."""
    costs = [order.costs for order in done.orders if order.costs is not None] if done is not None else []
    if not costs:
        return
    said = [f"{name} {_whole(total(costs, part))}" for name, part in _COSTS]
    yield Text(f"{counted(len(costs), 'order')}: {'; '.join(said)}")


_COSTS: Final[tuple[tuple[str, Part], ...]] = (
    ("shortfall from the decision", "shortfall"),
    ("all at market on arrival", "market_on_arrival"),
    ("saved against that", "saved"),
)


def _whole(found: PartTotal) -> str:
    if found.cost is None:
        return "not known"
    missing = f", not known of {found.unknown}" if found.unknown else ""
    return f"{found.cost.bps:+.2f} bps ({dollars(found.cost.dollars)}{missing})"


_ORDER_COLUMNS = ["New York", "what", "shares>", "price>", "bid>", "ask>", "remark"]


def _life(fact: OrderFact) -> tuple[object, ...]:
    """One step of an order's life."""
    return fact.at.astimezone(NEW_YORK).strftime("%H:%M:%S.%f")[:-3], *_step(fact)


@singledispatch
def _step(fact: OrderFact) -> tuple[object, ...]:
    return fact.kind, "", "", "", "", ""


@_step.register
def _(fact: OrderPlaced) -> tuple[object, ...]:
    limit = price(fact.limit_price) if fact.limit_price is not None else "market"
    return "placed", shares(fact.qty), limit, price(fact.bid), price(fact.ask), fact.rung


@_step.register
def _(fact: OrderPartlyFilled) -> tuple[object, ...]:
    remark = f"{shares(fact.filled_qty)} of {shares(fact.total_qty)}"
    return Marked("[yellow]partly filled[/]"), shares(fact.qty), price(fact.price), "", "", remark


@_step.register
def _(fact: OrderFilled) -> tuple[object, ...]:
    return good("filled"), shares(fact.qty), price(fact.price), "", "", _quality(fact)


@_step.register
def _(fact: OrderChildEnded) -> tuple[object, ...]:
    return fact.status, shares(fact.filled_qty), "", "", "", fact.reason


@_step.register
def _(fact: OrderUnknown) -> tuple[object, ...]:
    return bad("unknown"), "", "", "", "", fact.reason


@_step.register
def _(fact: OrderAbandoned) -> tuple[object, ...]:
    return bad("abandoned"), shares(fact.filled_qty), "", "", "", fact.reason


@_step.register
def _(fact: OrderRefused) -> tuple[object, ...]:
    return bad("refused"), "", "", "", "", f"{fact.limit}: {fact.detail}"


def _quality(fill: OrderFilled) -> str:
    """How the whole order did against the quote it began with."""
    whole = f"{shares(fill.filled_qty)} at {price(fill.average_price)} on average"
    if fill.arrival_mid is None or fill.slippage_bps is None:
        return whole
    better = "better" if fill.slippage_bps < 0 else "worse"
    return f"{whole}, {abs(fill.slippage_bps):.1f} bps {better} than the mid of {price(fill.arrival_mid)} at the start"


def _positions(done: RebalanceCompleted | None, account: BrokerAccount | None) -> RenderableType:
    if done is None or account is None:
        return Text("not known: the rebalance did not complete", style="red")
    rows = [
        (
            h.symbol,
            shares(h.qty),
            shares(account.positions.get(h.symbol, Decimal(0))),
            price(h.price),
            money(h.qty * h.price),
            percent(h.weight),
            percent(h.target_weight),
        )
        for h in done.holdings
    ]
    columns = ["symbol", "shares>", "at the broker>", "price>", "value>", "weight>", "target>"]
    return table(None, columns, rows, empty="all cash")


def _cash(story: Story, account: BrokerAccount | None) -> RenderableType:
    if story.completed is None or account is None:
        return Text("not known: the rebalance did not complete", style="red")
    done = story.completed
    rows = [
        ("before", money(done.cash_before)),
        ("+ sold", money(done.sold)),
        ("- bought", money(done.bought)),
        ("= after", money(done.cash_before + done.sold - done.bought)),
        ("at the broker", money(account.cash)),
    ]
    return table(None, ["", "dollars>"], rows)

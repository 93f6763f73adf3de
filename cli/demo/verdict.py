"""Whether the run kept its promises: every one is asked of the broker's own account, not only of what execution says."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from cli.demo.story import Story
from shared.contracts.execution import HoldingResult, RebalanceCompleted

_TOLERANCE = Decimal("0.01")
"""Positions may miss their target by this share of it, or by one share."""
_CENT = Decimal("0.01")
"""The broker states cash rounded to the cent, before and after; two roundings differ by less than this."""


@dataclass(frozen=True, slots=True)
class BrokerAccount:
    """The account as the broker tells it after the run: dollars, and shares by symbol."""

    cash: Decimal
    equity: Decimal
    positions: Mapping[str, Decimal]


@dataclass(frozen=True, slots=True)
class Check:
    promise: str
    holds: bool
    detail: str


def checks(
    story: Story, account: BrokerAccount | None, mails: int, books: Mapping[str, Decimal] | None
) -> tuple[Check, ...]:
    """Every promise with what was found; `books` is what the strategies hold together. What never happened is a promise that does not hold."""
    found = [*_decided(story)]
    if story.completed is None or account is None:
        found.append(Check("the rebalance completed", holds=False, detail="it did not, in the time given"))
        return tuple(found)
    done = story.completed
    found.append(Check("the rebalance completed", done.outcome in ("complete", "nothing to do"), done.outcome))
    found += _positions(done, account)
    found += _cash(story, done, account)
    found.append(_books(books, account))
    found.append(Check("a mail told of it", mails > 0, f"{mails} in the mailbox"))
    return tuple(found)


def _decided(story: Story) -> Iterator[Check]:
    stale = [f"{s.strategy} is {s.status}: {s.reason}" for s in story.signals.values() if s.status != "fresh"]
    names = ", ".join(story.signals) or "no strategy said anything"
    yield Check("every strategy decided afresh", bool(story.signals) and not stale, "; ".join(stale) or names)


def _positions(done: RebalanceCompleted, account: BrokerAccount) -> Iterator[Check]:
    missed = [text for holding in done.holdings if (text := _miss(holding, account)) is not None]
    widest = max((abs(h.weight - h.target_weight) for h in done.holdings), default=Decimal(0))
    near = f"{len(done.holdings)} symbols, the widest miss {widest * 100:.2f} % of the portfolio"
    yield Check("positions are within 1 % of target or one share", not missed, "; ".join(missed) or near)
    told = {h.symbol: h.qty for h in done.holdings if h.qty}
    held = {symbol: qty for symbol, qty in account.positions.items() if qty}
    differ = sorted(s for s in told.keys() | held.keys() if told.get(s) != held.get(s))
    yield Check("the broker holds exactly what was reported", not differ, ", ".join(differ) or f"{len(held)} positions")


def _books(books: Mapping[str, Decimal] | None, account: BrokerAccount) -> Check:
    told = {symbol: qty for symbol, qty in (books or {}).items() if qty}
    held = {symbol: qty for symbol, qty in account.positions.items() if qty}
    differ = sorted(symbol for symbol in told.keys() | held.keys() if told.get(symbol) != held.get(symbol))
    detail = ", ".join(differ) if books is not None else "the books did not answer"
    promise = "what the strategies hold sums to the broker's positions"
    return Check(promise, books is not None and not differ, detail or f"{len(held)} symbols, to nine decimals")


def _miss(holding: HoldingResult, account: BrokerAccount) -> str | None:
    """How a position misses its target by more than is allowed, in dollars at the last price."""
    wanted = holding.target_weight * account.equity
    value = account.positions.get(holding.symbol, Decimal(0)) * holding.price
    if abs(value - wanted) <= max(_TOLERANCE * wanted, holding.price):
        return None
    return f"{holding.symbol}: {value:,.2f} held, {wanted:,.2f} wanted"


def _cash(story: Story, done: RebalanceCompleted, account: BrokerAccount) -> Iterator[Check]:
    expected = done.cash_before + story.traded("sell") - story.traded("buy")
    yield Check(
        "cash before + sells - buys = cash after, to the cent",
        abs(expected - account.cash) < _CENT and done.cash_gap == 0,
        f"{done.cash_before:,.2f} + {story.traded('sell'):,.2f} - {story.traded('buy'):,.2f} = {expected:,.2f}; "
        f"the broker has {account.cash:,.2f}",
    )


def sums(books: Mapping[str, Any] | None) -> dict[str, Decimal] | None:
    """Shares by symbol over all strategies, of what /pnl answers."""
    if books is None:
        return None
    found: dict[str, Decimal] = {}
    for position in books["positions"]:
        found[position["symbol"]] = found.get(position["symbol"], Decimal(0)) + Decimal(position["qty"])
    return found

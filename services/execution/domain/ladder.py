"""How an order is priced over time: rungs from patient to marketable, each with its price on the penny grid and its patience.

    join | mid ──► step1 ──► ... ──► touch ──► take (limit beyond the far side by the collar) ──► market (only when configured)

Everything is a parameter; the named policies stand in policies.py. Knows prices and patience, nothing of orders' lives.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from math import ceil
from typing import Literal

from services.execution.domain import grid
from services.execution.domain.slices import WHOLE, Slicing
from shared.contracts.base import Side
from shared.contracts.marketdata import Quote


@dataclass(frozen=True, slots=True)
class Rung:
    """One step.

    join rests at the near side; peg stands between the midpoint and the far side; take is a limit beyond the far side by
    the collar; market has no limit.
    """

    name: str
    kind: Literal["join", "peg", "take", "market"]
    patience_seconds: float
    toward: Decimal = Decimal(0)
    """Of a peg: -1 at the near side, 0 at the midpoint, 1 at the far side."""
    follows_seconds: float | None = None
    """So long it stands before it is moved after the quote; None: it stays where it was put."""
    leaves_at_lean: Decimal | None = None
    """At a one-tick spread whose displayed sizes lean against us by more than this, the last rung comes at once."""
    from_ticks: int = 0
    """Left out at narrower spreads: a one-cent spread has no steps, only joining and crossing."""
    to_ticks: int | None = None
    """Left out at wider spreads."""

    @property
    def is_watched(self) -> bool:
        """Whether a quote alone can end its wait."""
        return self.follows_seconds is not None or self.leaves_at_lean is not None

    def suits(self, spread_ticks: int) -> bool:
        return self.from_ticks <= spread_ticks and (self.to_ticks is None or spread_ticks <= self.to_ticks)


@dataclass(frozen=True, slots=True)
class Policy:
    """How one order is worked. Seconds are of the venue's clock."""

    rungs: tuple[Rung, ...]
    collar_bps: Decimal = Decimal(20)
    slicing: Slicing = WHOLE
    deadline_seconds_before_close: float = 120
    """From then on only the last rung, for all that is left: better a known price now than the closing rush."""
    give_up_seconds: float = 900
    """What is unfilled so long after its last slice began is cancelled and told."""
    cancel_wait_seconds: float = 3
    """Without a word on a cancel after this long, the broker is asked."""
    stuck_seconds: float = 30
    """A cancel without an end after this long is told to a person."""
    stuck_give_up_seconds: float = 300
    quiet_seconds: float = 8
    """A live order without news for this long is asked about: a lost fill is found."""
    query_backoff_seconds: tuple[float, ...] = (0.2, 0.5, 1, 2, 5)
    resend_after_seconds: float = 30
    """An order of unknown fate that the broker does not know for this long is sent again, under the same id."""
    max_resends: int = 3
    halt_seconds: float = 30
    """An order for a symbol that does not trade is tried again this often."""
    retry_seconds: tuple[float, ...] = (0.5, 1, 2, 5, 10)
    max_rejections: int = 8
    shrink: Decimal = Decimal("0.01")
    """How much less is bought after the broker twice saw too little buying power."""
    min_notional: Decimal = Decimal(1)

    def __post_init__(self) -> None:
        if not self.rungs:
            raise ValueError("rungs: expected at least one, got none")
        if self.resend_after_seconds < sum(self.query_backoff_seconds[:1]):
            raise ValueError(
                f"resend_after_seconds: expected more than a query's pause, got {self.resend_after_seconds}"
            )

    @property
    def last(self) -> int:
        return len(self.rungs) - 1

    def moves(self, notional: Decimal) -> int:
        """How many prices may follow the first one of an order worth so much, all its slices together."""
        again = (rung.patience_seconds / rung.follows_seconds for rung in self.rungs if rung.follows_seconds)
        of_slice = self.last + sum(max(0, ceil(times) - 1) for times in again)
        return (1 + of_slice) * self.slicing.count(notional) - 1

    def rung_from(self, index: int, spread_ticks: int) -> int:
        """The first rung from `index` on that suits a spread; the last one always does."""
        suiting = (n for n in range(index, self.last) if self.rungs[n].suits(spread_ticks))
        return next(suiting, self.last)

    def patience(self, index: int, left_seconds: float) -> float:
        """Seconds of that rung: its own, or less where the time left is too short for it and all that follow."""
        wanted = sum(rung.patience_seconds for rung in self.rungs[index : self.last])
        own = self.rungs[index].patience_seconds
        return own if index == self.last or wanted <= left_seconds else max(0.0, own * left_seconds / wanted)

    def pause(self, pauses: Sequence[float], turn: int) -> float:
        """The pause before the turn-th repetition (from 0); the last one goes on."""
        return pauses[min(turn, len(pauses) - 1)]


def steps_of(patience_seconds: float, steps: int) -> tuple[Rung, ...]:
    """The midpoint and `steps` prices towards the far side, which the last of them touches."""
    if steps < 0:
        raise ValueError(f"steps: expected 0 or more, got {steps}")
    pegs = (Rung(f"step{n}", "peg", patience_seconds, Decimal(n) / steps) for n in range(1, steps + 1))
    return Rung("mid", "peg", patience_seconds), *pegs


def ends(patience_seconds: float, *, allows_naked_market: bool) -> tuple[Rung, ...]:
    """How every policy ends; a naked market order only where somebody asked for it."""
    take = Rung("take", "take", patience_seconds)
    return (take, Rung("market", "market", patience_seconds)) if allows_naked_market else (take,)


def standard(
    *,
    patience_seconds: float = 10,
    steps: int = 2,
    urgency: Literal["normal", "urgent"] = "normal",
    allows_naked_market: bool = False,
    collar_bps: Decimal = Decimal(20),
) -> Policy:
    """The plain ladder: midpoint, steps, then marketable with a collar; urgent is the last of it only."""
    waits = () if urgency == "urgent" else steps_of(patience_seconds, steps)
    return Policy((*waits, *ends(patience_seconds, allows_naked_market=allows_naked_market)), collar_bps=collar_bps)


def price(rung: Rung, quote: Quote, side: Side, collar_bps: Decimal, *, coarse: bool = False) -> Decimal | None:
    """The limit price of that rung on the penny grid; None is a market order. Raises ValueError without a two-sided quote.

    A peg rounds away from the far side: at a one-cent spread the midpoint joins the near side and keeps its place in the
    queue, and only the last rungs cross. The marketable rung rounds to where it still reaches the far side.
    """
    if rung.kind == "market":
        return None
    bid, ask = _sides(quote)
    if rung.kind == "take":
        return _marketable(side, bid, ask, collar_bps / 10_000, coarse=coarse)
    toward = Decimal(-1) if rung.kind == "join" else rung.toward
    reach = toward * (ask - bid) / 2
    middle = (bid + ask) / 2
    if side == "buy":
        return max(grid.price_down(middle + reach, coarse=coarse), grid.tick(bid, coarse=coarse))
    return grid.price_up(middle - reach, coarse=coarse)


def spread_ticks(quote: Quote, *, coarse: bool = False) -> int:
    """The spread in steps of the price grid. Raises ValueError without a two-sided quote."""
    bid, ask = _sides(quote)
    return int((ask - bid) / grid.tick(bid, coarse=coarse))


def lean(quote: Quote, side: Side) -> Decimal:
    """How far the displayed sizes lean against who wants to trade on `side`: -1 for us, 1 against us; 0 without sizes.

    A queue that is long on our side and short on the far side tells where the price goes next (order-book imbalance).
    """
    ours, theirs = (quote.bid_size, quote.ask_size) if side == "buy" else (quote.ask_size, quote.bid_size)
    return Decimal(ours - theirs) / (ours + theirs) if ours + theirs else Decimal(0)


def must_leave(rung: Rung, quote: Quote, side: Side, *, coarse: bool = False) -> bool:
    """Whether waiting at that rung is about to cost more than crossing."""
    if rung.leaves_at_lean is None or spread_ticks(quote, coarse=coarse) > 1:
        return False
    return lean(quote, side) > rung.leaves_at_lean


def _sides(quote: Quote) -> tuple[Decimal, Decimal]:
    bid, ask = quote.bid, quote.ask
    if bid is None or ask is None or bid > ask:
        raise ValueError(f"{quote.symbol}: expected a two-sided quote, got bid {bid}, ask {ask}")
    return bid, ask


def _marketable(side: Side, bid: Decimal, ask: Decimal, collar: Decimal, *, coarse: bool) -> Decimal:
    if side == "buy":
        return max(grid.price_down(ask * (1 + collar), coarse=coarse), grid.price_up(ask, coarse=coarse))
    lowest = grid.price_up(bid * (1 - collar), coarse=coarse)
    return max(min(lowest, grid.price_down(bid, coarse=coarse)), grid.tick(bid, coarse=coarse))

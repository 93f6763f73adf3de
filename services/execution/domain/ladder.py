"""How an order is priced over time: passive at the midpoint, stepwise towards the far side, then marketable with a collar.

    mid ──► step1 ──► ... ──► touch ──► take (limit beyond the far side by the collar) ──► market (only when configured)

Everything is a parameter; the numbers are judged by measured shortfall. Knows prices and patience, nothing of orders' lives.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from decimal import Decimal
from typing import Literal

from services.execution.domain import grid
from shared.contracts.base import Side
from shared.contracts.marketdata import Quote

Urgency = Literal["passive", "normal", "urgent"]


@dataclass(frozen=True, slots=True)
class Rung:
    """One step. `toward` is 0 at the midpoint and 1 at the far side; "take" adds the collar, "market" has no limit."""

    name: str
    kind: Literal["peg", "take", "market"]
    patience_seconds: float
    toward: Decimal = Decimal(0)


@dataclass(frozen=True, slots=True)
class Policy:
    """How one order is worked. Seconds are of the venue's clock."""

    rungs: tuple[Rung, ...]
    collar_bps: Decimal = Decimal(20)
    deadline_seconds_before_close: float = 120
    """From then on only the last rung: better a known price now than the closing rush."""
    give_up_seconds: float = 900
    """What is unfilled after this long is cancelled and told."""
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

    def pause(self, pauses: tuple[float, ...], turn: int) -> float:
        """The pause before the turn-th repetition (from 0); the last one goes on."""
        return pauses[min(turn, len(pauses) - 1)]


def standard(
    *,
    patience_seconds: float = 10,
    steps: int = 2,
    urgency: Urgency = "normal",
    allows_naked_market: bool = False,
    collar_bps: Decimal = Decimal(20),
) -> Policy:
    """The default ladder: midpoint, `steps` pegs of which the last touches the far side, then marketable with a collar.

    passive waits twice as long on each peg; urgent begins with the marketable rung.
    """
    if steps < 0:
        raise ValueError(f"steps: expected 0 or more, got {steps}")
    pegs = [Rung("mid", "peg", patience_seconds)]
    pegs += [Rung(f"step{n}", "peg", patience_seconds, Decimal(n) / steps) for n in range(1, steps + 1)]
    if urgency == "passive":
        pegs = [replace(rung, patience_seconds=2 * rung.patience_seconds) for rung in pegs]
    ends = [Rung("take", "take", patience_seconds)]
    ends += [Rung("market", "market", patience_seconds)] if allows_naked_market else []
    return Policy(tuple([] if urgency == "urgent" else pegs) + tuple(ends), collar_bps=collar_bps)


def price(rung: Rung, quote: Quote, side: Side, collar_bps: Decimal, *, coarse: bool = False) -> Decimal | None:
    """The limit price of that rung on the penny grid; None is a market order. Raises ValueError without a two-sided quote.

    A peg rounds away from the far side: at a one-cent spread the midpoint joins the near side and keeps its place in the
    queue, and only the last rungs cross. The marketable rung rounds to where it still reaches the far side.
    """
    if rung.kind == "market":
        return None
    bid, ask = quote.bid, quote.ask
    if bid is None or ask is None or bid > ask:
        raise ValueError(f"{quote.symbol}: expected a two-sided quote, got bid {bid}, ask {ask}")
    if rung.kind == "take":
        return _marketable(side, bid, ask, collar_bps / 10_000, coarse=coarse)
    reach = rung.toward * (ask - bid) / 2
    middle = (bid + ask) / 2
    if side == "buy":
        return max(grid.price_down(middle + reach, coarse=coarse), grid.tick(bid, coarse=coarse))
    return grid.price_up(middle - reach, coarse=coarse)


def _marketable(side: Side, bid: Decimal, ask: Decimal, collar: Decimal, *, coarse: bool) -> Decimal:
    if side == "buy":
        return max(grid.price_down(ask * (1 + collar), coarse=coarse), grid.price_up(ask, coarse=coarse))
    lowest = grid.price_up(bid * (1 - collar), coarse=coarse)
    return max(min(lowest, grid.price_down(bid, coarse=coarse)), grid.tick(bid, coarse=coarse))

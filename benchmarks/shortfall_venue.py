"""A venue that decides fills from what was recorded, by the sure / surely-not rule; undecided fills count as told.

A resting buy at L surely fills in a bar when an ask of it is at or below L or a trade prints below L; surely not when no ask
and no trade is at or below L; in between (trades at L, no ask there) nobody can know, for the queue ahead is unknown.
Sells mirror it. An order that reaches the market marketable takes what is displayed, at the price displayed.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from typing import Literal

from benchmarks.shortfall_tape import Tape

Side = Literal["buy", "sell"]


class Fate(Enum):
    """Of a resting order within one bar."""

    SURE = "sure"
    UNDECIDED = "undecided"
    SURELY_NOT = "surely not"


def fate(tape: Tape, bar: int, side: Side, limit: int) -> Fate:
    """What that bar does to an order which rests at `limit` from its beginning to its end."""
    if side == "buy":
        quoted, traded = tape.ask_low[bar] - limit, tape.trade_low[bar] - limit
    else:
        quoted, traded = limit - tape.bid_high[bar], limit - tape.trade_high[bar]
    if quoted <= 0 or traded < 0:
        return Fate.SURE
    return Fate.UNDECIDED if traded == 0 else Fate.SURELY_NOT


@dataclass(frozen=True)
class Fill:
    """`instant` is when it is known: the end of the bar it happened in."""

    instant: int
    qty: int
    price: int
    was_resting: bool


@dataclass
class VenueOrder:
    """One order at the venue. `limit` None is a market order."""

    side: Side
    qty: int
    limit: int | None
    reaches: int
    """The instant at which it meets the market."""
    filled: int = 0
    was_undecided: bool = False
    """Whether an undecided bar came its way: only then does the way of counting matter."""
    seen: int = -1
    """The last instant that was looked at."""

    @property
    def open(self) -> int:
        return self.qty - self.filled


def advance(tape: Tape, order: VenueOrder, until: int, *, counts_undecided: bool) -> Fill | None:
    """The first fill at or before the instant `until`, None when there is none; call it again to go on from there."""
    instant = max(order.seen, order.reaches - 1)
    while instant < until and order.open:
        instant += 1
        order.seen = instant
        fill = _met(tape, order, instant, counts_undecided=counts_undecided)
        if fill is not None:
            order.filled += fill.qty
            return fill
    return None


def _met(tape: Tape, order: VenueOrder, instant: int, *, counts_undecided: bool) -> Fill | None:
    """At its first instant it meets the displayed quote; later, the bar that has just ended."""
    before = instant - 1
    if order.limit is not None and instant > order.reaches and not _is_marketable(tape, order, before):
        return _rested(tape, order, before, order.limit, counts_undecided=counts_undecided)
    if not _is_marketable(tape, order, instant):
        return None
    size = tape.ask_size[instant] if order.side == "buy" else tape.bid_size[instant]
    touch = tape.ask[instant] if order.side == "buy" else tape.bid[instant]
    return Fill(instant, min(order.open, size), touch, was_resting=False) if size else None


def _rested(tape: Tape, order: VenueOrder, bar: int, limit: int, *, counts_undecided: bool) -> Fill | None:
    """At its own limit, and no more than was displayed against it or traded."""
    found = fate(tape, bar, order.side, limit)
    if found is Fate.SURELY_NOT:
        return None
    if found is Fate.UNDECIDED:
        order.was_undecided = True
        if not counts_undecided:
            return None
    size = _against(tape, order.side, bar, limit)
    return Fill(bar + 1, min(order.open, size), limit, was_resting=True) if size else None


def _against(tape: Tape, side: Side, bar: int, limit: int) -> int:
    """How many shares came against a resting order in a bar, at most."""
    is_quoted = tape.ask_low[bar] <= limit if side == "buy" else tape.bid_high[bar] >= limit
    displayed = (tape.ask_size if side == "buy" else tape.bid_size)[bar + 1] if is_quoted else 0
    is_traded = tape.trade_low[bar] <= limit if side == "buy" else tape.trade_high[bar] >= limit
    return max(displayed, tape.volume[bar] if is_traded else 0)


def _is_marketable(tape: Tape, order: VenueOrder, instant: int) -> bool:
    if order.limit is None:
        return True
    return order.limit >= tape.ask[instant] if order.side == "buy" else order.limit <= tape.bid[instant]

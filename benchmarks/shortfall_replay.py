"""What a parent order is, what became of it, and the two ways of working it that ours is compared with.

Whoever prices sees the quote of its instant and nothing later; the order meets the market `latency` bars after that.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from benchmarks import shortfall_tape as tapes
from benchmarks.shortfall_tape import Tape
from benchmarks.shortfall_venue import Fill, Side, VenueOrder, advance


@dataclass(frozen=True)
class Parent:
    """What is wanted, and from which instant on."""

    side: Side
    qty: int
    arrival: int


@dataclass(frozen=True)
class Rules:
    """How the venue is played. `horizon` and `latency` in bars."""

    horizon: int
    latency: int
    counts_undecided: bool


@dataclass
class Worked:
    """What became of a parent. `paid` is ten-thousandths of a dollar, the rest at the far side at the horizon included."""

    parent: Parent
    paid: int = 0
    filled: int = 0
    rested: int = 0
    """Shares that were filled while resting."""
    requests: int = 0
    ended: int = 0
    was_undecided: bool = False

    def add(self, fill: Fill) -> None:
        self.paid += fill.qty * fill.price
        self.filled += fill.qty
        self.rested += fill.qty if fill.was_resting else 0
        self.ended = fill.instant

    def closed(self, tape: Tape, horizon: int) -> Worked:
        """What is unfilled at the horizon is priced at the far side then: the opportunity it cost."""
        left = self.parent.qty - self.filled
        if left:
            at = self.parent.arrival + horizon
            self.paid += left * (tape.ask[at] if self.parent.side == "buy" else tape.bid[at])
            self.ended = at
        return self

    def shortfall(self, tape: Tape) -> float:
        """Dollars lost against the midpoint at arrival."""
        at_mid = tape.double_mid(self.parent.arrival) * self.parent.qty
        worse = 2 * self.paid - at_mid
        return (worse if self.parent.side == "buy" else -worse) / 20_000


class Worker(Protocol):
    """Works one parent to its end."""

    def __call__(self, tape: Tape, parent: Parent, rules: Rules) -> Worked: ...


@dataclass(frozen=True)
class Documented:
    """Limits at 0/10/20/30 % of the half-spread from the midpoint towards the market, 15 s each, then a market order.

    As its users describe it, half a cent rounded up; told of the quote at each step; cancelled before each next one,
    and only the proven rest sent again (what it is known for doing wrong there is another matter).
    """

    steps: tuple[int, ...] = (0, 10, 20, 30)
    step_seconds: int = 15

    def __call__(self, tape: Tape, parent: Parent, rules: Rules) -> Worked:
        worked, now = Worked(parent), parent.arrival
        patience = max(1, self.step_seconds // tape.bar_seconds)
        for percent in self.steps:
            end = now + patience + rules.latency
            now = _sent(tape, worked, rules, self.limit(tape, parent.side, now, percent), now=now, end=end)
            if worked.filled == parent.qty:
                return worked
        return _market(tape, worked, now, rules)

    @staticmethod
    def limit(tape: Tape, side: Side, instant: int, percent: int) -> int:
        reach = percent * (tape.ask[instant] - tape.bid[instant])
        exact = 100 * tape.double_mid(instant) + (reach if side == "buy" else -reach)
        unit = 200 * tapes.CENT
        return (exact + unit // 2) // unit * tapes.CENT


def market_on_arrival(tape: Tape, parent: Parent, rules: Rules) -> Worked:
    return _market(tape, Worked(parent), parent.arrival, rules)


def _market(tape: Tape, worked: Worked, now: int, rules: Rules) -> Worked:
    end = worked.parent.arrival + rules.horizon
    _sent(tape, worked, rules, None, now=now, end=end)
    return worked.closed(tape, rules.horizon)


def _sent(tape: Tape, worked: Worked, rules: Rules, limit: int | None, *, now: int, end: int) -> int:
    """One order from `now` until all is filled or its cancel takes effect at `end`; the instant it is over."""
    order = VenueOrder(worked.parent.side, worked.parent.qty - worked.filled, limit, now + rules.latency)
    worked.requests += 1
    while (fill := advance(tape, order, end, counts_undecided=rules.counts_undecided)) is not None:
        worked.add(fill)
    worked.was_undecided |= order.was_undecided
    if order.open:
        worked.requests += 1
        return end
    return worked.ended

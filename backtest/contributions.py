"""Whose profit is it: each evening's gain, shared out to the strategies and branches whose weights asked for the holding.

Strategies and branches, what nobody asked for any more, and minus the costs: together exactly what the account gained.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np

from backtest.branches import Piece, pieces_of
from backtest.decisions import Decided
from backtest.engine import Outcome
from backtest.standing import Rows
from services.strategy.domain.engine import TreeStrategy
from services.strategy.domain.indicators import FloatArray

WHOLE_ENGINE: Final = "decision"


@dataclass(frozen=True, slots=True)
class BranchResult:
    """`sessions`: evenings on which the branch's weights were in force."""

    strategy: str
    branch: str
    sessions: int
    dollars: float


@dataclass(frozen=True, slots=True)
class Contributions:
    """In dollars. `unasked`: of holdings that no target names, such as one that could not be sold in a gap."""

    strategies: dict[str, float]
    branches: tuple[BranchResult, ...]
    unasked: float
    costs: float


def contributions(outcome: Outcome) -> Contributions:
    # First, since rankings are made again for it: a thousand symbols over twenty years are 40 MB a table.
    pieces = [_pieces(decided, outcome) for decided in outcome.targets.decided]
    gains = _gains(outcome)
    asked_on = outcome.asked_on
    strategies, branches = {}, []
    for decided, own in zip(outcome.targets.decided, pieces, strict=True):
        part = _part_of(decided, outcome, asked_on)
        part *= gains
        strategies[decided.allotment.name] = float(part.sum())
        branches += _branches(decided, own, outcome, part)
    costs = float(outcome.book.spread.sum() + outcome.book.fees.sum())
    unasked = float(gains.sum()) - sum(strategies.values())
    return Contributions(strategies, tuple(branches), unasked, costs)


def _gains(outcome: Outcome) -> FloatArray:
    """Dollars gained by each symbol from one fill to the next, before costs; shape (fills, symbols)."""
    book, fills = outcome.book, outcome.fills
    if not fills.size:
        return np.zeros((0, len(outcome.symbols)))
    prices = book.prices
    # In place where it can be, for the same reason.
    change = prices.fill[fills]
    np.copyto(change, prices.marks[np.maximum(fills - 1, 0)], where=np.isnan(change))
    last = prices.marks[-1] - change[-1]
    np.subtract(change[1:], change[:-1], out=change[:-1])
    change[-1] = last
    if not book.rows.size:
        return np.zeros_like(change)
    event = np.searchsorted(book.rows, fills, side="right") - 1
    held = book.shares[np.maximum(event, 0)]
    held[event < 0] = 0.0
    np.multiply(held, change, out=held, where=held != 0)
    return held


def _part_of(decided: Decided, outcome: Outcome, asked_on: Rows) -> FloatArray:
    """The part of each holding that this strategy asked for; shape (fills, symbols)."""
    place = {symbol: column for column, symbol in enumerate(outcome.symbols)}
    total = outcome.targets.weights[asked_on]
    own = np.zeros_like(total)
    share = float(decided.allotment.share)
    for column, symbol in enumerate(decided.standing.symbols):
        own[:, place[symbol]] = share * decided.standing.weights[asked_on, column]
    np.divide(own, total, out=own, where=total > 0)
    return own


def _branches(decided: Decided, pieces: Sequence[Piece], outcome: Outcome, gains: FloatArray) -> list[BranchResult]:
    base, asked_on = decided.standing.base, outcome.asked_on
    evenings = base[outcome.targets.first :]
    dollars: dict[str, float] = defaultdict(float)
    in_force: dict[str, np.ndarray[tuple[int], np.dtype[np.bool_]]] = {}
    place = {symbol: column for column, symbol in enumerate(outcome.symbols)}
    own = {symbol: column for column, symbol in enumerate(decided.standing.symbols)}
    scratch = np.zeros(len(base) + 1)  # the last row stands for "never": base -1 reads it
    for piece in pieces:
        scratch[piece.rows] = piece.shares
        reached = scratch[evenings] > 0
        in_force[piece.branch] = in_force.get(piece.branch, False) | reached
        if piece.symbol is not None:
            wanted = np.append(decided.wish.weights[:, own[piece.symbol]], 0.0)[base[asked_on]]
            asked = scratch[base[asked_on]]
            part = np.divide(asked, wanted, out=np.zeros_like(asked), where=(asked > 0) & (wanted > 0))
            dollars[piece.branch] += float(np.dot(gains[:, place[piece.symbol]], part))
        scratch[piece.rows] = 0.0
    name = decided.allotment.name
    results = [BranchResult(name, branch, int(days.sum()), dollars[branch]) for branch, days in in_force.items()]
    return sorted((r for r in results if r.sessions), key=lambda r: -abs(r.dollars))


def _pieces(decided: Decided, outcome: Outcome) -> list[Piece]:
    """An engine that is no tree has one branch."""
    if isinstance(decided.allotment.engine, TreeStrategy):
        return pieces_of(decided.allotment.engine.tree, outcome.targets.columns, outcome.targets.first)
    weights, rows = decided.wish.weights, np.flatnonzero(decided.wish.defined)
    return [
        Piece(WHOLE_ENGINE, symbol, rows, weights[rows, column])
        for column, symbol in enumerate(decided.standing.symbols)
    ]

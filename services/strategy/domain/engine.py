"""What a strategy is to the rest: a name, what it reads, and a decision on the newest close. Trees are one kind."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Protocol

from services.strategy.domain.closes import Closes
from services.strategy.domain.columns import Columns
from services.strategy.domain.day import evaluate_day
from services.strategy.domain.rebalance import DAILY, Rebalance
from services.strategy.domain.survey import closes_needed, symbols_of
from services.strategy.domain.tree import Node
from shared.contracts.strategy import Step


@dataclass(frozen=True, slots=True)
class Decision:
    """What to hold. Weights and cash sum to 1; cash must be meant, it is never what is left over."""

    weights: Mapping[str, float | Decimal]
    explanation: tuple[Step, ...] = ()
    cash: float | Decimal = 0


class StrategyEngine(Protocol):
    """Anything with these four can be traded. `decide` must not keep anything between calls.

    One that also has `rebalance` (domain/rebalance.py) returns to its weights by that rule, others do every day.
    """

    @property
    def name(self) -> str: ...

    @property
    def symbols(self) -> tuple[str, ...]:
        """All that is read or may be held; a weight on any other symbol is refused."""

    @property
    def closes_needed(self) -> int:
        """The fewest daily closes with which it can decide."""

    def decide(self, closes: Closes) -> Decision:
        """For the newest row. Raise UndefinedDecision by name where a needed number cannot be known."""


@dataclass(frozen=True)
class TreeStrategy:
    """A tree with a name: NUCLEAR, TECL, a symphony file."""

    name: str
    tree: Node
    rebalance: Rebalance = DAILY

    @property
    def symbols(self) -> tuple[str, ...]:
        return symbols_of(self.tree)

    @property
    def closes_needed(self) -> int:
        return closes_needed(self.tree)

    def decide(self, closes: Closes) -> Decision:
        day = evaluate_day(self.tree, Columns(closes))
        return Decision(day.weights, day.steps, day.cash)

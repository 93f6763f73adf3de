"""The tree on one day, with its explanation: which tests were asked, each number, threshold and margin, what followed.

Reads its numbers from Columns and decides by its own walk; a property test keeps the two evaluations equal.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import NamedTuple

from services.strategy.domain.columns import Columns
from services.strategy.domain.exact import exact
from services.strategy.domain.indicators import FloatArray, run_ending_at
from services.strategy.domain.ranking import ranked_places
from services.strategy.domain.routing import COMPARE
from services.strategy.domain.survey import reach_of, symbols_of
from services.strategy.domain.tree import (
    AnyOf,
    Asset,
    Cash,
    Comparison,
    Equal,
    Group,
    If,
    InverseVolatility,
    Measure,
    Metric,
    Node,
    Number,
    Operand,
    Select,
    Specified,
    Test,
)
from services.strategy.domain.undefined import UndefinedDecision
from shared.contracts.strategy import Reading, Step


@dataclass(frozen=True, slots=True)
class DayAllocation:
    """What to hold on one day and why. Weights and cash sum to 1 but for float noise."""

    weights: Mapping[str, float]
    cash: float
    steps: tuple[Step, ...]


class _Visit(NamedTuple):
    node: Node
    share: float
    depth: int


def evaluate_day(tree: Node, columns: Columns, row: int | None = None) -> DayAllocation:
    """On the newest row unless told. Raises UndefinedDecision by name, carrying the steps taken until then."""
    walk = _Walk(columns, columns.closes.last if row is None else row)
    try:
        walk.through(tree)
    except UndefinedDecision as undefined:
        raise UndefinedDecision(undefined.reason, tuple(walk.steps)) from None
    return DayAllocation(walk.weights, walk.cash, tuple(walk.steps))


class Turn(NamedTuple):
    """Where a node's share goes on one day: the children that get some of it, with their fractions, and the steps told."""

    shares: tuple[tuple[Node, float], ...]
    steps: tuple[Step, ...]


def turn_of(node: Node, columns: Columns, row: int) -> Turn:
    """One step of a walk, for pictures of it. Raises UndefinedDecision."""
    walk = _Walk(columns, row)
    onward = walk._visit(_Visit(node, 1.0, 0))  # noqa: SLF001 - the walk's own module
    return Turn(tuple((visit.node, visit.share) for visit in onward), tuple(walk.steps))


class _Walk:
    """One walk down the taken path; nodes that are not reached are not asked."""

    def __init__(self, columns: Columns, row: int) -> None:
        self._columns = columns
        self._row = row
        self.weights: dict[str, float] = {}
        self.cash = 0.0
        self.steps: list[Step] = []

    def through(self, tree: Node) -> None:
        waiting = [_Visit(tree, 1.0, 0)]
        while waiting:
            waiting.extend(reversed(self._visit(waiting.pop())))

    def _visit(self, visit: _Visit) -> list[_Visit]:  # noqa: PLR0911 - one return per kind of node
        node, share, depth = visit
        match node:
            case Asset(symbol):
                return self._hold(symbol, share, depth)
            case Cash():
                self.cash += share
                self._say(f"hold {_percent(share)} in cash", depth)
                return []
            case Group(name, child):
                self._say(f"group {name}", depth)
                return [_Visit(child, share, depth + 1)]
            case Equal(children):
                return [_Visit(child, share / len(children), depth) for child in children]
            case Specified(parts):
                return [_Visit(child, share * float(part), depth) for part, child in parts]
            case If(test, then, otherwise):
                # The else side stays at its depth: a decision table reads as a list, not as a staircase.
                return [_Visit(then, share, depth + 1) if self._holds(test, depth) else _Visit(otherwise, share, depth)]
            case Select():
                chosen = self._chosen(node, depth)
                return [_Visit(candidate, share / len(chosen), depth + 1) for candidate in chosen]
            case InverseVolatility():
                return self._by_volatility(node, share, depth)

    def _hold(self, symbol: str, share: float, depth: int) -> list[_Visit]:
        if not self._columns.listed(symbol)[self._row]:
            session = self._columns.closes.sessions[self._row]
            raise UndefinedDecision(f"{symbol}: not listed: no close up to {session}")
        self.weights[symbol] = self.weights.get(symbol, 0.0) + share
        self._say(f"hold {_percent(share)} {symbol}", depth)
        return []

    def _holds(self, test: Test, depth: int) -> bool:
        if isinstance(test, Comparison):
            return self._compare(test, depth)
        stops_when = isinstance(test, AnyOf)
        for inner in test.tests:
            if self._holds(inner, depth) is stops_when:
                return stops_when
        return not stops_when

    def _compare(self, test: Comparison, depth: int) -> bool:
        left, right = self._side(test.left), self._side(test.right)
        holds = bool(COMPARE[test.operator](left, right))
        self.steps.append(
            Step(
                text=str(test),
                holds=holds,
                readings=tuple(
                    Reading(indicator=str(side.metric), symbol=side.symbol, value=exact(value))
                    for side, value in ((test.left, left), (test.right, right))
                    if isinstance(side, Measure)
                ),
                threshold=test.right.value if isinstance(test.right, Number) else None,
                margin=exact(left) - exact(right),
                depth=depth,
            )
        )
        return holds

    def _side(self, side: Operand) -> float:
        if isinstance(side, Number):
            return float(side.value)
        return self._known(side.metric, Asset(side.symbol))

    def _known(self, metric: Metric, node: Node) -> float:
        value = self._value(metric, node)
        if value is None:
            raise UndefinedDecision(self._why_undefined(metric, node))
        return value

    def _value(self, metric: Metric, node: Node) -> float | None:
        value = float(self._columns.metric_of(metric, node)[self._row])
        return None if value != value else value  # noqa: PLR0124 - NaN is the one float unequal to itself

    def _why_undefined(self, metric: Metric, node: Node) -> str:
        run = run_ending_at(self._path(node), self._row)
        if run < metric.closes_needed:
            lacking = f"{metric.label(str(node))}: {run} of {metric.closes_needed} closes needed"
            return lacking + (self._refused(metric, node) or self._where(node, run))
        return f"{metric.label(str(node))}: its {run} closes have no value for it (they never changed)"

    def _where(self, node: Node, run: int) -> str:
        """A gap on the day itself is told from a symbol that has too few closes, or none at all."""
        closes = self._columns.closes
        is_gap = not run and isinstance(node, Asset) and self._columns.listed(node.symbol)[self._row]
        return f", none on {closes.sessions[self._row]}" if is_gap else ""

    def _refused(self, metric: Metric, node: Node) -> str:
        """The newest refused close that it would have needed, and how many more; empty where there is none."""
        found = self._columns.closes.refusals(symbols_of(node), self._row, reach_of(metric, node))
        more = f" (and {len(found) - 1} more)" if len(found) > 1 else ""
        return f"; {found[max(found)]}{more}" if found else ""

    def _path(self, node: Node) -> FloatArray:
        return self._columns.path_of(node)

    def _chosen(self, node: Select, depth: int) -> list[Node]:
        """In listed order, a candidate listed twice as often as it ranks. Tells every number and why one was left out."""
        values = [self._value(node.metric, candidate) for candidate in node.candidates]
        with_data = [(place, value) for place, value in enumerate(values) if value is not None]
        left_out = [
            self._why_undefined(node.metric, candidate)
            for candidate, value in zip(node.candidates, values, strict=True)
            if value is None
        ]
        doubted = [c for c in node.candidates if self._columns.doubted(node.metric, c)[self._row]]
        if doubted:
            whys = "; ".join(self._why_undefined(node.metric, candidate) for candidate in doubted)
            raise UndefinedDecision(f"{node}: a candidate's closes are refused: {whys}")
        if not with_data:
            raise UndefinedDecision(f"{node}: no candidate has data: {'; '.join(left_out)}")
        ranked = ranked_places([value for _, value in with_data], highest=node.rank == "highest")
        places = [with_data[rank][0] for rank in ranked[: node.count]]
        text = f"{node}: {', '.join(str(node.candidates[place]) for place in places)}"
        self._say_numbers(text + _left_out(left_out), node.metric, node.candidates, values, depth)
        return [node.candidates[place] for place in sorted(places)]

    def _by_volatility(self, node: InverseVolatility, share: float, depth: int) -> list[_Visit]:
        members = self._members(node, depth)
        volatilities = [self._volatility(node.metric, member) for member in members]
        inverse = [1.0 / volatility for volatility in volatilities]
        parts = [one / sum(inverse) for one in inverse]
        shares = ", ".join(f"{member} {_percent(part)}" for member, part in zip(members, parts, strict=True))
        self._say_numbers(f"inverse volatility {node.window}: {shares}", node.metric, members, volatilities, depth)
        return [_Visit(member, share * part, depth + 1) for member, part in zip(members, parts, strict=True)]

    def _members(self, node: InverseVolatility, depth: int) -> list[Node]:
        """A ranking is replaced by what it selects."""
        members: list[Node] = []
        for child in node.children:
            if isinstance(child, Select):
                members += self._chosen(child, depth)
            else:
                members.append(child)
        return members

    def _volatility(self, metric: Metric, member: Node) -> float:
        volatility = self._known(metric, member)
        if volatility <= 0:
            raise UndefinedDecision(f"{metric.label(str(member))}: is 0, which has no inverse")
        return volatility

    def _say_numbers(
        self,
        text: str,
        metric: Metric,
        nodes: tuple[Node, ...] | list[Node],
        values: list[float | None] | list[float],
        depth: int,
    ) -> None:
        readings = tuple(
            Reading(indicator=str(metric), symbol=str(node), value=None if value is None else exact(value))
            for node, value in zip(nodes, values, strict=True)
        )
        self.steps.append(Step(text=text, readings=readings, depth=depth))

    def _say(self, text: str, depth: int) -> None:
        self.steps.append(Step(text=text, depth=depth))


def _left_out(reasons: list[str]) -> str:
    return f" (left out: {'; '.join(reasons)})" if reasons else ""


def _percent(share: float) -> str:
    return f"{share * 100:.4g} %"

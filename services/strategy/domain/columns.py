"""The tree on all days at once: rows of days flow down the branches, and what arrives at an asset is its weight.

Also the source of every number the one-day evaluation explains: indicators of symbols, and of composites by their own
daily-rebalanced returns. Results are kept per node object, so that a shared sub-tree is evaluated once.
"""

from __future__ import annotations

from bisect import bisect_left
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from services.strategy.domain.closes import Closes
from services.strategy.domain.indicators import FloatArray, unbroken_runs
from services.strategy.domain.routing import Flow, Route
from services.strategy.domain.survey import held_symbols, ranked_composites, reach_of, symbols_of
from services.strategy.domain.tree import Asset, Group, Metric, Node

_START_OF_A_PATH = 100.0
_DEEPEST_NESTING = 20


@dataclass(frozen=True, eq=False, slots=True)
class Allocation:
    """Weights by day and symbol, shape (days, symbols); where the tree is not defined on a day, its row is NaN."""

    symbols: tuple[str, ...]
    weights: FloatArray
    defined: NDArray[np.bool_]


class Columns:
    """Everything that trees can ask about one table of closes, computed when first asked."""

    def __init__(self, closes: Closes) -> None:
        self.closes = closes
        self._nothing = np.full(len(closes), np.nan)
        self._symbol_metrics: dict[tuple[str, Metric], FloatArray] = {}
        self._composite_metrics: dict[tuple[int, Metric], FloatArray] = {}
        self._paths: dict[int, FloatArray] = {}
        self._doubted: dict[tuple[int, Metric], tuple[Node, NDArray[np.bool_]]] = {}
        self._nesting = 0
        # The node stays with its result: an id means something only while its object lives.
        self._allocations: dict[int, tuple[Node, Allocation]] = {}

    def closes_of(self, symbol: str) -> FloatArray:
        """A symbol without data has no close on any day."""
        return self.closes.columns.get(symbol, self._nothing)

    def metric_of_symbol(self, metric: Metric, symbol: str) -> FloatArray:
        key = (symbol, metric)
        if key not in self._symbol_metrics:
            self._symbol_metrics[key] = metric.indicator(self.closes_of(symbol), *metric.windows)
        return self._symbol_metrics[key]

    def metric_of(self, metric: Metric, node: Node) -> FloatArray:
        """Of an asset's closes, or of a composite's own path."""
        if isinstance(node, Asset):
            return self.metric_of_symbol(metric, node.symbol)
        node = _unnamed(node)
        key = (id(node), metric)
        if key not in self._composite_metrics:
            self._composite_metrics[key] = metric.indicator(self.path_of(node), *metric.windows)
        return self._composite_metrics[key]

    def doubted(self, metric: Metric, node: Node) -> NDArray[np.bool_]:
        """Days on which the node has no value, and a close that its value needs was refused: not the same as having none."""
        key = (id(node), metric)
        if key not in self._doubted:
            self._doubted[key] = (node, self._find_doubted(metric, node))
        return self._doubted[key][1]

    def _find_doubted(self, metric: Metric, node: Node) -> NDArray[np.bool_]:
        flags = np.zeros(len(self.closes), dtype=np.bool_)
        if not self.closes.refused:
            return flags
        for symbol in symbols_of(node):
            for day in self.closes.refused.get(symbol, ()):
                row = bisect_left(self.closes.sessions, day)
                flags[row : row + reach_of(metric, node)] = True
        return flags & np.isnan(self.metric_of(metric, node))

    def path_of(self, node: Node) -> FloatArray:
        """What 100 put into the node grows to, rebalanced to its weights at every close; an asset's closes as they are.

        It has a value on the days with a decision; where the return since the day before is not known it ends and begins anew.
        """
        if isinstance(node, Asset):
            return self.closes_of(node.symbol)
        node = _unnamed(node)
        if id(node) not in self._paths:
            self._nesting += 1
            try:
                # Asked only when needed, which recurses; where that goes too deep the innermost are made first instead.
                for inner in ranked_composites(node) if self._nesting > _DEEPEST_NESTING else ():
                    self._make_path(inner)
                self._make_path(node)
            finally:
                self._nesting -= 1
        return self._paths[id(node)]

    def _make_path(self, node: Node) -> None:
        node = _unnamed(node)
        if id(node) not in self._paths:
            allocation = self.allocation(node)
            returns, valued = self._returns(allocation)
            self._paths[id(node)] = _compound(returns, allocation.defined, valued)

    def listed(self, symbol: str) -> NDArray[np.bool_]:
        """Whether the symbol had a close on or before each day."""
        seen: NDArray[np.bool_] = np.logical_or.accumulate(~np.isnan(self.closes_of(symbol)))
        return seen

    def allocation(self, tree: Node) -> Allocation:
        tree = _unnamed(tree)
        known = self._allocations.get(id(tree))
        if known is None:
            known = (tree, self._evaluate(tree))
            self._allocations[id(tree)] = known
        return known[1]

    def _evaluate(self, tree: Node) -> Allocation:
        days = len(self.closes)
        symbols = held_symbols(tree)
        place = {symbol: column for column, symbol in enumerate(symbols)}
        weights = np.zeros((days, len(symbols)))
        route = Route(self, np.zeros(days, dtype=np.bool_))
        flows = [Flow(tree, np.arange(days), np.ones(days))]
        while flows:
            flow = flows.pop()
            if not flow.rows.size:
                continue
            known = self._allocations.get(id(_unnamed(flow.node)))
            if isinstance(flow.node, Asset):
                route.refuse_unlisted(flow.node.symbol, flow.rows)
                weights[flow.rows, place[flow.node.symbol]] += flow.shares
            elif known is not None:
                # Ranked by its own path, so evaluated for that already: without this, nested rankings are walked again and again.
                inner = known[1]
                route.undefined[flow.rows[~inner.defined[flow.rows]]] = True
                columns = np.array([place[symbol] for symbol in inner.symbols], dtype=np.intp)
                weights[np.ix_(flow.rows, columns)] += flow.shares[:, None] * inner.weights[flow.rows]
            else:
                # Reversed, so that weights add up in listed order, as in the one-day evaluation.
                flows.extend(reversed(route.onward(flow)))
        weights[route.undefined] = np.nan
        weights.flags.writeable = False
        return Allocation(symbols, weights, ~route.undefined)

    def _returns(self, allocation: Allocation) -> tuple[FloatArray, NDArray[np.bool_]]:
        """Of each day over the one before, held at the weights of the day before; NaN where any of it is unknown.

        And whether everything held into the day has a close on it.
        """
        valued = np.ones(len(self.closes), dtype=np.bool_)
        returns = np.full(len(self.closes), np.nan)
        if len(self.closes) > 1:
            returns[1:] = np.where(allocation.defined[:-1], 0.0, np.nan)
            for column, symbol in enumerate(allocation.symbols):
                closes, weights = self.closes_of(symbol), allocation.weights[:-1, column]
                returns[1:] += np.where(weights > 0, weights * (closes[1:] / closes[:-1] - 1.0), 0.0)
                valued[1:] &= ~((weights > 0) & np.isnan(closes[1:]))
        return returns, valued


def _unnamed(node: Node) -> Node:
    """Names change no number, so that composites that differ in theirs only are computed once."""
    while isinstance(node, Group) and not isinstance(node.child, Asset):
        node = node.child
    return node


def _compound(returns: FloatArray, defined: NDArray[np.bool_], valued: NDArray[np.bool_]) -> FloatArray:
    follows = np.concatenate(([False], defined[:-1]))
    unknown = defined & follows & np.isnan(returns)
    # After a day without a close the return is unknown once more, on the day on which the closes are back: a path may begin there.
    back = unknown & np.concatenate(([False], unknown[:-1])) & valued
    path = np.where(defined & (~unknown | back), 1.0, np.nan)
    for start, stop in unbroken_runs(path):
        path[start] = _START_OF_A_PATH
        path[start + 1 : stop] = 1.0 + returns[start + 1 : stop]
        path[start:stop] = np.cumprod(path[start:stop])
    return path

"""How rows of days flow from a node to its children: the meaning of each kind of node, for all days at once."""

from __future__ import annotations

import operator
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from services.strategy.domain.indicators import FloatArray
from services.strategy.domain.ranking import chosen
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
    Node,
    Operand,
    Operator,
    Select,
    Specified,
    Test,
)

if TYPE_CHECKING:
    from services.strategy.domain.columns import Columns

Rows = NDArray[np.intp]
Flags = NDArray[np.bool_]

COMPARE: Final[Mapping[Operator, Callable[[Any, Any], Any]]] = {
    ">": operator.gt,
    "<": operator.lt,
    ">=": operator.ge,
    "<=": operator.le,
    "==": operator.eq,
}


class Flow(NamedTuple):
    """On these days (distinct row numbers) this node gets these shares of the portfolio."""

    node: Node
    rows: Rows
    shares: FloatArray


class Route:
    """Sends flows onward and remembers the days on which a decision was needed that nobody can make."""

    def __init__(self, columns: Columns, undefined: Flags) -> None:
        self._columns = columns
        self.undefined = undefined

    def refuse_unlisted(self, symbol: str, rows: Rows) -> None:
        """What never had a close cannot be held."""
        self.undefined[rows[~self._columns.listed(symbol)[rows]]] = True

    def onward(self, flow: Flow) -> list[Flow]:  # noqa: PLR0911 - one return per kind of node
        _, rows, shares = flow
        match flow.node:
            case Asset() | Cash():
                return []
            case Group(_, child):
                return [Flow(child, rows, shares)]
            case Equal(children):
                return [Flow(child, rows, shares / len(children)) for child in children]
            case Specified(parts):
                return [Flow(child, rows, shares * float(part)) for part, child in parts]
            case If():
                return self._branch(flow.node, rows, shares)
            case Select():
                return self._select(flow.node, rows, shares)
            case InverseVolatility():
                return self._by_volatility(flow.node, rows, shares)

    def _branch(self, node: If, rows: Rows, shares: FloatArray) -> list[Flow]:
        holds, unknown = self._truth(node.test, rows)
        self.undefined[rows[unknown]] = True
        fails = ~holds & ~unknown
        return [Flow(node.then, rows[holds], shares[holds]), Flow(node.otherwise, rows[fails], shares[fails])]

    def _truth(self, test: Test, rows: Rows) -> tuple[Flags, Flags]:
        """(holds, unknown), never both. Compound tests are asked in order and stop where the answer is known."""
        if isinstance(test, Comparison):
            left, right = self._side(test.left, rows), self._side(test.right, rows)
            unknown = np.isnan(left) | np.isnan(right)
            return COMPARE[test.operator](left, right) & ~unknown, unknown
        stops_when = isinstance(test, AnyOf)
        still_open, unknown = np.ones(rows.shape, dtype=np.bool_), np.zeros(rows.shape, dtype=np.bool_)
        for inner in test.tests:
            holds, dunno = self._truth(inner, rows)
            unknown |= still_open & dunno
            still_open &= ~dunno & (holds != stops_when)
        settled = ~still_open & ~unknown
        return (settled if stops_when else still_open), unknown

    def _side(self, side: Operand, rows: Rows) -> FloatArray:
        if isinstance(side, Measure):
            return self._columns.metric_of_symbol(side.metric, side.symbol)[rows]
        return np.full(rows.shape, float(side.value))

    def _chosen(self, node: Select, rows: Rows) -> Flags:
        """Shape (rows, candidates). A row that chooses nobody has no candidate with data, or one whose data is refused."""
        values = np.column_stack([self._columns.metric_of(node.metric, c)[rows] for c in node.candidates])
        picked = chosen(values, node.count, highest=node.rank == "highest")
        if self._columns.closes.refused:
            doubted = np.column_stack([self._columns.doubted(node.metric, c)[rows] for c in node.candidates])
            picked[doubted.any(axis=1)] = False
        return picked

    def _select(self, node: Select, rows: Rows, shares: FloatArray) -> list[Flow]:
        picks = self._chosen(node, rows)
        how_many = picks.sum(axis=1)
        self.undefined[rows[how_many == 0]] = True
        each = shares / np.maximum(how_many, 1)
        return [
            Flow(candidate, rows[picked], each[picked])
            for candidate, picked in zip(node.candidates, picks.T, strict=True)
            if picked.any()
        ]

    def _by_volatility(self, node: InverseVolatility, rows: Rows, shares: FloatArray) -> list[Flow]:
        members, present = self._members(node, rows)
        volatility = np.column_stack([self._columns.metric_of(node.metric, member)[rows] for member in members])
        unknown: Flags = np.any(present & ~(volatility > 0), axis=1) | ~np.any(present, axis=1)
        self.undefined[rows[unknown]] = True
        with np.errstate(divide="ignore", invalid="ignore"):
            inverse = np.where(present, 1.0 / volatility, 0.0)
            parts = shares[:, None] * (inverse / inverse.sum(axis=1, keepdims=True))
        flowing = present & ~unknown[:, None]
        return [
            Flow(member, rows[there], part[there])
            for member, part, there in zip(members, parts.T, flowing.T, strict=True)
        ]

    def _members(self, node: InverseVolatility, rows: Rows) -> tuple[list[Node], Flags]:
        """The children with their days; a ranking is replaced by its candidates on the days that choose them."""
        members: list[Node] = []
        present: list[Flags] = []
        for child in node.children:
            if isinstance(child, Select):
                picks = self._chosen(child, rows)
                self.undefined[rows[~picks.any(axis=1)]] = True
                members += child.candidates
                present += list(picks.T)
            else:
                members.append(child)
                present.append(np.ones(rows.shape, dtype=np.bool_))
        return members, np.column_stack(present)

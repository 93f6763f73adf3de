"""Through which branches of a tree each evening's weights came: the tests that held and the groups passed on the way."""

from __future__ import annotations

from typing import Final, NamedTuple

import numpy as np

from backtest.standing import Rows
from services.strategy.domain.columns import Columns
from services.strategy.domain.indicators import FloatArray
from services.strategy.domain.routing import Flow, Route
from services.strategy.domain.tree import Asset, Cash, Group, If, Node

OTHERWISE: Final = "otherwise"
_SHOWN_PARTS: Final = 6
_JOIN: Final = " → "


class Piece(NamedTuple):
    """On these rows the branch put these shares of the strategy into the symbol (None: into cash)."""

    branch: str
    symbol: str | None
    rows: Rows
    shares: FloatArray


def pieces_of(tree: Node, columns: Columns, first: int) -> list[Piece]:
    """From row `first` on; rows on which the tree is undefined may be among them and mean nothing."""
    rows = np.arange(first, len(columns.closes))
    route = Route(columns, np.zeros(len(columns.closes), dtype=np.bool_))
    waiting: list[tuple[Flow, tuple[str, ...]]] = [(Flow(tree, rows, np.ones(rows.size)), ())]
    found = []
    while waiting:
        flow, path = waiting.pop()
        if not flow.rows.size:
            continue
        if isinstance(flow.node, Asset | Cash):
            symbol = flow.node.symbol if isinstance(flow.node, Asset) else None
            found.append(Piece(_label(path), symbol, flow.rows, flow.shares))
        else:
            waiting.extend(
                (onward, _path(flow.node, number, path)) for number, onward in _last_first(route.onward(flow))
            )
    return found


def _last_first(flows: list[Flow]) -> list[tuple[int, Flow]]:
    """So that the listed order is kept on a stack."""
    return list(enumerate(flows))[::-1]


def _path(node: Node, number: int, path: tuple[str, ...]) -> tuple[str, ...]:
    """Of a test only the side that holds, the first flow, is worth a word."""
    if isinstance(node, If) and number == 0:
        return (*path, str(node.test))
    if isinstance(node, Group):
        return (*path, node.name)
    return path


def _label(path: tuple[str, ...]) -> str:
    if not path:
        return OTHERWISE
    return _JOIN.join(path if len(path) <= _SHOWN_PARTS else ("…", *path[-_SHOWN_PARTS:]))

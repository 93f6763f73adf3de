"""Hash-consing: equal sub-trees become one object, so that each is evaluated once and files of megabytes stay small."""

from __future__ import annotations

from collections.abc import Callable, Hashable
from typing import TypeVar

from services.strategy.domain.survey import children_first
from services.strategy.domain.tree import (
    Asset,
    Cash,
    Equal,
    Group,
    If,
    InverseVolatility,
    Node,
    Select,
    Specified,
)

_T = TypeVar("_T", bound=Hashable)


class Shared:
    """A table of nodes. Children must have come out of the same table before their parent goes in."""

    def __init__(self) -> None:
        # A node's key holds the ids of its children; they stay valid because the table keeps the children alive.
        self._nodes: dict[tuple[Hashable, ...], Node] = {}
        self._values: dict[Hashable, Hashable] = {}

    def node(self, node: Node) -> Node:
        return self._nodes.setdefault(_key(node), node)

    def value(self, value: _T) -> _T:
        """The first of equal tests, measures or metrics."""
        return self._values.setdefault(value, value)  # type: ignore[return-value]

    def tree(self, tree: Node, change: Callable[[Node], Node] = lambda node: node) -> Node:
        """The whole tree out of this table, with `change` applied to every node after its children."""
        new: dict[int, Node] = {}
        for node in children_first(tree):
            new[id(node)] = self.node(change(_with_children(node, new)))
        return new[id(tree)]

    def __len__(self) -> int:
        return len(self._nodes)


def same_tree(one: Node, other: Node) -> bool:
    """Equality without recursion, and without walking shared parts again and again."""
    table = Shared()
    return table.tree(one) is table.tree(other)


def _key(node: Node) -> tuple[Hashable, ...]:  # noqa: PLR0911 - one return per kind of node
    match node:
        case Asset(symbol):
            return (Asset, symbol)
        case Cash():
            return (Cash,)
        case If(test, then, otherwise):
            return (If, test, id(then), id(otherwise))
        case Equal(children):
            return (Equal, *map(id, children))
        case Specified(parts):
            return (Specified, *((share, id(child)) for share, child in parts))
        case InverseVolatility(window, children):
            return (InverseVolatility, window, *map(id, children))
        case Select(metric, rank, count, candidates):
            return (Select, metric, rank, count, *map(id, candidates))
        case Group(name, child):
            return (Group, name, id(child))


def _with_children(node: Node, new: dict[int, Node]) -> Node:  # noqa: PLR0911 - one return per kind of node
    def of(children: tuple[Node, ...]) -> tuple[Node, ...]:
        return tuple(new[id(child)] for child in children)

    match node:
        case Asset() | Cash():
            return node
        case If(test, then, otherwise):
            return If(test, new[id(then)], new[id(otherwise)])
        case Equal(children):
            return Equal(of(children))
        case Specified(parts):
            return Specified(tuple((share, new[id(child)]) for share, child in parts))
        case InverseVolatility(window, children):
            return InverseVolatility(window, of(children))
        case Select(metric, rank, count, candidates):
            return Select(metric, rank, count, of(candidates))
        case Group(name, child):
            return Group(name, new[id(child)])

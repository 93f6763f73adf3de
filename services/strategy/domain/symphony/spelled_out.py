"""Compound conditions written as the nested ifs that they mean, for the form that has no and, or, or equals."""

from __future__ import annotations

from services.strategy.domain.symphony.sharing import Shared
from services.strategy.domain.tree import AllOf, AnyOf, Comparison, If, Node, Test


def spelled_out(tree: Node) -> Node:
    """The same decisions on every day. The branches of a compound test are shared, not copied, until they are written."""
    return Shared().tree(
        tree, lambda node: _spell(node.test, node.then, node.otherwise) if isinstance(node, If) else node
    )


def _spell(test: Test, then: Node, otherwise: Node) -> Node:
    match test:
        case AnyOf(tests):
            for inner in reversed(tests):
                otherwise = _spell(inner, then, otherwise)
            return otherwise
        case AllOf(tests):
            for inner in reversed(tests):
                then = _spell(inner, then, otherwise)
            return then
        case Comparison(left, "==", right):
            return If(Comparison(left, ">=", right), If(Comparison(left, "<=", right), then, otherwise), otherwise)
        case Comparison():
            return If(test, then, otherwise)

"""What a tree asks for before any price is known: its symbols and how much history it needs. Never evaluates."""

from __future__ import annotations

from collections.abc import Iterator

from services.strategy.domain.tree import (
    AllOf,
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
    Select,
    Specified,
    Test,
)


def children_of(node: Node) -> tuple[Node, ...]:
    match node:
        case Asset() | Cash():
            return ()
        case If(_, then, otherwise):
            return (then, otherwise)
        case Equal(children) | InverseVolatility(_, children):
            return children
        case Specified(parts):
            return tuple(child for _, child in parts)
        case Select(_, _, _, candidates):
            return candidates
        case Group(_, child):
            return (child,)


def nodes_of(tree: Node) -> tuple[Node, ...]:
    """Every distinct node once, in listed order, parents first. Without recursion: symphonies nest 300 deep."""
    seen: dict[int, Node] = {}
    waiting: list[Node] = [tree]
    while waiting:
        node = waiting.pop()
        if id(node) not in seen:
            seen[id(node)] = node
            waiting.extend(reversed(children_of(node)))
    return tuple(seen.values())


def comparisons_in(test: Test) -> Iterator[Comparison]:
    match test:
        case Comparison():
            yield test
        case AnyOf(tests) | AllOf(tests):
            for inner in tests:
                yield from comparisons_in(inner)


def measures_in(test: Test) -> tuple[Measure, ...]:
    sides = (side for c in comparisons_in(test) for side in (c.left, c.right))
    return tuple(side for side in sides if isinstance(side, Measure))


def held_symbols(tree: Node) -> tuple[str, ...]:
    """The symbols the tree may hold, in listed order."""
    return tuple(dict.fromkeys(node.symbol for node in nodes_of(tree) if isinstance(node, Asset)))


def symbols_of(tree: Node) -> tuple[str, ...]:
    """All symbols the tree reads or may hold, in listed order."""
    found: dict[str, None] = {}
    for node in nodes_of(tree):
        if isinstance(node, If):
            found.update(dict.fromkeys(measure.symbol for measure in measures_in(node.test)))
        elif isinstance(node, Asset):
            found[node.symbol] = None
    return tuple(found)


def closes_needed(tree: Node) -> int:
    """The fewest closes with which every decision of the tree can be defined (Wilder's RSI gains by more)."""
    need: dict[int, int] = {}
    for node in children_first(tree):
        need[id(node)] = _need(node, need)
    return need[id(tree)]


def reach_of(metric: Metric, node: Node) -> int:
    """How many closes back the metric of a node looks; a composite's path looks back as far as its own decisions do."""
    return metric.closes_needed + closes_needed(node) - 1


def children_first(tree: Node) -> tuple[Node, ...]:
    """Every distinct node once, after all of its children."""
    order: dict[int, Node] = {}
    waiting: list[tuple[Node, bool]] = [(tree, False)]
    while waiting:
        node, opened = waiting.pop()
        if opened:
            order.setdefault(id(node), node)
        elif id(node) not in order:
            waiting.append((node, True))
            waiting.extend((child, False) for child in children_of(node))
    return tuple(order.values())


def ranked_composites(tree: Node) -> tuple[Node, ...]:
    """The parts whose own return paths rankings and volatilities inside the tree ask for, the innermost first."""
    found: dict[int, Node] = {}
    for node in children_first(tree):
        if isinstance(node, Select | InverseVolatility):
            found.update((id(member), member) for member in children_of(node) if not isinstance(member, Asset))
    return tuple(found.values())


def _need(node: Node, need: dict[int, int]) -> int:
    inner = max((need[id(child)] for child in children_of(node)), default=1)
    match node:
        case If(test):
            return max(inner, *(m.metric.closes_needed for m in measures_in(test)), 1)
        case Select(metric, _, _, candidates):
            return max(inner, _need_ranked(metric.closes_needed, candidates, need))
        case InverseVolatility(_, children):
            return max(inner, _need_ranked(node.metric.closes_needed, children, need))
        case _:
            return inner


def _need_ranked(closes: int, members: tuple[Node, ...], need: dict[int, int]) -> int:
    """A composite's own path begins where its first decision is defined."""
    return max(closes + need[id(member)] - 1 for member in members)

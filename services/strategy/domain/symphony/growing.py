"""A tree from the parts of a text, without recursion: real symphonies nest 300 deep."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar

from services.strategy.domain.symphony.sharing import Shared
from services.strategy.domain.symphony.symphony import SymphonyError
from services.strategy.domain.tree import Node

_T = TypeVar("_T")


@dataclass(frozen=True, slots=True)
class Opened(Generic[_T]):
    """A part of the text whose shape has been understood: what it is made of, and how its node is made of theirs."""

    part: _T
    children: Sequence[_T]
    build: Callable[[Sequence[Node]], Node]


def grow(root: _T, opened: Callable[[_T], Opened[_T]], place: Callable[[_T], str], shared: Shared) -> Node:
    """Raises SymphonyError with the place of the part that makes no node."""
    grown: list[Node] = []
    waiting: list[_T | Opened[_T]] = [root]
    while waiting:
        part = waiting.pop()
        if not isinstance(part, Opened):
            part = opened(part)
            waiting.append(part)
            waiting.extend(reversed(part.children))
            continue
        first = len(grown) - len(part.children)
        try:
            node = part.build(grown[first:])
        except SymphonyError:
            raise
        except ValueError as error:
            raise SymphonyError(place(part.part), str(error)) from error
        grown[first:] = [shared.node(node)]
    return grown[0]

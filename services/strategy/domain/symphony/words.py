"""The words of the symphony language that a node is written with, for counting them."""

from __future__ import annotations

from collections.abc import Iterator

from services.strategy.domain.survey import comparisons_in, measures_in
from services.strategy.domain.symphony.vocabulary import WORD_BY_RANK
from services.strategy.domain.tree import (
    AllOf,
    AnyOf,
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


def words_of(node: Node) -> Iterator[str]:
    """Its own, not those of its children."""
    match node:
        case Asset():
            yield "asset"
        case Cash():
            yield "empty"
        case If(test):
            yield "if"
            yield from (comparison.operator for comparison in comparisons_in(test))
            yield from (measure.metric.indicator.name for measure in measures_in(test))
            if isinstance(test, AnyOf | AllOf):
                yield "any" if isinstance(test, AnyOf) else "all"
        case Equal():
            yield "weight-equal"
        case Specified():
            yield "weight-specified"
        case InverseVolatility():
            yield "weight-inverse-volatility"
        case Select(metric, rank):
            yield from ("filter", WORD_BY_RANK[rank], metric.indicator.name)
        case Group():
            yield "group"

"""A tree written in Composer's JSON form; read again it is the same tree."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from services.strategy.domain.rebalance import Corridor
from services.strategy.domain.survey import children_first
from services.strategy.domain.symphony.clj_writer import require_writable
from services.strategy.domain.symphony.json_text import write_json
from services.strategy.domain.symphony.symphony import Symphony, written_symbol
from services.strategy.domain.symphony.vocabulary import COMPARATOR_BY_OPERATOR, COMPOSER_NAMES, SELECT_FN_BY_RANK
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
    Operand,
    Select,
    Specified,
    Test,
)

Json = dict[str, Any]


def write_composer(symphony: Symphony) -> str:
    """Raises SymphonyError for a tree that would be too large when written out."""
    require_writable(symphony.tree, symphony.name)
    described: dict[int, Json] = {}
    for node in children_first(symphony.tree):
        described[id(node)] = _described(node, described, symphony)
    root: Json = {"step": "root", "name": symphony.name, "description": symphony.description}
    if isinstance(symphony.rebalance, Corridor):
        root |= {"rebalance": "none", "rebalance-corridor-width": _number(symphony.rebalance.width)}
    else:
        root |= {"rebalance": symphony.rebalance.frequency}
    return write_json({**root, "children": [described[id(symphony.tree)]]})


def _number(value: Decimal) -> float | str:
    """A JSON number where that is exact when read back, else its digits as a string, which readers take too."""
    return float(value) if Decimal(repr(float(value))) == value else f"{value:f}"


def _described(node: Node, of: dict[int, Json], symphony: Symphony) -> Json:  # noqa: PLR0911 - one return per kind of node
    def each(children: tuple[Node, ...]) -> list[Json]:
        return [of[id(child)] for child in children]

    match node:
        case Asset(symbol):
            name = symphony.asset_names.get(symbol)
            return {"step": "asset", "ticker": written_symbol(symbol)} | ({} if name is None else {"name": name})
        case Cash():
            return {"step": "empty"}
        case If(test, then, otherwise):
            yes = {"step": "if-child", "is-else-condition?": False, **_condition(test), "children": each((then,))}
            no = {"step": "if-child", "is-else-condition?": True, "children": each((otherwise,))}
            return {"step": "if", "children": [yes, no]}
        case Equal(children):
            return {"step": "wt-cash-equal", "children": each(children)}
        case Specified(parts):
            weighted = [
                {**of[id(child)], "weight": {"num": share.numerator, "den": share.denominator}}
                for share, child in parts
            ]
            return {"step": "wt-cash-specified", "children": weighted}
        case InverseVolatility(window, children):
            return {"step": "wt-inverse-vol", "window-days": window, "children": each(children)}
        case Select(metric, rank, count, candidates):
            how = {"select-fn": SELECT_FN_BY_RANK[rank], "select-n": count}
            return {"step": "filter", **_fields(metric, "sort-by"), **how, "children": each(candidates)}
        case Group(name, child):
            return {"step": "group", "name": name, "children": each((child,))}


def _condition(test: Test) -> Json:
    """Flat fields where they can say it, else a block."""
    if not isinstance(test, Comparison) or not isinstance(test.left, Measure):
        return {"condition": _block(test)}
    left, right = test.left, test.right
    fields = {**_fields(left.metric, "lhs"), "lhs-val": written_symbol(left.symbol)}
    fields["comparator"] = COMPARATOR_BY_OPERATOR[test.operator]
    if isinstance(right, Measure):
        return fields | {
            **_fields(right.metric, "rhs"),
            "rhs-fixed-value?": False,
            "rhs-val": written_symbol(right.symbol),
        }
    return fields | {"rhs-fixed-value?": True, "rhs-val": str(right)}


def _block(test: Test) -> Json:
    if isinstance(test, Comparison):
        comparator = COMPARATOR_BY_OPERATOR[test.operator]
        return {
            "condition-type": "binary",
            "lhs": _side(test.left),
            "comparator": comparator,
            "rhs": _side(test.right),
        }
    operator = "any" if isinstance(test, AnyOf) else "all"
    return {"condition-type": "compound", "operator": operator, "conditions": [_block(inner) for inner in test.tests]}


def _side(side: Operand) -> Json:
    if isinstance(side, Measure):
        function = COMPOSER_NAMES[side.metric.indicator.name]
        return {"fn": function, "ticker": written_symbol(side.symbol), "params": _params(side.metric)}
    return {"constant": str(side)}


def _fields(metric: Metric, side: str) -> Json:
    fields: Json = {f"{side}-fn": COMPOSER_NAMES[metric.indicator.name]}
    return fields | ({f"{side}-fn-params": _params(metric)} if metric.windows else {})


def _params(metric: Metric) -> Json:
    return dict(zip(metric.indicator.windows, metric.windows, strict=True))

"""A tree written in the `.clj` form; read again it is the same tree, compound conditions spelled out."""

from __future__ import annotations

from decimal import Decimal
from fractions import Fraction
from typing import Final

from services.strategy.domain.rebalance import Corridor, Rebalance
from services.strategy.domain.survey import children_first, children_of
from services.strategy.domain.symphony.spelled_out import spelled_out
from services.strategy.domain.symphony.symphony import Symphony, SymphonyError, written_symbol
from services.strategy.domain.symphony.vocabulary import WORD_BY_RANK
from services.strategy.domain.tree import (
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

MOST_NODES: Final = 2_000_000
"""Shared parts are written again wherever they stand; more than this is no file any more."""

_DECIMAL_DIGITS: Final = 30


def write_clj(symphony: Symphony) -> str:
    """Raises SymphonyError for what the form has no words for: cash, and trees that grow without end when spelled out."""
    tree = spelled_out(symphony.tree)
    require_writable(tree, symphony.name)
    header = f'{{:asset-class "EQUITIES", {_rebalance(symphony.rebalance)}}}'
    body = _Writer(symphony).written(tree)
    return f"(defsymphony\n {_quoted(symphony.name)}\n {header}\n {body})\n"


def require_writable(tree: Node, name: str) -> None:
    """Counted without writing."""
    size: dict[int, int] = {}
    for node in children_first(tree):
        size[id(node)] = 1 + sum(size[id(child)] for child in children_of(node))
    if size[id(tree)] > MOST_NODES:
        raise SymphonyError(name, f"expected at most {MOST_NODES} nodes when written out, got {size[id(tree)]}")


class _Writer:
    def __init__(self, symphony: Symphony) -> None:
        self._symphony = symphony

    def written(self, tree: Node) -> str:
        """Texts and the nodes between them, taken from a stack: a node becomes its texts and its children."""
        out: list[str] = []
        waiting: list[tuple[str | Node, int]] = [(tree, 1)]
        while waiting:
            part, depth = waiting.pop()
            if isinstance(part, str):
                out.append(part)
            else:
                pieces = self._pieces(part, "\n" + " " * (depth + 1))
                waiting.extend((piece, depth + 1) for piece in reversed(pieces))
        return "".join(out)

    def _pieces(self, node: Node, line: str) -> list[str | Node]:  # noqa: PLR0911 - one return per kind of node
        match node:
            case Asset(symbol):
                name = self._symphony.asset_names.get(symbol)
                return [f'(asset "{written_symbol(symbol)}" {"nil" if name is None else _quoted(name)})']
            case Cash():
                raise SymphonyError(
                    self._symphony.name, "cash: the .clj form cannot hold nothing; expected an asset such as BIL"
                )
            case If(test, then, otherwise):
                return [f"(if {_condition(test)}{line}[", then, f"]{line}[", otherwise, "])"]
            case Equal(children):
                return [f"(weight-equal{line}[", *_listed(children, line), "])"]
            case Specified(parts):
                pairs = [piece for share, child in parts for piece in (f"{line}{_share(share)} ", child)]
                return ["(weight-specified", *pairs, ")"]
            case InverseVolatility(window, children):
                return [f"(weight-inverse-volatility {window}{line}[", *_listed(children, line), "])"]
            case Select(metric, rank, count, candidates):
                return [
                    f"(filter ({metric.indicator.name}{_windows(metric)}) ({WORD_BY_RANK[rank]} {count}){line}[",
                    *_listed(candidates, line),
                    "])",
                ]
            case Group(name, child):
                return [f"(group {_quoted(name)}{line}[", child, "])"]


def _listed(children: tuple[Node, ...], line: str) -> list[str | Node]:
    pieces: list[str | Node] = []
    for child in children:
        pieces += [child, f"{line} "]
    return pieces[:-1]


def _condition(test: Test) -> str:
    if not isinstance(test, Comparison):
        raise TypeError(f"{test}: expected to be spelled out")
    return f"({test.operator} {_operand(test.left)} {_operand(test.right)})"


def _operand(side: Operand) -> str:
    if isinstance(side, Measure):
        return f'({side.metric.indicator.name} "{written_symbol(side.symbol)}"{_windows(side.metric)})'
    return str(side)


def _windows(metric: Metric) -> str:
    pairs = zip(metric.indicator.windows, metric.windows, strict=True)
    text = ", ".join(f":{window} {days}" for window, days in pairs)
    return f" {{{text}}}" if text else ""


def _share(share: Fraction) -> str:
    """As a decimal where it has an end, else as a ratio."""
    power = next((n for n in range(_DECIMAL_DIGITS) if 10**n % share.denominator == 0), None)
    if power is None:
        return f"{share.numerator}/{share.denominator}"
    return f"{Decimal(share.numerator * 10**power // share.denominator).scaleb(-power):f}"


def _rebalance(rebalance: Rebalance) -> str:
    if isinstance(rebalance, Corridor):
        return f":rebalance-threshold {rebalance.width:f}"
    return f":rebalance-frequency :{rebalance.frequency}"


def _quoted(text: str) -> str:
    escaped = (
        text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n").replace("\t", "\\t").replace("\r", "\\r")
    )
    return f'"{escaped}"'

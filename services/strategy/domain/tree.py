"""The decision tree as frozen nodes: what a strategy is, whatever it was written in. Knows no prices.

    Node = Asset | Cash | If | Equal | Specified | InverseVolatility | Select | Group
    Test = Comparison | AnyOf | AllOf            Operand = Measure | Number

The evaluators tell shared sub-trees by object identity: whoever builds a tree with repeated parts shares the object.
"""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction
from typing import Final, Literal, TypeAlias

from services.strategy.domain.indicators import Indicator
from services.strategy.domain.indicators.stdev_return import STDEV_RETURN

Operator: TypeAlias = Literal[">", "<", ">=", "<=", "=="]
Rank: TypeAlias = Literal["highest", "lowest"]

_SUM_TOLERANCE: Final = Fraction(1, 10**9)


@dataclass(frozen=True, slots=True)
class Metric:
    """An indicator with its windows and no subject yet: what a ranking ranks by."""

    indicator: Indicator
    windows: tuple[int, ...]

    def __post_init__(self) -> None:
        self.indicator.check(*self.windows)

    @property
    def closes_needed(self) -> int:
        return self.indicator.closes_needed(*self.windows)

    def label(self, subject: str) -> str:
        return self.indicator.label(self.windows, subject)

    def __str__(self) -> str:
        return self.label("").removesuffix("()").strip()


@dataclass(frozen=True, slots=True)
class Number:
    value: Decimal

    def __post_init__(self) -> None:
        if not self.value.is_finite():
            raise ValueError(f"threshold: expected a finite number, got {self.value}")

    def __str__(self) -> str:
        return f"{self.value:f}"


@dataclass(frozen=True, slots=True)
class Measure:
    """An indicator of one symbol. Comparing it with a number or another measure makes a Comparison."""

    metric: Metric
    symbol: str

    def __post_init__(self) -> None:
        _require_symbol(self.symbol)

    def __str__(self) -> str:
        return self.metric.label(self.symbol)

    def __gt__(self, other: Measure | float | Decimal) -> Comparison:
        return Comparison(self, ">", operand(other))

    def __lt__(self, other: Measure | float | Decimal) -> Comparison:
        return Comparison(self, "<", operand(other))

    def __ge__(self, other: Measure | float | Decimal) -> Comparison:
        return Comparison(self, ">=", operand(other))

    def __le__(self, other: Measure | float | Decimal) -> Comparison:
        return Comparison(self, "<=", operand(other))


Operand: TypeAlias = Measure | Number


def operand(value: Measure | float | Decimal) -> Operand:
    if isinstance(value, Measure):
        return value
    try:
        return Number(Decimal(str(value)))
    except ArithmeticError:
        raise ValueError(f"threshold: expected a number or an indicator of a symbol, got {value!r}") from None


@dataclass(frozen=True, slots=True)
class Comparison:
    """Strict operators are strict: equality falls to the else side."""

    left: Operand
    operator: Operator
    right: Operand

    def __bool__(self) -> bool:
        raise TypeError(f"{self}: a comparison is a part of the tree, not a truth value; use any_of or all_of")

    def __str__(self) -> str:
        return f"{self.left} {self.operator} {self.right}"


@dataclass(frozen=True, slots=True)
class AnyOf:
    """Asked in listed order until one holds, exactly as nested ifs would: an undefined test before that is undefined."""

    tests: tuple[Test, ...]

    def __post_init__(self) -> None:
        _require_some("any_of", self.tests)

    def __str__(self) -> str:
        return " or ".join(str(test) for test in self.tests)


@dataclass(frozen=True, slots=True)
class AllOf:
    """Asked in listed order until one does not hold."""

    tests: tuple[Test, ...]

    def __post_init__(self) -> None:
        _require_some("all_of", self.tests)

    def __str__(self) -> str:
        return " and ".join(str(test) for test in self.tests)


Test: TypeAlias = Comparison | AnyOf | AllOf


@dataclass(frozen=True, slots=True)
class Asset:
    symbol: str

    def __post_init__(self) -> None:
        _require_symbol(self.symbol)

    def __str__(self) -> str:
        return self.symbol


@dataclass(frozen=True, slots=True)
class Cash:
    """Hold nothing with this share."""

    def __str__(self) -> str:
        return "cash"


@dataclass(frozen=True, slots=True)
class If:
    test: Test
    then: Node
    otherwise: Node

    def __str__(self) -> str:
        return f"if {self.test}"


@dataclass(frozen=True, slots=True)
class Equal:
    """The same share for every child; a child listed twice counts twice."""

    children: tuple[Node, ...]

    def __post_init__(self) -> None:
        _require_some("equal", self.children)

    def __str__(self) -> str:
        return f"equal weights of {len(self.children)}"


@dataclass(frozen=True, slots=True)
class Specified:
    """Fixed shares, exact, that sum to 1."""

    parts: tuple[tuple[Fraction, Node], ...]

    def __post_init__(self) -> None:
        _require_some("specified", self.parts)
        for share, node in self.parts:
            if not 0 <= share <= 1:
                raise ValueError(f"specified: weight of {node}: expected 0 to 1, got {float(share)}")
        total = sum((share for share, _ in self.parts), Fraction(0))
        if abs(total - 1) > _SUM_TOLERANCE:
            raise ValueError(f"specified: expected weights that sum to 1, got {float(total)}")

    def __str__(self) -> str:
        """One level deep: parts may be nested without end."""
        return ", ".join(f"{_brief(node)} {float(share) * 100:.10g} %" for share, node in self.parts)


@dataclass(frozen=True, slots=True)
class InverseVolatility:
    """Shares in inverse proportion to each child's own standard deviation of the last `window` daily returns.

    A ranking among the children is replaced by what it selects.
    """

    window: int
    children: tuple[Node, ...]

    def __post_init__(self) -> None:
        _require_some("inverse_volatility", self.children)
        STDEV_RETURN.check(self.window)

    @property
    def metric(self) -> Metric:
        return Metric(STDEV_RETURN, (self.window,))

    def __str__(self) -> str:
        return f"inverse volatility {self.window} of {len(self.children)}"


@dataclass(frozen=True, slots=True)
class Select:
    """Equal weights of the `count` candidates that rank first; ties keep listed order, the undefined are left out."""

    metric: Metric
    rank: Rank
    count: int
    candidates: tuple[Node, ...]

    def __post_init__(self) -> None:
        _require_some("select", self.candidates)
        if isinstance(self.count, bool) or not isinstance(self.count, int) or self.count < 1:
            raise ValueError(f"select: count: expected a whole number of at least 1, got {self.count!r}")

    def __str__(self) -> str:
        return f"{self.count} {self.rank} {self.metric}"


@dataclass(frozen=True, slots=True)
class Group:
    """A named part: a unit for rankings and volatilities, without effect on weights."""

    name: str
    child: Node

    def __str__(self) -> str:
        return self.name


Node: TypeAlias = Asset | Cash | If | Equal | Specified | InverseVolatility | Select | Group


def _brief(node: Node) -> str:
    return f"weights of {len(node.parts)}" if isinstance(node, Specified) else str(node)


def _require_some(what: str, members: tuple[object, ...]) -> None:
    if not members:
        raise ValueError(f"{what}: expected at least one member, got none")


def _require_symbol(symbol: str) -> None:
    if not isinstance(symbol, str) or not symbol or symbol != symbol.strip().upper():
        raise ValueError(f"symbol: expected a ticker in capitals, got {symbol!r}")

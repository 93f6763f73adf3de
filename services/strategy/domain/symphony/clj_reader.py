"""The `.clj` form of a symphony, read into a tree. What is not understood is refused with line and column, never dropped."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from decimal import Decimal
from fractions import Fraction
from typing import Final, NoReturn

from services.strategy.domain.indicators import BY_NAME, CLOSE, DEFAULT_WINDOWS
from services.strategy.domain.rebalance import DAILY, FREQUENCIES, Calendar, Corridor, Rebalance
from services.strategy.domain.symphony.growing import Opened, grow
from services.strategy.domain.symphony.sexpr import Form, place_of, read_form
from services.strategy.domain.symphony.sharing import Shared
from services.strategy.domain.symphony.symphony import Symphony, SymphonyError, decimal_of, symbol_of
from services.strategy.domain.symphony.vocabulary import COMPARISONS, RANK_BY_WORD
from services.strategy.domain.tree import (
    Asset,
    Comparison,
    Equal,
    Group,
    If,
    InverseVolatility,
    Measure,
    Metric,
    Node,
    Number,
    Operand,
    Select,
    Specified,
)

_ASSET_CLASS, _FREQUENCY, _THRESHOLD = ":asset-class", ":rebalance-frequency", ":rebalance-threshold"

_LONGEST_WINDOW: Final = 6


def read_clj(source: str, name: str = "symphony") -> Symphony:
    """`name` is for a file that is a bare node, which says none (and means daily). Raises SymphonyError."""
    return _Reader(source).symphony(name)


class _Reader:
    def __init__(self, source: str) -> None:
        self._source = source
        self._shared = Shared()
        self._asset_names: dict[str, str] = {}
        self._node_of: Final[Mapping[str, Callable[[Form], Opened[Form]]]] = {
            "asset": self._asset,
            "weight-equal": self._equal,
            "weight-specified": self._specified,
            "weight-inverse-volatility": self._inverse_volatility,
            "if": self._if,
            "group": self._group,
            "filter": self._filter,
        }

    def symphony(self, name: str) -> Symphony:
        form = read_form(self._source)
        rebalance: Rebalance = DAILY
        if self._operator(form) == "defsymphony":
            title, header, form = self._arguments(form, "a name, a map and one node", 3)
            name, rebalance = self._string(title, "the symphony's name"), self._rebalance(header)
        tree = grow(form, self._opened, lambda part: place_of(self._source, part.offset), self._shared)
        return Symphony(name, tree, rebalance, asset_names=self._asset_names)

    # --- the header
    def _rebalance(self, header: Form) -> Rebalance:
        says = self._map(header, (_ASSET_CLASS, _FREQUENCY, _THRESHOLD))
        asset_class = says.get(_ASSET_CLASS)
        if asset_class is not None and asset_class.text != "EQUITIES":
            self._refuse(asset_class, '"EQUITIES"')
        if (_FREQUENCY in says) == (_THRESHOLD in says):
            self._refuse(header, f"either {_FREQUENCY} or {_THRESHOLD}")
        if _FREQUENCY in says:
            return self._calendar(says[_FREQUENCY])
        width = says[_THRESHOLD]
        try:
            return Corridor(self._number(width, "a fraction such as 0.05"))
        except ValueError as error:
            raise SymphonyError(self._place(width), str(error)) from error

    def _calendar(self, form: Form) -> Calendar:
        found = next((f for f in FREQUENCIES if form.kind == "keyword" and form.text == f":{f}"), None)
        if found is None:
            self._refuse(form, " or ".join(f":{frequency}" for frequency in FREQUENCIES))
        return Calendar(found)

    # --- nodes
    def _opened(self, form: Form) -> Opened[Form]:
        operator = self._operator(form)
        known = self._node_of.get(operator)
        if known is None:
            self._refuse(form, f"a node ({', '.join(self._node_of)})")
        return known(form)

    def _asset(self, form: Form) -> Opened[Form]:
        ticker, *name = self._arguments(form, 'a ticker and a name or nil, as in (asset "SPY" nil)', 1, 2)
        symbol = self._symbol(ticker)
        if name and name[0].kind == "string":
            self._asset_names.setdefault(symbol, name[0].text)
        elif name and name[0].kind != "nil":
            self._refuse(name[0], "the asset's name or nil")
        return Opened(form, (), lambda _: Asset(symbol))

    def _equal(self, form: Form) -> Opened[Form]:
        children = form.items[1:]
        if len(children) == 1 and children[0].kind == "vector":
            children = children[0].items
        return Opened(form, children, lambda nodes: Equal(tuple(nodes)))

    def _specified(self, form: Form) -> Opened[Form]:
        pairs = form.items[1:]
        if not pairs or len(pairs) % 2:
            self._refuse(form, "pairs of a weight and a node")
        shares = [self._share(weight) for weight in pairs[::2]]
        return Opened(form, pairs[1::2], lambda nodes: Specified(tuple(zip(shares, nodes, strict=True))))

    def _inverse_volatility(self, form: Form) -> Opened[Form]:
        days, members = self._arguments(form, "a number of days and a vector of nodes", 2)
        window = self._whole(days)
        return Opened(form, self._vector(members), lambda nodes: InverseVolatility(window, tuple(nodes)))

    def _if(self, form: Form) -> Opened[Form]:
        test, then, otherwise = self._arguments(form, "a condition, [then] and [else]", 3)
        comparison = self._comparison(test)
        branches = [self._branch(then), self._branch(otherwise)]
        split = len(branches[0])

        def build(nodes: Sequence[Node]) -> Node:
            return If(comparison, self._together(nodes[:split]), self._together(nodes[split:]))

        return Opened(form, branches[0] + branches[1], build)

    def _branch(self, form: Form) -> list[Form]:
        return [form] if form.kind == "call" else self._vector(form)

    def _together(self, nodes: Sequence[Node]) -> Node:
        """Several nodes in a branch have equal weights."""
        return nodes[0] if len(nodes) == 1 else self._shared.node(Equal(tuple(nodes)))

    def _group(self, form: Form) -> Opened[Form]:
        title, members = self._arguments(form, "a title and a vector of one node", 2)
        name, inside = self._string(title, "the group's title"), self._vector(members)
        if len(inside) != 1:
            self._refuse(members, "a vector of exactly one node")
        return Opened(form, inside, lambda nodes: Group(name, nodes[0]))

    def _filter(self, form: Form) -> Opened[Form]:
        by, select, members = self._arguments(form, "a metric, a selection and a vector of nodes", 3)
        metric = self._metric(by, by.items[1:])
        word = self._operator(select)
        if word not in RANK_BY_WORD:
            self._refuse(select, f"{' or '.join(RANK_BY_WORD)} with a count")
        (how_many,) = self._arguments(select, "a count", 1)
        count = self._whole(how_many)
        return Opened(
            form, self._vector(members), lambda nodes: Select(metric, RANK_BY_WORD[word], count, tuple(nodes))
        )

    # --- conditions
    def _comparison(self, form: Form) -> Comparison:
        operator = self._operator(form)
        if operator not in COMPARISONS:
            self._refuse(form, f"a condition ({' '.join(COMPARISONS)})")
        left, right = self._arguments(form, "two sides", 2)
        return self._shared.value(Comparison(self._operand(left), COMPARISONS[operator], self._operand(right)))

    def _operand(self, form: Form) -> Operand:
        if form.kind == "number":
            return Number(self._number(form, "a number"))
        indicator = self._operator(form)
        if indicator not in BY_NAME:
            self._refuse(form, f"a number or an indicator ({', '.join(BY_NAME)})")
        ticker, *windows = self._arguments(form, f'a ticker and windows, as in ({indicator} "SPY" ...)', 1, 2)
        symbol = self._symbol(ticker)
        return self._shared.value(Measure(self._metric(form, windows), symbol))

    def _metric(self, form: Form, windows: Sequence[Form]) -> Metric:
        name = self._operator(form)
        if name not in BY_NAME:
            self._refuse(form, f"an indicator ({', '.join(BY_NAME)})")
        indicator = BY_NAME[name]
        keys = tuple(f":{window}" for window in indicator.windows)
        if len(windows) > 1:
            self._refuse(windows[1], "one map of windows")
        if indicator is CLOSE and not windows:
            return Metric(indicator, ())
        if not windows:
            self._refuse(form, f"{{{' '.join(keys)}}} after {name}")
        says = self._map(windows[0], keys)
        missing = [key for key in keys if key not in says and key[1:] not in DEFAULT_WINDOWS]
        if missing:
            self._refuse(windows[0], " and ".join(missing))
        found = tuple(self._whole(says[k]) if k in says else DEFAULT_WINDOWS[k[1:]] for k in keys)
        try:
            return self._shared.value(Metric(indicator, found))
        except ValueError as error:
            raise SymphonyError(self._place(windows[0]), str(error)) from error

    # --- atoms and shapes
    def _operator(self, form: Form) -> str:
        if form.kind != "call" or not form.items or form.items[0].kind != "symbol":
            self._refuse(form, "a call such as (asset ...)")
        if form.items[0].text == "unimplemented":
            what = form.items[1] if len(form.items) > 1 else "something"
            raise SymphonyError(
                self._place(form),
                f"unimplemented: the exporter could not write {what}; expected a node or an indicator",
            )
        return form.items[0].text

    def _arguments(self, form: Form, expected: str, fewest: int, most: int = 0) -> list[Form]:
        arguments = form.items[1:]
        if not fewest <= len(arguments) <= (most or fewest):
            raise SymphonyError(
                self._place(form),
                f"{form.items[0].text}: expected {expected}, got {len(arguments)} arguments in {form}",
            )
        return arguments

    def _map(self, form: Form, keys: Sequence[str]) -> dict[str, Form]:
        expected = f"a map of {' '.join(keys)}" if keys else "an empty map"
        if form.kind != "map" or len(form.items) % 2:
            self._refuse(form, expected)
        says: dict[str, Form] = {}
        for key, value in zip(form.items[::2], form.items[1::2], strict=True):
            if key.text not in keys:
                self._refuse(key, expected)
            if key.text in says:
                self._refuse(key, f"{key.text} once")
            says[key.text] = value
        return says

    def _vector(self, form: Form) -> list[Form]:
        if form.kind != "vector" or not form.items:
            self._refuse(form, "a vector of at least one node, as in [(asset ...)]")
        return form.items

    def _string(self, form: Form, what: str) -> str:
        if form.kind != "string":
            self._refuse(form, f"{what} as a string")
        return form.text

    def _symbol(self, form: Form) -> str:
        try:
            return symbol_of(self._string(form, "a ticker"))
        except SymphonyError:
            raise
        except ValueError as error:
            raise SymphonyError(self._place(form), str(error)) from error

    def _number(self, form: Form, expected: str) -> Decimal:
        if form.kind != "number" or "/" in form.text:
            self._refuse(form, expected)
        return self._decimal(form)

    def _share(self, form: Form) -> Fraction:
        """A ratio such as 1/3 is a number too: thirds have no end as decimals."""
        if form.kind != "number":
            self._refuse(form, "a weight such as 0.25")
        over, _, under = form.text.partition("/")
        if under:
            return Fraction(int(over), int(under))
        return Fraction(self._decimal(form))

    def _decimal(self, form: Form) -> Decimal:
        try:
            return decimal_of(form.text)
        except ValueError as error:
            raise SymphonyError(self._place(form), str(error)) from error

    def _whole(self, form: Form) -> int:
        if form.kind != "number" or not form.text.isdigit() or len(form.text) > _LONGEST_WINDOW:
            self._refuse(form, "a whole number")
        return int(form.text)

    def _place(self, form: Form) -> str:
        return place_of(self._source, form.offset)

    def _refuse(self, form: Form, expected: str) -> NoReturn:
        raise SymphonyError(self._place(form), f"expected {expected}, got {form}")

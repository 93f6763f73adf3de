"""Composer's JSON form of a symphony, read into a tree. What could change what is held and is not understood is refused."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from fractions import Fraction
from typing import Final

from services.strategy.domain.rebalance import DAILY, FREQUENCIES, Calendar, Corridor, Rebalance
from services.strategy.domain.symphony.composer_conditions import CONDITION_FIELDS, Conditions
from services.strategy.domain.symphony.growing import Opened, grow
from services.strategy.domain.symphony.json_part import Part
from services.strategy.domain.symphony.json_text import parse_json
from services.strategy.domain.symphony.sharing import Shared
from services.strategy.domain.symphony.symphony import Symphony, SymphonyError
from services.strategy.domain.symphony.vocabulary import RANK_BY_SELECT_FN
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
    Test,
)

DISPLAY_FIELDS: Final = frozenset(
    {
        *("step", "children", "id", "sid", "name", "description", "notes", "comment", "source", "exchange", "price"),
        *(
            "dollar-change",
            "percent-change",
            "dollar-volume",
            "has-marketcap",
            "collapsed?",
            "collapsed-specified-weight?",
        ),
        *("suppress-incomplete-warnings", "suppress-incomplete-warnings?", "suppress-description?", "children-count"),
        *("num-children", "parent-id", "hidden?", "color", "icon", "emoji", "hashtag", "hashtags", "tag", "tags"),
        *("owner", "owner-id", "user-id", "editor", "is-public?", "public?", "share-with-everyone?", "copied-from"),
        *("symphony-id", "version", "version-id", "benchmarks", "created-at", "updated-at", "last-updated-at"),
        *("last-backtest-at", "last-semantic-update-at"),
        # Exports leave the share a node once had; it counts only below wt-cash-specified, where it is read.
        "weight",
    }
)
"""Fields that say nothing about what is held, with dashes (exports write underscores too); every step may carry them."""
_ASSET_CLASSES: Final = ("asset_class", "asset-class", "asset_classes", "asset-classes")
_OWN_FIELDS: Final[Mapping[str, frozenset[str]]] = {
    "root": frozenset({"rebalance", "rebalance-corridor-width"}),
    "wt-cash-equal": frozenset(),
    "wt-cash-specified": frozenset(),
    "wt-inverse-vol": frozenset({"window-days"}),
    "group": frozenset(),
    "if": frozenset(),
    "if-child": CONDITION_FIELDS | {"is-else-condition?"},
    "filter": frozenset(
        {"sort-by-fn", "sort-by-fn-params", "sort-by-window-days", "select-fn", "select-n", "sort-by?", "select?"}
    ),
    "asset": frozenset({"ticker"}),
    "empty": frozenset(),
}


def read_composer(source: str, name: str = "symphony") -> Symphony:
    """`name` is for a file without a root. Raises SymphonyError with the JSON path, or line and column where it is no JSON."""
    return _Reader().symphony(Part(parse_json(source)), name)


class _Reader:
    def __init__(self) -> None:
        self._shared = Shared()
        self._conditions = Conditions(self._shared)
        self._asset_names: dict[str, str] = {}
        self._node_of: Final[Mapping[str, Callable[[Part], Opened[Part]]]] = {
            "wt-cash-equal": lambda part: Opened(part, self._children(part), lambda nodes: Equal(tuple(nodes))),
            "wt-cash-specified": self._specified,
            "wt-inverse-vol": self._inverse_volatility,
            "group": self._group,
            "if": self._if,
            "filter": self._filter,
            "asset": self._asset,
            "empty": self._empty,
        }

    def symphony(self, top: Part, name: str) -> Symphony:
        rebalance: Rebalance = DAILY
        description, tree = "", top
        if self._step(top) == "root":
            self._require_known_fields(top, "root")
            name, description = top.text_or("name", name), top.text_or("description", "")
            rebalance, tree = self._rebalance(top), self._only_child(top)
        node = grow(tree, self._opened, Part.place, self._shared)
        return Symphony(name, node, rebalance, description, self._asset_names)

    # --- the root
    def _rebalance(self, root: Part) -> Rebalance:
        frequency, width = root.get("rebalance"), root.get("rebalance-corridor-width")
        if frequency.value == "none":
            try:
                return Corridor(width.number("a fraction such as 0.05, since rebalance is none"))
            except SymphonyError:
                raise
            except ValueError as error:
                raise SymphonyError(width.place(), str(error)) from error
        if width.value not in (None, 0):
            width.refuse("a corridor only where rebalance is none")
        if frequency.value is None:
            return DAILY
        found = next((f for f in FREQUENCIES if frequency.value == f), None)
        return frequency.refuse(f"one of none, {', '.join(FREQUENCIES)}") if found is None else Calendar(found)

    def _require_equities(self, part: Part) -> None:
        for field in _ASSET_CLASSES:
            classes = part.get(field)
            for each in classes.items() if isinstance(classes.value, list) else [classes]:
                if each.value not in (None, "EQUITIES"):
                    each.refuse("EQUITIES")

    # --- nodes
    def _opened(self, part: Part) -> Opened[Part]:
        step = self._step(part)
        known = self._node_of.get(step)
        if known is None:
            why = " (there is no market-cap feed)" if step == "wt-marketcap" else ""
            return part.get("step").refuse(f"one of {', '.join(self._node_of)}{why}")
        self._require_known_fields(part, step)
        return known(part)

    def _asset(self, part: Part) -> Opened[Part]:
        ticker = part.get("ticker")
        symbol = ticker.symbol()
        name = part.get("name").value
        # Without a name of its own an export repeats the ticker.
        if isinstance(name, str) and name != ticker.value:
            self._asset_names.setdefault(symbol, name)
        self._require_childless(part)
        return Opened(part, (), lambda _: Asset(symbol))

    def _empty(self, part: Part) -> Opened[Part]:
        self._require_childless(part)
        return Opened(part, (), lambda _: Cash())

    def _specified(self, part: Part) -> Opened[Part]:
        children = self._children(part)
        shares = [self._share(child.get("weight")) for child in children]
        return Opened(part, children, lambda nodes: Specified(tuple(zip(shares, nodes, strict=True))))

    def _share(self, weight: Part) -> Fraction:
        weight.object('a weight such as {"num": 60, "den": 100}')
        weight.require_only(("num", "den"))
        num, den = (Fraction(weight.get(key).number("a number")) for key in ("num", "den"))
        return num / den if den else weight.get("den").refuse("a number other than 0")

    def _inverse_volatility(self, part: Part) -> Opened[Part]:
        window = part.get("window-days").whole()
        return Opened(part, self._children(part), lambda nodes: InverseVolatility(window, tuple(nodes)))

    def _group(self, part: Part) -> Opened[Part]:
        name = part.text_or("name", "")
        return Opened(part, [self._only_child(part)], lambda nodes: Group(name, nodes[0]))

    def _filter(self, part: Part) -> Opened[Part]:
        for switch in ("sort-by?", "select?"):
            if part.get(switch).value not in (None, True):
                part.get(switch).refuse("true: without it the filter would keep all")
        metric = self._conditions.metric(part, "sort-by")
        rank, count = part.get("select-fn").one_of(RANK_BY_SELECT_FN), part.get("select-n").whole()
        return Opened(part, self._children(part), lambda nodes: Select(metric, rank, count, tuple(nodes)))

    def _if(self, part: Part) -> Opened[Part]:
        test, then, otherwise = self._branches(part)
        split = len(then)

        def build(nodes: Sequence[Node]) -> Node:
            return If(test, self._together(nodes[:split]), self._together(nodes[split:]))

        return Opened(part, then + otherwise, build)

    def _branches(self, part: Part) -> tuple[Test, list[Part], list[Part]]:
        branches = self._children(part)
        for branch in branches:
            if self._step(branch) != "if-child":
                branch.get("step").refuse("if-child")
            self._require_known_fields(branch, "if-child")
        conditional = [branch for branch in branches if not branch.flag("is-else-condition?")]
        if len(branches) != 2 or len(conditional) != 1:  # noqa: PLR2004 - the condition and the else
            part.get("children").refuse("two if-child nodes, one of them the else")
        otherwise = next(branch for branch in branches if branch is not conditional[0])
        return self._conditions.test(conditional[0]), self._children(conditional[0]), self._children(otherwise)

    def _together(self, nodes: Sequence[Node]) -> Node:
        """Several nodes in a branch have equal weights."""
        return nodes[0] if len(nodes) == 1 else self._shared.node(Equal(tuple(nodes)))

    # --- shapes
    def _step(self, part: Part) -> str:
        part.object("a node with a step")
        step = part.get("step").value
        return step if isinstance(step, str) else part.get("step").refuse("the node's step as a string")

    def _children(self, part: Part) -> list[Part]:
        children = part.get("children")
        if not isinstance(children.value, list) or not children.value:
            children.refuse("at least one node (a node with the step empty stands for cash)")
        return children.items()

    def _only_child(self, part: Part) -> Part:
        children = self._children(part)
        return children[0] if len(children) == 1 else part.get("children").refuse("exactly one node")

    def _require_childless(self, part: Part) -> None:
        if part.get("children").value not in (None, []):
            part.get("children").refuse("no children here")

    def _require_known_fields(self, part: Part, step: str) -> None:
        self._require_equities(part)
        for key in part.value:
            known = key in _OWN_FIELDS[step] or key in _ASSET_CLASSES or key.replace("_", "-") in DISPLAY_FIELDS
            if not known:
                part.get(key).refuse(f"no such field in {step}: it could change what is held")

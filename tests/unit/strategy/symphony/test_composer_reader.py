"""Composer's JSON: every step and spelling reads to the tree of the other form; what could change holdings is refused by path."""

from __future__ import annotations

import json
from decimal import Decimal
from typing import Any

import pytest

from services.strategy.domain.indicators import BY_NAME
from services.strategy.domain.language import (
    all_of,
    any_of,
    by,
    cash,
    close,
    cumulative_return,
    equal,
    group,
    highest,
    hold,
    inverse_volatility,
    lower_bollinger,
    lowest,
    macd,
    macd_signal,
    ppo,
    rsi,
    sma,
    specified,
    stdev_price,
    stdev_return,
    upper_bollinger,
    when,
)
from services.strategy.domain.rebalance import DAILY, Calendar, Corridor
from services.strategy.domain.symphony.composer_reader import read_composer
from services.strategy.domain.symphony.sharing import same_tree
from services.strategy.domain.symphony.symphony import SymphonyError
from services.strategy.domain.tree import Comparison, Node, Number, Test

Json = dict[str, Any]
A: Json = {"step": "asset", "ticker": "AAA", "name": "A name", "exchange": "ARCX", "id": "1"}
B: Json = {"step": "asset", "ticker": "BBB", "name": "BBB", "children": []}
RSI = BY_NAME["rsi"]


def tree_of(node: Json) -> Node:
    return read_composer(json.dumps(node)).tree


def an_if(condition: Json, then: list[Json] | None = None) -> Json:
    yes = {"step": "if-child", "is-else-condition?": False, "children": then or [A], **condition}
    no = {"step": "if-child", "is-else-condition?": True, "children": [B]}
    return {"step": "if", "id": "x", "children": [yes, no]}


FLAT: Json = {
    "lhs-fn": "relative-strength-index",
    "lhs-fn-params": {"window": 10},
    "lhs-val": "SPY",
    "comparator": "gt",
    "rhs-fixed-value?": True,
    "rhs-val": "79",
}
OLD: Json = {
    "lhs-fn": "cumulative-return",
    "lhs-window-days": "60",
    "lhs-val": "QQQ",
    "comparator": "lt",
    "rhs-fixed-value?": True,
    "rhs-val": -10.5,
}
BANDS: Json = {
    "lhs-fn": "current-price",
    "lhs-val": "SPY",
    "comparator": "lte",
    "rhs-fixed-value?": False,
    "rhs-fn": "lower-bollinger",
    "rhs-val": "SPY",
    "rhs-fn-params": {"window": 20, "std-dev": 2},
}
MACD_PARAMS = {"short-window": 12, "long-window": 26}
SIDE = {"fn": "relative-strength-index", "ticker": "SPY", "params": {"window": "10"}}
BINARY: Json = {"condition-type": "binary", "lhs": SIDE, "comparator": "gt", "rhs": {"constant": 79}}
OTHER: Json = {**BINARY, "rhs": {**SIDE, "ticker": "QQQ", "params": {"window": 20}}}
EACH: Json = {
    "condition-type": "binary-compound",
    "operator": "any",
    "tickers": ["TQQQ", "BRK/B"],
    "lhs": {**SIDE, "ticker": "%"},
    "comparator": "gt",
    "rhs": {"constant": "75"},
}


CONDITIONS: list[tuple[Json, Test]] = [
    (FLAT, rsi("SPY", 10) > 79),
    ({**FLAT, "rhs-val": 79}, rsi("SPY", 10) > 79),
    ({**FLAT, "lhs-window-days": "10"}, rsi("SPY", 10) > 79),
    ({**FLAT, "comparator": "gte"}, rsi("SPY", 10) >= 79),
    ({**FLAT, "comparator": "eq"}, Comparison(rsi("SPY", 10), "==", Number(Decimal(79)))),
    (OLD, cumulative_return("QQQ", 60) < -10.5),
    ({**OLD, "rhs-fixed-value?": None}, cumulative_return("QQQ", 60) < -10.5),
    (BANDS, close("SPY") <= lower_bollinger("SPY", 20)),
    ({**BANDS, "lhs-window-days": "14"}, close("SPY") <= lower_bollinger("SPY", 20)),
    (
        {**BANDS, "rhs-fn": "upper-bollinger", "rhs-fn-params": {"window": "20"}},
        close("SPY") <= upper_bollinger("SPY", 20),
    ),
    (
        {**BANDS, "rhs-fn": "standard-deviation-price", "rhs-fn-params": {}, "rhs-window-days": 20},
        close("SPY") <= stdev_price("SPY", 20),
    ),
    (
        {**FLAT, "lhs-fn": "percentage-price-oscillator", "lhs-fn-params": MACD_PARAMS},
        ppo("SPY", 12, 26) > 79,
    ),
    ({"condition": BINARY}, rsi("SPY", 10) > 79),
    ({"condition": BINARY, **OLD}, rsi("SPY", 10) > 79),
    ({"condition": OTHER}, rsi("SPY", 10) > rsi("QQQ", 20)),
    (
        {
            "condition": {
                **BINARY,
                "lhs": {"fn": "moving-average-convergence-divergence", "ticker": "SPY", "params": MACD_PARAMS},
                "rhs": {
                    "fn": "moving-average-convergence-divergence-signal",
                    "ticker": "SPY",
                    "params": {**MACD_PARAMS, "smooth-window": 9},
                },
            }
        },
        macd("SPY", 12, 26) > macd_signal("SPY", 12, 26, 9),
    ),
    ({"condition": EACH}, any_of(rsi("TQQQ", 10) > 75, rsi("BRK.B", 10) > 75)),
    ({"condition": {**EACH, "operator": "all"}}, all_of(rsi("TQQQ", 10) > 75, rsi("BRK.B", 10) > 75)),
    (
        {"condition": {"condition-type": "compound", "operator": "all", "conditions": [BINARY, EACH]}},
        all_of(rsi("SPY", 10) > 79, any_of(rsi("TQQQ", 10) > 75, rsi("BRK.B", 10) > 75)),
    ),
]


@pytest.mark.parametrize(("condition", "test"), CONDITIONS)
def test_a_condition_in_any_spelling_reads(condition: Json, test: Test) -> None:
    assert same_tree(tree_of(an_if(condition)), when(test, "AAA", "BBB"))


STEPS: list[tuple[Json, Node]] = [
    (A, hold("AAA")),
    ({**A, "ticker": "EQUITIES::BIL//USD", "weight": None}, hold("BIL")),
    ({"step": "empty"}, cash()),
    ({"step": "wt-cash-equal", "children": [A, B, A]}, equal("AAA", "BBB", "AAA")),
    # The share a node once had says nothing below equal weights.
    ({"step": "wt-cash-equal", "children": [{**A, "weight": {"num": 100, "den": 100}}]}, equal("AAA")),
    (
        {
            "step": "wt-cash-specified",
            "children": [{**A, "weight": {"num": "60", "den": 100}}, {**B, "weight": {"num": 2, "den": 5}}],
        },
        specified(("0.6", "AAA"), ("0.4", "BBB")),
    ),
    ({"step": "wt-inverse-vol", "window-days": "10", "children": [A, B]}, inverse_volatility(10, "AAA", "BBB")),
    (
        {"step": "group", "name": "g", "collapsed?": True, "suppress_incomplete_warnings": True, "children": [A]},
        group("g", "AAA"),
    ),
    ({**A, "asset_class": "EQUITIES", "percent_change": 0.1, "has_marketcap": True, "price": 7}, hold("AAA")),
    (
        {
            "step": "filter",
            "sort-by-fn": "relative-strength-index",
            "sort-by-fn-params": {"window": 10},
            "sort-by?": True,
            "select?": True,
            "select-fn": "top",
            "select-n": "2",
            "children": [A, B],
        },
        highest(2, by(RSI, 10), "AAA", "BBB"),
    ),
    (
        {
            "step": "filter",
            "sort-by-fn": "standard-deviation-return",
            "sort-by-window-days": 6,
            "select-fn": "bottom",
            "select-n": 1,
            "children": [A, B],
        },
        lowest(1, by(BY_NAME["stdev-return"], 6), "AAA", "BBB"),
    ),
    (an_if(FLAT, [A, B]), when(rsi("SPY", 10) > 79, equal("AAA", "BBB"), "BBB")),
    ({"step": "if", "children": an_if(FLAT)["children"][::-1]}, when(rsi("SPY", 10) > 79, "AAA", "BBB")),
]


@pytest.mark.parametrize(("node", "tree"), STEPS)
def test_a_step_reads(node: Json, tree: Node) -> None:
    assert same_tree(tree_of(node), tree)


def root(**fields: Any) -> Json:
    return {"step": "root", "name": "A root", "description": "of mine", "children": [A], **fields}


@pytest.mark.parametrize("width", [None, 0, 0.0])
def test_the_root_names_the_symphony_and_says_when_it_rebalances(width: float | None) -> None:
    found = read_composer(json.dumps(root(rebalance="daily", **{"rebalance-corridor-width": width})))
    assert (found.name, found.description, found.rebalance) == ("A root", "of mine", DAILY)
    assert found.asset_names == {"AAA": "A name"}
    assert read_composer(json.dumps(root(rebalance="monthly"))).rebalance == Calendar("monthly")
    none = root(rebalance="none", **{"rebalance-corridor-width": 0.05})
    assert read_composer(json.dumps(none)).rebalance == Corridor(Decimal("0.05"))


FILTER = next(step for step, _ in STEPS if step["step"] == "filter")
FAULTS: list[tuple[Any, str]] = [
    ([], "$: expected a node with a step, got a list of 0"),
    ({"children": [A]}, "$.step: expected the node's step as a string, got nothing"),
    ({"step": "wt-marketcap", "children": [A]}, "$.step: expected one of wt-cash-equal,"),
    ({"step": "wt-marketcap", "children": [A]}, "(there is no market-cap feed), got 'wt-marketcap'"),
    (root(rebalance="hourly"), "$.rebalance: expected one of none, daily, weekly"),
    (root(rebalance="none"), "$.rebalance-corridor-width: expected a fraction such as 0.05"),
    (root(rebalance="daily", **{"rebalance-corridor-width": 0.05}), "expected a corridor only where rebalance is none"),
    (root(rebalance="none", **{"rebalance-corridor-width": 5}), "expected a width between 0 and 1, got 5"),
    (root(asset_class="CRYPTO"), "$.asset_class: expected EQUITIES, got 'CRYPTO'"),
    (root(asset_classes=["EQUITIES", "CRYPTO"]), "$.asset_classes[1]: expected EQUITIES, got 'CRYPTO'"),
    ({**A, "asset-class": "CRYPTO"}, "$.asset-class: expected EQUITIES, got 'CRYPTO'"),
    (root(leverage=2), "$.leverage: expected no such field in root: it could change what is held, got 2"),
    (root(children=[A, B]), "$.children: expected exactly one node, got a list of 2"),
    (root(children=[{"step": "wt-cash-equal", "children": []}]), "$.children[0].children: expected at least one node"),
    ({**A, "allocation": 0.6}, "$.allocation: expected no such field in asset: it could change what is held"),
    ({**A, "ticker": "spy"}, "$.ticker: expected a US ticker such as SPY"),
    ({**A, "ticker": None}, "$.ticker: expected a US ticker"),
    ({**A, "children": [B]}, "$.children: expected no children here"),
    (
        {"step": "wt-cash-specified", "children": [A]},
        '$.children[0].weight: expected a weight such as {"num": 60, "den": 100}, got nothing',
    ),
    (
        {"step": "wt-cash-specified", "children": [{**A, "weight": {"num": 60, "den": 0}}]},
        "$.children[0].weight.den: expected a number other than 0, got 0",
    ),
    (
        {"step": "wt-cash-specified", "children": [{**A, "weight": {"num": 60, "den": 100}}]},
        "$: specified: expected weights that sum to 1, got 0.6",
    ),
    ({"step": "wt-inverse-vol", "children": [A]}, "$.window-days: expected a whole number, got nothing"),
    (
        {"step": "wt-inverse-vol", "window-days": 2.5, "children": [A]},
        "$.window-days: expected a whole number, got 2.5",
    ),
    ({"step": "group", "name": "g", "children": [A, B]}, "$.children: expected exactly one node"),
    ({**FILTER, "select?": False}, "$.select?: expected true"),
    ({**FILTER, "select-fn": "best"}, "$.select-fn: expected one of top, bottom, got 'best'"),
    ({**FILTER, "select-n": 0}, "$: select: count: expected a whole number of at least 1, got 0"),
    ({**FILTER, "sort-by-fn": "sharpe"}, "$.sort-by-fn: expected one of"),
    (
        {**FILTER, "sort-by-window-days": "11"},
        "$.sort-by-window-days: expected the same window as in sort-by-fn-params",
    ),
    (
        {"step": "if", "children": an_if(FLAT)["children"][:1]},
        "$.children: expected two if-child nodes, one of them the else",
    ),
    ({"step": "if", "children": [A, B]}, "$.children[0].step: expected if-child, got 'asset'"),
    (an_if({**FLAT, "comparator": "ne"}), "$.children[0].comparator: expected one of gt, lt, gte, lte, eq, got 'ne'"),
    (
        an_if({**FLAT, "lhs-fn-params": {"window": 10, "offset": 1}}),
        "$.children[0].lhs-fn-params.offset: expected only window",
    ),
    (an_if({**FLAT, "lhs-fn-params": {}}), "$.children[0].lhs-fn-params.window: expected a whole number, got nothing"),
    (an_if({**FLAT, "lhs-fn-params": {"window": 0}}), "rsi: window: expected a whole number of at least 1, got 0"),
    (an_if({**FLAT, "rhs-val": "QQQ"}), "$.children[0].rhs-val: expected a number"),
    (an_if({**FLAT, "rhs-val": "NaN"}), "$.children[0].rhs-val: expected a number"),
    (an_if({**FLAT, "rhs-fixed-value?": "yes"}), "$.children[0].rhs-fixed-value?: expected true or false, got 'yes'"),
    (
        an_if({**BANDS, "rhs-fn-params": {"window": 20, "std-dev": 2.5}}),
        "rhs-fn-params.std-dev: expected a whole number, got 2.5",
    ),
    (
        an_if({**OLD, "lhs-fn": "percentage-price-oscillator"}),
        "lhs-window-days: expected short-window, long-window in params",
    ),
    (
        an_if({"condition": {**BINARY, "condition-type": "neither"}}),
        "condition.condition-type: expected binary, compound or",
    ),
    (
        an_if({"condition": {**BINARY, "negate": True}}),
        "$.children[0].condition.negate: expected only condition-type, lhs",
    ),
    (an_if({"condition": {**BINARY, "rhs": {"constant": 1, "times": 2}}}), "rhs.times: expected only constant here"),
    (an_if({"condition": {**EACH, "tickers": []}}), "condition.tickers: expected at least one ticker"),
    (an_if({"condition": {**EACH, "lhs": SIDE}}), "condition.lhs: expected an indicator whose ticker is %"),
    (an_if({"condition": {**EACH, "operator": "none"}}), "condition.operator: expected one of any, all, got 'none'"),
    (
        an_if({"condition": {"condition-type": "compound", "operator": "all", "conditions": []}}),
        "condition.conditions: expected at least one condition",
    ),
]


@pytest.mark.parametrize(("node", "fault"), FAULTS)
def test_what_is_not_understood_is_refused_with_its_path_and_what_was_expected(node: Any, fault: str) -> None:
    with pytest.raises(SymphonyError) as refused:
        read_composer(json.dumps(node))
    assert fault in str(refused.value)
    assert refused.value.place.startswith("$")


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("", "line 1, column 1: expected a value, got the end of the file"),
        ('{"step": "asset",\n "step": "empty"}', 'line 2, column 2: expected "step" once, got it twice'),
        ('{"step": "asset"', "line 1, column 17: expected a comma or the end of what is open, got the end of the file"),
        ('{"step": ["a"}', "line 1, column 14: expected ] to close the [ of line 1, column 10, got }"),
        ('{"step": asset}', "line 1, column 10: expected JSON, got 'asset}'"),
        ('{"step": 1e99}', "line 1, column 10: expected a number of ordinary size, got 1e99"),
        ('{"a" 1}', 'line 1, column 6: expected a colon after "a", got 1'),
        ("{1: 2}", "line 1, column 2: expected a key as a string, got 1"),
        ("[1,]", "line 1, column 4: expected a value, got ]"),
        ("[1] 2", "line 1, column 5: expected the end of the file, got 2"),
    ],
)
def test_what_is_no_json_is_refused_with_line_and_column(text: str, fault: str) -> None:
    with pytest.raises(SymphonyError) as refused:
        read_composer(text)
    assert str(refused.value) == fault


def test_nesting_is_no_matter_of_recursion() -> None:
    depth = 3000
    opening = '{"step": "group", "name": "g", "children": ['
    tree = read_composer(opening * depth + json.dumps(A) + "]}" * depth).tree
    assert same_tree(tree, nested(depth))


def nested(depth: int) -> Node:
    tree: Node = hold("AAA")
    for _ in range(depth):
        tree = group("g", tree)
    return tree


def test_conditions_inside_each_other_have_an_end() -> None:
    block: Json = BINARY
    for _ in range(60):
        block = {"condition-type": "compound", "operator": "any", "conditions": [block]}
    with pytest.raises(SymphonyError, match="expected at most 50 conditions inside each other"):
        tree_of(an_if({"condition": block}))


def test_the_names_of_stdev_and_sma_are_those_of_the_other_form() -> None:
    condition = {**FLAT, "lhs-fn": "standard-deviation-return", "rhs-fixed-value?": False}
    condition |= {"rhs-fn": "moving-average-price", "rhs-fn-params": {"window": 5}, "rhs-val": "SPY"}
    assert same_tree(tree_of(an_if(condition)), when(stdev_return("SPY", 10) > sma("SPY", 5), "AAA", "BBB"))

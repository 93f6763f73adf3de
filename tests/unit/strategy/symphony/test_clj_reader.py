"""The `.clj` form: every shape that is counted in real files reads, everything else is refused with line and column."""

from __future__ import annotations

from decimal import Decimal

import pytest

from services.strategy.domain.indicators import BY_NAME
from services.strategy.domain.language import (
    by,
    cash,
    close,
    cumulative_return,
    ema,
    equal,
    group,
    highest,
    hold,
    inverse_volatility,
    lowest,
    max_drawdown,
    moving_average_return,
    ppo,
    ppo_signal,
    rsi,
    sma,
    specified,
    stdev_price,
    stdev_return,
    when,
)
from services.strategy.domain.rebalance import DAILY, Calendar, Corridor
from services.strategy.domain.survey import nodes_of
from services.strategy.domain.symphony.clj_reader import read_clj
from services.strategy.domain.symphony.clj_writer import write_clj
from services.strategy.domain.symphony.sharing import same_tree
from services.strategy.domain.symphony.symphony import Symphony, SymphonyError
from services.strategy.domain.tree import Asset, Comparison, Equal, If, Node, Number

RSI, STDEV_RETURN = BY_NAME["rsi"], BY_NAME["stdev-return"]
A, B, C = '(asset "AAA" "A name")', '(asset "BBB" nil)', '(asset "CCC" nil)'


def when_written(condition: str) -> str:
    return f"(if {condition} [{A}] [{B}])"


SHAPES: list[tuple[str, Node]] = [
    (A, hold("AAA")),
    ('(asset "AAA")', hold("AAA")),
    ('(asset "EQUITIES::BIL//USD" nil)', hold("BIL")),
    ('(asset "BRK/B" nil)', hold("BRK.B")),
    (f"(weight-equal [{A}])", equal("AAA")),
    (f"(weight-equal [{A} {B} {A}])", equal("AAA", "BBB", "AAA")),
    (f"(weight-equal {A} {B})", equal("AAA", "BBB")),
    (f"(weight-specified 0.6 {A} .4 {B})".replace(".4", "0.4"), specified(("0.6", "AAA"), ("0.4", "BBB"))),
    (f"(weight-specified 1 {A})", specified(("1", "AAA"))),
    (f"(weight-specified 1/3 {A} 2/3 {B})", specified(("1/3", "AAA"), ("2/3", "BBB"))),
    (
        f"(weight-specified 0.25 {A}, 0.25 {B}, 0.25 {C}, 0.25 {A})",
        specified(*(("0.25", s) for s in ("AAA", "BBB", "CCC", "AAA"))),
    ),
    (f"(weight-inverse-volatility 10 [{A} {B}])", inverse_volatility(10, "AAA", "BBB")),
    (f'(group "a title" [{A}])', group("a title", "AAA")),
    (f"(filter (rsi {{:window 10}}) (select-top 2) [{A} {B} {C}])", highest(2, by(RSI, 10), "AAA", "BBB", "CCC")),
    (
        f'(filter (stdev-return {{:window 6}}) (select-bottom 1) [(group "g" [{A}]) (weight-equal [{B}])])',
        lowest(1, by(STDEV_RETURN, 6), group("g", "AAA"), equal("BBB")),
    ),
    (when_written('(> (rsi "SPY" {:window 10}) 79)'), when(rsi("SPY", 10) > 79, "AAA", "BBB")),
    (
        f'(if (> (rsi "SPY" {{:window 10}}) 79) {A} {B})',
        when(rsi("SPY", 10) > 79, "AAA", "BBB"),
    ),
    (
        f'(if (> (rsi "SPY" {{:window 10}}) 79) [{A} {B}] [{C}])',
        when(rsi("SPY", 10) > 79, equal("AAA", "BBB"), "CCC"),
    ),
    (
        when_written('(< (current-price "SPY") (moving-average-price "SPY" {:window 200}))'),
        when(close("SPY") < sma("SPY", 200), "AAA", "BBB"),
    ),
    (
        when_written('(>= (cumulative-return "EQUITIES::QQQ//USD" {:window 60}) -10.5)'),
        when(cumulative_return("QQQ", 60) >= Decimal("-10.5"), "AAA", "BBB"),
    ),
    (
        when_written('(<= (exponential-moving-average-price "X" {:window 8}) (stdev-price "X" {:window 5}))'),
        when(ema("X", 8) <= stdev_price("X", 5), "AAA", "BBB"),
    ),
    (
        when_written('(> (max-drawdown "X" {:window 10}) (stdev-return "Y" {:window 20}))'),
        when(max_drawdown("X", 10) > stdev_return("Y", 20), "AAA", "BBB"),
    ),
    (
        when_written('(> (moving-average-return "X" {:window 20}) 0)'),
        when(moving_average_return("X", 20) > 0, "AAA", "BBB"),
    ),
    (
        when_written(
            '(> (percentage-price-oscillator "X" {:short-window 12, :long-window 26})'
            ' (percentage-price-oscillator-signal "X" {:short-window 12 :long-window 26 :smooth-window 9}))'
        ),
        when(ppo("X", 12, 26) > ppo_signal("X", 12, 26, 9), "AAA", "BBB"),
    ),
    (
        when_written('(< 30 (rsi "SPY" {:window 10}))'),
        If(Comparison(Number(Decimal(30)), "<", rsi("SPY", 10)), Asset("AAA"), Asset("BBB")),
    ),
]


@pytest.mark.parametrize(("text", "tree"), SHAPES)
def test_a_shape_of_real_files_reads(text: str, tree: Node) -> None:
    assert same_tree(read_clj(text).tree, tree)
    spaced = text.replace(" ", " ,\n; a comment (\n ") if '"a title"' not in text and '"A name"' not in text else text
    assert same_tree(read_clj(spaced).tree, tree)


def symphony(header: str) -> Symphony:
    return read_clj(f'(defsymphony "My \\"best\\" one" {header} {A})')


def test_the_header_names_the_symphony_and_says_when_it_rebalances() -> None:
    daily = symphony('{:asset-class "EQUITIES", :rebalance-frequency :daily}')
    assert (daily.name, daily.rebalance, daily.asset_names) == ('My "best" one', DAILY, {"AAA": "A name"})
    for frequency in ("weekly", "monthly", "quarterly", "yearly"):
        found = symphony(f'{{:asset-class "EQUITIES", :rebalance-frequency :{frequency}}}').rebalance
        assert found == Calendar(frequency)  # type: ignore[arg-type]
    corridor = symphony('{:asset-class "EQUITIES" :rebalance-threshold 0.05}')
    assert corridor.rebalance == Corridor(Decimal("0.05"))


def test_a_bare_node_is_a_daily_symphony_named_by_its_file() -> None:
    found = read_clj(A, "my_file")
    assert (found.name, found.rebalance) == ("my_file", DAILY)


TEST_ = '(> (rsi "SPY" {:window 10}) 79)'
FAULTS = [
    ("", "line 1, column 1: expected a symphony, got an empty file"),
    (" ; nothing\n", "line 2, column 1: expected a symphony, got an empty file"),
    ("(weight-equal [", "line 1, column 16: expected ] to close the [ of line 1, column 15, got the end of the file"),
    (f"(weight-equal [{A})", "line 1, column 38: expected ] to close the [ of line 1, column 15, got )"),
    (f"{B})", "line 1, column 18: expected no ) here: nothing is open"),
    (f"{B}\n {B}", 'line 2, column 2: expected the end of the file, got (asset "BBB" ...)'),
    ('(asset "AAA', 'line 1, column 8: expected a closing " of this string, got the end of the file'),
    ('(asset "A\\q" nil)', "line 1, column 10: expected an escape such as \\n, got \\q"),
    ("nil", "line 1, column 1: expected a call such as (asset ...), got nil"),
    ("[]", "line 1, column 1: expected a call such as (asset ...), got []"),
    ("()", "line 1, column 1: expected a call such as (asset ...), got ()"),
    (f"\n  (wait {A})", "line 2, column 3: expected a node (asset, weight-equal, weight-specified"),
    (f"(wt-marketcap [{A}])", "got (wt-marketcap ...)"),
    (f"(and {TEST_} {TEST_})", "expected a node"),
    (
        '(if (> (unimplemented :percentage-price-oscillator) 1) [(asset "A" nil)] [(asset "B" nil)])',
        "line 1, column 8: unimplemented: the exporter could not write :percentage-price-oscillator",
    ),
    (
        "(unimplemented :percentage-price-oscillator)",
        "line 1, column 1: unimplemented: the exporter could not write :percentage-price-oscillator",
    ),
    ('(asset "spy" nil)', "line 1, column 8: expected a US ticker such as SPY, BRK/B or EQUITIES::BIL//USD, got 'spy'"),
    ('(asset "CRYPTO::BTC//USD" nil)', "got 'CRYPTO::BTC//USD'"),
    ('(asset "EQUITIES::BP//GBP" nil)', "got 'EQUITIES::BP//GBP'"),
    ("(asset nil nil)", "line 1, column 8: expected a ticker as a string, got nil"),
    ('(asset "SPY" 7)', "line 1, column 14: expected the asset's name or nil, got 7"),
    ('(asset "SPY" nil nil)', "asset: expected a ticker and a name or nil"),
    ("(weight-equal [])", "line 1, column 1: equal: expected at least one member, got none"),
    (f"(weight-equal [{A}] {B})", "expected a call such as (asset ...), got ["),
    (f"(weight-specified 0.5 {A} 0.4 {B})", "line 1, column 1: specified: expected weights that sum to 1, got 0.9"),
    (f"(weight-specified 0.5 {A} {B})", "expected pairs of a weight and a node"),
    (f"(weight-specified half {A})", "line 1, column 19: expected a weight such as 0.25, got half"),
    (f"(weight-specified 1e99 {A})", "expected a number of ordinary size, got 1e99"),
    (f"(weight-inverse-volatility 1 [{A}])", "stdev-return: window: expected a whole number of at least 2, got 1"),
    (f"(weight-inverse-volatility 1.5 [{A}])", "line 1, column 28: expected a whole number, got 1.5"),
    (f"(weight-inverse-volatility [{A}])", "weight-inverse-volatility: expected a number of days and a vector"),
    (f'(group "g" [{A} {B}])', "line 1, column 12: expected a vector of exactly one node"),
    (f"(group nil [{A}])", "expected the group's title as a string, got nil"),
    (f"(if {TEST_} [{A}])", "if: expected a condition, [then] and [else], got 2 arguments"),
    (f"(if {TEST_} [{A}] [])", "expected a vector of at least one node, as in [(asset ...)], got []"),
    (f"(if 7 [{A}] [{B}])", "line 1, column 5: expected a call such as (asset ...), got 7"),
    (f"(if (and {TEST_}) [{A}] [{B}])", "line 1, column 5: expected a condition (> < >= <=), got (and ...)"),
    (f'(if (= (rsi "SPY" {{:window 10}}) 79) [{A}] [{B}])', "expected a condition (> < >= <=), got (= "),
    (when_written('(> (rsi "SPY" {:window 10}))'), ">: expected two sides, got 1 arguments"),
    (when_written('(> (rsi "SPY") 79)'), "expected {:window} after rsi"),
    (when_written('(> (rsi "SPY" {:windw 10}) 79)'), "line 1, column 20: expected a map of :window, got :windw"),
    (when_written('(> (rsi "SPY" {:window 10 :window 11}) 79)'), "expected :window once, got :window"),
    (when_written('(> (rsi "SPY" {:window "10"}) 79)'), 'expected a whole number, got "10"'),
    (when_written('(> (rsi "SPY" {:window 0}) 79)'), "rsi: window: expected a whole number of at least 1, got 0"),
    (when_written('(> (rsi "SPY" 10) 79)'), "expected a map of :window, got 10"),
    (when_written("(> (rsi {:window 10}) 79)"), "expected a ticker as a string, got {:window 10}"),
    (when_written('(> (current-price "SPY" {:window 10}) 79)'), "expected an empty map, got :window"),
    (when_written('(> (rsii "SPY" {:window 10}) 79)'), "expected a number or an indicator (current-price"),
    (when_written('(> (rsi "SPY" {:window 10}) 1e400)'), "expected a number of ordinary size, got 1e400"),
    (
        when_written('(> (percentage-price-oscillator "X" {:short-window 12}) 0)'),
        "expected :long-window, got {:short-window 12}",
    ),
    (f'(filter (rsi "SPY" {{:window 10}}) (select-top 1) [{A}])', "expected one map of windows"),
    (f"(filter (rsi {{:window 10}}) (select-best 1) [{A}])", "expected select-top or select-bottom with a count"),
    (f"(filter (rsi {{:window 10}}) (select-top 0) [{A}])", "select: count: expected a whole number of at least 1"),
    (f"(filter (rsi {{:window 10}}) (select-top) [{A}])", "select-top: expected a count"),
    (f'(defsymphony "x" {A})', "defsymphony: expected a name, a map and one node, got 2 arguments"),
    (f'(defsymphony "x" {{}} {A})', "expected either :rebalance-frequency or :rebalance-threshold, got {}"),
    (f'(defsymphony "x" {{:rebalance-frequency :hourly}} {A})', "expected :daily or :weekly or"),
    (f'(defsymphony "x" {{:rebalance-frequency "daily"}} {A})', "expected :daily or :weekly or"),
    (
        f'(defsymphony "x" {{:rebalance-threshold 5}} {A})',
        "rebalance: corridor: expected a width between 0 and 1, got 5",
    ),
    (f'(defsymphony "x" {{:rebalance-frequency :daily :leverage 2}} {A})', "got :leverage"),
    (
        f'(defsymphony "x" {{:asset-class "CRYPTO" :rebalance-frequency :daily}} {A})',
        'expected "EQUITIES", got "CRYPTO"',
    ),
]


@pytest.mark.parametrize(("text", "fault"), FAULTS)
def test_what_is_not_understood_is_refused_with_its_place_and_what_was_expected(text: str, fault: str) -> None:
    with pytest.raises(SymphonyError) as refused:
        read_clj(text)
    assert fault in str(refused.value)
    assert refused.value.place.startswith("line ")


def test_identical_sub_trees_are_one_object() -> None:
    block = when_written('(> (rsi "SPY" {:window 10}) 79)')
    tree = read_clj(f'(weight-equal [{block} {block} (group "g" [{block}])])').tree
    assert isinstance(tree, Equal)
    assert tree.children[0] is tree.children[1]
    assert len(nodes_of(tree)) == 5


def test_nesting_and_size_are_no_matter_of_recursion() -> None:
    deep = A
    for level in range(5000):
        deep = f'(if (> (rsi "SPY" {{:window {2 + level % 9}}}) {level}) [{B}] [{deep}])'
    found = read_clj(deep)
    assert same_tree(read_clj(write_clj(found)).tree, found.tree)


def test_cash_cannot_be_written_and_says_so() -> None:
    with pytest.raises(SymphonyError, match=r"cash: the \.clj form cannot hold nothing; expected an asset such as BIL"):
        write_clj(Symphony("x", equal("SPY", cash())))


def test_a_tree_that_would_fill_the_disk_when_written_out_is_refused() -> None:
    tree: Node = hold("SPY")
    for _ in range(25):
        tree = equal(tree, tree)
    with pytest.raises(SymphonyError, match="expected at most 2000000 nodes when written out, got 67108863"):
        write_clj(Symphony("x", tree))

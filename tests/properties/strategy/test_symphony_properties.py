"""Any tree survives both written forms and decides the same on every day; any text is a symphony or is refused with a place."""

from __future__ import annotations

import contextlib
import json
from decimal import Decimal

import numpy as np
import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from services.strategy.domain.columns import Columns
from services.strategy.domain.rebalance import FREQUENCIES, Calendar, Corridor
from services.strategy.domain.survey import nodes_of
from services.strategy.domain.symphony.clj_reader import read_clj
from services.strategy.domain.symphony.clj_writer import write_clj
from services.strategy.domain.symphony.composer_reader import read_composer
from services.strategy.domain.symphony.composer_writer import write_composer
from services.strategy.domain.symphony.forms import read_symphony
from services.strategy.domain.symphony.json_text import parse_json, write_json
from services.strategy.domain.symphony.sharing import Shared, same_tree
from services.strategy.domain.symphony.spelled_out import spelled_out
from services.strategy.domain.symphony.symphony import Symphony, SymphonyError
from services.strategy.domain.tree import Cash, Node
from tests.properties.strategy.trees import prices, table, trees

brief = settings(max_examples=100, deadline=None, suppress_health_check=[HealthCheck.too_slow])
titles = st.text(st.characters(exclude_categories=["Cs"]), max_size=20)
rebalances = st.one_of(
    st.sampled_from(FREQUENCIES).map(Calendar),
    st.integers(1, 999).map(lambda thousandths: Corridor(Decimal(thousandths) / 1000)),
)
symphonies = st.builds(
    Symphony,
    name=titles,
    tree=trees,
    rebalance=rebalances,
    description=st.just(""),
    asset_names=st.dictionaries(
        st.sampled_from(["AAA", "BBB"]), titles.filter(lambda name: name not in ("AAA", "BBB"))
    ),
)


def told(symphony: Symphony) -> tuple[object, ...]:
    symbols = {str(node) for node in nodes_of(symphony.tree)}
    names = {symbol: name for symbol, name in symphony.asset_names.items() if symbol in symbols}
    return symphony.name, symphony.rebalance, names


def assert_same(read: Symphony, written: Symphony) -> None:
    assert told(read) == told(written)
    assert same_tree(read.tree, written.tree)


@brief
@given(symphony=symphonies)
def test_through_json_a_symphony_stays_itself(symphony: Symphony) -> None:
    assert_same(read_composer(write_composer(symphony)), symphony)


@brief
@given(symphony=symphonies)
def test_through_clj_and_json_and_back_it_stays_itself_with_compounds_spelled_out(symphony: Symphony) -> None:
    assume(not any(isinstance(node, Cash) for node in nodes_of(symphony.tree)))
    spelled = Symphony(symphony.name, spelled_out(symphony.tree), symphony.rebalance, "", symphony.asset_names)
    text = write_clj(symphony)
    once = read_clj(text)
    assert_same(once, spelled)
    through_json = read_composer(write_composer(once))
    assert_same(through_json, spelled)
    assert write_clj(through_json) == text


@brief
@given(tree=trees, values=prices)
def test_compounds_spelled_out_and_parts_shared_decide_the_same_on_every_day(tree: Node, values: np.ndarray) -> None:
    columns = Columns(table(values))
    plain = columns.allocation(tree)
    for other in (spelled_out(tree), Shared().tree(tree)):
        found = columns.allocation(other)
        assert found.symbols == plain.symbols
        np.testing.assert_allclose(found.weights, plain.weights, rtol=1e-9, atol=1e-12)


def place_of_fault(text: str) -> str:
    """The root where there is none."""
    try:
        read_symphony(text, "x")
    except SymphonyError as error:
        return error.place
    return "$"


@given(source=st.text(st.sampled_from('()[]{}" \n,:;az09.-/><\\'), max_size=60))
def test_any_text_is_a_symphony_or_refused_with_a_place(source: str) -> None:
    assert place_of_fault(source).startswith(("line ", "$"))


@brief
@given(symphony=symphonies, where=st.floats(0, 1), junk=st.sampled_from(["", ")", "(", "]", '"', "}", "0", "x", ","]))
def test_a_damaged_file_is_refused_or_still_a_symphony(symphony: Symphony, where: float, junk: str) -> None:
    for text in (write_composer(symphony), write_clj(symphony) if not_cash(symphony.tree) else "()"):
        at = int(where * (len(text) - 1))
        assert place_of_fault(text[:at] + junk + text[at + 1 :]).startswith(("line ", "$"))


def not_cash(tree: Node) -> bool:
    return not any(isinstance(node, Cash) for node in nodes_of(tree))


json_values = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(-(10**9), 10**9), st.text(max_size=8)),
    lambda inner: st.one_of(st.lists(inner, max_size=4), st.dictionaries(st.text(max_size=4), inner, max_size=4)),
    max_leaves=12,
)


@given(value=json_values)
def test_json_reads_and_writes_as_the_standard_library_does(value: object) -> None:
    assert json.loads(write_json(value)) == value
    for text in (json.dumps(value), json.dumps(value, indent=2, ensure_ascii=False)):
        assert parse_json(text) == value


@given(text=st.text(st.sampled_from('{}[]",:0-.e1tn \\'), max_size=30))
def test_what_the_standard_library_refuses_is_refused(text: str) -> None:
    try:
        expected = json.loads(text, parse_float=Decimal)
    except ValueError:
        with pytest.raises(SymphonyError):
            parse_json(text)
        return
    # Where it reads, it reads the same; it is stricter: keys stand once, numbers are no bombs.
    with contextlib.suppress(SymphonyError):
        assert parse_json(text) == expected

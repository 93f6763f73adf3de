"""Symphony files, Python trees and plain loops of one strategy say the same on every real day of 2015-2024."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from services.strategy.domain.closes import Closes
from services.strategy.domain.columns import Allocation, Columns
from services.strategy.domain.day import evaluate_day
from services.strategy.domain.engine import TreeStrategy
from services.strategy.domain.proxies import with_stand_ins
from services.strategy.domain.strategies import BUILT_IN
from services.strategy.domain.symphony.composer_reader import read_composer
from services.strategy.domain.symphony.composer_writer import write_composer
from services.strategy.domain.symphony.forms import read_symphony
from services.strategy.domain.symphony.sharing import same_tree
from services.strategy.domain.symphony.symphony import Symphony
from services.strategy.domain.undefined import UndefinedDecision
from tests.unit.strategy.loops import History, NotKnownError

EXAMPLES = Path(__file__).parents[4] / "examples" / "symphonies"
pytestmark = pytest.mark.data


def example(name: str) -> Symphony:
    return read_symphony((EXAMPLES / f"{name}.clj").read_text(encoding="utf-8"), name)


@pytest.fixture(scope="module")
def columns(market_data_dir: Path) -> Columns:
    """UGL and GLL, which are not recorded, as twice GLD's daily return and its opposite: only their numbers matter here."""
    frame = pd.read_csv(market_data_dir / "daily_close" / "klm69_2015_2024.csv.gz", index_col=0)
    gold = frame["GLD"].pct_change().fillna(0.0)
    return Columns(
        with_stand_ins(Closes.of_frame(frame.assign(UGL=(1 + 2 * gold).cumprod(), GLL=(1 - 2 * gold).cumprod())))
    )


@pytest.mark.parametrize("name", ["nuclear", "tecl", "klm"])
def test_the_file_and_the_python_tree_agree_on_every_day(name: str, columns: Columns) -> None:
    symphony, strategy = example(name), BUILT_IN[name]()
    assert isinstance(strategy, TreeStrategy)
    assert symphony.rebalance == strategy.rebalance
    from_file, from_python = columns.allocation(symphony.tree), columns.allocation(strategy.tree)
    assert from_file.defined.sum() > 1000
    assert_same_weights(from_file, from_python)
    for row in range(1500, len(columns.closes), 37):
        assert decided(symphony, columns, row) == pytest.approx(decided_by(strategy, columns, row))


def assert_same_weights(one: Allocation, other: Allocation) -> None:
    assert set(one.symbols) == set(other.symbols)
    place = {symbol: column for column, symbol in enumerate(other.symbols)}
    np.testing.assert_array_equal(one.defined, other.defined)
    np.testing.assert_allclose(one.weights, other.weights[:, [place[s] for s in one.symbols]], atol=1e-12)


def decided(symphony: Symphony, columns: Columns, row: int) -> dict[str, float]:
    return decided_by(TreeStrategy(symphony.name, symphony.tree), columns, row)


def decided_by(strategy: TreeStrategy, columns: Columns, row: int) -> dict[str, float]:
    try:
        return dict(evaluate_day(strategy.tree, columns, row).weights)
    except UndefinedDecision:
        return {}


@pytest.mark.parametrize("path", sorted(EXAMPLES.glob("*.clj")), ids=lambda path: path.stem)
def test_every_example_is_the_same_tree_as_json(path: Path) -> None:
    symphony = example(path.stem)
    assert same_tree(read_composer(write_composer(symphony)).tree, symphony.tree)


def holy_grail(h: History, day: int) -> str:
    if h.close("TQQQ", day) > h.sma("TQQQ", 200, day):
        return "UVXY" if h.rsi("TQQQ", 10, day) > 79 else "TQQQ"
    if h.rsi("TQQQ", 10, day) < 31:
        return "TECL"
    if h.rsi("SOXL", 10, day) < 30:
        return "SOXL"
    if h.close("TQQQ", day) < h.sma("TQQQ", 20, day):
        return "SQQQ" if h.rsi("SQQQ", 10, day) >= h.rsi("BSV", 10, day) else "BSV"
    return "TQQQ"


def gold(h: History, day: int) -> str:
    if h.stdev_return("GLD", 10, day) > h.stdev_return("GLD", 100, day):
        return "BIL"
    rsi = {window: h.rsi("UGL", window, day) for window in (2, 10, 20)}
    if h.sma("UGL", 50, day) > h.sma("UGL", 200, day):
        return "GLL" if rsi[20] > 80 or rsi[10] > 90 or rsi[2] > 99.9 else "UGL"
    if h.sma("UGL", 20, day) > h.sma("UGL", 50, day):
        return "GLL" if rsi[20] > 75 or rsi[2] > 99.9 else "UGL"
    if h.sma("UGL", 5, day) > h.sma("UGL", 10, day):
        return "GLL" if rsi[10] > 60 else "UGL"
    return "UGL" if rsi[20] < 30 else "GLL"


@pytest.mark.parametrize(("name", "by_loop"), [("holy_grail", holy_grail), ("gold", gold)])
def test_the_small_examples_agree_with_plain_loops_on_every_day(
    name: str, by_loop: Callable[[History, int], str], columns: Columns
) -> None:
    history = History({symbol: column.tolist() for symbol, column in columns.closes.columns.items()})
    found = columns.allocation(example(name).tree)
    held = set()
    for day, session in enumerate(columns.closes.sessions):
        try:
            expected = by_loop(history, day)
        except NotKnownError:
            assert not found.defined[day], session
            continue
        weights = dict(zip(found.symbols, found.weights[day].tolist(), strict=True))
        assert {symbol for symbol, weight in weights.items() if weight} == {expected}, session
        held.add(expected)
    assert held == set(found.symbols)  # every end is reached

"""Files of megabytes are read and decided in seconds, nested as deep as they like, and shared parts are computed once."""

from __future__ import annotations

import time
from pathlib import Path

import pandas as pd
import pytest

from benchmarks.generated_symphony import generated_symphony
from services.strategy.domain.closes import Closes
from services.strategy.domain.columns import Columns
from services.strategy.domain.day import evaluate_day
from services.strategy.domain.indicators import RSI
from services.strategy.domain.language import by, close, group, hold, lowest, rsi, when
from services.strategy.domain.survey import closes_needed, nodes_of
from services.strategy.domain.symphony.clj_reader import read_clj
from services.strategy.domain.symphony.clj_writer import write_clj
from services.strategy.domain.symphony.sharing import same_tree
from services.strategy.domain.symphony.symphony import Symphony
from services.strategy.domain.tree import Node

pytestmark = pytest.mark.data


@pytest.fixture(scope="module")
def closes(market_data_dir: Path) -> Closes:
    frame = pd.read_csv(market_data_dir / "daily_close" / "klm69_2015_2024.csv.gz", index_col=0).iloc[-500:]
    return Closes.of_frame(frame.loc[:, frame.notna().all()])


def test_three_megabytes_nested_280_deep_are_read_and_decided_in_five_seconds(closes: Closes) -> None:
    """The benchmark says how long it takes; this keeps it from becoming minutes on a busy machine too."""
    text = generated_symphony(sorted(closes.symbols))
    assert len(text) > 3_000_000
    before = time.process_time()
    symphony = read_clj(text)
    day = evaluate_day(symphony.tree, Columns(closes))
    assert time.process_time() - before < 5
    assert sum(day.weights.values()) == pytest.approx(1)
    assert len(nodes_of(symphony.tree)) < text.count("(") / 4  # shared
    row = Columns(closes).allocation(symphony.tree)
    assert [day.weights.get(s, 0.0) for s in row.symbols] == pytest.approx(row.weights[-1].tolist(), abs=1e-9)


def test_three_thousand_levels_are_evaluated_without_recursion(closes: Closes) -> None:
    tree: Node = hold("BIL")
    for level in range(3000):
        tree = when(rsi("SPY", 2 + level % 20) > 100, then="TLT", otherwise=group(f"level {level}", tree))
    symphony = read_clj(write_clj(Symphony("deep", tree)))
    assert same_tree(symphony.tree, tree)
    assert closes_needed(symphony.tree) == 22
    assert dict(evaluate_day(symphony.tree, Columns(closes)).weights) == {"BIL": 1.0}
    assert Columns(closes).allocation(symphony.tree).weights[-1].tolist() == [0.0, 1.0]


def test_composites_inside_composites_hundreds_deep_have_their_own_paths(closes: Closes) -> None:
    tree: Node = when(close("SPY") > 1, "SPY", "BIL")
    for level in range(150):
        tree = lowest(1, by(RSI, 2), group(f"g{level}", tree), "TLT", group("other", "GLD"))
    day = evaluate_day(tree, Columns(closes))
    assert sum(day.weights.values()) == pytest.approx(1)

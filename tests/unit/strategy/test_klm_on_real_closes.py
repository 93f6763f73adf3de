"""KLM as a tree against the same rules as plain loops, variant by variant, on every real day of 2015-2024."""

from __future__ import annotations

import datetime as dt
from collections import Counter
from pathlib import Path

import pandas as pd
import pytest

from services.strategy.domain.closes import Closes
from services.strategy.domain.columns import Columns
from services.strategy.domain.day import evaluate_day
from services.strategy.domain.proxies import with_stand_ins
from services.strategy.domain.strategies.klm import klm
from services.strategy.domain.tree import Group, Node, Select
from services.strategy.domain.undefined import UndefinedDecision
from tests.unit.strategy.klm_by_loop import Klm
from tests.unit.strategy.loops import History, NotKnownError

pytestmark = pytest.mark.data
Weights = dict[str, float] | None


@pytest.fixture(scope="module")
def raw(market_data_dir: Path) -> Closes:
    return Closes.of_frame(pd.read_csv(market_data_dir / "daily_close" / "klm69_2015_2024.csv.gz", index_col=0))


@pytest.fixture(scope="module")
def columns(raw: Closes) -> Columns:
    return Columns(with_stand_ins(raw))


@pytest.fixture(scope="module")
def by_loop(raw: Closes) -> Klm:
    """FNGU by its own loop: half as much again of each of FNGO's daily returns, from FNGO's first close on."""
    closes = {symbol: column.tolist() for symbol, column in raw.columns.items()}
    path: list[float] = []
    for before, close in zip([float("nan"), *closes["FNGO"]], closes["FNGO"], strict=False):
        known = path[-1] if path and path[-1] == path[-1] else None
        path.append(close * 0 + 100 if known is None else known * (1 + 1.5 * (close / before - 1)))
    return Klm(History({**closes, "FNGU": path}), len(raw))


def as_told(weights: Weights) -> Weights:
    return None if weights is None else {s: round(w, 9) for s, w in sorted(weights.items()) if w}


def in_columns(columns: Columns, tree: Node) -> list[Weights]:
    found = columns.allocation(tree)
    rows = [dict(zip(found.symbols, row, strict=True)) for row in found.weights.tolist()]
    return [row if defined else None for row, defined in zip(rows, found.defined, strict=True)]


def variants() -> tuple[Group, ...]:
    ensemble = klm().tree.child  # type: ignore[union-attr]
    assert isinstance(ensemble, Select)
    return ensemble.candidates  # type: ignore[return-value]


@pytest.mark.parametrize("variant", variants(), ids=lambda group: group.name)
def test_a_variant_and_its_loop_agree_on_every_day(variant: Group, columns: Columns, by_loop: Klm) -> None:
    decisions = in_columns(columns, variant)
    assert [as_told(d) for d in decisions] == [as_told(d) for d in by_loop.decisions[variant.name]]
    # KMLM is listed since December 2020, UVIX since 2022; before that only the overbought and oversold days decide.
    assert sum(d is not None for d in decisions) >= 900


def test_the_ensemble_and_its_loop_agree_on_every_day_in_columns_and_one_by_one(columns: Columns, by_loop: Klm) -> None:
    tree = klm().tree
    in_all = in_columns(columns, tree)
    held: Counter[str] = Counter()
    for day, session in enumerate(columns.closes.sessions):
        try:
            expected: Weights = by_loop.decide(day)
        except NotKnownError:
            expected = None
        assert as_told(in_all[day]) == as_told(expected), session
        try:
            on_the_day = evaluate_day(tree, columns, day)
        except UndefinedDecision:
            assert expected is None, session
            continue
        assert as_told(dict(on_the_day.weights)) == as_told(expected), session
        held[on_the_day.steps[1].text.split(": ")[1].split(" (")[0]] += 1
    assert sum(held.values()) >= 1000
    assert len(held) >= 6, held  # not always the first one: each variant's own returns are what is compared


def test_history_cut_at_random_days_gives_the_same_answer(raw: Closes, columns: Columns) -> None:
    strategy, rows = klm(), in_columns(columns, klm().tree)
    for day in range(1600, len(raw), 101):
        on_the_day = strategy.decide(with_stand_ins(raw.until(day)))
        assert as_told(dict(on_the_day.weights)) == as_told(rows[day])


def test_the_stand_in_of_fngu_is_flagged(columns: Columns) -> None:
    assert columns.closes.stand_ins == {
        "FNGU": "1.5 x the daily return of FNGO stands in for its closes from 2018-08-23 to 2024-12-31"
    }
    assert columns.closes.sessions[-1] == dt.date(2024, 12, 31)

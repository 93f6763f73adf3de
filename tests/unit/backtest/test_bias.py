"""The check finds an engine that looks ahead, one that remembers, and one that looks at yesterday only."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from backtest.bias import check, shifted_by_a_day
from backtest.decisions import Targets, decide
from backtest.history import History, read_closes
from services.strategy.domain.closes import Closes
from services.strategy.domain.engine import Decision, StrategyEngine
from services.strategy.domain.language import equal, rsi, when
from services.strategy.domain.strategies import BUILT_IN
from tests.unit.backtest.builders import a_tree, allotted, random_history

SYMBOLS = ("AAA", "BBB")


class Remembers:
    """Says something else each time it is asked."""

    name, closes_needed, symbols = "remembers", 1, SYMBOLS

    def __init__(self) -> None:
        self._asked = 0

    def decide(self, closes: Closes) -> Decision:
        self._asked += 1
        return Decision({SYMBOLS[self._asked % 3 == 0]: 1.0})


class Breaks:
    """Raises, or weighs wrongly, on as many of its evenings as it is told."""

    name, closes_needed, symbols = "breaks", 1, SYMBOLS

    def __init__(self, works_from: int) -> None:
        self._works_from = works_from

    def decide(self, closes: Closes) -> Decision:
        if len(closes) % 2 and len(closes) < self._works_from:
            raise ZeroDivisionError("no\nvolume")
        return Decision({"AAA": 1.0 if len(closes) >= self._works_from else 0.7})


class Holds:
    name, closes_needed, symbols = "holds", 1, SYMBOLS

    def decide(self, closes: Closes) -> Decision:
        return Decision({"BBB": 1.0})


def decided(engine: StrategyEngine, history: History) -> Targets:
    return decide(allotted(engine), history.closes, 0, len(history.closes) - 1)


def test_a_tree_says_the_same_with_history_cut_and_something_else_a_day_late() -> None:
    history = random_history(SYMBOLS, 300, 4)
    found = check(decided(a_tree(when(rsi("AAA", 3) > 50, "AAA", "BBB")), history))
    assert (found.evenings, found.differences, found.passed) == (200, (), True)
    assert found.shift_changes["tree"] > 50


def test_an_engine_that_remembers_is_found() -> None:
    found = check(decided(Remembers(), random_history(SYMBOLS, 100, 4)), evenings=50)
    assert not found.passed
    assert found.differences[0].startswith("remembers on 2024-")


def test_evenings_without_a_decision_are_told_and_prove_nothing() -> None:
    found = check(decided(Breaks(works_from=41), random_history(SYMBOLS, 100, 4)), evenings=100)
    assert found.passed
    assert list(found.told()) == [
        f"breaks: undefined on 40 of 100 evenings (first {found.undefined['breaks'].first}: ZeroDivisionError: no volume)"
    ]


def test_a_strategy_that_never_decided_has_not_passed() -> None:
    found = check(decided(Breaks(works_from=1000), random_history(SYMBOLS, 100, 4)), evenings=20)
    assert (found.differences, found.unchecked, found.passed) == ((), ("breaks",), False)


def test_a_weight_on_a_symbol_without_closes_is_no_decision_either_way() -> None:
    history = random_history(("AAA",), 50, 4)
    found = check(decided(Holds(), history), evenings=50)
    assert (found.differences, found.unchecked) == ((), ("holds",))
    assert found.undefined["holds"].reason == "BBB: unknown: there is not one daily close of it"


def test_an_engine_that_knew_what_came_after_is_found() -> None:
    history = random_history(SYMBOLS, 60, 4)
    targets = decided(a_tree(equal("AAA")), history)
    # As if the whole run had been given tomorrow's closes.
    ahead = Closes(history.closes.sessions, {s: np.append(c[1:], c[-1]) for s, c in history.closes.columns.items()})
    tree = a_tree(when(rsi("AAA", 3) > 50, "AAA", "BBB"))
    cheated = decide(allotted(tree), ahead, 0, 59)
    mixed = Targets(
        history.closes, cheated.symbols, cheated.weights, cheated.rows, cheated.decided, targets.columns, 0, 59
    )
    assert not check(mixed, evenings=40).passed


def test_what_reads_no_price_is_told_by_a_shift_that_changes_nothing() -> None:
    found = check(decided(a_tree(equal("AAA", "BBB")), random_history(SYMBOLS, 50, 1)))
    assert (found.evenings, found.shift_changes) == (50, {"tree": 0})


def test_a_shift_gives_each_session_the_closes_before() -> None:
    closes = random_history(SYMBOLS, 3, 1).closes
    np.testing.assert_array_equal(shifted_by_a_day(closes).column("AAA"), [np.nan, *closes.column("AAA")[:2]])


@pytest.mark.data
@pytest.mark.parametrize("name", ["nuclear", "tecl"])
def test_the_built_in_strategies_know_no_future_on_real_closes(name: str, market_data_dir: Path) -> None:
    history = read_closes(market_data_dir / "daily_close" / "core26_2010_2024.csv.gz")
    targets = decide(allotted(BUILT_IN[name]()), history.closes, 2600, len(history.closes) - 1)
    found = check(targets, evenings=40)
    assert found.differences == ()
    assert found.shift_changes[name] > 50

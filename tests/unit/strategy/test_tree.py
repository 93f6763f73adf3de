"""Trees refuse what they cannot mean, say what they ask for, and read like the tables they come from."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from decimal import Decimal

import numpy as np
import pytest

from services.strategy.domain.closes import Closes, UnknownSymbolError
from services.strategy.domain.columns import Columns
from services.strategy.domain.day import evaluate_day
from services.strategy.domain.indicators import CLOSE, CUMULATIVE_RETURN, RSI, SMA
from services.strategy.domain.language import (
    all_of,
    any_of,
    by,
    cash,
    close,
    cumulative_return,
    ema,
    equal,
    first_match,
    group,
    highest,
    hold,
    inverse_volatility,
    lowest,
    max_drawdown,
    moving_average_return,
    rsi,
    sma,
    specified,
    stdev_price,
    stdev_return,
    when,
)
from services.strategy.domain.routing import Route
from services.strategy.domain.survey import closes_needed, held_symbols, symbols_of
from services.strategy.domain.tree import Node
from services.strategy.domain.undefined import UndefinedDecision

NAN = float("nan")


def a_table(**columns: list[float]) -> Closes:
    days = len(next(iter(columns.values())))
    first = dt.date(2024, 1, 1)
    return Closes.of([first + dt.timedelta(days=day) for day in range(days)], columns)


def held(tree: Node, closes: Closes) -> dict[str, float]:
    return dict(evaluate_day(tree, Columns(closes)).weights)


def why_not(tree: Node, closes: Closes) -> str:
    with pytest.raises(UndefinedDecision) as undefined:
        evaluate_day(tree, Columns(closes))
    assert not Columns(closes).allocation(tree).defined[-1]
    return undefined.value.reason


@pytest.mark.parametrize(
    ("build", "fault"),
    [
        (lambda: rsi("SPY", 0), "rsi: window: expected a whole number of at least 1, got 0"),
        (lambda: stdev_return("SPY", 1), "stdev-return: window: expected a whole number of at least 2, got 1"),
        (lambda: rsi("spy", 10), "symbol: expected a ticker in capitals, got 'spy'"),
        (lambda: hold(""), "symbol: expected a ticker in capitals, got ''"),
        (lambda: hold(" SPY"), "symbol"),
        (lambda: rsi("SPY", 10).__gt__(Decimal("NaN")), "threshold: expected a finite number, got NaN"),
        (equal, "equal: expected at least one member"),
        (any_of, "any_of: expected at least one member"),
        (all_of, "all_of: expected at least one member"),
        (lambda: inverse_volatility(1, "SPY"), "stdev-return: window: expected a whole number of at least 2, got 1"),
        (lambda: inverse_volatility(14), "inverse_volatility: expected at least one member"),
        (lambda: highest(0, by(RSI, 10), "SPY"), "select: count: expected a whole number of at least 1, got 0"),
        (lambda: highest(True, by(RSI, 10), "SPY"), "select: count"),
        (lambda: highest(1, by(RSI, 10)), "select: expected at least one member"),
        (lambda: specified(("0.5", "SPY"), ("0.4", "BIL")), "specified: expected weights that sum to 1, got 0.9"),
        (lambda: specified(("-0.5", "SPY"), ("1.5", "BIL")), "specified: weight of SPY: expected 0 to 1, got -0.5"),
        (specified, "specified: expected at least one member"),
    ],
)
def test_what_a_tree_cannot_mean_is_refused_by_name(build: Callable[[], object], fault: str) -> None:
    with pytest.raises(ValueError, match="expected") as refused:
        build()
    assert fault in str(refused.value)


def test_a_comparison_is_no_truth_value() -> None:
    """`a > 1 and b > 2` would silently drop the first half."""
    with pytest.raises(TypeError, match="use any_of or all_of"):
        bool(rsi("SPY", 10) > 79)


def test_parts_read_like_the_tables() -> None:
    assert str(rsi("SPY", 10) > 79) == "RSI10(SPY) > 79"
    assert str(close("SPY") >= sma("SPY", 200)) == "close(SPY) >= SMA200(SPY)"
    assert str(cumulative_return("QQQ", 60) < Decimal("-10.5")) == "cumulative-return 60 (QQQ) < -10.5"
    assert str(highest(3, by(RSI, 10), "SPY")) == "3 highest RSI10"
    assert str(any_of(ema("A", 8) <= 2, max_drawdown("A", 3) > 1)) == "EMA8(A) <= 2 or max-drawdown 3 (A) > 1"


def test_a_tree_tells_its_symbols_and_how_many_closes_it_needs() -> None:
    tree = first_match(
        (all_of(moving_average_return("BND", 20) > 0, stdev_price("GLD", 5) > 1), "UVXY"),
        (rsi("SPY", 10) > 79, lowest(1, by(SMA, 30), "TECL", "SVIX")),
        otherwise=equal("BIL", cash()),
    )
    assert symbols_of(tree) == ("BND", "GLD", "UVXY", "SPY", "TECL", "SVIX", "BIL")
    assert held_symbols(tree) == ("UVXY", "TECL", "SVIX", "BIL")
    assert closes_needed(tree) == 30
    assert closes_needed(hold("SPY")) == 1


def test_a_composite_needs_its_own_history_on_top_of_that_of_its_decisions() -> None:
    switching = when(cumulative_return("QQQ", 60) > 0, "TQQQ", "SQQQ")
    assert closes_needed(inverse_volatility(14, switching, "BIL")) == 61 + 15 - 1


def test_duplicates_add_up() -> None:
    closes = a_table(UVXY=[10, 11], VIXM=[20, 19])
    assert held(equal("UVXY", "UVXY", "VIXM"), closes) == pytest.approx({"UVXY": 2 / 3, "VIXM": 1 / 3})
    assert held(highest(2, by(CUMULATIVE_RETURN, 1), "UVXY", "UVXY", "VIXM"), closes) == {"UVXY": 1.0}


def test_ties_keep_listed_order_upwards_and_downwards() -> None:
    closes = a_table(AAA=[10, 11], BBB=[20, 22], CCC=[5, 5.5])
    for rank in (highest, lowest):
        tree = rank(2, by(CUMULATIVE_RETURN, 1), "BBB", "CCC", "AAA")
        assert held(tree, a_table(AAA=[10, 10], BBB=[20, 20], CCC=[5, 5])) == {"BBB": 0.5, "CCC": 0.5}
        assert set(held(tree, closes)) <= {"AAA", "BBB", "CCC"}


def test_a_missing_number_is_named_with_what_it_needs() -> None:
    tree = when(rsi("KMLM", 10) > 50, "BIL", "SPY")
    assert why_not(tree, a_table(KMLM=[NAN, 1, 2, 3], BIL=[1, 1, 1, 1])) == "RSI10(KMLM): 3 of 11 closes needed"
    assert why_not(tree, a_table(BIL=[1, 1, 1, 1])) == "RSI10(KMLM): 0 of 11 closes needed"


def test_a_gap_inside_the_history_makes_the_number_undefined_until_enough_closes_follow() -> None:
    tree = when(sma("AAA", 3) > 2, "AAA", "BBB")
    assert why_not(tree, a_table(AAA=[1, 2, NAN, 4, 5], BBB=[1] * 5)) == "SMA3(AAA): 2 of 3 closes needed"
    assert held(tree, a_table(AAA=[1, NAN, 4, 5, 6], BBB=[1] * 5)) == {"AAA": 1.0}


def test_a_price_that_never_moved_has_no_rsi() -> None:
    assert "RSI2(AAA): its 4 closes have no value for it" in why_not(
        when(rsi("AAA", 2) > 50, "A", "B"), a_table(AAA=[5, 5, 5, 5])
    )


def test_a_test_that_comes_after_the_answer_is_not_needed() -> None:
    """Exactly as nested ifs: the first that holds wins before the undefined one is asked, and not after it."""
    closes = a_table(AAA=[1, 2], BBB=[1, 2])
    known, unknown = close("AAA") > 1, rsi("AAA", 10) > 1
    assert held(when(any_of(known, unknown), "AAA", "BBB"), closes) == {"AAA": 1.0}
    assert held(when(all_of(close("AAA") < 1, unknown), "AAA", "BBB"), closes) == {"BBB": 1.0}
    assert "RSI10(AAA)" in why_not(when(any_of(unknown, known), "AAA", "BBB"), closes)
    assert "RSI10(AAA)" in why_not(when(all_of(known, unknown), "AAA", "BBB"), closes)


def test_what_was_never_listed_cannot_be_held_and_what_merely_paused_can() -> None:
    assert why_not(hold("OKLO"), a_table(SPY=[1, 2])) == "OKLO: not listed: no close up to 2024-01-02"
    assert held(hold("BTAL"), a_table(BTAL=[20, NAN], SPY=[1, 2])) == {"BTAL": 1.0}


def test_a_ranking_without_any_data_is_undefined_and_names_every_candidate() -> None:
    reason = why_not(highest(1, by(RSI, 10), "AAA", "BBB"), a_table(AAA=[1, 2]))
    assert "RSI10(AAA): 2 of 11 closes needed; RSI10(BBB): 0 of 11 closes needed" in reason


def test_inverse_volatility_of_something_that_does_not_move_is_undefined() -> None:
    assert why_not(inverse_volatility(2, "AAA", "BBB"), a_table(AAA=[1, 1, 1], BBB=[1, 2, 1])) == (
        "stdev-return 2 (AAA): is 0, which has no inverse"
    )


def test_inverse_volatility_replaces_a_ranking_by_what_it_selects() -> None:
    closes = a_table(AAA=[10, 11, 10], BBB=[10, 12, 10.3], CCC=[10, 10.5, 10.2])
    expanded = inverse_volatility(2, highest(2, by(CLOSE), "AAA", "BBB", "CCC"), "AAA")
    plain = inverse_volatility(2, "BBB", "CCC", "AAA")
    assert held(expanded, closes) == pytest.approx(held(plain, closes))


def test_a_composite_is_valued_at_the_weights_of_the_day_before() -> None:
    """A switch decided at a close earns from the next close on."""
    closes = a_table(SIG=[1, 3, 1, 3], AAA=[100, 110, 121, 121], BBB=[100, 100, 50, 60])
    path = Columns(closes).path_of(group("switch", when(close("SIG") > 2, "AAA", "BBB")))
    # Held over the days: BBB (0 %), AAA (+10 %), BBB (+20 %).
    np.testing.assert_allclose(path, [100, 100, 110, 132])


def test_a_composite_begins_when_it_can_first_decide_and_anew_after_a_gap() -> None:
    closes = a_table(AAA=[NAN, 100, 110, NAN, 120, 132])
    path = Columns(closes).path_of(equal("AAA", "AAA"))
    np.testing.assert_allclose(path, [NAN, 100, 110, NAN, 100, 110])


def test_a_composite_without_a_close_on_the_day_has_no_value_however_the_table_goes_on() -> None:
    tree = highest(1, by(CLOSE), group("a group", hold("AAA")))
    whole = a_table(AAA=[10.0, NAN, NAN, 11.0, 12.0])
    defined = [True, False, False, True, True]
    assert Columns(whole).allocation(tree).defined.tolist() == defined
    assert [bool(Columns(whole.until(day)).allocation(tree).defined[-1]) for day in range(5)] == defined


def test_three_hundred_levels_of_nesting_are_no_problem() -> None:
    tree: Node = hold("AAA")
    for level in range(300):
        tree = group(f"level {level}", when(close("AAA") > 1, tree, "BBB"))
    closes = a_table(AAA=[2, 3], BBB=[1, 1])
    assert held(tree, closes) == {"AAA": 1.0}
    assert Columns(closes).allocation(tree).weights[-1].tolist() == [1.0, 0.0]
    assert symbols_of(tree) == ("AAA", "BBB")
    assert closes_needed(tree) == 1


def test_rankings_inside_rankings_are_each_evaluated_once(monkeypatch: pytest.MonkeyPatch) -> None:
    visits: list[object] = []
    onward = Route.onward
    monkeypatch.setattr(Route, "onward", lambda self, flow: visits.append(flow.node) or onward(self, flow))
    closes = a_table(AAA=[float(10 + day % 7) for day in range(60)], BIL=[float(20 + day) for day in range(60)])

    def visited(levels: int) -> int:
        tree: Node = hold("AAA")
        for level in range(levels):
            tree = highest(1, by(CUMULATIVE_RETURN, 1), group(f"level {level}", equal(tree, "BIL")), "BIL")
        visits.clear()
        Columns(closes).allocation(tree)
        return len(visits)

    assert visited(40) <= 2.5 * visited(20)  # it was the square of the levels'


@pytest.mark.parametrize(
    ("sessions", "columns", "fault"),
    [
        (["2024-01-02", "2024-01-02"], {"SPY": [1.0, 2.0]}, "sessions: expected rising dates"),
        (["2024-01-02"], {"SPY": [1.0, 2.0]}, "SPY: expected 1 closes, one a session, got shape (2,)"),
        (["2024-01-02"], {"SPY": [0.0]}, "SPY: close on 2024-01-02: expected a positive number, got 0.0"),
        (["2024-01-02"], {"SPY": [-1.0]}, "SPY: close on 2024-01-02"),
        (["2024-01-02"], {"SPY": [float("inf")]}, "SPY: close on 2024-01-02"),
    ],
)
def test_what_is_no_table_of_closes_is_refused_by_name(
    sessions: list[str], columns: dict[str, list[float]], fault: str
) -> None:
    with pytest.raises(ValueError, match="expected") as refused:
        Closes.of([dt.date.fromisoformat(day) for day in sessions], columns)
    assert fault in str(refused.value)


def test_a_table_knows_its_symbols_and_refuses_to_answer_for_others() -> None:
    closes = a_table(SPY=[1, 2])
    assert closes.symbols == {"SPY"}
    with pytest.raises(UnknownSymbolError, match="QQQ: no closes at all"):
        closes.column("QQQ")
    with pytest.raises(ValueError, match="expected at least one session"):
        evaluate_day(hold("SPY"), Columns(Closes.of([], {"SPY": []})))


def test_closes_cannot_be_changed_by_a_strategy() -> None:
    with pytest.raises(ValueError, match="read-only"):
        a_table(SPY=[1, 2]).column("SPY")[0] = 5
